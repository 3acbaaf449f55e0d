// SPDX-License-Identifier: MIT
// summary.js - the answer in a sentence, the totals, and what is to be known before trusting them.
import { fill, h } from './dom.js';
import { KINDS, nameOf, percentOf } from './data.js';
import { endingOf } from './ending.js';
import { count, margin, percent, plural, seconds, visible } from './format.js';
import { kindBar, swatch } from './bars.js';
import { lineHash } from './state.js';
import { phraseOf, systemState, wordOf } from './waits.js';

const FEW = 25;        // samples, below which nobody can tell: the same in src/report/doubts.c
const ROUGH = 100;     // samples, below which shares are rough
const MOSTLY_S = 0.1;  // elapsed, from where on a wait is worth a word; likewise
const MOSTLY_PARTS = 4;
const CROWDED_S = 0.1; // on run queues, from where on it is worth a sentence; likewise
const CROWDED_PARTS = 5;
const STANDS_OUT = 10; // per cent of a line that is worth being called the answer; as table_head.c
const MOST = 66;       // per cent that the lines of the second sentence should reach; likewise
const NEARLY_ALL = 90;
const WORDS = ['', '', 'Two', 'Three', 'Four', 'Five'];
const SMALL_PCT = 1;   // lost, unsampled: from here on a warning
const UNDECIDED_PCT = 15;

const SYSTEM = {
  kernel: 'in the kernel', io: 'waiting for I/O', sleep: 'asleep', child: 'waiting for a child process',
};

/** "mostly native", "partly python, partly native", ...: the words of the table in the terminal. */
function mostly(times) {
  const system = SYSTEM[systemState(times)] ?? SYSTEM.kernel;
  const kinds = KINDS.map(({ id }) => ({ name: id === 'system' ? system : id, part: (times[id] ?? 0) / times.time }))
    .sort((a, b) => b.part - a.part);
  if (kinds[0].part >= 0.995) return `all ${kinds[0].name}`;
  if (kinds[0].part >= 0.95) return `nearly all ${kinds[0].name}`;
  if (kinds[0].part >= 0.6) return `mostly ${kinds[0].name}`;
  return `partly ${kinds[0].name}, partly ${kinds[1].name}`;
}

function sentence(model) {
  return h('h1', { class: 'answer' }, ...waited(model), ...answer(model));
}

function isWaiting(model) {
  const rest = model.elapsed - model.times.time;
  if (model.elapsed < MOSTLY_S || model.times.time >= model.elapsed / MOSTLY_PARTS) return false;
  return model.cpuOnly || (model.times.waits.length > 0 && (model.times.runnable ?? 0) < rest / 2);
}

function waited(model) {
  if (!isWaiting(model)) return [];
  const [longest] = model.times.waits;
  const why = longest ? `${phraseOf(longest)} took ${seconds(longest.s)}` : 'waiting is left out';
  const where = longest && model.lines.find(({ line, waits: [wait] }) => line > 0 && wait?.state === longest.state
    && wait.reason === longest.reason && wait.s > longest.s / 2);
  const link = where ? [', most of it on ', h('a', { href: lineHash(where.file, where.line) }, visible(nameOf(where)))] : [];
  return [h('b', {}, 'Mostly waited'), `: ${seconds(model.cpu) || '0 ms'} of CPU in ${seconds(model.elapsed)}; ${why}`, ...link, '. '];
}

function answer(model) {
  const [first] = model.lines.filter(({ time }) => time > 0);
  if (model.samples > 0 && isTooFew(model)) return isWaiting(model) && !model.cpuOnly ? [] : tooShort(model);
  if (!first) return nothing(model);
  const link = h('a', { href: lineHash(first.file, first.line) }, visible(nameOf(first)));
  const share = h('b', {}, percent(first.share));
  const how = `, ${mostly(first)}.`;
  if (first.share < STANDS_OUT) return ['No line stands out: ', link, ' comes first with ', share, how, ...together(model)];
  const name = isWaiting(model) && !model.cpuOnly ? 'other time' : model.timeName; // beside the waiting just told
  const spent = ` of the ${name} is spent ${first.line > 0 ? 'on' : 'in'} `;
  return [share, spent, link, how, ...together(model)];
}

/** Waiting is measured, not sampled: what mostly waits needs no samples. */
function isTooFew(model) {
  return model.samples < FEW && model.cpu >= model.times.time / 2;
}

function crowdedPercent({ cpu, elapsed, times: { runnable } }) {
  const large = runnable >= CROWDED_S && runnable >= (cpu + runnable) / CROWDED_PARTS && runnable >= elapsed / CROWDED_PARTS;
  return runnable !== null && large ? 100 * runnable / (cpu + runnable) : 0;
}

function crowded(model) {
  const share = crowdedPercent(model);
  return share > 0 && `Kept off the CPU: for ${percent(share)} of the time that it could run, no core was free (${
    seconds(model.times.runnable)}).`;
}

function tooShort(model) {
  return [h('b', {}, 'Too short to tell'), `: ${plural(model.samples, 'sample', 'samples')} in ${seconds(model.cpu)} of CPU. `
    + 'Let it work longer, on more input or in a loop.'];
}

