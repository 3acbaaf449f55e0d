// SPDX-License-Identifier: MIT
// bars.js - time by kind as a bar. The numbers always stand beside it, so it is hidden from readers.
import { h } from './dom.js';
import { KINDS } from './data.js';

/** A bar of `times`, as wide as its place when its time is `full`. */
export function kindBar(times, full) {
  const bar = h('span', { class: 'kinds', 'aria-hidden': 'true' });
  for (const { id } of KINDS) {
    if (!(times[id] > 0)) continue;
    const part = h('i', { class: id });
    part.style.width = 100 * times[id] / full + '%';
    bar.append(part);
  }
  return bar;
}

export function swatch(kind) {
  return h('i', { class: `swatch ${kind}`, 'aria-hidden': 'true' });
}
