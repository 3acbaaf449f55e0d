// SPDX-License-Identifier: MIT
// doubts.c - what a profile is too small or too one-sided to tell; prototypes in report.h.
#include "lineprof/report.h"

#include <stdio.h>
#include <string.h>
#include "grid.h"

#define FEW          25                 // samples: below, a share may be off by 20 points
#define MOSTLY_NS    INT64_C(100000000) // of elapsed time: start-up waits for its files, too
#define MOSTLY_PARTS 4                  // one part of these on CPU, or less

static int64_t cpu_ns(const struct profile *profile)
{
    const int64_t *ns = profile->times.ns;
    return ns[STATE_PYTHON] + ns[STATE_NATIVE] + ns[STATE_KERNEL] + profile->unsampled_ns +
           profile->overhead_ns;
}

struct report_doubts report_doubts(const struct profile *profile)
{
    const uint32_t waits = 1u << STATE_IO | 1u << STATE_SLEEP | 1u << STATE_CHILD;
    struct report_doubts doubts = {.cpu_ns = cpu_ns(profile)};
    int64_t elapsed = profile->run.elapsed_ns;
    doubts.cpu_only = !(profile->run.measured & waits);
    // Waiting is measured, not sampled.
    int64_t shown = times_shown(&profile->times);
    bool mostly_waits = doubts.cpu_ns < shown / 2;
    doubts.few = profile->times.samples < FEW && !mostly_waits;
    doubts.waited = elapsed >= MOSTLY_NS && shown < elapsed / MOSTLY_PARTS &&
                    (doubts.cpu_only || profile->total_wait_count);
    return doubts;
}

const char *report_waited(const struct profile *profile, char text[WAITED_SIZE])
{
    char wait[WAIT_SIZE];
    format_wait(wait, profile->total_wait_count ? &profile->total_waits[0] : NULL);
    snprintf(text, WAITED_SIZE, "%s", *wait ? wait + strlen("  ") : "waited, which is left out");
    return text;
}
