// Parts that several pages show.

import { pathOf } from './client.js';
import { copyButton, fill, foreign, h, icon, keep } from './dom.js';
import { ago, amount, compare, count, messageOf, shortAddress, shortHash } from './format.js';
import { on, state } from './state.js';

// card is a section with a heading.
export function card(title, ...children) {
  const id = `card-${title.toLowerCase().replace(/[^a-z]+/g, '-')}`;
  return h('section', { class: 'card', 'aria-labelledby': id }, h('h2', { id }, title), children);
}

export const empty = (title, ...text) => h('div', { class: 'empty' }, h('p', { class: 'empty-title' }, title), h('p', null, text));

export const loading = () => h('p', { class: 'loading', role: 'status' }, 'Loading');

// failure shows why something could not be read, lets it be tried again, and tries
// again itself once the node answers.
export function failure(problem, again) {
  const element = h('div', { class: 'empty', role: 'alert' }, h('p', { class: 'empty-title' }, 'This could not be read'),
    h('p', null, problem.message), h('button', { type: 'button', class: 'plain', onclick: again }, 'Try again'));
  const stop = new AbortController();
  on(['connection'], () => {
    if (element.isConnected && state.connection !== 'live') return;
    stop.abort();
    if (element.isConnected) again();
  }, stop.signal);
  return element;
}

// facts is a list of names and values.
export const facts = (...pairs) => h('dl', { class: 'facts' },
  pairs.filter(Boolean).map(([name, ...value]) => h('div', null, h('dt', null, name), h('dd', null, value))));

export function blockLink(hash, text) {
  return h('a', { href: `#/block/${hash}`, class: 'mono', title: hash }, text ?? shortHash(hash));
}

export const heightLink = (height) => h('a', { href: `#/block/${height}`, class: 'number' }, count(height));

export function transactionLink(id) {
  return h('a', { href: `#/transaction/${id}`, class: 'mono', title: id }, shortHash(id));
}

// addressLink names an address: the node's own one as such, a message by its
// text. What no path can have is shown without a link.
export function addressLink(address) {
  const text = h('bdi');
  label(text, address);
  const path = pathOf(address);
  return path ? h('a', { href: `#/address/${path}`, title: shortAddress(address) }, text) : text;
}

function label(text, address) {
  const own = state.wallet?.address === address;
  text.className = own ? 'own' : 'mono';
  fill(text, own ? 'this node’s wallet' : shortAddress(address) || '(empty)');
}

let own = null;

// relabel corrects the names of addresses that are shown when the node's own one
// becomes known or another.
export function relabel() {
  const now = state.wallet?.address ?? null;
  if (now === own) return;
  for (const address of [own, now].filter(Boolean)) {
    for (const text of document.querySelectorAll(`a[href="#/address/${pathOf(address)}"] > bdi`)) label(text, address);
  }
  own = now;
}

// fullText is a long text with a button that copies it.
export function fullText(text, what) {
  const shown = h('span', { class: 'mono full' }, text);
  return h('span', { class: 'with-copy' }, shown, copyButton(text, what, () => shown));
}

// time shows a block's stated time. Nodes of the original state when they were
// started.
export function time(seconds) {
  if (typeof seconds !== 'number' || seconds <= 0 || seconds > 8.64e12) return h('span', { class: 'faint' }, 'no time');
  const date = new Date(seconds * 1000);
  return h('time', { datetime: date.toISOString(), title: date.toLocaleString(), 'data-ago': seconds }, ago(seconds, Date.now() / 1000));
}

// age keeps the times that are shown true. It asks the node nothing.
export function age() {
  const now = Date.now() / 1000;
  for (const shown of document.querySelectorAll('time[data-ago]')) fill(shown, ago(Number(shown.dataset.ago), now));
}

// kindOf tells rewards, messages and payments apart.
export function kindOf(transaction) {
  if (transaction.sender === 'MINING') return 'reward';
  return messageOf(transaction.recipient) === null ? 'payment' : 'message';
}

const names = { reward: 'Reward', payment: 'Payment', message: 'Message' };

export const kindBadge = (kind) => h('span', { class: `badge ${kind}` }, names[kind]);

// said is the text that a transaction carries, null if it carries none. The
// signature of a reward is free, so miners may write into it.
export function said(transaction) {
  if (transaction.sender === 'MINING') return transaction.signature || null;
  return messageOf(transaction.recipient);
}

// transactionRow is a transaction in a list. id and the parts that come last
// may be missing.
export function transactionRow(transaction, id, ...last) {
  const kind = kindOf(transaction);
  const text = said(transaction);
  return h('li', { class: 'row transaction' }, kindBadge(kind),
    h('span', { class: 'parties' },
      kind === 'reward' ? null : [addressLink(transaction.sender), icon('arrow'), h('span', { class: 'hidden' }, 'to')],
      kind === 'message' ? h('q', null, foreign(text, 160)) : addressLink(transaction.recipient),
      kind === 'reward' && text ? h('q', null, foreign(text, 160)) : null),
    h('span', { class: 'number amount' }, kind === 'message' && compare(transaction.amount, '0') === 0 ? null : amount(transaction.amount)),
    h('span', { class: 'last' }, last, id ? transactionLink(id) : null));
}

// openRows keeps the rows of a list in line with entries of {id, transaction}. One
// payment may be open several times. last makes the parts that come last.
export function openRows(list, entries, last = () => null) {
  const times = new Map();
  const keyOf = ({ id }) => {
    times.set(id, (times.get(id) ?? 0) + 1);
    return `${id} ${times.get(id)}`;
  };
  keep(list, entries, keyOf, (entry) => ({ element: transactionRow(entry.transaction, entry.id, last(entry)) }));
}

export const shownAtOnce = 100;

// longList shows the beginning of a list, and more of it when that is asked for.
export function longList(items, row, list = h('ul', { class: 'rows' })) {
  const more = h('button', { type: 'button', class: 'plain' });
  let shown = 0;
  const grow = () => {
    const first = shown;
    list.append(...items.slice(first, first + shownAtOnce).map(row));
    shown = Math.min(items.length, first + shownAtOnce);
    more.hidden = shown === items.length;
    fill(more, `Show more of ${count(items.length - shown)}`);
    return list.children[first];
  };
  more.addEventListener('click', () => grow()?.querySelector('a, button')?.focus());
  grow();
  return [list, more];
}
