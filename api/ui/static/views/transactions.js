// Open transactions, and one transaction of any kind.

import { get } from '../client.js';
import { fill, foreign, h } from '../dom.js';
import { amount, count } from '../format.js';
import { addressLink, blockLink, card, empty, facts, failure, fullText, heightLink, kindBadge, kindOf, loading, openRows, said, shownAtOnce } from '../parts.js';
import { coalesced, on } from '../state.js';

// open shows what waits for a block, the oldest first. What comes is added to it;
// what leaves is known by reading as much again as is shown.
export function open(_, signal) {
  const list = h('ul', { class: 'rows' });
  const number = h('p', { class: 'faint', role: 'status' });
  const more = h('button', { type: 'button', class: 'plain', id: 'more-open' });
  const place = h('div', null, loading());
  let entries = [];
  let total = 0;
  let limit = shownAtOnce;
  let unsure = true; // whether the entries are what is open
  const show = () => {
    if (total === 0) {
      fill(place, empty('Nothing is open', 'Payments wait here until a block has them.'));
      return;
    }
    openRows(list, entries);
    fill(number, total === 1 ? '1 transaction waits for a block.' : `${count(total)} transactions wait for a block.`);
    more.hidden = entries.length >= total;
    fill(more, `Show more of ${count(total - entries.length)}`);
    if (list.parentNode !== place) fill(place, number, list, more);
  };
  const load = coalesced(async () => {
    unsure = true;
    try {
      const answer = await get(`v1/transactions?limit=${limit}`, signal);
      entries = answer.transactions.map((t, i) => ({ id: answer.transaction_ids[i], transaction: t }));
      total = answer.open_transactions;
      unsure = false;
      const isGrowing = document.activeElement === more;
      const before = list.childElementCount;
      show();
      if (isGrowing) list.children[before]?.querySelector('a, button')?.focus();
    } catch (problem) {
      if (problem.name !== 'AbortError') fill(place, failure(problem, load));
    }
  }, 1000);
  on(['transaction'], (entry) => {
    // It may be in the answer that comes, or in the one that is shown.
    if (unsure || entries.some(({ id }) => id === entry.id)) {
      load();
      return;
    }
    if (entries.length === total && total < limit) entries.push(entry);
    total++;
    show();
  }, signal);
  on(['tip'], (tip) => { if (!tip || tip.reorg > 0 || total > 0 || unsure) load(); }, signal);
  more.addEventListener('click', () => {
    limit = entries.length + shownAtOnce;
    load();
  });
  load();
  return { title: 'Open transactions', element: h('div', null, h('h1', { tabindex: '-1' }, 'Open transactions'), card('Waiting', place)) };
}

// transaction shows one, named by its ID.
export function transaction([id = ''], signal) {
  const place = h('div', null, loading());
  let shown = '';
  const load = coalesced(async () => {
    try {
      const answer = await get(`v1/transactions/${encodeURIComponent(id)}`, signal);
      const now = JSON.stringify([answer.open, answer.blocks, answer.more]);
      if (now === shown) return; // or what is unfolded would close at each block
      shown = now;
      fill(place, content(answer));
    } catch (problem) {
      if (problem.name === 'AbortError') return;
      shown = '';
      fill(place, problem.status === 404 ? empty('There is no such transaction', problem.message) : failure(problem, load));
    }
  }, 500);
  on(['tip'], load, signal);
  load();
  return { title: 'Transaction', element: h('div', null, h('h1', { tabindex: '-1' }, 'Transaction'), place) };
}

function content({ id, transaction: t, open: isOpen, blocks, more }) {
  const kind = kindOf(t);
  const text = said(t);
  const places = blocks.map((b) => h('li', { class: 'row' }, heightLink(b.height), blockLink(b.hash),
    h('span', { class: 'faint' }, `place ${count(b.position)}`)));
  return card('Summary', text === null ? null : h('blockquote', null, foreign(text, 1000)), facts(
    ['Kind', kindBadge(kind), isOpen ? h('span', { class: 'badge warn' }, 'Open') : null],
    ['Amount', h('span', { class: 'number' }, amount(t.amount))],
    kind === 'reward' ? ['From', 'a reward for the block'] : ['From', addressLink(t.sender), fullText(t.sender, 'the sender')],
    ['To', kind === 'message' ? null : addressLink(t.recipient), fullText(t.recipient, 'the recipient')],
    kind === 'reward' ? null : ['Signature', h('details', null, h('summary', null, `${count(t.signature.length)} digits`), fullText(t.signature, 'the signature'))],
    ['ID', fullText(id, 'the ID')],
    ['In blocks', places.length === 0 ? 'none yet' : h('ul', { class: 'rows' }, places), more ? ' and more' : null]));
}
