// SPDX-License-Identifier: MIT
// wait.h - the wall tick: where threads that do not run wait, and for what.
//
// Nothing is sent to the target and nothing in it stops: /proc says how long a thread was on a CPU
// and on a run queue, what is left of the time it was blocked; and which system call it is in.
#pragma once

#include "target.h"

// Looks at every thread of every target that has not ended. To be called at random moments. True
// when a thread works in bursts: then looks should come more often.
bool wait_tick(struct target *const *targets, size_t count);

// A thread has begun, or is met for the first time: its time is accounted for from here.
void wait_begin(struct thread *thread, int64_t now_ns, int64_t cpu_ns);
// It has ended.
void wait_end(struct target *target, struct thread *thread, int64_t now_ns, int64_t cpu_ns);
// The process has ended: what passed since the last tick, as far as it has said when it ended.
void wait_finish(struct target *target);
int64_t wait_cpu(const struct target *target); // of its threads, as of the last look at each
