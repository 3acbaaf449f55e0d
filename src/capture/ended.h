// SPDX-License-Identifier: MIT
// ended.h - what is kept of processes that have ended: sums by interpreter, not a ring each, so
// that a program may start others for hours.
#pragma once

#include "lineprof/collector.h"
#include "target.h"

struct ended;
struct ended *ended_new(struct recording *rec); // NULL: no memory
void ended_free(struct ended *ended);

// A target that is complete; it may be freed after.
void ended_add(struct ended *ended, const struct target *target);

// Asks interpreters that were never seen (selfcheck.h) and marks processes of those that we
// misread.
void ended_check(struct ended *ended, char *const *environment, struct collector_summary *summary);

// What is to be said of all of them: into the summary and the recording's run.
void ended_summarize(const struct ended *ended, struct collector_summary *summary);
