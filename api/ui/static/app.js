// The page's frame: which view is shown, and what is above all of them.

import { get, pathOf, token } from './client.js';
import { fill, h, say } from './dom.js';
import { age, empty } from './parts.js';
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

// connection shows whether the page is live, and if not, what to do.
function connection() {
  const { connection: name, problem } = state;
  document.getElementById('connection').dataset.state = name;
  fill(document.getElementById('connection-text'), texts[name]);
  document.body.dataset.connection = name;
  if (name === 'locked') fill(notices, lock(problem));
  else if (name === 'offline') fill(notices, h('p', { class: 'notice warn' }, `${problem} What is shown may be old. Trying again.`, ' ', h('button', { type: 'button', class: 'plain small', onclick: retry }, 'Try now')));
  else if (name === 'refused') fill(notices, h('p', { class: 'notice bad' }, problem));
  else fill(notices, conflict());
}

const conflict = () => (state.status?.conflict && h('p', { class: 'notice warn', id: 'conflict' }, 'Another node is on another chain. ', h('a', { href: '#/peers' }, 'Resolve')));

// lock asks for the token that other machines need.
function lock(problem) {
  const input = h('input', { id: 'token', type: 'password', autocomplete: 'off', 'aria-describedby': 'token-hint' });
  const form = h('form', { class: 'notice lock', id: 'token-form' }, h('label', { for: 'token' }, 'Token'), input,
    h('button', { type: 'submit', class: 'primary' }, 'Unlock'),
    h('p', { class: 'hint', id: 'token-hint' }, problem, problem ? ' ' : '', 'Mining, wallet and peers need the node’s token from here. It is in a file on the node’s machine that its log names, and is kept until this tab is closed.'));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    token.set(input.value.trim());
    retry();
  });
  return form;
}

on(['connection', 'status'], (() => {
  let shown = '';
  return () => {
    const now = JSON.stringify([state.connection, state.problem, state.status?.conflict]);
    if (now === shown) return; // or a token that is being typed would be lost
    shown = now;
    connection();
  };
})());

addEventListener('hashchange', route);
setInterval(age, 10_000);
route();
live();
