// SPDX-License-Identifier: MIT
// wait.h - where a thread that does not run waits, and for what.
//
// Nothing is sent to the target and nothing in it stops: /proc says how long a thread was on a CPU
// and on a run queue, what is left of the time it was blocked; and which system call it is in.
#pragma once

#include "target.h"

// A thread has begun, or is met for the first time: its time is accounted for from here.
void wait_begin(struct thread *thread, int64_t now_ns, int64_t cpu_ns);

// Looks at it: what it did since the last look goes to its places. Its time on CPU and on run
// queues meanwhile, in nanoseconds.
int64_t wait_look(struct target *target, struct thread *thread);

// Adds waiting to the place where the thread was last blocked.
void wait_place(struct target *target, struct thread *thread, int64_t ns, int64_t counted_ns);

// One that was never seen to wait gets a place for what it owes: where it was last seen.
void wait_need_place(struct target *target, struct thread *thread);

// It has ended.
void wait_end(struct target *target, struct thread *thread, int64_t now_ns, int64_t cpu_ns);
