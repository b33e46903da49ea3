// Elements are made here and nowhere else, and of text alone: what nodes and
// strangers write never becomes markup.

import { count, visible } from './format.js';

const svg = 'http://www.w3.org/2000/svg';

// h makes an element. Attributes whose names begin with "on" are listeners;
// false and null leave one out. Children are nodes, texts or lists of them.
export function h(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? '' : value);
  }
  element.append(...flat(children));
  return element;
}

function flat(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : document.createTextNode(String(child))));
}

// fill replaces what is in an element, unless it is that text already: a live
// region must not speak twice.
export function fill(element, ...children) {
  const nodes = flat(children);
  if (nodes.every((node) => node.nodeType === Node.TEXT_NODE)) {
    const text = nodes.map((node) => node.data).join('');
    if (element.childElementCount > 0 || element.textContent !== text) element.textContent = text;
    return element;
  }
  element.replaceChildren(...nodes);
  return element;
}

// icon shows one of index.html's symbols. It says nothing to a screen reader.
export function icon(name) {
  const image = document.createElementNS(svg, 'svg');
  image.setAttribute('class', 'icon');
  image.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(svg, 'use');
  use.setAttribute('href', `#icon-${name}`);
  image.append(use);
  return image;
}

const shownOfForeign = 400;

// foreign shows a text that somebody else wrote: what has no shape or turns the
// line around is made visible, and of a long text only the beginning is shown.
export function foreign(text, limit = shownOfForeign) {
  const whole = String(text);
  // Twice as many units as characters are enough, and the rest may be megabytes.
  const beginning = [...visible(whole.slice(0, 2 * limit + 2))];
  const element = h('bdi', { class: 'foreign' });
  if (beginning.length <= limit) return fill(element, beginning.join(''));
  const more = h('button', {
    type: 'button', class: 'link', onclick: () => {
      element.textContent = visible(whole);
      element.tabIndex = -1; // takes the focus of the button that goes
      element.focus();
      more.remove();
    },
  }, `show all ${count(whole.length)} characters`);
  element.textContent = `${beginning.slice(0, limit).join('')}…`;
  return h('span', null, element, ' ', more);
}

// fillForeign shows a foreign text in an element, unless it does already: what has
// been unfolded stays.
export function fillForeign(element, text, limit) {
  if (element.shownText === text) return;
  element.shownText = text;
  fill(element, foreign(text, limit));
}

// keep brings the children of parent in line with items and keeps the elements
// of those that stay, so that focus stays too. make(item) returns an element and
// a function update(item).
export function keep(parent, items, keyOf, make) {
  parent.kept ??= new Map();
  const wanted = new Map(items.map((item) => [keyOf(item), item]));
  for (const [key, row] of parent.kept) {
    if (wanted.has(key)) continue;
    row.element.remove();
    parent.kept.delete(key);
  }
  let place = 0;
  for (const [key, item] of wanted) {
    let row = parent.kept.get(key);
    if (!row) parent.kept.set(key, row = make(item));
    if (parent.children[place] !== row.element) parent.insertBefore(row.element, parent.children[place] ?? null);
    row.update?.(item);
    place++;
  }
}

let announcer = null;

// say tells a screen reader, and shows for a while, what has just happened.
export function say(text, kind = 'good') {
  announcer ??= document.getElementById('messages');
  const message = h('div', { class: `toast ${kind}` }, h('span', null, text),
    h('button', { type: 'button', class: 'quiet', 'aria-label': 'Dismiss', onclick: () => message.remove() }, icon('close')));
  announcer.append(message);
  while (announcer.children.length > 3) announcer.firstChild.remove();
  const leave = () => {
    if (message.matches(':hover, :focus-within')) setTimeout(leave, 2000); // somebody reads it or follows its link
    else message.remove();
  };
  if (kind !== 'bad') setTimeout(leave, 8000);
}

// confirmed asks a question in a dialog. The browser keeps the focus in it and
// gives it back. It is true for yes.
export function confirmed({ title, body, yes, danger = false }) {
  return new Promise((resolve) => {
    const id = `dialog-${crypto.getRandomValues(new Uint32Array(1))[0]}`;
    const dialog = h('dialog', { 'aria-labelledby': id },
      h('form', { method: 'dialog' },
        h('h2', { id }, title), body,
        h('div', { class: 'actions' },
          h('button', { value: 'no', class: 'plain', autofocus: true }, 'Cancel'),
          h('button', { value: 'yes', class: danger ? 'danger' : 'primary' }, yes))));
    dialog.addEventListener('close', () => {
      resolve(dialog.returnValue === 'yes');
      dialog.remove();
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

// busy lets a button's work run once at a time and says what failed.
export async function busy(button, work) {
  if (button.getAttribute('aria-busy') === 'true') return;
  button.setAttribute('aria-busy', 'true');
  try {
    await work();
  } catch (problem) {
    if (problem.name !== 'AbortError') say(problem.message, 'bad');
  } finally {
    button.removeAttribute('aria-busy');
  }
}

// copyButton copies a text. Where the clipboard is only for https, the text is
// selected, so that the keyboard's copy takes it.
export function copyButton(text, what, from) {
  const button = h('button', { type: 'button', class: 'plain small', 'aria-label': `Copy ${what}` }, icon('copy'), 'Copy');
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(text);
      say(`Copied ${what}.`);
    } catch {
      getSelection().selectAllChildren(from());
      say('This browser lets pages copy over https only. The text is selected: copy it with the keyboard.', 'plain');
    }
  });
  return button;
}
