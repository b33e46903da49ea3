// The other nodes.

import { ask, pathOf } from '../client.js';
import { busy, confirmed, fill, fillForeign, foreign, h, keep, say } from '../dom.js';
import { count } from '../format.js';
import { card, empty, loading, time } from '../parts.js';
import { loadPeers, loadStatus, on, setConflict, setPeers, state } from '../state.js';

export function peers(_, signal) {
  const list = h('ul', { class: 'rows', id: 'peer-list' });
  const place = h('div', null, loading());
  const update = () => {
    if (!state.peers) {
      if (state.connection === 'locked' || state.connection === 'refused') fill(place, empty('Peers are not shown', 'This page may not read them from here.'));
      return;
    }
    const states = new Map(state.peers.states.map((s) => [s.address, s]));
    keep(list, state.peers.peers.map((address) => ({ address, state: states.get(address) })), (p) => p.address, row);
    if (state.peers.peers.length === 0) fill(place, empty('This node knows no other', 'Add one below, and they tell each other of blocks and payments once it knows this one, too.'));
    else if (list.parentNode !== place) fill(place, list);
  };
  on(['peers', 'connection'], update, signal);
  update();
  return {
    title: 'Peers',
    element: h('div', null, h('h1', { tabindex: '-1' }, 'Peers'), card('Known nodes', place), h('div', { class: 'grid' }, adding(), resolving(signal))),
  };
}

const kinds = { ok: 'good', unreachable: 'warn', invalid: 'bad' };

function row({ address }) {
  const badge = h('span', { class: 'badge' });
  const text = h('p', { class: 'reason' });
  const numbers = h('span', { class: 'faint number' });
  const remove = h('button', { type: 'button', class: 'plain small', 'aria-label': `Remove ${address}` }, 'Remove');
  remove.addEventListener('click', () => busy(remove, async () => {
    const path = pathOf(address);
    if (!await confirmed({ title: 'Remove this peer?', yes: 'Remove', body: h('p', null, foreign(address)) })) return;
    if (!path) throw new Error('No request can name this peer.');
    await ask('DELETE', `v1/peers/${path}`);
    await loadPeers();
    say('The peer is removed.');
    document.getElementById('peer-address')?.focus();
  }));
  return {
    element: h('li', { class: 'row peer' }, h('span', { class: 'mono grow' }, foreign(address)), badge, numbers, remove, text),
    update({ state: s }) {
      badge.className = `badge ${kinds[s?.state] ?? ''}`;
      fill(badge, s?.state ?? 'not asked');
      const problem = s?.reason ?? s?.last_error ?? '';
      text.hidden = problem === '';
      fillForeign(text, problem, 300);
      if (s) fill(numbers, summaryOf(s));
    },
  };
}

function summaryOf(s) {
  const seen = s.last_seen ? ['seen ', time(Date.parse(s.last_seen) / 1000)] : 'never seen';
  const until = s.set_aside_until ? `, set aside until ${new Date(s.set_aside_until).toLocaleTimeString()}` : '';
  return [seen, ` · ${count(s.sent)} sent · ${count(s.failed)} failed · ${count(s.queued)} wait${s.dropped ? ` · ${count(s.dropped)} dropped` : ''}${until}`];
}

function adding() {
  const input = h('input', { id: 'peer-address', type: 'text', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', placeholder: '127.0.0.1:5001', 'aria-describedby': 'peer-hint peer-problem' });
  const problem = h('p', { class: 'problem', id: 'peer-problem', role: 'alert' });
  const button = h('button', { type: 'submit', class: 'primary' }, 'Add');
  const form = h('form', { novalidate: true, id: 'peer-form' }, h('div', { class: 'field' }, h('label', { for: 'peer-address' }, 'Address'), input,
    h('p', { class: 'hint', id: 'peer-hint' }, 'host:port of another node'), problem), button);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    busy(button, async () => {
      fill(problem, '');
      try {
        setPeers(await ask('POST', 'v1/peers', JSON.stringify({ address: input.value.trim() })));
        say('The peer is added.');
        form.reset();
      } catch (wrong) {
        fill(problem, wrong.message);
        input.focus();
      }
    });
  });
  return card('Add a peer', form);
}

function resolving(signal) {
  const conflict = h('p', { class: 'notice warn', role: 'status' });
  const button = h('button', { type: 'button', class: 'plain', id: 'resolve' }, 'Resolve');
  const update = () => {
    conflict.hidden = !state.status?.conflict;
    fill(conflict, state.status?.conflict ? 'Another node is on another chain. Until that is resolved, nothing is mined here when somebody asks for a block.' : '');
  };
  button.addEventListener('click', () => busy(button, async () => {
    const { replaced, height } = await ask('POST', 'v1/peers/resolve');
    say(replaced ? `A peer’s longer chain has replaced ours. It reaches to block ${count(height)}.` : 'No peer has a longer valid chain: ours stays.');
    setConflict(false);
    loadStatus();
  }));
  on(['status'], update, signal);
  update();
  return card('Resolve', conflict, h('p', { class: 'faint' }, 'Asks all peers for their chains and takes the longest valid one.'), button);
}
