// The overview: how fast, what it does, and what it has found.

import { chart } from '../chart.js';
import { fill, fillForeign, h, keep } from '../dom.js';
import { count, countShort, duration, expected, rate, rateText, shortHash } from '../format.js';
import { controls, miningState } from '../mining.js';
import { addressLink, card, empty, time } from '../parts.js';
import { on, state } from '../state.js';

export function overview(_, signal) {
  const element = h('div', { class: 'overview' },
    h('h1', { tabindex: '-1' }, 'Overview'),
    h('div', { class: 'grid' },
      h('section', { class: 'card hero', 'aria-labelledby': 'hash-rate' }, hashRate(signal), chart(signal)),
      h('section', { class: 'card', 'aria-labelledby': 'mining' }, mining(signal))),
    h('section', { class: 'strip-box', 'aria-labelledby': 'newest' }, newest(signal)),
    h('div', { class: 'grid' }, workers(signal), chain(signal)));
  return { title: 'Overview', element };
}

function hashRate(signal) {
  const value = h('span', { class: 'big number', id: 'rate' }, '–');
  const unit = h('span', { class: 'unit' });
  const others = [['60s', '60 s'], ['15m', '15 min'], ['max', 'highest']].map(([key, name]) => {
    const shown = h('dd', { class: 'number' }, '–');
    return { key, shown, element: h('div', null, h('dt', null, name), shown) };
  });
  const update = () => {
    const rates = state.mining?.hashes_per_second;
    if (!rates) return;
    const [digits, name] = rate(rates['10s']);
    fill(value, digits);
    fill(unit, name);
    for (const { key, shown } of others) fill(shown, rateText(rates[key]));
  };
  on(['mining'], update, signal);
  update();
  return h('div', { class: 'hero-head' },
    h('div', null, h('h2', { id: 'hash-rate' }, 'Hash rate'), h('p', { class: 'hero-value' }, value, ' ', unit)),
    h('dl', { class: 'others' }, others.map((other) => other.element)));
}

function mining(signal) {
  const what = h('p', { class: 'mining-state', id: 'mining-state' });
  const why = h('p', { class: 'faint' });
  const found = h('dd', { class: 'number', id: 'found' });
  const stale = h('dd', { class: 'number' });
  const search = h('dd', null);
  const every = h('dd', { class: 'number' });
  const wrong = h('p', { class: 'notice bad', role: 'alert', hidden: true },
    'A kernel has computed a wrong hash. The node doesn’t use it any more; the machine may be faulty.');
  const update = () => {
    const [name, text, kind] = miningState();
    what.dataset.kind = kind;
    fill(what, name);
    fill(why, text);
    if (!state.mining) return;
    fill(found, count(state.mining.blocks_found));
    fill(stale, count(state.mining.stale_searches));
    fill(search, state.mining.search);
    wrong.hidden = !(state.mining.kernel_mismatches > 0);
    const speed = state.mining.hashes_per_second['60s'] || state.mining.hashes_per_second.max;
    fill(every, state.status && speed ? duration(expected(state.status.difficulty, speed)) : '–');
  };
  on(['mining', 'status', 'wallet', 'connection', 'own'], update, signal);
  update();
  return [h('h2', { id: 'mining' }, 'Mining'), h('div', { role: 'status' }, what), why, wrong, controls(signal),
    h('dl', { class: 'facts tight' },
      h('div', null, h('dt', null, 'Blocks found'), found), h('div', null, h('dt', null, 'A block takes'), every),
      h('div', null, h('dt', null, 'Overtaken searches'), stale), h('div', null, h('dt', null, 'Order of proofs'), search))];
}

function newest(signal) {
  const strip = h('ol', { class: 'strip', tabindex: '0', 'aria-label': 'Newest blocks' });
  const none = empty('No block yet', 'Mine one, or add a peer that has some.');
  // Only arrivals are told, not the list that the page begins with.
  const arrival = h('p', { class: 'hidden', role: 'status' });
  const update = () => {
    const mined = state.blocks.filter((b) => b.index > 0);
    none.hidden = mined.length > 0 || !state.status;
    strip.hidden = mined.length === 0;
    keep(strip, mined, (b) => b.hash, tile);
  };
  on(['blocks', 'wallet'], update, signal);
  on(['tip'], (tip) => { if (tip) fill(arrival, `Block ${tip.height} has come.`); }, signal);
  update();
  return [h('div', { class: 'section-head' }, h('h2', { id: 'newest' }, 'Newest blocks'), h('a', { href: '#/blocks' }, 'All blocks')), strip, none, arrival];
}

