// SPDX-License-Identifier: MIT
// grid.h - the columns that all parts of the terminal table share: line number, time, a bar, the
// three kinds; then a rule and whatever the row is about.
#pragma once

#include "pen.h"

enum kind { KIND_PYTHON, KIND_NATIVE, KIND_SYSTEM, KIND_COUNT };

extern const char *const kind_names[KIND_COUNT];

int64_t kind_ns(const struct times *times, enum kind kind);
bool kind_is_measured(const struct profile *profile, enum kind kind);
enum ink kind_ink(enum kind kind);
void kind_sign(struct pen *pen, enum kind kind); // the sign of which its part of a bar is made

enum grid_row_style {
    ROW_PLAIN, // emphasis by the row's share of the total
    ROW_EVEN,  // no emphasis
    ROW_TITLE, // sums of what follows
    ROW_DIM,   // context and folds
};

struct grid {
    struct pen *pen;
    int64_t total;   // ns that are 100 %
    int64_t longest; // ns that fill a bar
    bool shown[KIND_COUNT];
    int digits;       // of a line number
    int bar;          // columns, 0: none
    int kind_percent; // columns of each kind's share, 0: none
    int kind_seconds; // columns of each kind's time, 0: none
    int label;        // columns left behind the rule
};

struct grid grid_new(struct pen *pen, const struct profile *profile, int width, int digits);

// Everything up to the label, which the caller writes; times may be NULL, line 0.
void grid_row(const struct grid *grid, enum grid_row_style style, int line,
              const struct times *times);
// `count` things that have no rows of their own, with the sum of their times.
void grid_fold(const struct grid *grid, const struct times *times, size_t count, const char *one,
               const char *many);
void grid_heading(const struct grid *grid, const char *first, const char *label);
void grid_rule(const struct grid *grid);

// A stacked bar of `columns`; `full` ns fill it. Returns the columns used.
int bar_draw(struct pen *pen, const struct times *times, int64_t full, int columns);

// Short texts of numbers: "26%", "<1%", "" for none; "504 ms", "2.61 s", "16m40s", "" for none.
#define NUMBER_SIZE 24
const char *format_percent(char text[NUMBER_SIZE], double percent);
const char *format_time(char text[NUMBER_SIZE], int64_t ns);
const char *format_count(char text[32], uint64_t count); // with thousands separated by commas
