// SPDX-License-Identifier: MIT
// table_parts.h - what the parts of the terminal table share: table.c puts them together.
#pragma once

#include "grid.h"

struct table {
    const struct profile *profile;
    const struct table_options *options;
    struct report_doubts doubts;
    struct pen pen;
    int width;
};

double table_percent(const struct table *table, int64_t ns);                 // of the run's total
bool table_is_notable(const struct table *table, const struct times *times); // not to be folded

#define TOP_MAX 5

struct top_line {
    const struct profile_file *file;
    const struct profile_line *line; // NULL: there are no more
};

// The lines with most time, in order.
void table_find_top(const struct profile *profile, struct top_line top[TOP_MAX]);
int64_t top_line_ns(const struct top_line *top);
bool is_bucket(const struct profile_file *file, int line); // <interpreter> and the like: no line

void table_head(struct table *table);  // the answer and the totals
int table_files(struct table *table);  // hot lines and what encloses them; 0 or -ENOMEM
int table_lists(struct table *table);  // functions, threads, processes; 0 or -ENOMEM
void table_words(struct table *table); // what the words above mean that do not say it themselves
