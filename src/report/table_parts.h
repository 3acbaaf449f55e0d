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
bool table_waits_notably(const struct table *table, const struct profile_line *line);
bool is_bucket(const struct profile_file *file, int line); // <interpreter> and the like: no line

// Heading and rule of a list that is no file's.
struct grid table_list(struct table *table, int64_t longest, const char *first, const char *label);
// The sign that stands before a wait's word, behind two blanks; as wide as WAIT_SIGN_COLUMNS.
#define WAIT_SIGN_COLUMNS 4
void table_wait_sign(struct pen *pen);

void table_head(struct table *table); // the answer and the totals
int table_files(struct table *table); // hot lines and what encloses them; 0 or -ENOMEM
int table_lists(struct table *table); // functions, threads, processes; 0 or -ENOMEM
int table_threads(struct table *table);
int table_processes(struct table *table);
void table_words(struct table *table); // what the words above mean that do not say it themselves
