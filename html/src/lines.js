// SPDX-License-Identifier: MIT
// lines.js - the hottest lines of the whole run, two text rows each.
import { h, panel, empty } from './dom.js';
import { KINDS, nameOf, percentOf, placeOf } from './data.js';
import { heat, seconds, share, visible } from './format.js';
import { describe } from './cells.js';
import { kindBar } from './bars.js';
import { lineHash } from './state.js';
import { Table } from './table.js';
import { besideLine } from './waits.js';

const HEIGHT = 44;

function beside(line) {
  const text = besideLine(line);
  return text === '' ? null : h('span', { class: 'wait' }, text);
}

function location(line) {
  return h('span', { class: 'where' },
    h('a', { href: lineHash(line.file, line.line) }, visible(nameOf(line))), beside(line), ' ',
    h('span', { class: 'directory' }, visible(line.file.directory.replace(/\/$/, ''))));
}

function columns(model) {
  const kinds = KINDS.map(({ id, label, hint }, i) => ({
    id, label, hint: `${label}: ${hint}, in % of the run`, value: (line) => line[id],
    draw: (line) => h('span', {}, share(percentOf(model, line[id])), i === 0 ? kindBar(line, model.hottest) : null),
  }));
  return [
    {
      id: 'time', label: 'Time %', hint: `share of the run’s ${model.timeName}`, value: (line) => line.time,
      draw: (line) => h('span', { class: `heat heat${heat(line.share)}` }, share(line.share),
        h('small', {}, seconds(line.time))),
    },
    {
      id: 'name', label: 'Line', hint: 'file and line', value: (line) => `${line.file.shown}:${line.line}`,
      draw: (line) => h('span', {}, location(line), h('code', {}, visible((line.source ?? '').trim().slice(0, 200)))),
    },
    ...kinds,
  ];
}

/** @returns {{element: HTMLElement, table: Table|null}} */
export function linesPanel(model, choose) {
  if (model.lines.length === 0) {
    return { element: panel('lines', 'Hottest lines', empty('No line has time.')), table: null };
  }
  const table = new Table({
    name: 'hot', label: 'Hottest lines', height: HEIGHT, items: model.lines, columns: columns(model), choose,
    link: (line) => lineHash(line.file, line.line),
    describe: (line) => describe(model, line, visible(placeOf(line))),
  });
  const keys = h('span', { class: 'keys', title: 'next and previous hot line' }, h('kbd', {}, 'j'), h('kbd', {}, 'k'));
  return { element: panel('lines', 'Hottest lines', table.element, keys), table };
}
