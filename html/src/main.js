// SPDX-License-Identifier: MIT
// main.js - reads the data, builds the views, and follows the address and the keys.
import { byId, empty, fill, h } from './dom.js';
import { DataError, findFile, readModel } from './data.js';
import { visible } from './format.js';
import { filesPanel } from './files.js';
import { functionsPanel } from './functions.js';
import { linesPanel } from './lines.js';
import { SourceView } from './source.js';
import { VIEWS, formatHash, go, parseHash } from './state.js';
import { advice, showSummary } from './summary.js';
import { tasksPanel } from './tasks.js';
import { startTheme, toggleTheme } from './theme.js';

/** The overview: hottest lines and files on the left, the source of the chosen line beside them. */
class Overview {
  constructor(model) {
    this.model = model;
    this.lines = linesPanel(model, go);
    this.files = filesPanel(model, go);
    this.source = new SourceView(model);
    this.note = h('p', { class: 'warning', role: 'status', hidden: true });
    this.element = h('div', { class: 'overview' },
      h('div', { class: 'side' }, this.lines.element, this.files.element),
      h('div', { class: 'main' }, this.note, this.source.element));
  }

  show({ path, line }) {
    if (path === null && this.source.file) return; // back from another view: as it was left
    const { file, exact } = path === null ? { file: this.model.lines[0]?.file ?? this.model.files[0] ?? null, exact: true }
      : findFile(this.model, path);
    this.note.hidden = exact;
    if (!exact) {
      this.note.textContent = `This report has no ${visible(path)}.` + (file ? ` The nearest is ${visible(file.shown)}.` : '');
    }
    if (!file) return;
    const shown = this.source.show(file, exact ? line : 0);
    this.lines.table?.markItem(file.byLine.get(shown) ?? null);
    this.files.table?.markItem(file);
  }
}

function tabs(host, views) {
  return VIEWS.filter(({ id }) => views.has(id)).map(({ id, label, key }) => host.appendChild(
    h('a', { href: formatHash({ view: id }), title: `${label} (${key})`, 'data-view': id }, label)));
}

function heading(model) {
  const command = visible(model.command);
  byId('command').textContent = command;
  byId('command').title = command;
  const version = model.python.version && `Python ${visible(model.python.version)}`;
  byId('run').textContent = [version, started(model)].filter(Boolean).join(' · ');
  const [hottest] = model.lines;
  document.title = hottest ? `${visible(hottest.file.name)} – lineprof` : 'lineprof';
}

function started(model) {
  const when = new Date(typeof model.started === 'number' ? model.started * 1000 : model.started ?? NaN);
  if (Number.isNaN(when.getTime())) return '';
  return when.toLocaleString('sv-SE', { dateStyle: 'short', timeStyle: 'short' }); // 2026-11-20 11:24
}

function start(model) {
  heading(model);
  showSummary(byId('summary'), model);
  if (model.files.length === 0) {
    fill(byId('main'), advice(model));
    return;
  }
  const overview = new Overview(model);
  const panels = [['overview', overview.element], ['functions', functionsPanel(model, go)], ['threads', tasksPanel(model)]];
  const views = new Map(panels.filter(([, element]) => element !== null));
  const links = tabs(byId('views'), views);
  fill(byId('main'), ...views.values());
  const follow = () => {
    const asked = parseHash(location.hash);
    const state = views.has(asked.view) ? asked : parseHash('');
    for (const [id, element] of views) element.hidden = id !== state.view;
    for (const link of links) {
      if (link.dataset.view === state.view) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
    if (state.view === 'overview') overview.show(state);
  };
  addEventListener('hashchange', follow);
  addEventListener('keydown', (event) => key(event, overview));
  follow();
}

/** Next or previous of the hottest lines, in the order of their table. */
function stepLine(overview, by) {
  if (parseHash(location.hash).view === 'overview') overview.lines.table?.step(by);
}

function key(event, overview) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.('input, select, textarea')) return;
  const view = VIEWS.find((candidate) => candidate.key === event.key);
  if (view) go(formatHash({ view: view.id }));
  else if (event.key === 'j') stepLine(overview, 1);
  else if (event.key === 'k') stepLine(overview, -1);
  else if (event.key === 'd') toggleTheme();
}

startTheme(byId('theme'));
try {
  start(readModel(byId('data').textContent));
} catch (error) {
  if (!(error instanceof DataError)) throw error;
  byId('summary').hidden = true;
  fill(byId('main'), empty(error.message));
}
