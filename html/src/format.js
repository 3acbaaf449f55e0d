// SPDX-License-Identifier: MIT
// format.js - numbers and names as people read them. No DOM in here.

const NARROW_SPACE = '\u202f';
const SPACE = '\u00a0';

/** 2714 -> "2 714" */
export function count(n) {
  return String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, NARROW_SPACE);
}

/** A share without its sign: "26", "6.1", "<0.1", and "" for nothing. */
export function share(percent) {
  if (!(percent > 0)) return '';
  if (percent >= 9.95) return String(Math.round(percent));
  return percent >= 0.05 ? percent.toFixed(1) : '<0.1';
}

export function percent(value) {
  return (share(value) || '0') + SPACE + '%';
}

/** Seconds with three digits: "3.50 s", "80 ms", and "" for nothing. */
export function seconds(s) {
  if (!(s > 0)) return '';
  if (s >= 99.95) return count(s) + SPACE + 's';
  if (s >= 9.995) return s.toFixed(1) + SPACE + 's';
  if (s >= 0.9995) return s.toFixed(2) + SPACE + 's';
  if (s >= 0.00995) return Math.round(s * 1000) + SPACE + 'ms';
  return (s >= 0.00005 ? String(Number((s * 1000).toFixed(1))) : '<0.1') + SPACE + 'ms';
}

export function plural(n, one, many) {
  return count(n) + ' ' + (n === 1 ? one : many);
}

/** Half the width of the 95 % interval of a share, in points. */
export function margin(percentage, samples) {
  const p = percentage / 100;
  return samples > 0 ? 196 * Math.sqrt(p * (1 - p) / samples) : 100;
}

/** Step of the heat scale, 0 to 5: of the whole run, never of one file. */
export function heat(percentage) {
  return [0, 1, 5, 10, 25].filter((from) => percentage > 0 && percentage >= from).length;
}

/** "/home/ada/pkg/mod.py" -> ["/home/ada/pkg/", "mod.py"] */
export function splitPath(path) {
  const at = path.lastIndexOf('/') + 1;
  return [path.slice(0, at), path.slice(at)];
}

// Characters that would not be seen, or would change the order of those around them: controls,
// zero width, and the bidirectional ones.
const HIDDEN = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

export function mark(character) {
  const code = character.codePointAt(0);
  return code === 10 ? '↵' : 'U+' + code.toString(16).toUpperCase().padStart(4, '0');
}

/** Text of a program on one line, with hidden characters made visible. */
export function visible(text) {
  return String(text).replace(HIDDEN, (character) => '⟨' + mark(character) + '⟩').replace(/\t/g, ' ');
}

/** Splits at hidden characters: [text, character, text, ...]; the odd ones are to be marked. */
export function splitHidden(text) {
  const parts = [];
  let from = 0;
  for (const match of text.matchAll(HIDDEN)) {
    parts.push(text.slice(from, match.index), match[0]);
    from = match.index + 1;
  }
  parts.push(text.slice(from));
  return parts;
}

/** Columns that `text` takes in a fixed-width font, tabs every `tab`. Good enough to set a width. */
export function columns(text, tab = 4) {
  if (/^[ -~]*$/.test(text)) return text.length;
  let width = 0;
  for (const character of text) {
    if (character === '\t') width += tab - (width % tab);
    else width += character >= '\u1100' ? 2 : 1;
  }
  return width;
}
