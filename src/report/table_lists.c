// SPDX-License-Identifier: MIT
// table_lists.c - the last parts of the terminal table: functions, and where there are several,
// threads and processes.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "table_parts.h"

#define FUNCTIONS_MAX 10
#define ENTRIES_MAX   5
#define DIGITS        4
#define NOTABLE_WAIT  INT64_C(10000000)
#define SHORTEST_PATH 8
#define SHORTEST_NAME 12

static struct grid list_start(struct table *table, int64_t longest, const char *first,
                              const char *label)
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
    struct grid grid = list_start(table, longest, "line", "function");
    for (size_t i = 0; i < count; i++)
        function_row(table, &grid, &profile->functions[i]);
    function_rest(&grid, profile, count);
}

// ---- threads and processes

struct entry {
    const struct times *times;
    const char *name;
    const struct wait *wait; // its longest; NULL: none
    char id[48];
};

static int64_t waited_ns(const struct entry *entry)
{
    return entry->wait ? entry->wait->ns : 0;
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int64_t difference = times_shown(y->times) - times_shown(x->times);
    if (!difference)
        difference = waited_ns(y) - waited_ns(x);
    if (difference)
        return difference < 0 ? -1 : 1;
    return x->times < y->times ? -1 : x->times > y->times; // as they stand in the profile
}

static void entry_row(const struct grid *grid, const struct entry *entry)
{
    char wait[WAIT_SIZE];
    int needed = (int)strlen(format_wait(wait, entry->wait));
    int room = grid->label - 2 - (int)strlen(entry->id);
    if (room < needed + SHORTEST_NAME)
        needed = 0;
    grid_row(grid, ROW_EVEN, 0, entry->times);
    if (pen_text(grid->pen, INK_PLAIN, entry->name ? entry->name : "", room - needed))
        pen_space(grid->pen, 2);
    pen_puts(grid->pen, INK_DIM, entry->id);
    if (needed)
        pen_puts(grid->pen, INK_DIM, wait);
    pen_newline(grid->pen);
}

static void entries(struct table *table, struct entry *list, size_t count, const char *one,
                    const char *more, const char *many)
{
    if (count < 2)
        return;
    qsort(list, count, sizeof *list, compare_entries);
    struct grid grid = list_start(table, times_shown(list[0].times), "", one);
    size_t shown = count > ENTRIES_MAX + 1 ? ENTRIES_MAX : count;
    struct times rest = {0};
    for (size_t i = 0; i < shown; i++)
        entry_row(&grid, &list[i]);
    for (size_t i = shown; i < count; i++)
        times_add(&rest, list[i].times);
    if (shown < count)
        grid_fold(&grid, &rest, count - shown, more, many);
}

static int threads(struct table *table)
{
    const struct profile *profile = table->profile;
    size_t count = 0;
    struct entry *list = calloc(profile->thread_count + 1, sizeof *list);
    if (!list)
        return -ENOMEM;
    for (size_t i = 0; i < profile->thread_count; i++) {
        const struct profile_thread *thread = &profile->threads[i];
        int64_t waited = thread->wait_count ? thread->waits[0].ns : 0;
        if (times_shown(&thread->times) <= 0 && waited < NOTABLE_WAIT)
            continue;
        struct entry *entry = &list[count++];
        *entry = (struct entry){.times = &thread->times, .name = thread->info.name};
        if (waited >= NOTABLE_WAIT)
            entry->wait = &thread->waits[0];
        if (profile->process_count > 1 && thread->info.process < profile->process_count)
            snprintf(entry->id, sizeof entry->id, "%d in process %d", (int)thread->info.tid,
                     (int)profile->processes[thread->info.process].info.pid);
        else
            snprintf(entry->id, sizeof entry->id, "%d", (int)thread->info.tid);
    }
    entries(table, list, count, "thread", "more thread", "more threads");
    free(list);
    return 0;
}

static int processes(struct table *table)
{
    const struct profile *profile = table->profile;
    size_t count = 0;
    struct entry *list = calloc(profile->process_count + 1, sizeof *list);
    if (!list)
        return -ENOMEM;
    for (size_t i = 0; i < profile->process_count; i++) {
        const struct profile_process *process = &profile->processes[i];
        if (times_shown(&process->times) <= 0)
            continue;
        struct entry *entry = &list[count++];
        *entry = (struct entry){.times = &process->times, .name = process->info.command};
        snprintf(entry->id, sizeof entry->id, "%d", (int)process->info.pid);
    }
    entries(table, list, count, "process", "more process", "more processes");
    free(list);
    return 0;
}

int table_lists(struct table *table)
{
    functions(table);
    int error = threads(table);
    return error ? error : processes(table);
}
