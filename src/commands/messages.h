// SPDX-License-Identifier: MIT
// messages.h - what lineprof says on stderr after a run.
#pragma once

#include "launch.h"
#include "lineprof/collector.h"
#include "lineprof/profile.h"
#include "options.h"
#include "program.h"

// Why nothing, or less than was asked for, was measured.
void messages_trouble(const struct collector_summary *summary, const struct program *program,
                      double asked_hz);
// The end may be our doing: a seccomp filter that did not expect our system calls.
void messages_end(const struct collector_summary *summary, const struct child *child);
void messages_hint(const struct program *program, int exit_code);
// --profile-only that no file with time satisfies.
void messages_selection(const struct profile *profile, const struct options *options);
// One line: what was measured and where it lies.
void messages_result(const struct profile *profile, const struct options *options,
                     const char *names);
