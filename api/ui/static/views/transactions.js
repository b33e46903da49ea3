// Open transactions, and one transaction of any kind.

import { get } from '../client.js';
import { fill, foreign, h } from '../dom.js';
import { amount, count } from '../format.js';
import { addressLink, blockLink, card, empty, facts, failure, fullText, heightLink, kindBadge, kindOf, loading, longList, said, transactionRow } from '../parts.js';
import { coalesced, on } from '../state.js';

// open shows what waits for a block.
export function open(_, signal) {
  const place = h('div', null, loading());
  const load = coalesced(async () => {
    try {
      const { transactions, transaction_ids: ids } = await get('v1/transactions', signal);
      const [list, more] = longList(transactions.map((t, i) => [t, ids?.[i]]), ([t, id]) => transactionRow(t, id));
      fill(place, transactions.length === 0
        ? empty('Nothing is open', 'Payments wait here until a block has them.')
        : [h('p', { class: 'faint', role: 'status' }, transactions.length === 1 ? '1 transaction waits for a block.' : `${count(transactions.length)} transactions wait for a block.`), list, more]);
    } catch (problem) {
      if (problem.name !== 'AbortError') fill(place, failure(problem, load));
    }
  }, 1000);
  on(['tip', 'transaction'], load, signal);
  load();
  return { title: 'Open transactions', element: h('div', null, h('h1', { tabindex: '-1' }, 'Open transactions'), card('Waiting', place)) };
}

// transaction shows one, named by its ID.
export function transaction([id], signal) {
  const place = h('div', null, loading());
  const load = coalesced(async () => {
    try {
      fill(place, content(await get(`v1/transactions/${encodeURIComponent(id)}`, signal)));
    } catch (problem) {
      if (problem.name === 'AbortError') return;
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
