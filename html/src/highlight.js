// SPDX-License-Identifier: MIT
// highlight.js - Python's tokens, as far as colours need them. Works line by line: what a line
// begins inside of is known from one quick pass over the file, and only shown lines are coloured.

const KEYWORDS = new Set(('False None True and as assert async await break class continue def del elif else except '
  + 'finally for from global if import in is lambda nonlocal not or pass raise return try while with yield').split(' '));

const CODE = 0; // states at the start of a line: in code, or in a string that ends with one of these
const ENDS = ['', "'''", '"""', "'", '"'];

const TOKEN = new RegExp([
  '(?<space>\\s+)',
  '(?<comment>#.*)',
  '(?<string>(?:[rRbBuUfFtT]{1,2})?(?:"""|\'\'\'|"|\'))',
  '(?<number>0[xX][\\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:\\d[\\d_]*\\.?[\\d_]*|\\.\\d[\\d_]*)(?:[eE][+-]?\\d[\\d_]*)?[jJ]?)',
  '(?<name>[\\p{L}\\p{Nl}_][\\p{L}\\p{Nl}\\p{Mn}\\p{Mc}\\p{Nd}\\p{Pc}]*)',
  '(?<other>.)',
].join('|'), 'uys');

/** Where the string that `end` closes is over, searched from `from`; -1 if not on this line. */
function endOfString(line, from, end) {
  for (let i = from; i < line.length; i++) {
    if (line[i] === '\\') i++;
    else if (line.startsWith(end, i)) return i + end.length;
  }
  return -1;
}

/** State of the next line, when a string that `end` closes is open at the end of this one. */
function openString(line, end) {
  const continued = /(?:^|[^\\])(?:\\\\)*\\$/.test(line);
  return end.length === 3 || continued ? ENDS.indexOf(end) : CODE;
}

/**
 * @param {string} line
 * @param {number} state at its start
 * @returns {{tokens: Array<[string, string]>, state: number}} class ("" for plain) and text, in order
 */
export function tokenize(line, state) {
  const tokens = [];
  let at = 0;
  let before = ''; // the last name, and whether only space came before
  let start = true;
  const add = (kind, to) => {
    tokens.push([kind, line.slice(at, to)]);
    at = to;
  };
  if (state !== CODE) {
    const to = endOfString(line, 0, ENDS[state]);
    if (to < 0) return { tokens: [['string', line]], state: openString(line, ENDS[state]) };
    add('string', to);
    start = false;
  }
  while (at < line.length) {
    TOKEN.lastIndex = at;
    const { groups, 0: text } = TOKEN.exec(line);
    if (groups.string) {
      const end = /["']+$/.exec(text)[0];
      const to = endOfString(line, at + text.length, end);
      if (to < 0) {
        add('string', line.length);
        return { tokens, state: openString(line, end) };
      }
      add('string', to);
    } else if (groups.name) {
      const kind = KEYWORDS.has(text) ? 'keyword' : before === 'def' || before === 'class' ? 'defined' : '';
      before = text;
      add(kind, at + text.length);
      start = false;
      continue;
    } else if (start && text === '@') {
      add('decorator', at + /^@[\w.\s]*/.exec(line.slice(at))[0].length);
    } else {
      add(groups.comment ? 'comment' : groups.number ? 'number' : '', at + text.length);
    }
    if (!groups.space) {
      before = '';
      start = false;
    }
  }
  return { tokens, state: CODE };
}

/** State at the start of every line. */
export function lineStates(lines) {
  const states = new Uint8Array(lines.length);
  let state = CODE;
  lines.forEach((line, i) => {
    states[i] = state;
    if (state !== CODE || /["']/.test(line)) state = tokenize(line, state).state;
  });
  return states;
}
