// SPDX-License-Identifier: MIT
// table_lists.c - the last parts of the terminal table: functions, and where there are several,
// threads and processes (table_threads.c).

#include <stdio.h>
#include <string.h>
#include "table_parts.h"

#define FUNCTIONS_MAX 10
#define DIGITS        4
#define SHORTEST_PATH 8

struct grid table_list(struct table *table, int64_t longest, const char *first, const char *label)
{
    struct grid grid = grid_new(&table->pen, table->profile, table->width, DIGITS);
    grid.longest = longest;
    pen_newline(&table->pen);
    grid_heading(&grid, first, label);
    grid_rule(&grid);
    return grid;
}

// ---- functions

static const char *file_of(const struct profile *profile, const struct profile_function *function)
{
    return function->file < profile->file_count ? profile->files[function->file].shown
                                                : function->path;
}

// "  98% with callees" where that is more than the function's own lines.
static int with_callees(const struct table *table, const struct profile_function *function,
                        char text[40])
{
    double own = table_percent(table, times_shown(&function->times));
    double all = table_percent(table, times_shown(&function->total));
    text[0] = '\0';
    return all - own >= 1 ? snprintf(text, 40, "  %.0f%% with callees", all) : 0;
}

static void function_row(const struct table *table, const struct grid *grid,
                         const struct profile_function *function)
{
    char callees[40];
    int needed = with_callees(table, function, callees);
    bool bucket = function->origin == ORIGIN_NONE && function->line <= 0;
    const char *file = file_of(table->profile, function);
    const char *name = bucket ? file : function->name; // one thing has one name
    grid_row(grid, ROW_PLAIN, function->line, &function->times);
    int left = grid->label;
    left -= pen_text(grid->pen, INK_PLAIN, name[0] ? name : "?", left);
    if (left < needed)
        needed = 0;
    if (left - needed - 2 >= SHORTEST_PATH && !bucket) {
        pen_space(grid->pen, 2);
        pen_path(grid->pen, INK_DIM, file, left - needed - 2);
    }
    if (needed)
        pen_puts(grid->pen, INK_DIM, callees);
    pen_newline(grid->pen);
}

static void function_rest(const struct grid *grid, const struct profile *profile, size_t first)
{
    struct times sum = {0};
    size_t count = 0;
    for (size_t i = first; i < profile->function_count; i++)
        if (times_shown(&profile->functions[i].times) > 0) {
            times_add(&sum, &profile->functions[i].times);
            count++;
        }
    if (count)
        grid_fold(grid, &sum, count, "more function", "more functions");
}

static void functions(struct table *table)
{
    const struct profile *profile = table->profile;
    size_t count = 0;
    while (count < profile->function_count && count < FUNCTIONS_MAX &&
           table_is_notable(table, &profile->functions[count].times))
        count++;
    if (!count)
        return;
    int64_t longest = times_shown(&profile->functions[0].times);
    struct grid grid = table_list(table, longest, "line", "function");
    for (size_t i = 0; i < count; i++)
        function_row(table, &grid, &profile->functions[i]);
    function_rest(&grid, profile, count);
}

int table_lists(struct table *table)
{
    functions(table);
    int error = table_threads(table);
    return error ? error : table_processes(table);
}
