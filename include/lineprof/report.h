// SPDX-License-Identifier: MIT
// report.h - writers: one function over a const profile and one row of a table each.
//
// A writer computes no totals, reads no globals and tests no write: the sink keeps its first error.
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include "lineprof/profile.h"
#include "lineprof/sink.h"

enum color { COLOR_NONE, COLOR_16, COLOR_256, COLOR_TRUE };

struct table_options {
    int width; // columns; 0: 80
    enum color color;
    bool dark;            // background, where it is known; the palette must be legible on both
    bool unicode;         // bars and rules beyond ASCII
    bool reduced;         // only lines with time: no context, no folds (--reduced-profile)
    bool all_lines;       // unfold: every line of the files shown (--all-lines)
    double threshold_pct; // lines below are folded (--cpu-percent-threshold), default 1
    const char *report;   // where the whole report lies, for the closing line; may be NULL
};

int report_table(const struct profile *profile, const struct table_options *options,
                 struct sink *out);
int report_json(const struct profile *profile, struct sink *out);
int report_html(const struct profile *profile, struct sink *out); // self-contained page
// Each returns 0, or -ENOMEM / -EINVAL of its own; errors of `out` stay in `out`.
