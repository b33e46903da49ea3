// The list of blocks, and one of them.

import { get } from '../client.js';
import { fill, h, keep, say } from '../dom.js';
import { count } from '../format.js';
import { addressLink, blockLink, card, empty, facts, failure, fullText, heightLink, loading, longList, time, transactionRow } from '../parts.js';
import { coalesced, keptBlocks, on, readSummaries, state } from '../state.js';

// blocks shows a page of the chain. Without a height it is the newest, and follows.
export function blocks([height], signal) {
  const list = h('ul', { class: 'rows' });
  const place = h('div', null, loading());
  const newer = h('a', { class: 'button plain', hidden: true }, 'Newer');
  const older = h('a', { class: 'button plain', hidden: true }, 'Older');
  const show = (page, newest) => {
    keep(list, page, (b) => b.hash, row);
    if (list.parentNode !== place) fill(place, list);
    const [top, bottom] = [page[0].index, page.at(-1).index];
    turn(newer, top < newest, top + keptBlocks >= newest ? '#/blocks' : `#/blocks/${top + keptBlocks}`);
    turn(older, bottom > 0, `#/blocks/${bottom - 1}`);
  };
  if (height === undefined) followNewest(show, signal);
  else readPage(Number(height), place, show, signal);
  return {
    title: 'Blocks',
    element: h('div', null, h('h1', { tabindex: '-1' }, 'Blocks'), card('Chain', place,
      h('nav', { class: 'pager', 'aria-label': 'Pages of the chain' }, newer, older))),
  };
}

// followNewest shows the newest blocks, which the page has in any case.
function followNewest(show, signal) {
  const update = () => { if (state.blocks.length > 0) show(state.blocks, state.blocks[0].index); };
  on(['blocks'], update, signal);
  update();
}

async function readPage(height, place, show, signal) {
  try {
    const { height: newest } = await get('v1/status', signal);
    const top = Math.min(height, newest);
    const page = await readSummaries(Math.max(0, top - keptBlocks + 1), top, signal);
    if (page.length > 0) show(page, newest);
    else fill(place, empty('There is no such page', h('a', { href: '#/blocks' }, 'To the newest blocks')));
  } catch (problem) {
    if (problem.name !== 'AbortError') fill(place, failure(problem, () => readPage(height, place, show, signal)));
  }
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
export function block([name = ''], signal) {
  const title = h('h1', { tabindex: '-1' }, 'Block');
  const place = h('div', null, loading());
  const confirmations = h('span', { class: 'number' });
  let shown = '';
  let height = 0;
  const load = coalesced(async () => {
    try {
      const answer = await get(`v1/blocks/${encodeURIComponent(name)}`, signal);
      fill(confirmations, count(answer.confirmations));
      if (shown === answer.hash) return;
      shown = answer.hash;
      height = answer.block.index;
      fill(title, `Block ${count(answer.block.index)}`);
      document.title = `Block ${answer.block.index} · lode`;
      fill(place, content(answer, confirmations));
    } catch (problem) {
      if (problem.name === 'AbortError') return;
      shown = '';
      fill(place, problem.status === 404 ? empty('There is no such block', 'A reorganisation may have taken it out of the chain.') : failure(problem, load));
    }
  }, 500);
  on(['tip'], (tip) => {
    // What is in the chain stays there while no block is abandoned.
    if (shown && tip && tip.reorg === 0) fill(confirmations, count(tip.height - height + 1));
    else load();
  }, signal);
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