/** As few lines as make up most of the time, as far as five do. What is no line does not count. */
function together(model) {
  if (model.lines[0].share >= NEARLY_ALL) return [];
  let sum = 0;
  let lines = 0;
  for (const { line, share } of model.lines.slice(0, 5)) {
    if (sum >= MOST) break;
    if (line <= 0 || !(share > 0)) continue;
    sum += share;
    lines++;
  }
  return lines > 1 ? [` ${WORDS[lines]} lines take `, h('b', {}, percent(sum)), '.'] : [];
}

function nothing(model) {
  if (model.times.time > 0 || model.samples > 0) return ['No time is spent in the files selected.'];
  return [h('b', {}, 'No sample was taken'), model.elapsed > 0
    ? `: the program ran for ${seconds(model.elapsed)}, ${seconds(model.cpu) || 'next to nothing'} of that on a CPU.` : '.'];
}

const UNSAMPLED_HINT = 'unsampled: CPU time that no sample saw, of threads too short for one';
const UNDECIDED_HINT = 'undecided: python or native could not be proven; shared out in proportion';

function figure(label, value, hint, ...notes) {
  const told = notes.filter(Boolean).join(', ');
  return h('div', { title: hint }, h('dt', {}, label), h('dd', {}, h('b', {}, value), told ? h('small', {}, told) : null));
}

function figures(model) {
  const cores = model.elapsed > 0 ? `${percent(100 * model.cpu / model.elapsed)} of one core` : '';
  const every = model.rate > 0 && model.samples > 0 ? `every ${seconds(1 / model.rate)}` : '';
  return h('dl', { class: 'figures' },
    figure('Elapsed', seconds(model.elapsed) || '0 s'),
    figure('CPU', seconds(model.cpu) || '0 s', model.unsampled > 0 ? UNSAMPLED_HINT : null, model.cpu > 0 && cores,
      model.unsampled >= 0.0005 && `${seconds(model.unsampled)} unsampled`),
    figure('Samples', count(model.samples), model.undecided > 0 ? UNDECIDED_HINT : null, every,
      model.lost > 0 && `${count(model.lost)} lost`, model.undecided > 0 && `${count(model.undecided)} undecided`),
    model.threads.length > 1 ? figure('Threads', count(model.threads.length)) : null,
    model.processes.length > 1 ? figure('Processes', count(model.processes.length)) : null);
}

/** Only what is true of this run. */
function warnings(model) {
  const lost = 100 * model.lost / (model.lost + model.samples);
  const unsampled = 100 * model.unsampled / model.cpu;
  const undecided = 100 * model.undecided / model.samples;
  const few = model.samples >= FEW && model.samples < ROUGH && model.cpu >= model.times.time / 2;
  return [
    endingOf(model),
    crowded(model),
    few && `Only ${plural(model.samples, 'sample', 'samples')}: shares are rough, ± ${
      Math.round(margin(model.lines[0]?.share ?? 50, model.samples))} points for the first line. A longer run is more exact.`,
    model.unprofiled > 0 && `${plural(model.unprofiled, 'process', 'processes')} ran unprofiled: shared memory was full.`,
    model.cleared > 0 && `${plural(model.cleared, 'Python', 'Pythons')} ran unprofiled: the program gave them an environment of their own.`,
    lost >= SMALL_PCT && `${percent(lost)} of the samples were lost.`,
    unsampled >= SMALL_PCT && model.cpu >= 1
      && `${percent(unsampled)} of the CPU time was seen by no sample: threads or processes too short for one.`,
    undecided > UNDECIDED_PCT && `${percent(undecided)} of the samples could not be told apart as python or native; `
      + 'they are shared out as the others of the same instruction.',
  ].filter(Boolean);
}

/** ", of which epoll_wait 39 %": what of the system column is no work at all. */
function ofWhich(model) {
  const [most] = [...model.times.waits].sort((a, b) => b.counted - a.counted);
  const share = most ? percentOf(model, most.counted) : 0;
  return share >= 1 ? `, of which ${wordOf(most)} ${percent(share)}` : '';
}

/** Waiting that is in no column. */
const BESIDE = [
  { id: 'lock', label: 'waiting for locks', hint: 'added up over threads; in no column' },
  { id: 'gil', label: 'waiting for the GIL', hint: 'added up over threads; in no column' },
  { id: 'runnable', label: 'waiting for a core', hint: 'ready to run, but no core was free; in no column' },
];

function besideColumns(model) {
  return BESIDE.filter(({ id }) => model.times[id] > 0).map(({ id, label, hint }) => {
    const threads = model.threads.filter((thread) => thread[id] > 0).length;
    return h('li', { class: 'beside', title: hint }, label, ' ', h('b', {}, seconds(model.times[id])),
      threads > 1 ? h('small', {}, ` in ${count(threads)} threads`) : null);
  });
}

function legend(model) {
  const kinds = KINDS.map(({ id, label, hint }) => h('li', { title: hint },
    swatch(id), label, ' ', h('b', {}, model.times[id] === null ? 'not measured' : percent(percentOf(model, model.times[id]))),
    ' ', h('small', {}, seconds(model.times[id] ?? 0), id === 'system' ? ofWhich(model) : '')));
  return h('ul', { class: 'legend' }, ...kinds, ...besideColumns(model));
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
