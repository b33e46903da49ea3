// What the page knows of the node, and who wants to hear of changes. Nothing is
// asked on a timer: the node's events say what has changed.

import { Problem, follow, get, token } from './client.js';
import { parseExact } from './format.js';

export const keptBlocks = 25; // that the overview and a page of the chain show
const keptRates = 3600; // one each second

export const state = {
  connection: 'connecting', // live, offline, locked (no token) or refused
  problem: '', // why it isn't live
  status: null,
  mining: null,
  wallet: null,
  peers: null,
  blocks: [], // the newest first: {index, hash, time, miner, transactions}
  minedHere: new Set(), // hashes
  rates: { times: [], ten: [], minute: [] },
  workerRates: new Map(), // hashes per second by worker
};

const bus = new EventTarget();

// on calls f after each change of one of the topics, until the signal is aborted:
// connection, status, mining, own, wallet, peers, blocks, tip, transaction.
export function on(topics, f, signal) {
  for (const topic of topics) bus.addEventListener(topic, (event) => f(event.detail), { signal });
}

// changed tells of a change.
export const changed = (topic, detail) => bus.dispatchEvent(new CustomEvent(topic, { detail }));

const wait = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

// coalesced runs load at once, and once more for all calls that come while it runs.
export function coalesced(load, pause = 200) {
  let running = false;
  let again = false;
  return async () => {
    again = true;
    if (running) return;
    running = true;
    try {
      while (again) {
        again = false;
        await load();
        await wait(pause);
      }
    } finally {
      running = false;
    }
  };
}

// quietly leaves out what can't be read now: the connection's state says why.
const quietly = (load) => async () => {
  try {
    await load();
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
  }
};

function taker(topic, path) {
  return coalesced(quietly(async () => {
    state[topic] = await get(path);
    changed(topic);
  }));
}

export const loadStatus = coalesced(quietly(async () => {
  state.status = await get('v1/status');
  changed('status');
  if (state.status.tip !== state.blocks[0]?.hash) loadBlocks();
}));
export const loadWallet = taker('wallet', 'v1/wallet');
export const loadPeers = taker('peers', 'v1/peers');

// setMining, setWallet and setPeers take what an answer or event has said.
export function setMining(mining) {
  const now = performance.now() / 1000;
  const before = state.mining;
  if (before) measure(before, mining, now - before.at);
  state.mining = { ...mining, at: now };
  const { times, ten, minute } = state.rates;
  times.push(Date.now() / 1000);
  ten.push(mining.hashes_per_second['10s']);
  minute.push(mining.hashes_per_second['60s']);
  if (times.length > keptRates) [times, ten, minute].forEach((list) => list.shift());
  changed('mining');
}

// measure follows each worker's rate over about five seconds.
function measure(before, mining, seconds) {
  if (seconds < 0.2) return;
  const hashes = new Map(before.workers.map((w) => [w.worker, w.hashes]));
  const weight = Math.min(1, seconds / 5);
  for (const { worker, hashes: total } of mining.workers) {
    const rate = Math.max(0, total - (hashes.get(worker) ?? total)) / seconds;
    const last = state.workerRates.get(worker) ?? rate;
    // What is below a thousandth of a hash is the end of an average, not a rate.
    const next = last + (rate - last) * weight;
    state.workerRates.set(worker, next < 0.001 ? 0 : next);
  }
}

export function setWallet(wallet) {
  state.wallet = wallet;
  changed('wallet');
}

export function setPeers(peers) {
  state.peers = peers;
  changed('peers');
}

export function setConflict(conflict) {
  if (state.status) state.status.conflict = conflict;
  changed('status');
}

// summary is what the overview and the list of blocks show of a block.
function summary(block, hash) {
  return {
    index: block.index, hash, time: block.time_stamp, transactions: block.transactions.length,
    miner: block.transactions.at(-1)?.recipient ?? null,
  };
}

// summaries has the newest first. A block's hash is in the one after it.
function summaries({ blocks, height, tip }) {
  return blocks.flatMap((block, i) => {
    const hash = blocks[i + 1]?.previous_hash ?? (block.index === height ? tip : null);
    return hash ? [summary(block, hash)] : [];
  }).reverse();
}

