// What the page asks the node.

import { EventParser, parseExact } from './format.js';

// The page is one folder below the node's root, also behind a proxy that puts
// the node into a folder.
const root = new URL('../', document.baseURI);
const tokenKey = 'token';

// Problem is an answer that is none, or an error. Its status is 0 if the node
// didn't answer.
export class Problem extends Error {
  constructor(status, text) {
    super(text);
    this.name = 'Problem';
    this.status = status;
  }
}

// token is what other machines need. It is kept until the tab is closed.
export const token = {
  get() {
    try {
      return sessionStorage.getItem(tokenKey) ?? this.held ?? '';
    } catch {
      return this.held ?? '';
    }
  },
  set(text) {
    this.held = text;
    try {
      if (text) sessionStorage.setItem(tokenKey, text);
      else sessionStorage.removeItem(tokenKey);
    } catch { /* a browser that keeps nothing: until the page is left */ }
  },
};

async function send(path, options) {
  const headers = { ...options.headers };
  if (token.get()) headers.Authorization = `Bearer ${token.get()}`;
  try {
    return await fetch(new URL(path, root), { cache: 'no-cache', redirect: 'error', ...options, headers });
  } catch (failure) {
    if (failure.name === 'AbortError') throw failure;
    if (failure instanceof TypeError && token.get() && !/^[\x20-\x7e]*$/.test(token.get())) {
      throw new Problem(401, 'A token has no such characters.');
    }
    throw new Problem(0, 'The node does not answer.');
  }
}

// problemOf is the node's own text of an error, whichever route's it is.
async function problemOf(answer) {
  let text = `${answer.status} ${answer.statusText}`;
  try {
    const body = parseExact(await answer.text());
    text = body.detail ?? body.message ?? body.Message ?? text;
  } catch { /* of a proxy */ }
  return new Problem(answer.status, String(text));
}

// ask returns the answer's object, null if there is no body. body is JSON text.
export async function ask(method, path, body, signal) {
  const headers = body === undefined ? {} : { 'Content-Type': 'application/json' };
  const answer = await send(path, { method, headers, body, signal });
  if (!answer.ok) throw await problemOf(answer);
  if (answer.status === 204) return null;
  try {
    return parseExact(await answer.text());
  } catch (failure) {
    if (failure.name === 'AbortError') throw failure;
    throw new Problem(0, 'The node’s answer was cut off.');
  }
}

export const get = (path, signal) => ask('GET', path, undefined, signal);

const longestPath = 30_000; // of a request, whose header may have 32 KiB

// pathOf escapes a text as one step of a path. null if no path can have it.
export function pathOf(text) {
  if (text === '' || text === '.' || text === '..' || text.length > longestPath) return null;
  try {
    const path = encodeURIComponent(text);
    return path.length > longestPath ? null : path;
  } catch {
    return null; // half a surrogate pair
  }
}

const silence = 40_000; // ms; the node says something every 15 s

// follow reads the event stream until it ends. EventSource would do, but can't
// send a token.
export async function follow(lastID, signal, opened, receive) {
  const cut = new AbortController();
  let timer = 0;
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => cut.abort(), silence);
  };
  const headers = { Accept: 'text/event-stream' };
  if (lastID) headers['Last-Event-ID'] = lastID;
  heard();
  try {
    const answer = await send('v1/events', { headers, signal: AbortSignal.any([signal, cut.signal]), cache: 'no-store' });
    if (!answer.ok) throw await problemOf(answer);
    opened();
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    const parser = new EventParser(receive, lastID);
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      heard();
      parser.feed(value);
    }
  } finally {
    clearTimeout(timer);
    cut.abort();
  }
}
