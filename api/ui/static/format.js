// Pure functions: what is shown of numbers and texts, and what is read of them.

// Members whose digits all count. JavaScript's numbers keep 53 bits, a node's
// amounts and proofs any number of digits.
const exactMembers = new Set(['amount', 'confirmed', 'available', 'proof']);
const jsonNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

// parseExact is JSON.parse, but the members above are the text of their number.
// Each text and number becomes a text that says which it was; then one can't
// pass for the other.
export function parseExact(source) {
  const token = /"|-?\d[\d.eE+-]*/g;
  const colon = /\s*:/y;
  let marked = '';
  let done = 0;
  for (let found = token.exec(source); found; found = token.exec(source)) {
    const mark = found.index;
    if (found[0] === '"') {
      colon.lastIndex = token.lastIndex = endOfText(source, mark + 1);
      if (colon.test(source)) continue;
      marked += `${source.slice(done, mark)}"$`;
      done = mark + 1;
    } else {
      if (!jsonNumber.test(found[0])) throw new SyntaxError(`not a number in JSON: ${found[0]}`);
      marked += `${source.slice(done, mark)}"#${found[0]}"`;
      done = token.lastIndex;
    }
  }
  return JSON.parse(marked + source.slice(done), (key, value) => {
    if (typeof value !== 'string') return value;
    if (value[0] === '$') return value.slice(1);
    return exactMembers.has(key) ? value.slice(1) : Number(value.slice(1));
  });
}

// endOfText is behind the closing quote of a text that is megabytes long, if a stranger
// wrote it: one expression for all of it would need more stack than there is.
function endOfText(source, start) {
  const special = /["\\]/g;
  special.lastIndex = start;
  for (let found = special.exec(source); found; found = special.exec(source)) {
    if (found[0] === '"') return special.lastIndex;
    special.lastIndex++;
  }
  throw new SyntaxError('a text in JSON has no end');
}

// decimal takes a number's text apart: value = digits * 10^exponent. null if it
// is no number, or one of absurd size.
export function decimal(text) {
  const parts = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,6}))?$/.exec(text);
  if (!parts || text.length > 5000) return null;
  const fraction = parts[3] ?? '';
  const exponent = Number(parts[4] ?? 0) - fraction.length;
  if (Math.abs(exponent) > 5000) return null;
  return { digits: BigInt(parts[1] + parts[2] + fraction), exponent };
}

