// The node's wallet: its address, its balance, and paying from it.

import { ask, pathOf } from '../client.js';
import { busy, confirmed, copyButton, fill, foreign, h, say } from '../dom.js';
import { amount, isKey, maxMessage, shortAddress, typedAmount, utf8Length, visible } from '../format.js';
import { card, empty, facts, loading, transactionLink } from '../parts.js';
import { loadStatus, loadWallet, on, setWallet, state } from '../state.js';

export function wallet(_, signal) {
  const element = h('div', null, h('h1', { tabindex: '-1' }, 'Wallet'));
  const place = h('div', null, loading());
  let shown = null;
  const confirmedBalance = h('span', { class: 'number', id: 'confirmed' });
  const available = h('span', { class: 'big number', id: 'available' });
  const update = () => {
    const { wallet: w, connection } = state;
    if (!w) {
      if (connection === 'locked' || connection === 'refused') fill(place, empty('The wallet is not shown', 'This page may not read it from here.'));
      return;
    }
    if (w.exists) {
      fill(confirmedBalance, amount(w.confirmed));
      fill(available, amount(w.available));
    }
    const what = w.exists ? w.address : '';
    if (shown === what) return; // a form that is being filled in stays
    shown = what;
    fill(place, w.exists ? existing(w, available, confirmedBalance, signal) : none());
  };
  on(['wallet', 'connection'], update, signal);
  update();
  element.append(place);
  return { title: 'Wallet', element };
}

function none() {
  const button = h('button', { type: 'button', class: 'primary', id: 'create-wallet' }, 'Create a wallet');
  button.addEventListener('click', () => busy(button, () => create(false)));
  return card('No wallet yet', empty('This node has no wallet', 'Rewards of mined blocks go to a wallet, and payments come from it.'), button);
}

async function create(replace) {
  const yes = await confirmed(replace ? {
    title: 'Replace the wallet?', yes: 'Replace it', danger: true,
    body: h('p', null, 'The node will use a new key from now on. What the old one holds stays with the old one: its file is kept beside the new one, but this page can’t pay from it any more.'),
  } : {
    title: 'Create a wallet?', yes: 'Create it',
    body: h('p', null, 'The node makes a key and keeps it in a file on its machine. Whoever has that file has the coins; if it is lost, they are lost. Keep a copy of it in a safe place.'),
  });
  if (!yes) return;
  try {
    setWallet(await ask('POST', 'v1/wallet', replace ? '{"replace":true}' : '{}'));
  } catch (problem) {
    loadWallet(); // somebody else may have made one
    throw problem;
  }
  say('The wallet is made.');
  document.querySelector('h1')?.focus();
}

function existing(w, available, confirmedBalance, signal) {
  const replace = h('button', { type: 'button', class: 'danger', id: 'replace-wallet' }, 'Replace the wallet');
  replace.addEventListener('click', () => busy(replace, () => create(true)));
  return [h('div', { class: 'grid' },
    card('Balance', h('p', { class: 'hero-value' }, available, ' ', h('span', { class: 'unit' }, 'available')), facts(
      ['Confirmed', confirmedBalance],
      ['Address', ownAddress(w.address)],
      ['Key file', w.encrypted ? 'encrypted with a passphrase' : 'not encrypted'])),
    card('Send', sending(w, signal))),
  card('Another wallet', h('p', { class: 'faint' }, 'The node uses one wallet at a time.'), replace)];
}

// ownAddress is short, with all of it to copy and on demand.
function ownAddress(address) {
  const full = h('span', { class: 'mono full', id: 'own-address' }, address);
  const details = h('details', null, h('summary', null, 'In full'), full);
  const shown = () => {
    details.open = true; // or there is nothing to select
    return full;
  };
  return [h('span', { class: 'with-copy' }, h('span', { class: 'mono' }, shortAddress(address)), copyButton(address, 'the address', shown)),
    details, h('a', { href: `#/address/${pathOf(address)}` }, 'History')];
}

// field is an input with its label, a hint and a place for what is wrong with it.
function field(id, label, input, hint) {
  const problem = h('p', { class: 'problem', id: `${id}-problem`, role: 'alert' });
  input.id = id;
  input.setAttribute('aria-describedby', `${id}-hint ${id}-problem`);
  const element = h('div', { class: 'field' }, h('label', { for: id }, label), input, h('p', { class: 'hint', id: `${id}-hint` }, hint), problem);
  return {
    element, input,
    wrong(text) {
      fill(problem, text);
      if (text) input.setAttribute('aria-invalid', 'true');
      else input.removeAttribute('aria-invalid');
    },
  };
}

