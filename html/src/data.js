// SPDX-License-Identifier: MIT
// data.js - the report's data block as a model. The only module that knows the JSON's names.
//
// The writer has added everything up; here it is only turned into flat arrays that tables sort.
// What a run did not measure is null in the JSON and stays null.
import { splitPath } from './format.js';
import { countedOf, mainWait, sumWaits } from './waits.js';

export const KINDS = [
  { id: 'python', label: 'Python', hint: 'CPU time in the interpreter, on its way through bytecode' },
  { id: 'native', label: 'Native', hint: 'CPU time in C and other compiled code that the line called' },
  { id: 'system', label: 'System', hint: 'CPU time in the kernel and, where waiting was measured, standing still for I/O, sleep and children' },
];

const NAMELESS = '(no name)';

/** A report that cannot be shown, in words for the person who opened it. */
export class DataError extends Error {}

/** @param {string} text of the data block */
export function readModel(text) {
  const { profile, sources } = parse(text);
  const model = {
    command: profile.command ?? '',
    python: profile.python ?? {},
    started: profile.started ?? null,
    elapsed: profile.elapsed_s ?? 0,
    rate: profile.rate_hz ?? 0,
    samples: profile.samples ?? 0,
    lost: sum(Object.values(profile.lost ?? {})),
    undecided: profile.undecided?.samples ?? 0,
    exit: profile.exit ?? 0,
    unprofiled: profile.unprofiled_processes ?? 0,
    cleared: profile.cleared_environments ?? 0,
    cutShort: profile.cut_short ?? false,
    unsampled: profile.totals?.unsampled_s ?? 0,
    times: timesOf(profile.totals ?? {}),
    cpuOnly: (profile.totals?.waits ?? null) === null, // waits are measured together, or not at all
    files: [], lines: [], functions: [],
  };
  model.timeName = model.cpuOnly ? 'CPU time' : 'time';
  model.threads = (profile.threads ?? []).map(threadOf).sort(byTime);
  model.processes = (profile.processes ?? []).map((entry) => processOf(entry, model.threads)).sort(byTime);
  model.cpu = cpuOf(model);
  const texts = new Map(Object.entries(sources ?? {}));
  const files = Object.entries(profile.files ?? {});
  for (const [path, entry] of files) addFile(model, path, entry, texts.get(path));
  model.files.sort(byTime);
  model.lines.sort(byTime);
  model.functions.sort(byTime);
  for (const item of [...model.files, ...model.lines, ...model.functions, ...model.threads, ...model.processes]) {
    item.share = percentOf(model, item.time);
  }
  model.hottest = model.lines.length > 0 ? model.lines[0].time : 0;
  return model;
}

function parse(text) {
  let data;
  try {
    data = JSON.parse(text);
  } catch {
    throw new DataError('The data in this report is damaged or cut off. Make the report again from the profile’s JSON.');
  }
  if (data?.profile?.format !== 'lineprof' || data.profile.format_version !== 1) {
    throw new DataError('The data in this report is not of a version that this page reads.');
  }
  return data;
}

function addFile(model, path, entry, text) {
  const shown = entry.shown || path || NAMELESS;
  const [directory, name] = splitPath(shown);
  const file = {
    path, shown, name, directory, origin: entry.origin ?? null, changed: entry.changed === true,
    text: typeof text === 'string' ? splitLines(text) : null, lines: [], ...timesOf(entry),
  };
  for (const line of entry.lines ?? []) {
    const source = line.source ?? file.text?.[line.line - 1] ?? null;
    file.lines.push({
      file, line: line.line, source, function: nameIn(file, line.line, line.function), samples: line.samples ?? 0,
      self: line.self_s ?? null, total: line.total_s ?? null, helpers: line.native_threads_s ?? 0, ...timesOf(line),
    });
  }
  for (const entered of entry.functions ?? []) {
    model.functions.push({
      file, name: nameIn(file, entered.line, entered.name), line: entered.line, samples: entered.samples ?? 0,
      self: entered.self_s ?? null, total: entered.total_s ?? null, ...timesOf(entered),
    });
  }
  file.byLine = new Map(file.lines.map((line) => [line.line, line]));
  model.files.push(file);
  model.lines.push(...file.lines.filter((line) => line.time > 0 || waitsNotably(model, line)));
}

