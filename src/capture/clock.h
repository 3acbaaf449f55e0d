// SPDX-License-Identifier: MIT
// clock.h - the kernel's clocks in nanoseconds.
#pragma once

#include <stdint.h>
#include <time.h>

static inline int64_t clock_ns(clockid_t clock)
{
    struct timespec ts;
    clock_gettime(clock, &ts);
    return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static inline int64_t now_ns(void) // what the shims stamp their records with
{
    return clock_ns(CLOCK_MONOTONIC);
}
