// SPDX-License-Identifier: MIT
// state.js - where the reader is, kept in the address: #view/path:line. A link survives a new run,
// because it names a path and not an index.

export const VIEWS = [
  { id: 'overview', label: 'Overview', key: '1' },
  { id: 'functions', label: 'Functions', key: '2' },
  { id: 'threads', label: 'Threads', key: '3' },
];

const ADDRESS = /^#([a-z]+)(?:\/(.+?))?(?::(\d+))?$/;

/** @returns {{view: string, path: string|null, line: number}} */
export function parseHash(hash) {
  const match = ADDRESS.exec(hash);
  const view = VIEWS.find(({ id }) => match && id === match[1]);
  return {
    view: view ? view.id : 'overview',
    path: match && match[2] ? decode(match[2]) : null,
    line: match && match[3] ? Number(match[3]) : 0,
  };
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // not of our making; then it is taken as it stands
  }
}

/** Every character of a path that the address gives a meaning is escaped, but not the slash. */
export function formatHash({ view, path = null, line = 0 }) {
  if (path === null) return '#' + view;
  const escaped = encodeURIComponent(wellFormed(path)).replace(/%2F/g, '/');
  return '#' + view + '/' + escaped + (line > 0 ? ':' + line : '');
}

function wellFormed(text) {
  return text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd');
}

export function lineHash(file, line) {
  return formatHash({ view: 'overview', path: file.shown, line });
}

/** Choices are history; steps with a key replace the entry that they leave. */
export function go(hash, replace = false) {
  if (replace) location.replace(hash);
  else location.hash = hash;
}
