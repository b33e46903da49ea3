// pure checks the page's pure functions. It returns what is wrong.
async function pure() {
  const f = await import('/ui/format.js');
  const wrong = [];
  const is = (what, got, want) => {
    if (JSON.stringify(got) !== JSON.stringify(want)) wrong.push(`${what}: ${JSON.stringify(got)}, want ${JSON.stringify(want)}`);
  };
  const each = (name, cases, call = f[name]) => {
    for (const [input, want] of cases) is(`${name}(${JSON.stringify(input)})`, call(...[input].flat()), want);
  };
  const thin = '\u202f';

  // Numbers keep all digits where those count; no text passes for a number.
  is('exact', f.parseExact('{"amount":123456789012345678901234567890.0,"confirmed":1e+22,"available":-0.10,"proof":9007199254740993,"height":12,"time_stamp":1.5}'),
    { amount: '123456789012345678901234567890.0', confirmed: '1e+22', available: '-0.10', proof: '9007199254740993', height: 12, time_stamp: 1.5 });
  is('texts', f.parseExact('{"recipient":"#5","amount":"$7","\\u0061mount2":["1","-2e5","a\\"3\\"","\\\\"],"x:1":"5:6","amount" : 5}'),
    { recipient: '#5', amount: '5', amount2: ['1', '-2e5', 'a"3"', '\\'], 'x:1': '5:6' });
  is('others', f.parseExact(' [true,false,null,-1.5e-3,[],{},"",0] '), [true, false, null, -0.0015, [], {}, '', 0]);
  is('keys like texts', f.parseExact('{"$a":"b","#1":2}'), { $a: 'b', '#1': 2 });
  for (const bad of ['{"amount":01}', '{"amount":1.}', '{"a":-}', '[1 2]', '{"amount":1e}', '["a]', '{"a":+1}', '[NaN]', '[1,]', '1-2', '{"a":"\n"}']) {
    let thrown = false;
    try { f.parseExact(bad); } catch (problem) { thrown = problem instanceof SyntaxError; }
    is(`bad JSON ${bad}`, thrown, true);
  }

  for (const text of ['W'.repeat(20 << 20), '"\\\n'.repeat(4 << 20)]) { // of a hostile peer's block
    is(`a text of ${text.length}`, f.parseExact(JSON.stringify({ recipient: text, amount: 5 })).recipient === text, true);
  }

  each('amount', [['0', '0'], ['10', '10'], ['16.0', '16.0'], ['1234', '1234'], ['12345', `12${thin}345`], ['-1234567.25', `−1${thin}234${thin}567.25`],
    ['1e+22', `10${thin}000${thin}000${thin}000${thin}000${thin}000${thin}000${thin}000`], ['1.5e-07', '0.00000015'], ['12.5e1', '125'], ['1e999', '1e999'],
    ['9007199254740993', `9${thin}007${thin}199${thin}254${thin}740${thin}993`], ['Infinity', 'Infinity'], ['<b>', '<b>']]);
  each('compare', [[['9007199254740993', '9007199254740992'], 1], [['0.1', '0.10'], 0], [['1e+2', '100.0'], 0], [['2.5', '10'], -1], [['1e-300', '0'], 1]]);
  const typed = (text) => {
    const { value, problem } = f.typedAmount(text, '20.5');
    return value ?? Boolean(problem);
  };
  each('typedAmount', [['2.5', '2.5'], [' 2 ', '2'], ['007', '7'], ['.5', '0.5'], ['5.', '5'], ['2.50', '2.5'], ['20.5', '20.5'], ['20.50000', '20.5'],
    ['20.51', true], ['', true], ['0', true], ['0.0', true], ['-1', true], ['1e3', true], ['2,5', true], ['0x10', true], ['NaN', true], ['١', true],
    ['0.12345678901234567890', true], ['9'.repeat(5001), true]], typed);

  each('rateText', [[0, '0 H/s'], [1, '1.00 H/s'], [999, '999 H/s'], [999.6, '1.00 kH/s'], [12345, '12.3 kH/s'], [52_300_000, '52.3 MH/s'], [1.234e10, '12.3 GH/s'], [NaN, '0 H/s'], [undefined, '0 H/s'], [-1, '0 H/s']]);
  each('count', [[0, '0'], [9999, '9999'], [10000, `10${thin}000`], [1234567, `1${thin}234${thin}567`]]);
  each('countShort', [[9999, '9999'], [1048576, `1.05${thin}M`]]);
  each('duration', [[0.021, '21 ms'], [0, '1 ms'], [3.21, '3.2 s'], [59.4, '59 s'], [61, '1 min 1 s'], [3600, '1 h'], [90000, '1 d 1 h'], [31557600 * 1234567, `1${thin}234${thin}567 y`], [Infinity, 'for ever'], [NaN, 'for ever']]);
  each('ago', [[[100, 101], 'just now'], [[100, 130], '30 s ago'], [[0, 120], '2 min ago'], [[0, 7200], '2 h ago'], [[0, 864000], '10 d ago'], [[100, 0], 'in the future']]);

  const modulus = 'c3a1'.repeat(62) + '0102030405060708';
  const key = `30819f300d06092a864886f70d010101050003818d0030818902818100${modulus}0203010001`;
  const long = `30820122300d06092a864886f70d01010105000382010f003082010a0282010100${modulus.repeat(2)}0203010001`;
  each('shortHash', [['0123456789abcdef0123456789abcdef', '01234567…89abcdef'], ['short', 'short']]);
  each('shortAddress', [[key, 'c3a1c3a1…05060708'], [long, 'c3a1c3a1…05060708'], ['somebody', 'somebody'], ['x'.repeat(30), `${'x'.repeat(23)}…`], ['', ''], ['\u202eabc', '\ufffdabc']]);
  each('isKey', [[key, true], [long, true], [key.slice(1), false], [key.toUpperCase(), false], ['', false]]);
  each('messageOf', [['data:,Hello%20you', 'Hello you'], ['data:,', null], ['data:,%F0%9F%8E%89+%25', '🎉+%'], ['data:,%ff', null], ['data:text/html,x', null], ['DATA:,x', null], ['somebody', null]]);
  each('visible', [['a\nb\tc', 'a b c'], ['a\u0000\u202eb\u200b\ufeff', 'a\ufffd\ufffdb\ufffd\ufffd'], ['\ud800', '\ufffd'], ['👩‍👩‍👧', '👩‍👩‍👧'], ['<b>&amp;', '<b>&amp;'],
    ['a\u00adb\u034f\u115f\u3164\ufff9', 'a\ufffdb\ufffd\ufffd\ufffd\ufffd'], ['x\u{e0041}\u{e007f}', 'x\ufffd\ufffd'], ['❤️ می\u200cخواهم', '❤️ می\u200cخواهم']]);
  each('utf8Length', [['ä€🎉', 9], ['', 0]]);
  is('expected', f.expected(5, 1048576), 1);

  // Events, cut at every place and at any line end.
  const stream = ': hello\n\nid: e-1\nevent: tip\ndata: {"a":\ndata: 1}\n\ndata:no type\n\nevent: empty\n\nid\ndata: x\n\n';
  const want = [{ type: 'tip', data: '{"a":\n1}', id: 'e-1' }, { type: 'message', data: 'no type', id: 'e-1' }, { type: 'message', data: 'x', id: '' }];
  for (const end of ['\n', '\r\n', '\r']) {
    const text = stream.replaceAll('\n', end);
    for (let cut = 0; cut <= text.length; cut++) {
      const got = [];
      const parser = new f.EventParser((event) => got.push(event));
      parser.feed(text.slice(0, cut));
      parser.feed(text.slice(cut));
      if (end === '\r') parser.feed('\r'); // what ends in CR may have an LF to come
      is(`events, ${JSON.stringify(end)}, cut at ${cut}`, got, want);
    }
  }
  const resumed = [];
  new f.EventParser((event) => resumed.push(event), 'e-7').feed('event: mining\ndata: {}\n\nid: e-8\ndata: 1\n\n');
  is('events after a break', resumed, [{ type: 'mining', data: '{}', id: 'e-7' }, { type: 'message', data: '1', id: 'e-8' }]);
  return wrong;
}

// messages reads recipients as the page does.
async function messages(recipients) {
  const { messageOf } = await import('/ui/format.js');
  return recipients.map((recipient) => JSON.stringify(messageOf(recipient)));
}

// modules loads every module of the page, which compiles it, and returns what failed.
async function modules(paths) {
  const wrong = [];
  for (const path of paths) {
    try { await import(path); } catch (problem) { wrong.push(`${path}: ${problem}`); }
  }
  return wrong;
}