/** A line that keeps its thread waiting for long, beside others or for a lock; as in src/report/table.c. */
function waitsNotably(model, line) {
  const wait = mainWait(line);
  return wait !== null && line.line > 0 && wait.s >= model.elapsed / 10;
}

function threadOf(entry) {
  return {
    id: entry.tid, process: entry.process, pid: entry.pid, name: entry.name || NAMELESS, kernelName: entry.kernel_name ?? '',
    withoutPython: entry.native === true, cpu: entry.cpu_s ?? null, wall: entry.wall_s ?? null, samples: entry.samples ?? 0,
    ...timesOf(entry),
  };
}

function processOf(entry, threads) {
  const own = threads.filter(({ process }) => process === entry.id);
  return {
    id: entry.pid, parent: entry.ppid, command: entry.command || NAMELESS, executable: entry.executable ?? '',
    version: entry.version ?? '', exit: entry.exit ?? null, cpu: entry.cpu_s ?? null, samples: entry.samples ?? 0,
    threads: own.length, ...timesOf(entry), waits: sumWaits(own.map(({ waits }) => waits)),
  };
}

function timesOf(entry) {
  const times = { python: entry.python_s ?? null, native: entry.native_s ?? null, system: entry.system_s ?? null };
  const waits = (entry.waits ?? []).map(({ state, reason, s, counted_s: counted }) => ({ state, reason, s, counted }));
  return {
    ...times, time: sum(Object.values(times)), waits,
    lock: entry.lock_s ?? null, gil: entry.gil_s ?? null, runnable: entry.runnable_s ?? null,
  };
}

function sum(numbers) {
  return numbers.reduce((total, n) => total + (n ?? 0), 0);
}

function byTime(a, b) {
  return b.time - a.time;
}

/** The kernel's own figure where it is known of every process. */
function cpuOf(model) {
  const known = model.processes.length > 0 && model.processes.every(({ cpu }) => typeof cpu === 'number');
  return known ? sum(model.processes.map(({ cpu }) => cpu))
    : model.times.time - countedOf(model.times.waits) + model.unsampled;
}

/** Lines as Python counts them. */
function splitLines(text) {
  const lines = text.split(/\r\n|\r|\n/);
  if (lines[lines.length - 1] === '') lines.pop();
  return lines;
}

/** Share of the report's total in per cent. */
export function percentOf(model, time) {
  return model.times.time > 0 ? 100 * (time ?? 0) / model.times.time : 0;
}

/** <interpreter> and the like, where time is that belongs to no line. */
export function isBucket(file, line) {
  return file.origin === 'none' && line <= 0;
}

/** A bucket has one name. */
function nameIn(file, line, name) {
  return isBucket(file, line) ? file.shown : name ?? '';
}

/** "pkg/mod.py:47 in work" */
export function placeOf({ file, line, function: name }) {
  return isBucket(file, line) ? file.shown : `${file.shown}:${line} in ${name || '?'}`;
}

/** "mod.py:47", or what is known of it. */
export function nameOf(line) {
  return line.line > 0 ? `${line.file.name}:${line.line}` : line.file.name;
}

/** The file that a link means: the same path, as shown, or the one whose end agrees most. */
export function findFile(model, path) {
  const exact = model.files.find((file) => file.shown === path || file.path === path);
  if (exact) return { file: exact, exact: true };
  const scored = model.files.map((file) => ({ file, score: commonEnd(file.path.split('/'), path.split('/')) }));
  const best = scored.reduce((a, b) => (b.score > a.score ? b : a), { file: null, score: 0 });
  return { file: best.file, exact: false };
}

function commonEnd(a, b) {
  let n = 0;
  while (n < a.length && n < b.length && a[a.length - 1 - n] === b[b.length - 1 - n]) n++;
  return n;
}

export function hottestLine(file) {
  return file.lines.reduce((best, line) => (best && best.time >= line.time ? best : line), null);
}
