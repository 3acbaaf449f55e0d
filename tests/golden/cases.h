// SPDX-License-Identifier: MIT
// cases.h - small recordings that every writer's golden tests share.
//
// A case is made by the recording API alone and reads no file but those in tests/golden/sources, so
// it is the same on every machine.
#pragma once

#include "lineprof/profile.h"

struct golden_case {
    const char *name; // names the expected files too
    void (*record)(struct recording *rec);
};

extern const struct golden_case golden_cases[];
extern const size_t golden_case_count;

// The finished profile of a case. Free it, then `*rec`.
const struct profile *golden_build(const struct golden_case *test, struct recording **rec);