// readSummaries reads the blocks from one height up to another, or to the tip.
export async function readSummaries(from, to, signal) {
  let read = [];
  while (from <= to) {
    const answer = await get(`v1/blocks?from=${from}&limit=${to - from + 2}`, signal); // one more, which has the last one's hash
    let more = summaries(answer);
    if (more.length === 0 && from <= answer.height) { // so large that an answer has no room for two
      const { block, hash } = await get(`v1/blocks/${from}`, signal);
      more = [summary(block, hash)];
    }
    if (more.length === 0) break;
    read = [...more, ...read];
    from = more[0].index + 1;
  }
  return read.filter((block) => block.index <= to);
}

async function readBlocks() {
  if (!state.status) return; // once that is there, the blocks are read
  const { height } = state.status;
  const newest = state.blocks[0];
  const first = Math.max(0, height - keptBlocks + 1);
  // The newest is read again: its hash shows whether it is still in the chain.
  const read = await readSummaries(Math.max(first, Math.min(newest?.index ?? 0, height)), height);
  const oldest = read.at(-1);
  const links = oldest && state.blocks.some((b) => b.index === oldest.index && b.hash === oldest.hash);
  if (newest && !links) {
    state.blocks = [];
    if (oldest?.index > first) return readBlocks();
  }
  state.blocks = [...read, ...state.blocks.filter((b) => oldest && b.index < oldest.index)].slice(0, keptBlocks);
  changed('blocks');
}

export const loadBlocks = coalesced(quietly(readBlocks));

function loadAll() {
  state.blocks = [];
  for (const load of [loadStatus, loadWallet, loadPeers]) load();
  changed('tip');
}

const receivers = {
  tip(tip) {
    if (tip.mined_here) state.minedHere.add(tip.hash);
    if (state.status) Object.assign(state.status, { height: tip.height, tip: tip.hash, difficulty: tip.difficulty });
    changed('status');
    loadBlocks();
    loadStatus();
    loadWallet();
    changed('tip', tip);
  },
  transaction(transaction) {
    loadStatus();
    loadWallet();
    changed('transaction', transaction);
  },
  mining: setMining,
  peers: setPeers,
  conflict({ conflict }) { setConflict(conflict); },
  reset: loadAll,
};

function connection(name, problem = '') {
  if (state.connection === name && state.problem === problem) return;
  [state.connection, state.problem] = [name, problem];
  changed('connection');
}

// wake ends the pause before the next try.
let wake = () => {};

// retry connects again at once, with a new token perhaps.
let restart = new AbortController();
export function retry() {
  restart.abort();
  connection('connecting');
  wake();
}

const shortestPause = 500; // ms
const longestPause = 15_000;

// live follows the node's events for as long as the page is open.
export async function live() {
  addEventListener('online', () => wake());
  document.addEventListener('visibilitychange', () => { if (!document.hidden) wake(); });
  let lastID = '';
  let pause = shortestPause;
  const receive = ({ type, data, id }) => {
    lastID = id;
    try {
      receivers[type]?.(parseExact(data));
    } catch (problem) {
      reportError(problem); // and go on: a page that stood still would say that it is live
    }
  };
  for (;;) {
    restart = new AbortController();
    try {
      await follow(lastID, restart.signal, () => {
        pause = shortestPause;
        connection('live');
        // What has happened since comes as events, but for what is told once a
        // second only.
        if (lastID) [loadStatus, loadWallet, loadPeers].forEach((load) => load());
        else loadAll();
      }, receive);
      connection('offline', 'The node has closed the connection.');
    } catch (problem) {
      if (restart.signal.aborted) continue;
      if (!(problem instanceof Problem) && problem.name !== 'AbortError' && !(problem instanceof TypeError)) throw problem;
      failed(problem);
    }
    await new Promise((resolve) => {
      wake = resolve;
      setTimeout(resolve, pause * (0.75 + Math.random() / 2));
    });
    pause = Math.min(longestPause, pause * 2);
  }
}

// failed says why there are no events. What is public can be read all the same, and is
// looked at again with each try.
function failed(problem) {
  const before = state.connection;
  if (problem.status === 401) connection('locked', token.get() ? 'The token is not the node’s.' : '');
  else if (problem.status === 403) connection('refused', problem.message);
  else connection('offline', problem.status ? problem.message : 'The node does not answer.');
  if (![401, 403].includes(problem.status)) return;
  if (before === state.connection) look();
  else loadAll();
}

async function look() {
  const before = state.status;
  await loadStatus();
  const now = state.status;
  if (before?.tip !== now?.tip || before?.open_transactions !== now?.open_transactions) changed('tip');
}
