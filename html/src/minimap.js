// SPDX-License-Identifier: MIT
// minimap.js - heat of a whole file as marks beside its scrollbar; a click goes there.
import { h } from './dom.js';
import { heat } from './format.js';

const STEPS = 250; // marks at most: the hottest line of each part of the file
const COLD = 1;    // per cent of the run, below which a line has no mark

export function minimap(lines, count, height, reveal) {
  const hottest = new Map();
  for (const line of lines.filter(({ share, line: number }) => share >= COLD && number >= 1 && number <= count)) {
    const step = Math.floor((line.line - 1) * STEPS / count);
    if (line.time > (hottest.get(step)?.time ?? 0)) hottest.set(step, line);
  }
  const jump = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    reveal(Math.floor((event.clientY - box.top) / box.height * count));
  };
  const map = h('div', { class: 'minimap', 'aria-hidden': 'true', on: { click: jump } });
  map.style.maxHeight = height + 'px';
  for (const line of hottest.values()) {
    const mark = h('i', { class: `heat${heat(line.share)}` });
    mark.style.top = 100 * (line.line - 1) / count + '%';
    map.append(mark);
  }
  return map;
}
