// SPDX-License-Identifier: MIT
// tasks.js - threads and processes with what they waited for, where there is more than one.
import { h, panel } from './dom.js';
import { plural, seconds, visible } from './format.js';
import { barColumn, describe, kindColumns, secondsColumn, timeColumn, timeOfColumn } from './cells.js';
import { Table } from './table.js';
import { topWaits } from './waits.js';

const HEIGHT = 28;

function waitColumns(model) {
  if (model.cpuOnly) return [];
  return [
    timeOfColumn('lock', 'Locks', 'waiting for locks, in no column'),
    timeOfColumn('gil', 'GIL', 'waiting for the GIL, in no column'),
    timeOfColumn('runnable', 'For a core', 'ready to run, but no core was free; in no column'),
    {
      id: 'waits', label: 'Waited for', hint: 'the longest waits', value: (item) => item.waits[0]?.s ?? 0,
      draw: (item) => h('span', {}, topWaits(item.waits)),
    },
  ];
}

function figures(model, items, name) {
  return [
    timeColumn(model), secondsColumn(), name, barColumn(items[0].time || 1), ...kindColumns(model),
    timeOfColumn('cpu', 'CPU', 'CPU time by the kernel’s account'),
  ];
}

function name(label, hint, text, ...notes) {
  return {
    id: 'name', label, hint, value: text,
    draw: (item) => h('span', {}, h('b', {}, visible(text(item))),
      h('span', { class: 'directory' }, notes.map((note) => note(item)).filter(Boolean).join(', '))),
  };
}

function threads(model) {
  const several = model.processes.length > 1;
  const where = ({ id, pid }) => (several && id !== pid ? `${id} of ${pid}` : String(id));
  const items = model.threads;
  const table = new Table({
    name: 'tasks still', label: 'Threads', height: HEIGHT, items,
    columns: [
      ...figures(model, items, name('Thread', 'name and number', (item) => item.name, where, ({ withoutPython }) => withoutPython && 'no Python')),
      timeOfColumn('wall', 'Lived', 'how long it was seen to live'), ...waitColumns(model),
    ],
    describe: (item) => describe(model, item, `${visible(item.name)}, thread ${where(item)}`),
  });
  return panel('threads', 'Threads', table.element, note(items.length, 'thread', 'threads'));
}

/** The interpreter's directory says less than the arguments for which it would leave no room. */
function withoutDirectory(command) {
  return command.replace(/^\/\S*\/(?=[^\s/])/, '');
}

function exitText({ exit }) {
  if (exit === null) return '';
  return exit < 0 ? `signal ${-exit}` : String(exit);
}

function processes(model) {
  const items = model.processes;
  const exit = {
    id: 'exit', label: 'Exit', hint: 'exit status or signal', value: (item) => item.exit ?? -1000,
    draw: (item) => h('span', { class: item.exit ? 'failed' : null }, exitText(item)),
  };
  const table = new Table({
    name: 'tasks still', label: 'Processes', height: HEIGHT, items,
    columns: [
      ...figures(model, items, name('Process', 'command and number', (item) => withoutDirectory(item.command), (item) => String(item.id),
        (item) => item.threads > 1 && plural(item.threads, 'thread', 'threads'))),
      exit, ...waitColumns(model),
    ],
    describe: (item) => [describe(model, item, visible(item.command)),
      `process ${item.id}, started by ${item.parent}` + (item.version ? `, Python ${visible(item.version)}` : ''),
      item.cpu === null ? '' : `${seconds(item.cpu) || '0 s'} of CPU time`].filter(Boolean).join('\n'),
  });
  return panel('processes', 'Processes', table.element, note(items.length, 'process', 'processes'));
}

function note(count, one, many) {
  return h('span', { class: 'note' }, plural(count, one, many));
}

/** Null where there is one of each: its figures are the run's. */
export function tasksPanel(model) {
  const parts = [
    model.processes.length > 1 ? processes(model) : null,
    model.threads.length > 1 ? threads(model) : null,
  ].filter(Boolean);
  return parts.length > 0 ? h('div', { class: 'both' }, ...parts) : null;
}
