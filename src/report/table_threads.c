// SPDX-License-Identifier: MIT
// table_threads.c - the threads and processes of the terminal table, where there are several.
//
// Threads that only waited, and for the same, are folded into one row: a pool of fifty idle workers
// is one fact, not fifty.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "table_parts.h"
#include "text_width.h"
#include "wait_words.h"

#define ROWS_MAX      5                 // then the rest is folded, if it is more than one
#define KINDS_MAX     4                 // of idle threads
#define ALIKE_MAX     2                 // idle threads of one kind that have rows of their own
#define NOTABLE_WAIT  INT64_C(10000000) // a tick of waiting
#define SHORTEST_NAME 8
#define ROOMY         48 // columns of a label for more than the most important

// ---- threads

struct entry {
    const struct profile_thread *thread;
    const struct wait *wait; // its longest; NULL: none worth a word
};

static int64_t shown_ns(const struct entry *entry)
{
    return times_shown(&entry->thread->times);
}

static int64_t waited_ns(const struct entry *entry)
{
    return entry->wait ? entry->wait->ns : 0;
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int64_t difference = shown_ns(y) - shown_ns(x);
    if (!difference)
        difference = waited_ns(y) - waited_ns(x);
    if (difference)
        return difference < 0 ? -1 : 1;
    return x->thread < y->thread ? -1 : x->thread > y->thread; // as they stand in the profile
}

static size_t find_entries(const struct profile *profile, struct entry *list)
{
    size_t count = 0;
    for (size_t i = 0; i < profile->thread_count; i++) {
        const struct profile_thread *thread = &profile->threads[i];
        bool waited = thread->wait_count && thread->waits[0].ns >= NOTABLE_WAIT;
        if (times_shown(&thread->times) > 0 || waited)
            list[count++] = (struct entry){thread, waited ? &thread->waits[0] : NULL};
    }
    qsort(list, count, sizeof *list, compare_entries);
    return count;
}

// "4711", or "4713 of 4711" where there are several processes.
static int thread_id(const struct table *table, const struct thread_info *info, char text[48])
{
    const struct profile *profile = table->profile;
    int pid = profile->processes[info->process].info.pid;
    if (profile->process_count > 1 && pid != info->tid)
        return snprintf(text, 48, "%d of %d", (int)info->tid, pid);
    return snprintf(text, 48, "%d", (int)info->tid);
}

#define WAITED_TEXT 256

// "recvfrom 9.80 s", and the second as well where there is room; "" when there is none.
static int waited_text(const struct entry *entry, bool roomy, char text[WAITED_TEXT])
{
    char time[NUMBER_SIZE];
    int length = 0;
    text[0] = '\0';
    for (size_t i = 0; entry->wait && i < entry->thread->wait_count && i < 1u + roomy; i++) {
        const struct wait *wait = &entry->thread->waits[i];
        if (wait->ns < NOTABLE_WAIT || wait->ns < entry->wait->ns / 10)
            break;
        length += snprintf(text + length, (size_t)(WAITED_TEXT - length), "%s%s %s", i ? ", " : "",
                           wait_word(wait), format_time(time, wait->ns));
    }
    return length;
}

static void thread_row(const struct table *table, const struct grid *grid,
                       const struct entry *entry)
{
    const struct thread_info *info = &entry->thread->info;
    char id[48], waited[WAITED_TEXT];
    const char *name = info->name[0] ? info->name : "?";
    int shortest = text_columns(name, strlen(name), !grid->pen->unicode, SHORTEST_NAME - 1);
    int wait = waited_text(entry, grid->label >= ROOMY, waited);
    int needed = wait ? wait + WAIT_SIGN_COLUMNS : 0;
    if (shortest + needed > grid->label)
        needed = 0;
    int left = grid->label - shortest - needed;
    int id_columns = thread_id(table, info, id) + 2;
    if (id_columns > left)
        id_columns = snprintf(id, sizeof id, "%d", (int)info->tid) + 2;
    if (id_columns > left)
        id_columns = 0;
    grid_row(grid, ROW_EVEN, 0, &entry->thread->times);
    pen_text(grid->pen, INK_PLAIN, name, grid->label - needed - id_columns);
    if (id_columns) {
        pen_space(grid->pen, 2);
        pen_puts(grid->pen, INK_DIM, id);
    }
    if (needed) {
        table_wait_sign(grid->pen);
        pen_text(grid->pen, INK_DIM, waited, wait);
    }
    pen_newline(grid->pen);
}

// A thread that used no CPU worth a row of its own.
static bool is_idle(const struct table *table, const struct entry *entry)
{
    const int64_t *ns = entry->thread->times.ns;
    int64_t cpu = ns[STATE_PYTHON] + ns[STATE_NATIVE] + ns[STATE_KERNEL];
    return table_percent(table, cpu) < table->options->threshold_pct;
}

static bool is_alike(const struct table *table, const struct entry *a, const struct entry *b)
{
    return a->wait && b->wait && strcmp(wait_word(a->wait), wait_word(b->wait)) == 0 &&
           is_idle(table, a) && is_idle(table, b);
}

