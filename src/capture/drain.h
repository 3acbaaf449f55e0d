// SPDX-License-Identifier: MIT
// drain.h - takes what a shim has written into its ring.
#pragma once

#include "target.h"

#define EXEC_NS 50000000 // CPU time that a start from scratch never takes before the shim runs

struct drain {
    void *copy, *code_copy; // a record each
    bool perf;              // the rate is above the tick: threads get perf events
    double rate_hz;
};

bool drain_init(struct drain *drain); // false: no memory; `perf` and `rate_hz` are the caller's
void drain_free(struct drain *drain);

// Every record that is complete. One whose code object is still being announced stays for the next
// time, and what is behind it.
void drain_ring(struct drain *drain, struct target *target);
