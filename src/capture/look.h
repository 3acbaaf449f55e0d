// SPDX-License-Identifier: MIT
// look.h - a thread's Python stack, read from outside.
#pragma once

#include "target.h"

// The recording's node of the stack that the thread stands in. True when the memory made sense; the
// caller has to know that the thread did not run meanwhile. A thread without Python frames stands
// in the bucket of such.
bool look_stack(struct target *target, struct thread *thread, int64_t now_ns, uint32_t *node);

// The same of a thread that runs on meanwhile.
bool look_running(struct target *target, struct thread *thread, int64_t now_ns,
                  struct running *found);
