// SPDX-License-Identifier: MIT
// standstill.h - the wall tick: looks at every thread of every process, and finds out for how long
// a process as a whole stood still, which is what of all the waiting is in the 100 %.
#pragma once

#include "target.h"

enum pace {    // how often looks should come
    PACE_IDLE, // nobody has moved since the last one
    PACE_BUSY,
    PACE_BURSTS, // a thread works in bursts: see steps.h
};

// Looks at all targets that have not ended. To be called at random moments.
enum pace standstill_tick(struct target *const *targets, size_t count);

// The process has ended: what passed since the last tick, as far as it has said when it ended.
void standstill_finish(struct target *target);
int64_t standstill_cpu(const struct target *target); // of its threads, at the last look at each
void standstill_busy(struct busy *busy, int64_t ns); // one more thread, `ns` busy
