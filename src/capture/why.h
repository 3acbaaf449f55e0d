// SPDX-License-Identifier: MIT
// why.h - what a blocked thread waits for, by the system call that it is in.
#pragma once

#include "lineprof/profile.h"
#include "lineprof/ring.h"
#include "proc.h"

struct why {
    enum state state;
    const char *reason; // lives forever
};

// `header` says where the interpreter keeps its GIL.
struct why why_blocked(const struct proc_call *call, const struct ring_header *header);
extern const struct why why_unknown; // of a thread whose system call we may not see
// The child that it waits for: a pid, 0: any. -1: it waits for no child.
int32_t why_child(const struct proc_call *call);
