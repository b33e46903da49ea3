// The page's frame: which view is shown, and what is above all of them.

import { get, pathOf, token } from './client.js';
import { fill, h, say } from './dom.js';
import { age, empty, relabel } from './parts.js';
import { live, on, retry, state } from './state.js';
import { address } from './views/address.js';
import { block, blocks } from './views/blocks.js';
import { overview } from './views/overview.js';
import { peers } from './views/peers.js';
import { open, transaction } from './views/transactions.js';
import { wallet } from './views/wallet.js';

const views = {
  '': [overview, 'overview'], blocks: [blocks, 'blocks'], block: [block, 'blocks'], open: [open, 'open'],
  transaction: [transaction, 'blocks'], address: [address, 'blocks'], wallet: [wallet, 'wallet'], peers: [peers, 'peers'],
};

const main = document.getElementById('main');
let leave = new AbortController();

// route shows the view that the address bar names: #/name/parameter.
function route(event) {
  if (location.hash && !location.hash.startsWith('#/')) return;
  const [name, ...parameters] = location.hash.slice(2).split('/');
  let decoded;
  try {
    decoded = parameters.map(decodeURIComponent);
  } catch {
    decoded = null; // half an escape
  }
  const [view, page] = decoded && Object.hasOwn(views, name) ? views[name] : [unknown, ''];
  leave.abort();
  leave = new AbortController();
  const { title, element } = view(decoded ?? [], leave.signal);
  document.title = `${title} · lode`;
  main.replaceChildren(element);
  for (const link of document.querySelectorAll('nav [data-page]')) {
    if (link.dataset.page === page) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  // Not when the page opens: the browser reads it from its top then.
  if (event) {
    scrollTo(0, 0);
    main.querySelector('h1')?.focus();
  }
}

function unknown() {
  return { title: 'Not found', element: h('div', null, h('h1', { tabindex: '-1' }, 'Not found'), empty('There is no such page', h('a', { href: '#/' }, 'To the overview'))) };
}

async function found(path) {
  try {
    return await get(path);
  } catch (problem) {
    if (problem.status === 404 || problem.status === 400) return null;
    throw problem;
  }
}

// find says where a text leads that somebody searches for: to a block, a
// transaction or else an address.
async function find(text) {
  if (/^\d{1,15}$/.test(text) && await found(`v1/blocks/${Number(text)}`)) return `#/block/${Number(text)}`;
  if (/^[0-9a-f]{64}$/i.test(text)) {
    const hash = text.toLowerCase();
    if (await found(`v1/blocks/${hash}`)) return `#/block/${hash}`;
    if (await found(`v1/transactions/${hash}`)) return `#/transaction/${hash}`;
  }
  const path = pathOf(text);
  return path && `#/address/${path}`;
}

const search = document.getElementById('search');
search.addEventListener('submit', async (event) => {
  event.preventDefault();
  const text = search.elements.query.value.trim();
  if (text === '') return;
  try {
    const place = await find(text);
    if (!place) say('Nothing can have this name.', 'bad');
    else if (place === location.hash) route(event);
    else location.hash = place;
  } catch (problem) {
    say(problem.message, 'bad');
  }
});

document.getElementById('skip').addEventListener('click', (event) => {
  event.preventDefault(); // its place in the address bar is the view's
  main.focus();
});

const texts = { connecting: 'Connecting', live: 'Live', offline: 'Offline', locked: 'Locked', refused: 'Refused' };

const notices = document.getElementById('notices');
const offlineText = h('span');
const offline = h('p', { class: 'notice warn' }, offlineText, ' What is shown may be old. Trying again. ', h('button', { type: 'button', class: 'plain small', onclick: retry }, 'Try now'));
const refused = h('p', { class: 'notice bad' });
const conflict = h('p', { class: 'notice warn', id: 'conflict' }, 'Another node is on another chain. ', h('a', { href: '#/peers' }, 'Resolve'));
const tokenProblem = h('p', { class: 'problem', id: 'token-problem', role: 'alert' });
const locked = lock();

// connection shows whether the page is live, and if not, what to do. A notice keeps
// its elements: somebody may be about to type a token.
function connection() {
  const { connection: name } = state;
  document.getElementById('connection').dataset.state = name;
  fill(document.getElementById('connection-text'), texts[name]);
  document.body.dataset.connection = name;
  if (name === 'connecting') return; // what is there holds until more is known
  const now = notice();
  if (notices.firstChild === now) return;
  const focused = notices.contains(document.activeElement);
  notices.replaceChildren(...[now].filter(Boolean));
  if (focused) main.querySelector('h1')?.focus();
}

function notice() {
  switch (state.connection) {
    case 'locked':
      fill(tokenProblem, state.problem);
      return locked;
    case 'offline':
      fill(offlineText, state.problem);
      return offline;
    case 'refused':
      return fill(refused, state.problem);
    default:
      return state.status?.conflict ? conflict : null;
  }
}

// lock asks for the token that other machines need.
function lock() {
  const input = h('input', { id: 'token', type: 'password', autocomplete: 'off', 'aria-describedby': 'token-problem token-hint' });
  const form = h('form', { class: 'notice lock', id: 'token-form' }, h('label', { for: 'token' }, 'Token'), input,
    h('button', { type: 'submit', class: 'primary' }, 'Unlock'), tokenProblem,
    h('p', { class: 'hint', id: 'token-hint' }, 'Mining, wallet and peers need the node’s token from here. It is in a file on the node’s machine that its log names, and is kept until this tab is closed.'));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    fill(tokenProblem, ''); // so that the same one is said again
    token.set(input.value.trim());
    retry();
  });
  return form;
}

on(['connection', 'status'], connection);
on(['wallet'], relabel);

addEventListener('hashchange', route);
setInterval(age, 10_000);
route();
live();
