// SPDX-License-Identifier: MIT
// table.js - a sortable table with virtual rows: click a heading, or walk with the arrow keys.
import { h } from './dom.js';
import { Rows } from './rows.js';

let tables = 0;

export class Table {
  /**
   * @param {Object} options
   * @param {string} options.name class of the table; the style sheet gives its columns widths
   * @param {string} options.label for readers
   * @param {number} options.height of a row
   * @param {Array<Object>} options.items in their first order, which is descending by `columns[0]`
   * @param {Array<{id: string, label: string, hint: string, value: function(Object): (number|string),
   *   draw: function(Object): Node}>} options.columns
   * @param {(item: Object) => string} [options.link] the address that a row leads to, where it does
   * @param {(item: Object) => string} [options.describe] tooltip
   * @param {(link: string, replace: boolean) => void} [options.choose] goes there
   */
  constructor(options) {
    Object.assign(this, options, { id: `table${tables++}`, chosen: -1, sorted: options.columns[0], down: true });
    this.items = [...options.items];
    this.headings = options.columns.map((column) => this.heading(column));
    this.element = h('div', {
      class: `table ${options.name}`, role: 'grid', tabindex: '0', 'aria-label': options.label,
      'aria-rowcount': this.items.length + 1, 'aria-colcount': options.columns.length,
      on: { keydown: (event) => this.key(event) },
    }, h('div', { class: 'row head', role: 'row', 'aria-rowindex': '1' }, ...this.headings));
    this.rows = new Rows(this.element, options.height, (index) => this.row(index));
    this.showOrder();
    this.rows.reset(this.items.length);
  }

  heading(column) {
    return h('div', { class: `cell ${column.id}`, role: 'columnheader' },
      h('button', { type: 'button', title: column.hint, on: { click: () => this.sort(column) } }, column.label));
  }

  /** By `column`; again by the same turns the order. Numbers begin with the largest, text with A. */
  sort(column) {
    const text = this.items.length > 0 && typeof column.value(this.items[0]) === 'string';
    this.down = this.sorted === column ? !this.down : !text;
    this.sorted = column;
    const chosen = this.items[this.chosen];
    const sign = this.down ? -1 : 1;
    const keyed = this.items.map((item, i) => ({ item, i, key: column.value(item) }));
    const compare = text
      ? (a, b) => sign * collator.compare(a.key, b.key) || a.i - b.i
      : (a, b) => sign * ((a.key ?? -1) - (b.key ?? -1)) || a.i - b.i;
    this.items = keyed.sort(compare).map(({ item }) => item);
    this.chosen = this.items.indexOf(chosen);
    this.showOrder();
    this.element.scrollTop = 0;
    this.rows.redraw();
  }

  showOrder() {
    this.columns.forEach((column, i) => {
      const order = column === this.sorted ? (this.down ? 'descending' : 'ascending') : 'none';
      this.headings[i].setAttribute('aria-sort', order);
    });
  }

  row(index) {
    const item = this.items[index];
    const row = h('div', {
      class: 'row', role: 'row', id: `${this.id}-${index}`, 'aria-rowindex': index + 2,
      'aria-selected': String(index === this.chosen), title: this.describe ? this.describe(item) : null,
      on: { click: (event) => this.click(event, index) },
    });
    row.append(...this.columns.map((column) => h('div', { class: `cell ${column.id}`, role: 'gridcell' }, column.draw(item))));
    return row;
  }

  click(event, index) {
    if (!this.link || event.target.closest('a') || String(getSelection()) !== '') return; // a link goes there by itself
    this.choose(this.link(this.items[index]), false);
  }

  key(event) {
    const page = Math.max(1, Math.floor(this.element.clientHeight / this.height) - 2);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.target !== this.element || !(event.key in steps) || this.items.length === 0) return;
    event.preventDefault();
    this.step(steps[event.key]);
  }

  step(by) {
    const to = Math.max(0, Math.min(this.items.length - 1, this.chosen + by));
    this.mark(to);
    if (this.link) this.choose(this.link(this.items[to]), true);
  }

  /** Shows which row is chosen; -1 for none. */
  mark(index) {
    if (index === this.chosen) return;
    this.chosen = index;
    this.rows.redraw();
    if (index >= 0) {
      this.rows.reveal(index);
      this.element.setAttribute('aria-activedescendant', `${this.id}-${index}`);
    } else {
      this.element.removeAttribute('aria-activedescendant');
    }
  }

  markItem(item) {
    this.mark(item ? this.items.indexOf(item) : -1);
  }
}

const collator = new Intl.Collator(undefined, { numeric: true });
