// SPDX-License-Identifier: MIT
// dom.js - makes elements. Text only ever becomes a text node, so nothing in a profile can be markup.

/**
 * @param {string} tag
 * @param {Object<string, *>} [attributes] `on` holds listeners; null and false leave an attribute out
 * @param {...(Node|string|number|null)} children
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'on') {
      for (const [type, listener] of Object.entries(value)) element.addEventListener(type, listener);
    } else if (value !== null && value !== false && value !== undefined) {
      element.setAttribute(name, value === true ? '' : String(value));
    }
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined).map(node));
  return element;
}

function node(child) {
  return child instanceof Node ? child : String(child);
}

export function byId(id) {
  return document.getElementById(id);
}

/** Puts `child` where `element` has children now. */
export function fill(element, ...children) {
  element.replaceChildren(...children.filter((child) => child !== null));
  return element;
}

/** A panel with a heading; `body` scrolls by itself. */
export function panel(name, title, body, extra = null) {
  return h('section', { class: `panel ${name}`, 'aria-label': title },
    h('header', {}, h('h2', {}, title), extra), body);
}

/** What stands where there is nothing to show: why, and what to do. */
export function empty(...text) {
  return h('p', { class: 'empty' }, ...text);
}
