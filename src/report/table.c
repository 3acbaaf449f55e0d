// SPDX-License-Identifier: MIT
// table.c - the terminal table: one sentence that answers, totals, hot lines by file, functions,
// threads, processes.

#include <limits.h>
#include <string.h>
#include "table_parts.h"
#include "wait_words.h"

#define DEFAULT_WIDTH 80
#define NOTABLE_WAIT  10 // as a fraction of the elapsed time: a tenth

double table_percent(const struct table *table, int64_t ns)
{
    return profile_percent(table->profile, ns);
}

bool table_is_notable(const struct table *table, const struct times *times)
{
    int64_t ns = times_shown(times);
    return ns > 0 && table_percent(table, ns) >= table->options->threshold_pct;
}

// A line that keeps its thread waiting for long is shown, even when none of that is in a column.
bool table_waits_notably(const struct table *table, const struct profile_line *line)
{
    const struct wait *wait = wait_of_line(line);
    return wait && line->line > 0 && wait->ns >= table->profile->run.elapsed_ns / NOTABLE_WAIT;
}

void table_wait_sign(struct pen *pen)
{
    pen_space(pen, 2);
    pen_sign(pen, INK_DIM, "\u25c2", "<");
    pen_space(pen, 1);
}

int64_t top_line_ns(const struct top_line *top)
{
    return top->line ? times_shown(&top->line->times) : 0;
}

bool is_bucket(const struct profile_file *file, int line)
{
    return file->origin == ORIGIN_NONE && line <= 0;
}

// Of equal lines the earlier one stays in front.
static void insert(struct top_line top[TOP_MAX], struct top_line line)
{
    for (int i = 0; i < TOP_MAX; i++) {
        if (top_line_ns(&line) <= top_line_ns(&top[i]))
            continue;
        struct top_line moved = top[i];
        top[i] = line;
        line = moved;
    }
}

void table_find_top(const struct profile *profile, struct top_line top[TOP_MAX])
{
    memset(top, 0, TOP_MAX * sizeof *top);
    for (size_t f = 0; f < profile->file_count; f++)
        for (size_t l = 0; l < profile->files[f].line_count; l++)
            insert(top, (struct top_line){&profile->files[f], &profile->files[f].lines[l]});
}

// The path is never cut: it is there to be copied.
static void closing(struct table *table)
{
    if (!table->options->report)
        return;
    pen_newline(&table->pen);
    pen_puts(&table->pen, INK_DIM, "The whole report:");
    pen_space(&table->pen, 1);
    pen_text(&table->pen, INK_PLAIN, table->options->report, INT_MAX / 2);
    pen_newline(&table->pen);
}

int report_table(const struct profile *profile, const struct table_options *options,
                 struct sink *out)
{
    struct table table = {
        .profile = profile,
        .options = options,
        .doubts = report_doubts(profile),
        .pen = pen_new(out, options),
        .width = options->width > 0 ? options->width : DEFAULT_WIDTH,
    };
    table_head(&table);
    int error = table_files(&table);
    if (!error)
        error = table_lists(&table);
    table_words(&table);
    closing(&table);
    return error;
}