// compare is below, equal to or above 0 as a is below, equal to or above b, in
// all digits. Both must be numbers.
export function compare(a, b) {
  const [x, y] = [decimal(a), decimal(b)];
  const least = Math.min(x.exponent, y.exponent);
  const difference = x.digits * 10n ** BigInt(x.exponent - least) - y.digits * 10n ** BigInt(y.exponent - least);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

const thinSpace = '\u202f';

function grouped(digits) {
  return digits.length < 5 ? digits : digits.replace(/\B(?=(\d{3})+$)/g, thinSpace);
}

// amount shows all digits of an amount, in groups of three, and a float as one.
export function amount(text) {
  const value = decimal(text);
  if (!value) return text;
  let [, sign, whole, , fraction, power] = /^(-?)(\d+)(\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  fraction ??= '';
  if (power !== undefined) {
    const shift = Number(power);
    if (Math.abs(shift) > 40) return text;
    if (shift >= 0) [whole, fraction] = [whole + fraction.padEnd(shift, '0').slice(0, shift), fraction.slice(shift)];
    else {
      const padded = whole.padStart(1 - shift, '0');
      [whole, fraction] = [padded.slice(0, shift), padded.slice(shift) + fraction];
    }
    whole = whole.replace(/^0+(?=\d)/, '');
  }
  return sign.replace('-', '−') + grouped(whole) + (fraction ? `.${fraction}` : '');
}

// typedAmount reads what a person wrote as an amount: the JSON number to send,
// or the problem with it.
export function typedAmount(typed, available) {
  const text = typed.replace(/[\s\u202f]/g, '');
  if (text === '') return { problem: 'Say how much.' };
  if (/^\d+,\d+$/.test(text)) return { problem: 'Write a point, not a comma: ' + text.replace(',', '.') };
  if (!/^(\d+\.?\d*|\.\d+)$/.test(text)) return { problem: 'Write the amount in digits, such as 2.5.' };
  let [whole, fraction = ''] = text.split('.');
  whole = whole.replace(/^0+(?=\d)/, '') || '0';
  const value = fraction.replace(/0+$/, '') ? `${whole}.${fraction.replace(/0+$/, '')}` : whole;
  if (!decimal(value)) return { problem: 'That has more digits than any amount.' };
  if (/^0$/.test(value)) return { problem: 'The amount must be more than 0. A message costs nothing: choose “Message”.' };
  if (available !== undefined && compare(value, available) > 0) {
    return { problem: `That is more than the ${amount(available)} that are available.` };
  }
  // Binary floats keep 17 digits. A payment of more would be of another amount.
  if (value.includes('.') && compare(String(Number(value)), value) !== 0) {
    return { problem: 'Too many digits: amounts with a point keep about 16.' };
  }
  return { value };
}

const prefixes = ['', 'k', 'M', 'G', 'T', 'P', 'E'];

function scaled(value) {
  let step = 0;
  while (value >= 999.5 && step < prefixes.length - 1) {
    value /= 1000;
    step++;
  }
  const digits = value >= 99.95 || value === 0 ? 0 : value >= 9.995 ? 1 : 2;
  return [value.toFixed(digits), prefixes[step]];
}

// rate is a hash rate of three digits: its number and its unit.
export function rate(hashesPerSecond) {
  const [value, prefix] = scaled(Math.max(0, hashesPerSecond || 0));
  return [value, `${prefix}H/s`];
}

export const rateText = (hashesPerSecond) => rate(hashesPerSecond).join(' ');

// count is a whole number in groups of three; countShort has three digits.
export const count = (n) => grouped(String(n));
export const countShort = (n) => (n < 10000 ? count(n) : scaled(n).join(thinSpace));

// duration is a time in its two largest units.
export function duration(seconds) {
  if (!Number.isFinite(seconds)) return 'for ever';
  if (seconds < 1) return `${Math.max(1, Math.round(seconds * 1000))} ms`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const units = [['y', 31557600], ['d', 86400], ['h', 3600], ['min', 60], ['s', 1]];
  const whole = Math.round(seconds);
  const first = units.findIndex(([, length]) => whole >= length);
  const [unit, length] = units[first];
  const large = Math.floor(whole / length);
  const text = `${grouped(String(large))} ${unit}`;
  if (large >= 10 && unit === 'y' || first === units.length - 1) return text;
  const rest = Math.floor((whole - large * length) / units[first + 1][1]);
  return rest === 0 ? text : `${text} ${rest} ${units[first + 1][0]}`;
}

// ago says how long ago a Unix time in seconds was.
export function ago(time, now) {
  const seconds = now - time;
  if (seconds < -5) return 'in the future';
  if (seconds < 5) return 'just now';
  if (seconds < 60) return `${Math.round(seconds)} s ago`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.round(seconds / 3600)} h ago`;
  return `${count(Math.round(seconds / 86400))} d ago`;
}

// shortHash is enough of a hash to tell it from others.
export const shortHash = (hash) => (hash.length <= 20 ? hash : `${hash.slice(0, 8)}…${hash.slice(-8)}`);

// A public key in hex is its modulus between bytes that all keys share.
const publicKey = /^30(?:81..|82....)300d06092a864886f70d010101050003(?:81..|82....)0030(?:81..|82....)02(?:81..|82....)00([0-9a-f]{32,})0203010001$/;

// isKey is true for the address of a key that somebody may have.
export const isKey = (address) => publicKey.test(address);

// shortAddress is the ends of a key's modulus, or the beginning of another text.
export function shortAddress(address) {
  const key = publicKey.exec(address);
  if (key) return shortHash(key[1]);
  const characters = [...visible(address.slice(0, 100))];
  return characters.length <= 24 ? characters.join('') : `${characters.slice(0, 23).join('')}…`;
}

const messageScheme = 'data:,';

export const maxMessage = 1000; // bytes of UTF-8

export const utf8Length = (text) => new TextEncoder().encode(text).length;

// messageOf is the text of a payment that carries one, by the node's own rules;
// else null.
export function messageOf(recipient) {
  if (!recipient.startsWith(messageScheme)) return null;
  const encoded = recipient.slice(messageScheme.length);
  if (utf8Length(encoded) > 3 * maxMessage) return null;
  try {
    const text = decodeURIComponent(encoded);
    return text !== '' && text.isWellFormed() && utf8Length(text) <= maxMessage ? text : null;
  } catch {
    return null; // no UTF-8: shown as the recipient that it is
  }
}

// What joins or varies the characters beside it, as in emoji and in Persian.
const joiners = /[\u200c\u200d\ufe0e\ufe0f]/;

// visible replaces what can't be seen, or turns the direction of what follows.
export function visible(text) {
  return text.toWellFormed().replace(/[\p{Cc}\p{Default_Ignorable_Code_Point}\u2028\u2029\ufff9-\ufffb]/gu,
    (c) => (c === '\n' || c === '\t' ? ' ' : joiners.test(c) ? c : '\ufffd'));
}

// expected is the average number of seconds until a proof is found.
export const expected = (difficulty, hashesPerSecond) => 16 ** difficulty / hashesPerSecond;

// EventParser reads a stream of server-sent events, as the HTML standard says.
export class EventParser {
  #rest = '';
  #type = '';
  #data = [];
  #id;
  #receive;

  // receive is called with {type, data, id} of each event. Until the stream has
  // said one, the ID is that of the last event before the stream.
  constructor(receive, id = '') {
    this.#receive = receive;
    this.#id = id;
  }

  // feed takes the next piece of the text, wherever it was cut.
  feed(piece) {
    const text = this.#rest + piece;
    // A final CR may be the half of a line's end.
    const lines = text.split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop();
    for (const line of lines) this.#line(line);
  }

  #line(line) {
    if (line === '') {
      if (this.#data.length > 0) this.#receive({ type: this.#type || 'message', data: this.#data.join('\n'), id: this.#id });
      [this.#type, this.#data] = ['', []];
      return;
    }
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#type = value;
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
  }
}
