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

struct proc_call {  // the system call that a thread is in
    int64_t number; // -1: none, the kernel works for it otherwise (a page fault)
    uint64_t args[6];
    uint64_t sp, pc;
};

enum proc_seen {
    PROC_RUNNING, // or about to: on a run queue
    PROC_BLOCKED,
    PROC_DENIED, // we may not know
    PROC_GONE,
};

// What the thread is in, when it is blocked.
enum proc_seen proc_call_read(pid_t pid, pid_t tid, struct proc_call *call);
char proc_state(pid_t pid, pid_t tid); // the letter of its stat: R, S, D, T ...; 0 when it is gone

pid_t proc_parent(pid_t pid); // 0: it is gone
bool proc_thread_lives(pid_t pid, pid_t tid);
size_t proc_thread_count(pid_t pid); // 0: it is gone
// The thread ids of a process, in `tids`; how many there are, of which at most `room` were taken.
size_t proc_threads(pid_t pid, int32_t *tids, size_t room);

int proc_schedstat_open(pid_t pid, pid_t tid);           // a descriptor, or -errno
bool proc_schedstat_read(int fd, struct schedstat *out); // 0.6 us
bool proc_blocks_signal(pid_t pid, pid_t tid, int sig);
void proc_thread_name(pid_t pid, pid_t tid, char name[16]); // "" when it is gone
