// SPDX-License-Identifier: MIT
// waits.js - waiting in words: the same as those of src/report/wait_words.c. No DOM in here.
import { seconds, visible } from './format.js';

const WORDS = { sleep: 'sleep', child: 'child', lock: 'lock', gil: 'GIL' };
const PHRASES = {
  sleep: 'sleeping', child: 'waiting for a child process', lock: 'waiting for locks', gil: 'waiting for the GIL',
};
const IN_COLUMN = ['io', 'sleep', 'child'];
const TOLD = 0.9; // of a wait that is in the columns: then its time need not be told again

/** "epoll_wait", "sleep", "lock", ...: of I/O the system call's name tells most. */
export function wordOf({ state, reason }) {
  return WORDS[state] ?? visible(reason);
}

/** "waiting in epoll_wait", "waiting (page fault)", "sleeping", ... */
export function phraseOf({ state, reason }) {
  if (PHRASES[state]) return PHRASES[state];
  return reason.includes(' ') ? `waiting (${visible(reason)})` : `waiting in ${visible(reason)}`; // a call is one word
}

/** What of `waits` is in the system column. */
export function countedOf(waits) {
  return waits.reduce((total, wait) => total + wait.counted, 0);
}

/** CPU time: the columns without the waiting in them. */
export function busyOf(item) {
  return Math.max(0, item.time - countedOf(item.waits));
}

/** The longest wait of what mostly waits; else null. */
export function mainWait(item) {
  const waited = item.waits.reduce((total, wait) => total + wait.s, 0);
  return waited > busyOf(item) ? item.waits[0] : null;
}

/** "◂ epoll_wait", and for how long where the columns do not have it. "" for what does not mostly wait. */
export function besideLine(item) {
  const wait = mainWait(item);
  if (!wait) return '';
  return `◂ ${wordOf(wait)}` + (wait.counted > TOLD * wait.s ? '' : ` ${seconds(wait.s)}`);
}

/** "recvfrom 9.80 s, lock 1.20 s": as many as matter beside the longest. */
export function topWaits(waits, count = 3) {
  return waits.filter(({ s }, i) => i < count && s > 0 && s >= waits[0].s / 20)
    .map((wait) => `${wordOf(wait)} ${seconds(wait.s)}`).join(', ');
}

/** Every wait with what of it is in the 100 %, a line each. */
export function allWaits(waits) {
  return waits.filter(({ s }) => s > 0).map((wait) => {
    const word = wordOf(wait);
    const call = word === wait.reason || wait.state === 'gil' ? '' : ` (${visible(wait.reason)})`;
    const part = !IN_COLUMN.includes(wait.state) || wait.counted > TOLD * wait.s ? ''
      : `, of which the whole program stood still for ${seconds(wait.counted) || '0 s'}`;
    return `waited: ${word}${call} ${seconds(wait.s)}${part}`;
  });
}

/** Adds up lists of waits by state and reason, the longest first. */
export function sumWaits(lists) {
  const sums = new Map();
  for (const { state, reason, s, counted } of lists.flat()) {
    const key = `${state} ${reason}`;
    const sum = sums.get(key) ?? { state, reason, s: 0, counted: 0 };
    sums.set(key, { ...sum, s: sum.s + s, counted: sum.counted + counted });
  }
  return [...sums.values()].sort((a, b) => b.s - a.s);
}

/** The state that most of the system column is. */
export function systemState(item) {
  const parts = new Map([['kernel', (item.system ?? 0) - countedOf(item.waits)]]);
  for (const { state, counted } of item.waits) parts.set(state, (parts.get(state) ?? 0) + counted);
  return [...parts].reduce((best, part) => (part[1] > best[1] ? part : best))[0];
}
