// SPDX-License-Identifier: MIT
// random_recording.h - recordings of any shape, the same for the same seed.
#pragma once

#include "lineprof/profile.h"

struct recording *random_recording(uint64_t seed); // NULL: no memory
struct scope random_scope(uint64_t seed);          // everything, only, exclude, roots: any mixture
uint32_t random_below(uint64_t *state, uint32_t limit);
