// SPDX-License-Identifier: MIT
// source.js - one file's source with its times, a row of one height for each line.
import { fill, h, empty } from './dom.js';
import { KINDS, hottestLine, percentOf, placeOf } from './data.js';
import { columns, heat, mark, percent, seconds, share, splitHidden, visible } from './format.js';
import { kindBar } from './bars.js';
import { describe } from './cells.js';
import { lineStates, tokenize } from './highlight.js';
import { minimap } from './minimap.js';
import { Rows } from './rows.js';
import { lineHash } from './state.js';
import { besideLine } from './waits.js';

const HEIGHT = 21;
const LONGEST = 1000; // characters of a line that are shown

const HEADINGS = [
  ['number', 'Line', 'line number'],
  ['time', 'Time %', 'share of the run'],
  ['seconds', 'Seconds', 'time in seconds'],
  ['bar', 'By kind', 'the longest bar is the hottest line of the run'],
  ...KINDS.map(({ id, label, hint }) => [id, label, `${label}: ${hint}, in % of the run`]),
  ['code', 'Source', ''],
];

function marked(text) {
  return splitHidden(text).map((part, i) => (i % 2 === 0 ? part : h('span', { class: 'hidden' }, mark(part))));
}

function coloured(text, state) {
  const shown = text.length > LONGEST ? text.slice(0, LONGEST) + ' …' : text;
  return tokenize(shown, state).tokens.map(([kind, part]) => (
    kind === '' ? marked(part) : h('span', { class: kind }, ...marked(part))));
}

/** Lines to show: the whole source, or where there is none the measured lines alone. */
function listed(file) {
  if (file.text !== null) {
    return file.text.map((text, i) => ({ number: i + 1, text, line: file.byLine.get(i + 1) ?? null }));
  }
  return file.lines.filter((line) => line.time > 0 || line.waits.length > 0 || line.source !== null)
    .map((line) => ({ number: line.line, text: line.source ?? '', line }));
}

function noticeOf(file) {
  if (file.changed) {
    return 'This file was changed after the run began: times may stand beside other lines than those that ran.';
  }
  if (file.text !== null) return null;
  if (file.path === '<interpreter>') return 'No source: this is Python itself, starting up and shutting down.';
  return file.origin === 'none' ? 'No source: this name stands for code that is in no file.'
    : 'The source of this file was not to be had. Only lines with time are listed.';
}

export class SourceView {
  constructor(model) {
    this.model = model;
    this.file = null;
    this.chosen = 0;
    this.element = h('section', { class: 'panel source', 'aria-label': 'Source' });
    fill(this.element, h('header', {}, h('h2', {}, 'Source')), empty('No source to show.'));
  }

  /** Shows `file` at `line`, or at its hottest line. @returns {number} the line */
  show(file, line) {
    const moved = file !== this.file;
    if (moved) this.open(file);
    this.chosen = line > 0 ? line : hottestLine(file)?.line ?? 1;
    if (this.rows) this.turnTo(this.listed.findIndex(({ number }) => number === this.chosen), moved);
    return this.chosen;
  }

  turnTo(index, moved) {
    this.rows.redraw();
    if (index >= 0) this.rows.reveal(index, moved || !this.inSight(index));
  }

  inSight(index) {
    const top = index * HEIGHT - this.scroller.scrollTop;
    return top >= 0 && top <= this.scroller.clientHeight - 3 * HEIGHT;
  }

  open(file) {
    this.file = file;
    this.chosen = 0;
    this.rows = null;
    this.listed = listed(file);
    this.states = file.text !== null ? lineStates(file.text) : null;
    const title = h('header', {}, h('h2', {}, visible(file.name)),
      h('code', { class: 'directory' }, visible(file.path.slice(0, file.path.length - file.name.length))),
      h('span', { class: 'note' }, `${percent(file.share)} of the run, ${seconds(file.time) || '0 s'}`));
    fill(this.element, title, this.notice(file),
      this.listed.length > 0 ? this.grid() : empty('No line of this file is known.'));
    if (this.rows) this.rows.reset(this.listed.length);
  }

  notice(file) {
    const told = noticeOf(file);
    return told === null ? null : h('p', { class: 'warning' }, told);
  }

  grid() {
    const count = this.listed.length;
    const headings = HEADINGS.map(([id, label, hint]) => (
      h('div', { class: `cell ${id}`, role: 'columnheader', title: hint || null }, label)));
    const head = h('div', { class: 'row head', role: 'row', 'aria-rowindex': '1' },
      h('div', { class: 'measures', role: 'presentation' }, ...headings.slice(0, -1)), headings.at(-1));
    this.scroller = h('div', {
      class: 'table lineview', role: 'table', tabindex: '0', 'aria-label': `Source of ${visible(this.file.name)}`,
      'aria-rowcount': count + 1, 'aria-colcount': HEADINGS.length,
    }, head);
    const widest = this.listed.reduce((most, { text }) => Math.max(most, columns(text.slice(0, LONGEST))), 0);
    this.scroller.style.setProperty('--widest', widest + 3 + 'ch');
    this.rows = new Rows(this.scroller, HEIGHT, (index) => this.row(index));
    const map = this.file.text === null ? null
      : minimap(this.file.lines, count, count * HEIGHT, (index) => this.rows.reveal(index, true));
    return h('div', { class: 'framed' }, this.scroller, map);
  }

  row(index) {
    const { number, text, line } = this.listed[index];
    const row = h('div', {
      class: `row${number === this.chosen ? ' chosen' : ''}`, role: 'row', 'aria-rowindex': index + 2,
      'aria-current': number === this.chosen ? 'true' : null,
    });
    const cells = this.figures(line?.time > 0 ? line : null, number);
    if (line) row.title = describe(this.model, line, visible(placeOf(line)));
    const code = h('code', {}, ...coloured(text, this.states ? this.states[index] : 0).flat());
    const wait = line ? besideLine(line) : '';
    row.append(h('div', { class: 'measures', role: 'presentation' }, ...cells),
      h('div', { class: 'cell code', role: 'cell' }, code, wait === '' ? null : h('span', { class: 'wait' }, wait)));
    return row;
  }

  figures(line, number) {
    const cell = (id, ...children) => h('div', { class: `cell ${id}`, role: 'cell' }, ...children);
    const link = h('a', { href: lineHash(this.file, number) }, number > 0 ? String(number) : '–');
    if (!line) return [cell('number', link), ...HEADINGS.slice(1, -1).map(([id]) => cell(id))];
    return [
      cell(`number edge${heat(line.share)}`, link),
      cell('time', h('span', { class: `heat heat${heat(line.share)}` }, share(line.share))),
      cell('seconds', seconds(line.time)),
      cell('bar', kindBar(line, this.model.hottest)),
      ...KINDS.map(({ id }) => cell(id, share(percentOf(this.model, line[id])))),
    ];
  }
}
