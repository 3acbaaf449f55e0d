// SPDX-License-Identifier: MIT
// messages.h - what lineprof says on stderr after a run.
#pragma once

#include "lineprof/collector.h"
#include "lineprof/profile.h"
#include "program.h"

// Why nothing, or less than was asked for, was measured.
void messages_trouble(const struct collector_summary *summary, const struct program *program,
                      double asked_hz);
void messages_hint(const struct program *program, int exit_code);
// One line: what was measured and where it lies.
void messages_result(const struct profile *profile, const char *names);
