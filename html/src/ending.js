// SPDX-License-Identifier: MIT
// ending.js - how the program ended, in words: those of src/report/ending.c.
import { seconds } from './format.js';

const SIGNALS = {
  1: 'SIGHUP', 2: 'SIGINT', 3: 'SIGQUIT', 4: 'SIGILL', 5: 'SIGTRAP', 6: 'SIGABRT', 7: 'SIGBUS', 8: 'SIGFPE',
  9: 'SIGKILL', 10: 'SIGUSR1', 11: 'SIGSEGV', 12: 'SIGUSR2', 13: 'SIGPIPE', 14: 'SIGALRM', 15: 'SIGTERM',
  16: 'SIGSTKFLT', 24: 'SIGXCPU', 25: 'SIGXFSZ', 26: 'SIGVTALRM', 27: 'SIGPROF', 29: 'SIGIO', 30: 'SIGPWR', 31: 'SIGSYS',
};

/** null when all went well. */
export function endingOf(model) {
  if (model.cutShort) return `Cut short: lineprof was killed. This covers the first ${seconds(model.elapsed)}.`;
  if (model.exit === 0) return null;
  if (model.exit > 0) return `The program ended with exit status ${model.exit}.`;
  return `The program was killed by ${SIGNALS[-model.exit] ?? `signal ${-model.exit}`}.`;
}
