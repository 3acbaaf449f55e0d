// SPDX-License-Identifier: MIT
// launch.h - starts the command and takes its end.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>
#include "lineprof/commands.h"
#include "program.h"

struct child {
    pid_t pid;
    int status;          // as wait gives it
    int seccomp;         // at its end: 0 none, 1 strict, 2 a filter, as the kernel counts
    struct rusage usage; // of it and the descendants it waited for
    int64_t children_ns; // CPU time of those descendants alone
    int64_t started_unix_ns, elapsed_ns;
    int64_t started_ns; // CLOCK_MONOTONIC
};

// False and a message when it cannot be executed; then no child is left.
bool launch(struct child *child, const struct program *program, char *const *environment,
            struct outcome *outcome);
bool launch_has_ended(const struct child *child);     // it is a zombie
int64_t launch_elapsed_ns(const struct child *child); // so far
void launch_reap(struct child *child);
