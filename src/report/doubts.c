// SPDX-License-Identifier: MIT
// doubts.c - what a profile is too small or too one-sided to tell; prototypes in report.h.
#include "lineprof/report.h"

#include <stdio.h>
#include "grid.h"
#include "wait_words.h"

#define FEW           25                 // samples: below, a share may be off by 20 points
#define MOSTLY_NS     INT64_C(100000000) // of elapsed time: start-up waits for its files, too
#define MOSTLY_PARTS  4                  // one part of these in the columns, or less
#define CROWDED_NS    INT64_C(100000000) // on run queues, from where on it is worth a sentence:
#define CROWDED_PARTS 5                  // one part of these of the time that it could run

static int64_t cpu_ns(const struct profile *profile)
{
    const int64_t *ns = profile->times.ns;
    return ns[STATE_PYTHON] + ns[STATE_NATIVE] + ns[STATE_KERNEL] + profile->unsampled_ns +
           profile->overhead_ns;
}

static double crowded_percent(const struct profile *profile, int64_t cpu)
{
    int64_t queued = profile->times.ns[STATE_RUNNABLE];
    bool large = queued >= CROWDED_NS && queued >= (cpu + queued) / CROWDED_PARTS &&
                 queued >= profile->run.elapsed_ns / CROWDED_PARTS;
    bool measured = profile->run.measured & 1u << STATE_RUNNABLE;
    return measured && large ? 100.0 * (double)queued / (double)(cpu + queued) : 0;
}

// Most of the time went by in no column, and not on a run queue either.
static bool has_waited(const struct profile *profile, bool cpu_only)
{
    int64_t elapsed = profile->run.elapsed_ns, shown = times_shown(&profile->times);
    if (elapsed < MOSTLY_NS || shown >= elapsed / MOSTLY_PARTS)
        return false;
    return cpu_only ||
           (profile->total_wait_count && profile->times.ns[STATE_RUNNABLE] < (elapsed - shown) / 2);
}

struct report_doubts report_doubts(const struct profile *profile)
{
    const uint32_t waits = 1u << STATE_IO | 1u << STATE_SLEEP | 1u << STATE_CHILD;
    struct report_doubts doubts = {.cpu_ns = cpu_ns(profile)};
    doubts.cpu_only = !(profile->run.measured & waits);
    // Waiting is measured, not sampled.
    bool mostly_waits = doubts.cpu_ns < times_shown(&profile->times) / 2;
    doubts.few = profile->times.samples < FEW && !mostly_waits;
    doubts.waited = has_waited(profile, doubts.cpu_only);
    doubts.crowded_pct = crowded_percent(profile, doubts.cpu_ns);
    return doubts;
}

const char *report_waited(const struct profile *profile, char text[WAITED_SIZE])
{
    char phrase[PHRASE_SIZE], time[NUMBER_SIZE];
    if (profile->total_wait_count)
        snprintf(text, WAITED_SIZE, "%s took %s", wait_phrase(phrase, &profile->total_waits[0]),
                 format_time(time, profile->total_waits[0].ns));
    else
        snprintf(text, WAITED_SIZE, "waiting is left out");
    return text;
}
