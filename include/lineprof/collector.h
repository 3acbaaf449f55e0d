// SPDX-License-Identifier: MIT
// collector.h - drains the rings of a session's targets into a recording, and decides for each
// sample what its time was: python, native or kernel.
//
// Runs in the launcher, outside every target, on one thread.
#pragma once

#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>
#include "lineprof/profile.h"
#include "lineprof/selfcheck.h"
#include "lineprof/session.h"

struct collector;

struct collector_options {
    double rate_hz; // asked for by --rate; at or below the kernel's tick the shims' timers serve it
    // The program's, kept by the caller: interpreters never seen are checked in it. NULL: no check.
    char *const *environment;
};

struct collector_summary { // for the messages after a run
    unsigned processes;    // Pythons that were sampled
    unsigned unsupported;  // Pythons we do not read
    char unsupported_version[32];
    unsigned misread; // Pythons whose samples were discarded, for what the self-check has found
    char misread_version[32], misread_finding[SELFCHECK_FINDING];
    bool free_threaded;
    bool layout_mismatch;
    bool perf_refused; // a rate above the tick was asked for and the kernel said no
    unsigned ringless; // Pythons that ran unprofiled, without room for a ring: a full /dev/shm
    int ringless_errno;
    unsigned cleared;  // Pythons that the program started with an environment of its own
    unsigned confined; // Pythons under a seccomp filter of the program's: unprofiled from there on
    bool reason_unknown; // we may not see what a target waits for
    bool unreadable;     // a target's memory could not be read: progress test impossible
};

// The session stays the caller's. NULL and errno on failure.
struct collector *collector_new(struct session *session, struct recording *rec,
                                const struct collector_options *options);

// Waits until a shim calls, session_wake() is called by a signal handler of ours, or timeout_ms
// have passed; then drains whatever there is.
void collector_step(struct collector *collector, int timeout_ms);

// The command (our child `pid`) has ended with wait status `status` and resources `usage` (of
// itself and the descendants it waited for; `children_ns` of that is its descendants', from
// /proc/PID/stat while it was a zombie). Drains what is left and completes the recording.
void collector_finish(struct collector *collector, pid_t pid, int status,
                      const struct rusage *usage, int64_t children_ns,
                      struct collector_summary *summary);
// In a forked copy of this process: completes the copy's recording as of the last step, while the
// targets go on undisturbed. Nothing else can be done with the copy.
void collector_cut_short(struct collector *collector, struct collector_summary *summary);
void collector_free(struct collector *collector);
