// SPDX-License-Identifier: MIT
// session.h - one run: a private directory in shared memory that the launcher makes, each target's
// shim finds by one environment variable, and the launcher removes.
//
// Everything the launcher has to tell the shims stands in the header below, so the environment
// carries nothing but LD_PRELOAD and LINEPROF_SESSION.
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#define SESSION_ENV         "LINEPROF_SESSION"
#define SESSION_MAGIC       0x6c70736573303032ULL // 2: those who live hold a lock
#define SESSION_FILE        "session"
#define SESSION_RING_PREFIX "ring."
#define SESSION_COOKIE      0x6c696e6570726f66ULL // si_value of our timers' signals

#define SESSION_CHILDREN 1u // profile child processes too
#define SESSION_PERF     2u // the collector adds perf events: SIGPROF with si_code POLL_* is ours
#define SESSION_TRAP     8u // those events signal SIGTRAP, see perf.h
#define SESSION_CHECK    4u // selfcheck.h: no timers; a SIGPROF that the thread sends itself is ours

struct session_header {
    uint64_t magic;
    uint32_t flags;                 // SESSION_*, fixed before the first target starts
    int32_t launcher;               // pid
    int64_t interval_ns;            // of CPU time between two samples
    _Atomic uint32_t wake;          // futex: bumped by whoever wants the collector
    _Atomic uint32_t processes;     // bumped when a ring has appeared
    _Atomic uint32_t closed;        // the run is over: shims stop their timers
    _Atomic uint32_t ringless;      // Pythons that ran unprofiled: they could not make their ring
    _Atomic int32_t ringless_errno; // why the last of them could not
    int32_t filters;                // seccomp filters that the launcher itself is under
    _Atomic uint32_t cleared;       // Pythons started with an environment that lacks the session
    _Atomic uint32_t confined;      // Pythons under more: unprofiled from then on
    _Atomic int32_t first; // pid of the first Python: the only one without SESSION_CHILDREN
};

struct session {
    struct session_header *header;
    int dirfd;
    char path[256];
};

int session_create(struct session *session); // launcher; 0 or -errno
// Launcher: removes those beside it whose launcher and guard are gone.
void session_sweep(const struct session *session);
int session_join(struct session *session, const char *path); // shim; 0 or -errno; no errno kept
void session_leave(struct session *session);                 // shim: forgets it, nothing else
void session_remove(struct session *session);                // launcher: deletes the directory
void session_wake(struct session *session);                  // signal-safe
int session_filters(void); // seccomp filters that this process is under; 0 where that is not told
