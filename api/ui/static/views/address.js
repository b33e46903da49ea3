// An address: its balance and what it has sent and received.

import { get, pathOf } from '../client.js';
import { busy, fill, foreign, h, keep } from '../dom.js';
import { amount, count, messageOf, shortAddress } from '../format.js';
import { card, empty, facts, failure, fullText, heightLink, loading, openRows, transactionRow } from '../parts.js';
import { coalesced, on, state } from '../state.js';

export function address([name = ''], signal) {
  const place = h('div', null, loading());
  const view = { title: 'Address', element: h('div', null, h('h1', { tabindex: '-1' }, 'Address'), place) };
  const path = pathOf(name);
  if (!path) {
    fill(place, empty('This can’t be looked up', 'No address on the web can hold this text.'));
    return view;
  }
  const shown = statement(name, (before) => history(path, before, signal));
  const load = coalesced(async () => {
    try {
      shown.update(await history(path, '', signal));
      if (shown.element.parentNode !== place) fill(place, shown.element);
    } catch (problem) {
      if (problem.name !== 'AbortError') fill(place, failure(problem, load));
    }
  }, 500);
  on(['tip'], (tip) => {
    if (!tip || tip.reorg > 0) shown.forget();
    load();
  }, signal);
  on(['transaction'], ({ transaction: t }) => { if (t.sender === name || t.recipient === name) load(); }, signal);
  load();
  return view;
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

// statement shows an address. update takes an answer about it, and forget makes the
// next one count for all of its history; read reads what is older than a place.
function statement(name, read) {
  const [confirmed, available] = [h('span', { class: 'number' }), h('span', { class: 'number' })];
  const text = messageOf(name);
  const own = h('p', { hidden: true }, h('span', { class: 'badge good' }, 'This node’s wallet'));
  const open = waiting(name);
  const past = passed(name, read);
  return {
    element: h('div', null, card('Balance', own, text === null ? null : h('blockquote', null, foreign(text, 1000)),
      facts(['Confirmed', confirmed], ['Available', available], ['Address', fullText(name, 'the address')])), open.element, past.element),
    update(answer) {
      own.hidden = state.wallet?.address !== name;
      fill(confirmed, amount(answer.confirmed));
      fill(available, amount(answer.available));
      open.update(answer);
      past.update(answer);
    },
    forget: past.forget,
  };
}

// waiting is what isn't in a block yet, the newest first.
function waiting(name) {
  const list = h('ul', { class: 'rows' });
  const further = h('p', { class: 'faint' });
  const element = card('Open', list, further);
  return {
    element,
    update({ open = [], open_transactions: total = 0 }) {
      element.hidden = open.length === 0;
      openRows(list, open, ({ transaction }) => way(name, transaction));
      fill(further, total > open.length ? `and ${count(total - open.length)} older ones` : '');
    },
  };
}

const mostShown = 2000;

// passed is what blocks have, the newest first, page by page.
function passed(name, read) {
  const list = h('ul', { class: 'rows' });
  const behind = h('p', { class: 'hint' });
  const more = h('button', { type: 'button', class: 'plain', id: 'show-older' }, 'Show older');
  const place = h('div');
  let entries = [];
  let next; // the place before which the older ones are; undefined if there are none
  let known = -1; // the height from which on down to next the entries are all that there is
  let unfolded = false;
  const show = () => {
    keep(list, entries, (entry) => `${entry.block} ${entry.position}`, (entry) => ({ element: row(name, entry) }));
    more.hidden = !next;
    if (entries.length === 0 && !next) fill(place, empty('Nothing yet', `No block has anything that ${shortAddress(name)} has sent or received.`));
    else if (list.parentNode !== place) fill(place, list, more);
  };
  more.addEventListener('click', () => busy(more, async () => {
    const asked = next;
    const page = await read(asked);
    if (asked !== next) return; // of a history that is not shown any more
    unfolded = true;
    const before = list.childElementCount;
    entries = [...entries, ...page.transactions];
    next = page.next;
    show();
    list.children[before]?.querySelector('a, button')?.focus();
  }));
  return {
    element: card('History', behind, place),
    update(answer) {
      if (answer.problem) {
        fill(place, empty('There is no history', answer.problem));
        return;
      }
      fill(behind, answer.indexed_height < answer.height ? ['This reaches up to block ', heightLink(answer.indexed_height), ' yet.'] : '');
      // What has been unfolded stays, if the newest page leads down to it.
      const end = answer.next && placeOf(answer.next);
      unfolded &&= end && end.height <= known && entries.length < mostShown;
      if (unfolded) entries = [...answer.transactions, ...entries.filter((entry) => precedes(entry, end))];
      else [entries, next] = [answer.transactions, answer.next];
      known = answer.indexed_height;
      show();
    },
    forget() { known = -1; },
  };
}

function placeOf(text) {
  const [height, position] = text.split('-').map(Number);
  return { height, position };
}

const precedes = (a, b) => a.height < b.height || a.height === b.height && a.position < b.position;

const row = (name, { id, height, transaction: t }) => transactionRow(t, id, way(name, t), ' ', h('span', { class: 'faint' }, 'in ', heightLink(height)));

// way says whether coins came or went.
function way(name, t) {
  const [sent, received] = [t.sender === name, t.recipient === name];
  const text = sent && received ? 'to itself' : sent ? 'sent' : 'received';
  return h('span', { class: `way ${text.replace(' ', '-')}` }, text);
}