function tile(block) {
  const by = h('span', { class: 'tile-by' });
  const update = () => {
    const own = state.minedHere.has(block.hash) || state.wallet?.exists && block.miner === state.wallet.address;
    link.classList.toggle('mine', own);
    fill(by, own ? 'mined here' : 'from a peer');
  };
  const payments = block.transactions - 1;
  const link = h('a', { href: `#/block/${block.hash}`, class: 'tile' },
    h('span', { class: 'tile-height number' }, count(block.index)),
    h('span', { class: 'mono tile-hash' }, shortHash(block.hash)),
    h('span', { class: 'tile-foot' }, payments === 0 ? 'no payments' : payments === 1 ? '1 payment' : `${count(payments)} payments`),
    h('span', { class: 'tile-foot' }, by, time(block.time)));
  update();
  return { element: h('li', null, link), update };
}

function workers(signal) {
  const body = h('tbody');
  const devices = h('tbody');
  const deviceTable = table('Devices', ['Device', 'Kernel', 'State', 'Rate'], devices);
  const wait = h('p', { class: 'loading' });
  const workerTable = table('Workers', ['Worker', 'CPU', 'Kernel', 'Rate'], body);
  let fastest = 1;
  const update = () => {
    const { mining, connection } = state;
    wait.hidden = Boolean(mining);
    fill(wait, connection === 'locked' || connection === 'refused' ? 'The node doesn’t tell this page.' : 'Waiting for the node');
    workerTable.hidden = !mining;
    deviceTable.hidden = !mining?.devices.length;
    if (!mining) return;
    fastest = Math.max(1, ...mining.workers.map((w) => state.workerRates.get(w.worker) ?? 0));
    keep(body, mining.workers, (w) => w.worker, () => workerRow(() => fastest));
    keep(devices, mining.devices, (d) => d.name, deviceRow);
  };
  on(['mining', 'connection'], update, signal);
  update();
  return card('Workers', wait, workerTable, deviceTable);
}

const table = (name, columns, body) => h('table', null, h('caption', { class: 'hidden' }, name),
  h('thead', null, h('tr', null, columns.map((column, i) => h('th', { scope: 'col', class: i === columns.length - 1 ? 'right' : null }, column)))), body);

function workerRow(fastest) {
  const cells = { worker: h('th', { scope: 'row', class: 'number' }), cpu: h('td', { class: 'number' }), kernel: h('td') };
  const rate = h('span');
  const bar = h('span', { class: 'bar', 'aria-hidden': 'true' });
  return {
    element: h('tr', null, cells.worker, cells.cpu, cells.kernel, h('td', { class: 'number right' }, rate, bar)),
    update(w) {
      const speed = state.workerRates.get(w.worker) ?? 0;
      fill(cells.worker, String(w.worker));
      fill(cells.cpu, w.cpu < 0 ? 'any' : String(w.cpu));
      fill(cells.kernel, w.kernel);
      fill(rate, rateText(speed));
      bar.style.setProperty('--share', `${Math.round(100 * speed / fastest())}%`);
    },
  };
}

function deviceRow() {
  const cells = { name: h('th', { scope: 'row' }), kernel: h('td'), rate: h('td', { class: 'number right' }) };
  const badge = h('span');
  const reason = h('span', { class: 'reason' });
  return {
    element: h('tr', null, cells.name, cells.kernel, h('td', null, badge, ' ', reason), cells.rate),
    update(d) {
      fillForeign(cells.name, d.name, 60);
      fillForeign(cells.kernel, d.kernel, 40);
      badge.className = `badge ${d.state === 'ready' ? 'good' : d.state === 'unused' ? '' : 'warn'}`;
      fill(badge, d.state);
      reason.hidden = d.reason === '';
      fillForeign(reason, d.reason, 120);
      fill(cells.rate, rateText(d.hashes_per_second));
    },
  };
}

function chain(signal) {
  const height = h('span', { class: 'number', id: 'height' });
  const difficulty = h('span', { class: 'number' });
  const open = h('a', { href: '#/open', class: 'number' });
  const peers = h('a', { href: '#/peers', class: 'number' });
  const rewards = h('dd');
  const software = h('dd');
  const fact = (name, value) => h('div', null, h('dt', null, name), value);
  const rewardsFact = fact('Rewards go to', rewards);
  const list = h('dl', { class: 'facts tight', hidden: true }, fact('Height', h('dd', null, height)), fact('Difficulty', h('dd', null, difficulty)),
    fact('Open transactions', h('dd', null, open)), fact('Peers', h('dd', null, peers)), rewardsFact, fact('Software', software));
  let wallet = null;
  const update = () => {
    const { status } = state;
    list.hidden = !status;
    if (!status) return;
    const known = state.peers?.peers ?? status.peers; // not shown to everybody
    fill(height, count(status.height));
    fill(difficulty, `${status.difficulty} hex zeros, ${countShort(16 ** status.difficulty)} hashes`);
    fill(open, count(status.open_transactions));
    fill(peers, known ? count(known.length) : '–');
    fillForeign(software, `${status.software} ${status.version}`, 60);
    rewardsFact.hidden = !state.wallet?.exists;
    if (rewardsFact.hidden || wallet === state.wallet.address) return;
    wallet = state.wallet.address;
    fill(rewards, addressLink(wallet));
  };
  on(['status', 'peers', 'wallet'], update, signal);
  update();
  return card('Chain', list);
}
