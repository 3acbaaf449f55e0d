// SPDX-License-Identifier: MIT
// proc.h - what the kernel tells about another process's threads.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct schedstat {
    int64_t cpu_ns;  // on a CPU; brought up to date at ticks, switches and clock_gettime
    int64_t wait_ns; // on a run queue
    uint64_t slices; // times it was put on a CPU
};

int proc_schedstat_open(pid_t pid, pid_t tid);           // a descriptor, or -errno
bool proc_schedstat_read(int fd, struct schedstat *out); // 0.6 us
bool proc_blocks_signal(pid_t pid, pid_t tid, int sig);
void proc_thread_name(pid_t pid, pid_t tid, char name[16]); // "" when it is gone
