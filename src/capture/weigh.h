// SPDX-License-Identifier: MIT
// weigh.h - what one sample stands for: how much of its thread's CPU time, and of which kind.
#pragma once

#include "target.h"

// Adds the CPU time that the thread has used since its last sample to stack `node`, as python,
// native or kernel time; what is ambiguous is looked into at once, or at the thread's next sample.
void weigh_sample(struct target *target, struct thread *thread, uint32_t node,
                  const struct record_sample *sample);