function sending(w, signal) {
  const left = h('span');
  const recipient = field('recipient', 'To', h('textarea', { rows: '2', spellcheck: 'false', autocapitalize: 'off', autocomplete: 'off' }), 'The address of the one who gets it.');
  const sum = field('amount', 'Amount', h('input', { type: 'text', inputmode: 'decimal', autocomplete: 'off' }), left);
  const text = field('text', 'Message', h('textarea', { rows: '3' }), h('span', null, `At most ${maxMessage} bytes. Everybody can read it, for ever. It costs nothing.`));
  const button = h('button', { type: 'submit', class: 'primary', id: 'send' }, 'Review');
  const payment = h('div', null, recipient.element, sum.element);
  const kinds = ['Payment', 'Message'].map((name, i) => h('label', { class: 'segment' },
    h('input', { type: 'radio', name: 'kind', value: name.toLowerCase(), checked: i === 0 }), h('span', null, name)));
  const form = h('form', { novalidate: true, id: 'send-form' },
    h('fieldset', { class: 'segments' }, h('legend', { class: 'hidden' }, 'What to send'), kinds), payment, text.element, button);
  const isMessage = () => form.elements.kind.value === 'message';
  const choose = () => {
    payment.hidden = isMessage();
    text.element.hidden = !isMessage();
  };
  form.addEventListener('change', choose);
  choose();
  const hint = () => { if (state.wallet?.exists) fill(left, `${amount(state.wallet.available)} are available.`); };
  on(['wallet'], hint, signal);
  hint();
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    busy(button, async () => {
      const body = isMessage() ? await checkedMessage(text) : await checkedPayment(w, recipient, sum);
      if (!body) return;
      await send(body);
      form.reset();
      for (const part of [recipient, sum, text]) part.wrong('');
      choose();
    });
  });
  return form;
}

// checkedMessage is the body of a request, null if something is wrong or the
// answer was no.
async function checkedMessage(text) {
  const value = text.input.value;
  const length = utf8Length(value);
  text.wrong(value.trim() === '' ? 'Write something.' : length > maxMessage ? `These are ${length} bytes, ${maxMessage} are allowed.` : '');
  if (text.input.hasAttribute('aria-invalid')) {
    text.input.focus();
    return null;
  }
  const yes = await confirmed({ title: 'Send this message?', yes: 'Send', body: [h('blockquote', null, foreign(value, 1000)), h('p', null, 'It can’t be taken back.')] });
  return yes ? `{"message":${JSON.stringify(value)}}` : null;
}

async function checkedPayment(w, recipient, sum) {
  const to = recipient.input.value.trim();
  const { value, problem } = typedAmount(sum.input.value, state.wallet.available);
  recipient.wrong(to === '' ? 'Say who gets it.' : to !== to.toWellFormed() ? 'This is no text.' : '');
  sum.wrong(problem ?? '');
  const wrong = [recipient, sum].find((part) => part.input.hasAttribute('aria-invalid'));
  if (wrong) {
    wrong.input.focus();
    return null;
  }
  const yes = await confirmed({ title: `Send ${amount(value)}?`, yes: 'Send', danger: !isKey(to), body: [
    facts(['To', h('span', { class: 'mono' }, shortAddress(to))], ['Amount', h('span', { class: 'number' }, amount(value))]),
    isKey(to) ? null : h('p', { class: 'notice warn' }, 'This is not the address of a key. Unless you know better, nobody can ever spend what is sent there.'),
    to === w.address ? h('p', { class: 'notice' }, 'This is your own address.') : null,
    to === visible(to) ? null : h('p', { class: 'notice warn' }, 'The address has characters that can’t be seen.'),
    h('p', null, 'It can’t be taken back.')] });
  // The amount goes out as it was typed: JavaScript's numbers would round it.
  return yes ? `{"recipient":${JSON.stringify(to)},"amount":${value}}` : null;
}

async function send(body) {
  const { id } = await ask('POST', 'v1/transactions', body);
  say(['It is sent and waits for a block: ', transactionLink(id)]);
  loadWallet();
  loadStatus();
}
