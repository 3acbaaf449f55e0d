// SPDX-License-Identifier: MIT
// cells.js - columns that several tables share, and what a row says when asked.
import { h } from './dom.js';
import { KINDS, percentOf } from './data.js';
import { heat, margin, percent, plural, seconds, share } from './format.js';
import { kindBar } from './bars.js';
import { allWaits, busyOf } from './waits.js';

/** Share of the run with its heat, and the seconds beside or below it. */
export function timeColumn(model) {
  return {
    id: 'time', label: 'Time %', hint: `share of the run’s ${model.timeName}`, value: (item) => item.time,
    draw: (item) => h('span', { class: `heat heat${heat(item.share)}` }, share(item.share)),
  };
}

/** Seconds of something else than the columns. */
export function timeOfColumn(id, label, hint) {
  return { id, label, hint, value: (item) => item[id], draw: (item) => h('span', {}, seconds(item[id] ?? 0)) };
}

export function secondsColumn() {
  return {
    id: 'seconds', label: 'Seconds', hint: 'time in seconds', value: (item) => item.time,
    draw: (item) => h('span', {}, seconds(item.time)),
  };
}

/** Python, native, system: shares of the run. */
export function kindColumns(model) {
  return KINDS.map(({ id, label, hint }) => ({
    id, label, hint: `${label}: ${hint}, in % of the run`, value: (item) => item[id],
    draw: (item) => h('span', {}, share(percentOf(model, item[id]))),
  }));
}

export function barColumn(full) {
  return {
    id: 'bar', label: 'By kind', hint: 'python, native and system; the longest bar is the hottest row',
    value: (item) => item.time, draw: (item) => kindBar(item, full),
  };
}

/** All figures of a line or function as text. */
export function describe(model, item, name) {
  const kinds = KINDS.filter(({ id }) => item[id] > 0)
    .map(({ id, label }) => `${label} ${seconds(item[id])} (${percent(percentOf(model, item[id]))})`);
  const text = [name];
  if (item.time > 0) text.push(`${percent(item.share)} of the ${model.timeName}, ${seconds(item.time)}: ${kinds.join(', ')}`);
  if (item.samples > 0 && busyOf(item) > 0) { // waiting is measured: only CPU time has a margin
    const cpu = busyOf(model.times);
    const points = margin(Math.min(100, 100 * busyOf(item) / cpu), model.samples) * cpu / model.times.time;
    text.push(`${plural(item.samples, 'sample', 'samples')}, ± ${points.toFixed(1)} points (95 %)`);
  }
  if (item.total > item.time) {
    text.push(`${percent(percentOf(model, item.total))}, ${seconds(item.total)} with all that it called`);
  }
  if (item.helpers > 0) text.push(`${seconds(item.helpers)} of it in native threads that this line waited for`);
  text.push(...allWaits(item.waits));
  if (item.runnable > 0) text.push(`waited: for a core ${seconds(item.runnable)}`);
  return text.join('\n');
}
