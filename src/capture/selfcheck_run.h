// SPDX-License-Identifier: MIT
// selfcheck_run.h - one self-check: a process of its own in a session of its own.
#pragma once

#include "lineprof/ring.h"

enum selfcheck_result {
    SELFCHECK_GOOD,
    SELFCHECK_WRONG,   // the finding says what
    SELFCHECK_UNKNOWN, // it did not start, did not end in time, or was another build
};

// Asks `executable`, which should hold the interpreter of `like`.
enum selfcheck_result selfcheck_run(const char *executable, char *const *environment,
                                    const struct ring_header *like, char *finding, size_t size);
