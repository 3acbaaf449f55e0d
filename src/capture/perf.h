// SPDX-License-Identifier: MIT
// perf.h - sampling above the kernel's tick: perf_event task-clock events that signal the thread.
//
// Opt-in (--rate). The descriptors live here, in the collector, so the target has none of them.
//
// Since 6.11 the kernel can deliver such a signal, a SIGTRAP then, on the way back to user mode
// only: it interrupts no system call, and needs no interrupt of its own. Before, it is a SIGPROF
// that may come while a call is about to wait.
#pragma once

#include <stdbool.h>
#include <sys/types.h>

// An event that, once enabled, signals thread `tid` `rate_hz` times per second of its CPU time. A
// descriptor, or -errno.
int perf_open(pid_t tid, double rate_hz);
void perf_enable(int fd, bool on);
bool perf_allowed(void); // by a try on ourselves
bool perf_traps(void);   // the signals are SIGTRAP
