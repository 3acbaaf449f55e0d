// SPDX-License-Identifier: MIT
// rows.js - virtual rows: of any number of rows of one height, only those in sight are elements.

const AROUND = 8; // rows kept ready above and below

export class Rows {
  /**
   * @param {HTMLElement} scroller has the scrollbar; rows are laid out inside an element of their own
   * @param {number} height of a row in pixels
   * @param {(index: number) => HTMLElement} draw
   */
  constructor(scroller, height, draw) {
    Object.assign(this, { scroller, height, draw, count: 0, drawn: new Map() });
    this.space = document.createElement('div');
    this.space.className = 'rows';
    this.space.setAttribute('role', 'rowgroup');
    scroller.append(this.space);
    scroller.addEventListener('scroll', () => this.update(), { passive: true });
    new ResizeObserver(() => this.update()).observe(scroller);
  }

  /** Shows `count` rows afresh. */
  reset(count) {
    this.count = count;
    this.space.style.height = count * this.height + 'px';
    this.redraw();
  }

  redraw() {
    this.drawn.clear();
    this.space.replaceChildren();
    this.update();
  }

  update() {
    const top = this.scroller.scrollTop - this.space.offsetTop;
    const first = Math.max(0, Math.floor(top / this.height) - AROUND);
    const last = Math.min(this.count, Math.ceil((top + this.scroller.clientHeight) / this.height) + AROUND);
    for (const [index, element] of this.drawn) {
      if (index < first || index >= last) {
        element.remove();
        this.drawn.delete(index);
      }
    }
    for (let index = first; index < last; index++) {
      if (!this.drawn.has(index)) this.place(index);
    }
  }

  place(index) {
    const element = this.draw(index);
    element.style.transform = `translateY(${index * this.height}px)`;
    element.style.height = this.height + 'px';
    this.drawn.set(index, element);
    this.space.append(element);
  }

  /** Scrolls as little as makes the row visible, or puts it in the middle. */
  reveal(index, middle = false) {
    const header = this.space.offsetTop;
    const top = index * this.height;
    const inside = this.scroller.clientHeight - header;
    const from = this.scroller.scrollTop;
    if (middle) this.scroller.scrollTop = top - (inside - this.height) / 2;
    else if (top < from) this.scroller.scrollTop = top;
    else if (top + this.height > from + inside) this.scroller.scrollTop = top + this.height - inside;
    this.update();
  }
}
