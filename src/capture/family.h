// SPDX-License-Identifier: MIT
// family.h - whether a thread waits for another process of the session, which is profiled itself:
// then its waiting is that process's work or waiting, and counts there.
#pragma once

#include "target.h"

struct family {
    struct target *const *targets;
    size_t count;
};

// The child `child` of `parent`, or any of his with 0: still there, or ended a moment ago.
bool family_has_child(const struct family *family, const struct target *parent, pid_t child);

// The pipe that a blocked thread wants to read from: its inode; 0: none.
uint64_t family_pipe_of(const struct target *target, const struct proc_call *call);
bool family_writes(const struct family *family, const struct target *reader, uint64_t pipe);

struct family_pipes { // the pipes a process has open for writing, as of a moment
    int64_t listed_ns;
    unsigned count;
    uint64_t inodes[64];
};
