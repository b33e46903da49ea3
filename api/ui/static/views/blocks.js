// The list of blocks, and one of them.

import { get } from '../client.js';
import { fill, h, keep, say } from '../dom.js';
import { count } from '../format.js';
import { addressLink, blockLink, card, empty, facts, failure, fullText, heightLink, loading, longList, time, transactionRow } from '../parts.js';
import { coalesced, on, state, summaries } from '../state.js';

const pageLength = 25;

// blocks shows a page of the chain. Without a height it is the newest, and follows.
export function blocks([height], signal) {
  const list = h('ul', { class: 'rows' });
  const place = h('div', null, loading());
  const newer = h('a', { class: 'button plain' }, 'Newer');
  const older = h('a', { class: 'button plain' }, 'Older');
  const follows = height === undefined;
  const load = coalesced(async () => {
    try {
      const top = follows ? (await get('v1/status', signal)).height : Number(height);
      const from = Math.max(0, top - pageLength + 1);
      const answer = await get(`v1/blocks?from=${from}&limit=${Math.min(pageLength, top - from + 1)}`, signal);
      keep(list, summaries(answer), (b) => b.hash, row);
      if (list.parentNode !== place) fill(place, list);
      turn(newer, top < answer.height, top + pageLength >= answer.height ? '#/blocks' : `#/blocks/${top + pageLength}`);
      turn(older, from > 0, `#/blocks/${from - 1}`);
    } catch (problem) {
      if (problem.name !== 'AbortError') fill(place, failure(problem, load));
    }
  }, 500);
  if (follows) on(['tip'], load, signal);
  load();
  return {
    title: 'Blocks',
    element: h('div', null, h('h1', { tabindex: '-1' }, 'Blocks'), card('Chain', place,
      h('nav', { class: 'pager', 'aria-label': 'Pages of the chain' }, newer, older))),
  };
}

function turn(link, possible, to) {
  link.hidden = !possible;
  link.setAttribute('href', to);
}

function row(block) {
  return {
    element: h('li', { class: 'row block' }, heightLink(block.index), blockLink(block.hash),
      h('span', { class: 'grow' }, block.miner === null ? 'the first block' : addressLink(block.miner)),
      h('span', { class: 'number' }, block.transactions === 1 ? '1 transaction' : `${count(block.transactions)} transactions`), time(block.time)),
  };
}

// block shows one block, named by its height or hash.
export function block([name], signal) {
  const title = h('h1', { tabindex: '-1' }, 'Block');
  const place = h('div', null, loading());
  const confirmations = h('span', { class: 'number' });
  let shown = '';
  const load = coalesced(async () => {
    try {
      const answer = await get(`v1/blocks/${encodeURIComponent(name)}`, signal);
      fill(confirmations, count(answer.confirmations ?? Math.max(0, (state.status?.height ?? answer.block.index) - answer.block.index + 1)));
      if (shown === answer.hash) return;
      shown = answer.hash;
      fill(title, `Block ${count(answer.block.index)}`);
      document.title = `Block ${answer.block.index} · lode`;
      fill(place, content(answer, confirmations));
    } catch (problem) {
      if (problem.name === 'AbortError') return;
      shown = '';
      fill(place, problem.status === 404 ? empty('There is no such block', 'A reorganisation may have taken it out of the chain.') : failure(problem, load));
    }
  }, 500);
  on(['tip'], load, signal);
  load();
  return { title: 'Block', element: h('div', null, title, place) };
}

function content({ block: b, hash, transaction_ids: ids }, confirmations) {
  const last = b.transactions.length;
  const [list, more] = longList(b.transactions.map((t, i) => [t, ids?.[i]]), ([t, id]) => transactionRow(t, id));
  return [card('Summary', facts(
    ['Hash', fullText(hash, 'the hash')],
    ['Previous block', b.index > 0 ? blockLink(b.previous_hash) : 'none, this is the first'],
    ['Proof', h('span', { class: 'mono full' }, b.proof)],
    ['Stated time', time(b.time_stamp)],
    ['Confirmations', confirmations],
    last > 0 ? ['Reward to', addressLink(b.transactions[last - 1].recipient)] : null),
  h('nav', { class: 'pager', 'aria-label': 'Neighbours' },
    b.index > 0 ? h('a', { class: 'button plain', href: `#/block/${b.index - 1}` }, `Block ${count(b.index - 1)}`) : null,
    h('a', { class: 'button plain', href: `#/block/${b.index + 1}`, onclick: (event) => {
      if (b.index < (state.status?.height ?? Infinity)) return;
      event.preventDefault();
      say('This is the newest block.', 'plain');
    } }, `Block ${count(b.index + 1)}`))),
  card('Transactions', last === 0 ? empty('None', 'The first block has no transactions.') : [list, more])];
}
