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

// What a profile cannot tell. The table's first sentence and the line on stderr go by it; the page
// has the same bounds in html/src/summary.js.
struct report_doubts {
    int64_t cpu_ns; // of all processes
    bool cpu_only;  // waiting was not measured: 100 % are the CPU time
    bool few;       // samples, too few to name a line
    bool waited;    // most of the time elapsed went by in no column: for locks, beside others, or
                    // because waiting was left out
    double crowded_pct; // of the time that it could run, no core was free; 0: not worth a word
};
// What a program that `waited` did: "waiting for locks took 4.90 s", or why that is not known.
#define WAITED_SIZE 96
const char *report_waited(const struct profile *profile, char text[WAITED_SIZE]);
struct report_doubts report_doubts(const struct profile *profile);

// How the program ended, in words: "killed by SIGKILL", "exit code 3"; NULL when all went well or
// nobody knows.
const char *report_ending(const struct run_info *run, char text[48]);

int report_table(const struct profile *profile, const struct table_options *options,
                 struct sink *out);
int report_json(const struct profile *profile, struct sink *out);
int report_html(const struct profile *profile, struct sink *out); // self-contained page
// Each returns 0, or -ENOMEM / -EINVAL of its own; errors of `out` stay in `out`.
