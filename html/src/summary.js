// SPDX-License-Identifier: MIT
// summary.js - the answer in a sentence, the totals, and what is to be known before trusting them.
import { fill, h } from './dom.js';
import { KINDS, nameOf, percentOf } from './data.js';
import { count, margin, percent, plural, seconds, visible } from './format.js';
import { kindBar, swatch } from './bars.js';
import { lineHash } from './state.js';

const FEW = 100;       // samples, below which shares are rough
const SMALL_PCT = 1;   // lost, unsampled: from here on a warning
const UNDECIDED_PCT = 15;

/** "mostly native", "partly Python, partly native", ... */
function mostly(times) {
  const kinds = KINDS.map(({ id, label }) => ({ name: id === 'python' ? label : id, part: (times[id] ?? 0) / times.time }))
    .sort((a, b) => b.part - a.part);
  if (kinds[0].part >= 0.95) return `nearly all ${kinds[0].name}`;
  if (kinds[0].part >= 0.6) return `mostly ${kinds[0].name}`;
  return `partly ${kinds[0].name}, partly ${kinds[1].name}`;
}

function sentence(model) {
  const [first] = model.lines;
  if (!first) return nothing(model);
  const link = h('a', { href: lineHash(first.file, first.line) }, visible(nameOf(first)));
  const five = model.lines.slice(0, 5);
  const together = percentOf(model, five.reduce((sum, { time }) => sum + time, 0));
  const rest = model.lines.length > 5 && together - first.share >= 5
    ? [' Five lines take ', h('b', {}, percent(together)), '.'] : [];
  const spent = ` of the time is spent ${first.line > 0 ? 'on' : 'in'} `;
  return h('h1', { class: 'answer' }, h('b', {}, percent(first.share)), spent, link, `, ${mostly(first)}.`, ...rest);
}

function nothing(model) {
  return h('h1', { class: 'answer' }, h('b', {}, 'No sample was taken'), model.elapsed > 0
    ? `: the program ran for ${seconds(model.elapsed)}, ${seconds(model.cpu) || 'next to nothing'} of that on a CPU.` : '.');
}

function figure(label, value, ...notes) {
  const told = notes.filter(Boolean).join(', ');
  return h('div', {}, h('dt', {}, label), h('dd', {}, h('b', {}, value), told ? h('small', {}, told) : null));
}

function figures(model) {
  const cores = model.elapsed > 0 ? `${percent(100 * model.cpu / model.elapsed)} of one core` : '';
  const every = model.rate > 0 && model.samples > 0 ? `every ${seconds(1 / model.rate)}` : '';
  return h('dl', { class: 'figures' },
    figure('Elapsed', seconds(model.elapsed) || '0 s'),
    figure('CPU', seconds(model.cpu) || '0 s', model.cpu > 0 && cores,
      model.unsampled >= 0.0005 && `${seconds(model.unsampled)} unsampled`),
    figure('Samples', count(model.samples), every,
      model.lost > 0 && `${count(model.lost)} lost`, model.undecided > 0 && `${count(model.undecided)} undecided`),
    model.threads.length > 1 ? figure('Threads', count(model.threads.length)) : null,
    model.processes.length > 1 ? figure('Processes', count(model.processes.length)) : null);
}

function exitOf(model) {
  if (model.exit === 0) return null;
  return model.exit < 0 ? `The program was ended by signal ${-model.exit}.` : `The program ended with exit status ${model.exit}.`;
}

/** Only what is true of this run. */
function warnings(model) {
  const lost = 100 * model.lost / (model.lost + model.samples);
  const unsampled = 100 * model.unsampled / model.cpu;
  const undecided = 100 * model.undecided / model.samples;
  const few = model.samples > 0 && model.samples < FEW;
  return [
    exitOf(model),
    few && `Only ${plural(model.samples, 'sample', 'samples')}: shares are rough, ± ${
      Math.round(margin(model.lines[0]?.share ?? 50, model.samples))} points for the first line. A longer run is more exact.`,
    lost >= SMALL_PCT && `${percent(lost)} of the samples were lost.`,
    unsampled >= SMALL_PCT && model.cpu >= 1
      && `${percent(unsampled)} of the CPU time was seen by no sample: threads or processes too short for one.`,
    undecided > UNDECIDED_PCT && `${percent(undecided)} of the samples could not be told apart as python or native; `
      + 'they are shared out as the others of the same instruction.',
  ].filter(Boolean);
}

function legend(model) {
  return h('ul', { class: 'legend' }, ...KINDS.map(({ id, label, hint }) => h('li', { title: hint },
    swatch(id), label, ' ', h('b', {}, model.times[id] === null ? 'not measured' : percent(percentOf(model, model.times[id]))),
    ' ', h('small', {}, seconds(model.times[id] ?? 0)))));
}

export function showSummary(element, model) {
  const told = warnings(model);
  fill(element,
    h('div', { class: 'top' }, sentence(model), figures(model)),
    told.length > 0 ? h('ul', { class: 'warnings warning' }, ...told.map((text) => h('li', {}, text))) : null,
    model.times.time > 0 ? kindBar(model.times, model.times.time) : null,
    model.times.time > 0 ? legend(model) : null);
}

/** What to do when there is nothing to show. */
export function advice(model) {
  const tick = model.rate > 0 ? `A sample is taken every ${seconds(1 / model.rate)} of CPU time. ` : '';
  return h('div', { class: 'panel nothing' }, h('h2', {}, 'Nothing to show yet'),
    h('p', {}, tick, 'Let the program work for longer: on more input, or several times in a loop.'),
    h('p', {}, 'Where the system allows it, a higher rate sees shorter programs: ', h('code', {}, 'lineprof --rate 2000 …')));
}
