// SPDX-License-Identifier: MIT
// files.js - the files that have time.
import { h, panel, empty } from './dom.js';
import { visible } from './format.js';
import { barColumn, describe, timeColumn } from './cells.js';
import { formatHash } from './state.js';
import { Table } from './table.js';

const HEIGHT = 28;

function link(file) {
  return formatHash({ view: 'overview', path: file.shown });
}

export function filesPanel(model, choose) {
  if (model.files.length === 0) {
    return { element: panel('files', 'Files', empty('No file has time.')), table: null };
  }
  const name = {
    id: 'name', label: 'File', hint: 'file', value: (file) => file.shown,
    draw: (file) => h('span', {}, h('a', { href: link(file) }, visible(file.name)), ' ',
      h('span', { class: 'directory' }, visible(file.directory.replace(/\/$/, '')))),
  };
  const table = new Table({
    name: 'paths', label: 'Files', height: HEIGHT, items: model.files, choose, link,
    columns: [timeColumn(model), name, barColumn(model.files[0].time || 1)],
    describe: (file) => describe(model, file, visible(file.path)),
  });
  return { element: panel('files', 'Files', table.element), table };
}
