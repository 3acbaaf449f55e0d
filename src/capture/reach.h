// SPDX-License-Identifier: MIT
// reach.h - whether the pid in a ring's header is, for us, the process that wrote it.
//
// It may come from another pid namespace, where it names a stranger here: his memory must not be
// read, and above all no perf event of ours may signal him.
#pragma once

#include "lineprof/ring.h"

enum reach {
    REACH_WHOLE,     // it is he
    REACH_NO_MEMORY, // it is he, and his memory may not be read
    REACH_NONE,      // it is not he
    REACH_ENDED,     // there is nobody, or he has become another program
};

enum reach reach_find(const struct ring_header *header);
int reach_watch(pid_t pid); // a descriptor that tells when the process ends, or -1
bool reach_has_ended(int fd);
