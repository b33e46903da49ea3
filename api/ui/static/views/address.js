// An address: its balance and what it has sent and received.

import { get, pathOf } from '../client.js';
import { fill, foreign, h } from '../dom.js';
import { amount, messageOf, shortAddress } from '../format.js';
import { card, empty, facts, failure, fullText, heightLink, loading, transactionRow } from '../parts.js';
import { coalesced, on, state } from '../state.js';

export function address([name], signal) {
  const place = h('div', null, loading());
  const path = pathOf(name);
  const load = coalesced(async () => {
    try {
      if (!path) fill(place, empty('This can’t be looked up', 'No address on the web can hold this text.'));
      else fill(place, content(name, await history(path, '', signal), (before) => history(path, before, signal)));
    } catch (problem) {
      if (problem.name !== 'AbortError') fill(place, failure(problem, load));
    }
  }, 500);
  on(['tip'], load, signal);
  load();
  return { title: 'Address', element: h('div', null, h('h1', { tabindex: '-1' }, 'Address'), place) };
}

// history is a page of transactions, or the balance alone where the node keeps
// no index.
async function history(path, before, signal) {
  try {
    return await get(`v1/addresses/${path}${before ? `?before=${encodeURIComponent(before)}` : ''}`, signal);
  } catch (problem) {
    if (problem.status !== 404) throw problem;
    return { ...await get(`v1/balances/${path}`, signal), problem: problem.message };
  }
}

function content(name, first, further) {
  const text = messageOf(name);
  return [card('Balance',
    state.wallet?.address === name ? h('p', null, h('span', { class: 'badge good' }, 'This node’s wallet')) : null,
    text === null ? null : h('blockquote', null, foreign(text, 1000)),
    facts(
      ['Confirmed', h('span', { class: 'number' }, amount(first.confirmed))],
      ['Available', h('span', { class: 'number' }, amount(first.available))],
      ['Address', fullText(name, 'the address')],
      first.indexed_height < first.height ? ['Known up to', heightLink(first.indexed_height)] : null)),
  card('History', first.problem ? empty('There is no history', first.problem) : pages(name, first, further))];
}

function pages(name, first, further) {
  if (first.transactions.length === 0) return empty('Nothing yet', `${shortAddress(name)} has neither sent nor received anything.`);
  const list = h('ul', { class: 'rows' });
  const more = h('button', { type: 'button', class: 'plain' }, 'Show older');
  let next;
  const add = (page) => {
    list.append(...page.transactions.map((entry) => row(name, entry)));
    next = page.next;
    more.hidden = !next;
  };
  more.addEventListener('click', async () => {
    more.disabled = true;
    try {
      add(await further(next));
    } catch (problem) {
      if (problem.name !== 'AbortError') more.after(h('p', { role: 'alert' }, problem.message));
    } finally {
      more.disabled = false;
    }
  });
  add(first);
  return [list, more];
}

// row says whether coins came or went.
function row(name, { id, height, transaction: t }) {
  const [sent, received] = [t.sender === name, t.recipient === name];
  const way = sent && received ? 'to itself' : sent ? 'sent' : 'received';
  return transactionRow(t, id, h('span', { class: `way ${way.replace(' ', '-')}` }, way), ' ', h('span', { class: 'faint' }, 'in ', heightLink(height)));
}