// One row for all that are like the first, which are taken out of the list; how many are left.
static size_t fold_alike(const struct table *table, const struct grid *grid, struct entry *list,
                         size_t count)
{
    const struct entry first = list[0];
    struct times sum = {0};
    int64_t waited = 0;
    size_t kept = 0;
    char many[128], phrase[PHRASE_SIZE], time[NUMBER_SIZE];
    for (size_t i = 0; i < count; i++) {
        if (is_alike(table, &first, &list[i])) {
            times_add(&sum, &list[i].thread->times);
            waited += waited_ns(&list[i]);
        } else {
            list[kept++] = list[i];
        }
    }
    int length = snprintf(many, sizeof many, "threads, %s", wait_phrase(phrase, first.wait));
    if (grid->label >= ROOMY)
        snprintf(many + length, sizeof many - (size_t)length, " %s", format_time(time, waited));
    grid_fold(grid, &sum, count - kept, "", many);
    return kept;
}

static size_t alike(const struct table *table, const struct entry *list, size_t count)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += is_alike(table, &list[0], &list[i]);
    return found;
}

// What is left when there are rows enough: one row, or one for all.
static void rest_rows(const struct table *table, const struct grid *grid, const struct entry *list,
                      size_t count)
{
    struct times sum = {0};
    for (size_t i = 0; i < count; i++)
        times_add(&sum, &list[i].thread->times);
    if (count == 1)
        thread_row(table, grid, list);
    else if (count)
        grid_fold(grid, &sum, count, "", "more threads");
}

static void thread_rows(struct table *table, struct entry *list, size_t count)
{
    struct grid grid = table_list(table, shown_ns(&list[0]), "", "thread");
    size_t rows = 0, folds = 0, i = 0;
    while (i < count) {
        if (folds < KINDS_MAX && alike(table, list + i, count - i) > ALIKE_MAX) {
            count = i + fold_alike(table, &grid, list + i, count - i);
            folds++;
        } else if (rows < ROWS_MAX) {
            thread_row(table, &grid, &list[i]);
            memmove(list + i, list + i + 1, (--count - i) * sizeof *list);
            rows++;
        } else {
            i++; // stays for the end
        }
    }
    rest_rows(table, &grid, list, count);
}

int table_threads(struct table *table)
{
    struct entry *list = calloc(table->profile->thread_count + 1, sizeof *list);
    if (!list)
        return -ENOMEM;
    size_t count = find_entries(table->profile, list);
    if (count > 1)
        thread_rows(table, list, count);
    free(list);
    return 0;
}

// ---- processes

static int compare_processes(const void *a, const void *b)
{
    const struct profile_process *x = *(const struct profile_process *const *)a;
    const struct profile_process *y = *(const struct profile_process *const *)b;
    int64_t difference = times_shown(&y->times) - times_shown(&x->times);
    if (!difference)
        difference = y->info.cpu_ns - x->info.cpu_ns;
    if (difference)
        return difference < 0 ? -1 : 1;
    return x < y ? -1 : x > y;
}

// The interpreter's directory says less than the arguments for which it would leave no room.
static const char *without_directory(const char *command)
{
    const char *name = command;
    for (const char *at = command; command[0] == '/' && *at && *at != ' '; at++)
        if (*at == '/')
            name = at + 1;
    return name;
}

static const char *exit_text(const struct process_info *info, char text[32])
{
    snprintf(text, 32, info->exit_code < 0 ? "signal %d" : "exit %d", abs(info->exit_code));
    return text;
}

// "  4711  CPU 1.20 s", of which there is as much as fits.
static int process_facts(const struct process_info *info, int room, char text[64])
{
    char time[NUMBER_SIZE];
    int length = snprintf(text, 64, "  %d", (int)info->pid);
    if (length > room)
        length = 0;
    text[length] = '\0';
    if (!length || !info->cpu_known || info->cpu_ns <= 0)
        return length;
    format_time(time, info->cpu_ns);
    if (length + (int)strlen(time) + 6 <= room)
        length += snprintf(text + length, 64 - (size_t)length, "  CPU %s", time);
    return length;
}

static void process_row(const struct grid *grid, const struct profile_process *process)
{
    const struct process_info *info = &process->info;
    char facts[64], end[32];
    bool failed = info->exit_known && info->exit_code;
    bool told = failed || (info->exit_known && grid->label >= ROOMY);
    int left = grid->label - (told ? 2 + (int)strlen(exit_text(info, end)) : 0);
    int length = process_facts(info, left - SHORTEST_NAME, facts);
    grid_row(grid, ROW_EVEN, 0, &process->times);
    pen_text(grid->pen, INK_PLAIN, without_directory(info->command), left - length);
    pen_puts(grid->pen, INK_DIM, facts);
    if (told) {
        pen_space(grid->pen, 2);
        pen_puts(grid->pen, failed ? INK_WARNING : INK_DIM, end);
    }
    pen_newline(grid->pen);
}

static void process_rows(struct table *table, const struct profile_process **list, size_t count)
{
    struct grid grid = table_list(table, times_shown(&list[0]->times), "", "process");
    size_t rows = count > ROWS_MAX + 1 ? ROWS_MAX : count;
    struct times rest = {0};
    for (size_t i = 0; i < rows; i++)
        process_row(&grid, list[i]);
    for (size_t i = rows; i < count; i++)
        times_add(&rest, &list[i]->times);
    if (rows < count)
        grid_fold(&grid, &rest, count - rows, "more process", "more processes");
}

int table_processes(struct table *table)
{
    size_t count = table->profile->process_count;
    const struct profile_process **list = calloc(count + 1, sizeof *list);
    if (!list)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        list[i] = &table->profile->processes[i];
    qsort(list, count, sizeof *list, compare_processes);
    if (count > 1)
        process_rows(table, list, count);
    free(list);
    return 0;
}
