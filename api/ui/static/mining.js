// What the search does, and the buttons that change it. A search for one block
// goes on when another page is shown.

import { ask } from './client.js';
import { busy, fill, h, icon, say } from './dom.js';
import { count } from './format.js';
import { changed, on, setMining, state } from './state.js';

let own = null; // the AbortController of POST /mine

// miningState is what the search does, why, and its kind for the eye.
export function miningState() {
  const { mining, wallet, connection } = state;
  if (!mining) return connection === 'live' || connection === 'connecting' ? ['…', '', 'idle'] : ['Unknown', 'The node doesn’t tell this page.', 'idle'];
  if (mining.paused) return ['Paused', 'All searching waits and goes on where it was.', 'paused'];
  if (mining.continuous) return ['Running', 'One block after the other.', 'busy'];
  if (own) return ['Running', 'For one block.', 'busy'];
  if (mining.hashes_per_second['10s'] > 0) return ['Searching', 'Somebody has asked for a block.', 'busy'];
  if (wallet && !wallet.exists) return ['Idle', 'Mining needs a wallet for the rewards.', 'idle'];
  return ['Idle', 'Nobody has asked for a block.', 'idle'];
}

// controls are the buttons.
export function controls(signal) {
  const one = h('button', { type: 'button', class: 'plain', id: 'mine-one' });
  const continuous = h('button', { type: 'button', class: 'primary', id: 'mine-continuous' });
  const pause = h('button', { type: 'button', class: 'plain', id: 'mine-pause' });
  const post = (path) => async () => setMining(await ask('POST', path));
  continuous.addEventListener('click', () => busy(continuous, post(state.mining.continuous ? 'v1/mining/stop' : 'v1/mining/start')));
  pause.addEventListener('click', () => busy(pause, post(state.mining.paused ? 'v1/mining/resume' : 'v1/mining/pause')));
  one.addEventListener('click', () => (own ? own.abort() : mineOne()));
  const update = () => {
    const { mining, wallet } = state;
    const none = !mining || wallet && !wallet.exists;
    label(one, own ? ['stop', 'Cancel'] : ['one', 'Mine one block']);
    one.disabled = none && !own || mining?.continuous && !own;
    label(continuous, mining?.continuous ? ['stop', 'Stop mining'] : ['start', 'Start mining']);
    continuous.disabled = none && !mining?.continuous;
    label(pause, mining?.paused ? ['start', 'Resume'] : ['pause', 'Pause']);
    pause.disabled = !mining;
  };
  on(['mining', 'wallet', 'own'], update, signal);
  update();
  return h('div', { class: 'controls', role: 'group', 'aria-label': 'Mining' }, continuous, one, pause);
}

// label changes a button only if it must: what is read out stays quiet.
function label(button, [image, text]) {
  if (button.dataset.label === text) return;
  button.dataset.label = text;
  fill(button, icon(image), text);
}

async function mineOne() {
  own = new AbortController();
  changed('own');
  try {
    const { Block: block } = await ask('POST', 'mine', undefined, own.signal);
    say(`Block ${count(block.index)} is mined.`);
  } catch (problem) {
    if (problem.name === 'AbortError') say('The search was cancelled.', 'plain');
    else say(problem.message, 'bad');
  } finally {
    own = null;
    changed('own');
  }
}
