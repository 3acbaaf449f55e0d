// SPDX-License-Identifier: MIT
// functions.js - the functions of the reported files.
import { h, panel, empty } from './dom.js';
import { percentOf } from './data.js';
import { plural, share, visible } from './format.js';
import { barColumn, describe, kindColumns, secondsColumn, timeColumn } from './cells.js';
import { lineHash } from './state.js';
import { Table } from './table.js';

const HEIGHT = 28;

function shareColumn(model, id, label, hint) {
  return { id, label, hint, value: (item) => item[id], draw: (item) => h('span', {}, share(percentOf(model, item[id]))) };
}

function columns(model) {
  return [
    timeColumn(model),
    secondsColumn(),
    {
      id: 'name', label: 'Function', hint: 'name', value: (item) => item.name,
      draw: (item) => h('a', { href: lineHash(item.file, item.line) }, visible(item.name)),
    },
    barColumn(model.functions[0].time || 1),
    ...kindColumns(model),
    shareColumn(model, 'self', 'Self %', 'time in its own lines alone, without anything called'),
    shareColumn(model, 'total', 'Total %', 'time with all that it called'),
    {
      id: 'where', label: 'Defined in', hint: 'file and line', value: (item) => item.file.shown,
      draw: (item) => h('span', {}, visible(item.file.shown), h('span', { class: 'directory' }, ':' + item.line)),
    },
  ];
}

export function functionsPanel(model, choose) {
  if (model.functions.length === 0) {
    return panel('functions', 'Functions', empty('No function has time.'));
  }
  const table = new Table({
    name: 'wide', label: 'Functions', height: HEIGHT, items: model.functions, columns: columns(model), choose,
    link: (item) => lineHash(item.file, item.line),
    describe: (item) => describe(model, item, visible(item.name)),
  });
  const note = h('span', { class: 'note' },
    `${plural(model.functions.length, 'function', 'functions')} in ${plural(model.files.length, 'file', 'files')}`);
  return panel('functions', 'Functions', table.element, note);
}
