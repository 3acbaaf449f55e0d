// SPDX-License-Identifier: MIT
// json.c - the report as JSON, the file that lasts; docs/profile.schema.json describes it.
//
// Streamed: of a report with 400,000 stack nodes (34 MB) a tree of jansson's takes 319 MB and 0.6 s
// to dump; this takes 0.15 s and no memory. One item stands on one line, for grep and diff.
#include "lineprof/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "json_write.h"
#include "lineprof/intern.h"

#define NS_PER_S   INT64_C(1000000000)
#define BIT(state) (1u << (state))

static const struct column {
    const char *seconds, *percent;
    uint32_t states;
} columns[] = {
    {"python_s", "python_pct", BIT(STATE_PYTHON)},
    {"native_s", "native_pct", BIT(STATE_NATIVE)},
    {"system_s", "system_pct",
     BIT(STATE_KERNEL) | BIT(STATE_IO) | BIT(STATE_SLEEP) | BIT(STATE_CHILD)},
    {"lock_s", NULL, BIT(STATE_LOCK)},
    {"gil_s", NULL, BIT(STATE_GIL)},
    {"runnable_s", NULL, BIT(STATE_RUNNABLE)},
};

#define SHOWN_COLUMNS 3 // those that add up to 100 %
#define COLUMNS       (sizeof columns / sizeof *columns)

struct writer {
    struct json json;
    const struct profile *profile;
    const char **keys; // by file
    char **made;       // those of `keys` that had to be made
};

// ---- times

static bool is_measured(const struct writer *w, const struct column *column)
{
    return w->profile->run.measured & column->states;
}

static int64_t column_ns(const struct column *column, const struct times *times)
{
    int64_t ns = 0;
    for (int state = 0; state < STATE_COUNT; state++)
        if (column->states & BIT(state))
            ns += times->ns[state];
    return ns;
}

static void put_column(struct writer *w, const struct column *column, const struct times *times)
{
    json_key(&w->json, column->seconds);
    if (is_measured(w, column))
        json_seconds(&w->json, column_ns(column, times));
    else
        json_null(&w->json);
}

// All columns, an unmeasured one as null.
static void put_times(struct writer *w, const struct times *times)
{
    for (size_t i = 0; i < COLUMNS; i++)
        put_column(w, &columns[i], times);
}

// The three shown ones, and of the others what was measured: for items of which there are many.
static void put_short_times(struct writer *w, const struct times *times)
{
    for (size_t i = 0; i < COLUMNS; i++)
        if (i < SHOWN_COLUMNS || is_measured(w, &columns[i]))
            put_column(w, &columns[i], times);
}

static void put_samples(struct writer *w, uint64_t samples)
{
    json_key(&w->json, "samples");
    json_int(&w->json, (int64_t)samples);
}

// In millionths, from integers, so that it is the same everywhere.
static int64_t percent_millionths(const struct writer *w, int64_t ns)
{
    int64_t all = times_shown(&w->profile->times);
    return all > 0 ? (int64_t)(((__int128)ns * 200000000 + all) / ((__int128)all * 2)) : 0;
}

static void put_percents(struct writer *w, const struct times *times)
{
    for (size_t i = 0; i < SHOWN_COLUMNS; i++) {
        json_key(&w->json, columns[i].percent);
        if (is_measured(w, &columns[i]))
            json_decimal(&w->json, percent_millionths(w, column_ns(&columns[i], times)), 6);
        else
            json_null(&w->json);
    }
}

static void put_self_and_total(struct writer *w, const struct times *self,
                               const struct times *total)
{
    json_key(&w->json, "self_s");
    json_seconds(&w->json, times_shown(self));
    json_key(&w->json, "total_s");
    json_seconds(&w->json, times_shown(total));
}

// ---- small fields

static void put_string(struct writer *w, const char *key, const char *text)
{
    json_key(&w->json, key);
    json_string(&w->json, text);
}

static void put_known_string(struct writer *w, const char *key, const char *text)
{
    json_key(&w->json, key);
    if (text && *text)
        json_string(&w->json, text);
    else
        json_null(&w->json);
}

static void put_int(struct writer *w, const char *key, int64_t value)
{
    json_key(&w->json, key);
    json_int(&w->json, value);
}

static void put_seconds(struct writer *w, const char *key, bool known, int64_t ns)
{
    json_key(&w->json, key);
    if (known)
        json_seconds(&w->json, ns);
    else
        json_null(&w->json);
}

static void open_list(struct writer *w, const char *key, char bracket)
{
    json_newline(&w->json);
    json_key(&w->json, key);
    json_open(&w->json, bracket);
}

static const char *const state_names[STATE_COUNT] = {
    [STATE_PYTHON] = "python", [STATE_NATIVE] = "native", [STATE_KERNEL] = "kernel",
    [STATE_IO] = "io",         [STATE_SLEEP] = "sleep",   [STATE_CHILD] = "child",
    [STATE_LOCK] = "lock",     [STATE_GIL] = "gil",       [STATE_RUNNABLE] = "runnable",
};

static void put_wait(struct writer *w, const struct wait *wait)
{
    put_string(w, "state", state_names[wait->state]);
    put_string(w, "reason", wait->reason);
    put_seconds(w, "s", true, wait->ns);
    put_seconds(w, "counted_s", true, wait->counted_ns);
}

static bool waits_measured(const struct writer *w)
{
    const uint32_t states =
        BIT(STATE_IO) | BIT(STATE_SLEEP) | BIT(STATE_CHILD) | BIT(STATE_LOCK) | BIT(STATE_GIL);
    return w->profile->run.measured & states;
}

static void put_waits(struct writer *w, const struct wait *waits, size_t count)
{
    json_key(&w->json, "waits");
    if (!waits_measured(w)) {
        json_null(&w->json);
        return;
    }
    json_open(&w->json, '[');
    for (size_t i = 0; i < count; i++) {
        json_open(&w->json, '{');
        put_wait(w, &waits[i]);
        json_close(&w->json, '}');
    }
    json_close(&w->json, ']');
}

static void open_item(struct writer *w)
{
    json_newline(&w->json);
    json_open(&w->json, '{');
}

static const char *origin_name(enum origin origin)
{
    static const char *const names[] = {
        [ORIGIN_OWN] = "own",
        [ORIGIN_LIBRARY] = "library",
        [ORIGIN_STDLIB] = "stdlib",
        [ORIGIN_NONE] = "none",
    };
    return names[origin];
}

// ---- the run

static void put_started(struct writer *w, int64_t unix_ns)
{
    time_t seconds = (time_t)(unix_ns / NS_PER_S);
    int64_t rest = unix_ns % NS_PER_S;
    char date[40], text[64];
    struct tm utc;
    if (rest < 0) {
        rest += NS_PER_S;
        seconds--;
    }
    if (!gmtime_r(&seconds, &utc) || !strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc))
        strcpy(date, "1970-01-01T00:00:00");
    snprintf(text, sizeof text, "%s.%06dZ", date, (int)(rest / 1000));
    put_string(w, "started", text);
}

static void put_python(struct writer *w, const struct run_info *run)
{
    json_key(&w->json, "python");
    json_open(&w->json, '{');
    put_known_string(w, "version", run->python_version);
    put_known_string(w, "executable", run->python_executable);
    json_close(&w->json, '}');
}

static int64_t millionths(double value)
{
    return value > 0 && value < 1e12 ? (int64_t)(value * 1e6 + 0.5) : 0;
}

static void put_losses(struct writer *w, const struct run_info *run)
{
    open_list(w, "lost", '{');
    for (int reason = 0; reason < LOST_REASONS; reason++)
        put_int(w, lost_names[reason], (int64_t)run->lost[reason]);
    json_close(&w->json, '}');
    json_key(&w->json, "undecided");
    json_open(&w->json, '{');
    put_samples(w, run->undecided_samples);
    put_seconds(w, "s", true, run->undecided_ns);
    json_close(&w->json, '}');
    put_seconds(w, "in_step_s", true, run->in_step_ns);
    if (run->unprofiled)
        put_int(w, "unprofiled_processes", run->unprofiled);
    if (run->folded_frames)
        put_int(w, "folded_frames", (int64_t)run->folded_frames);
    if (run->cleared)
        put_int(w, "cleared_environments", run->cleared);
}

static void put_exit(struct writer *w, const struct run_info *run)
{
    json_key(&w->json, "exit");
    if (!run->cut_short) {
        json_int(&w->json, run->exit_code);
        return;
    }
    json_null(&w->json);
    json_key(&w->json, "cut_short");
    json_bool(&w->json, true);
}

static void put_run(struct writer *w)
{
    const struct run_info *run = &w->profile->run;
    put_string(w, "format", "lineprof");
    put_int(w, "format_version", 1);
    json_newline(&w->json);
    put_string(w, "command", run->command);
    put_string(w, "cwd", run->cwd);
    put_exit(w, run);
    json_newline(&w->json);
    put_python(w, run);
    json_newline(&w->json);
    put_started(w, run->started_unix_ns);
    put_seconds(w, "elapsed_s", true, run->elapsed_ns);
    json_key(&w->json, "rate_hz");
    json_decimal(&w->json, millionths(run->rate_hz), 6);
    put_samples(w, w->profile->times.samples);
    put_losses(w, run);
}

static bool any_cpu_known(const struct profile *profile)
{
    for (size_t i = 0; i < profile->process_count; i++)
        if (profile->processes[i].info.cpu_known)
            return true;
    return false;
}

static void put_totals(struct writer *w)
{
    open_list(w, "totals", '{');
    put_times(w, &w->profile->times);
    put_seconds(w, "unsampled_s", any_cpu_known(w->profile), w->profile->unsampled_ns);
    put_seconds(w, "overhead_s", true, w->profile->overhead_ns);
    put_seconds(w, "other_processes_s", true, w->profile->run.others_ns);
    put_waits(w, w->profile->total_waits, w->profile->total_wait_count);
    json_close(&w->json, '}');
}

static void put_process(struct writer *w, size_t id, const struct profile_process *process)
{
    const struct process_info *info = &process->info;
    open_item(w);
    put_int(w, "id", (int64_t)id);
    put_int(w, "pid", info->pid);
    put_int(w, "ppid", info->ppid);
    put_string(w, "command", info->command);
    put_known_string(w, "executable", info->executable);
    put_known_string(w, "version", info->version);
    put_known_string(w, "cwd", info->cwd);
    json_key(&w->json, "exit");
    if (info->exit_known)
        json_int(&w->json, info->exit_code);
    else
        json_null(&w->json);
    put_seconds(w, "cpu_s", info->cpu_known, info->cpu_ns);
    put_seconds(w, "unsampled_s", info->cpu_known, process->unsampled_ns);
    put_seconds(w, "overhead_s", true, info->overhead_ns);
    put_samples(w, process->times.samples);
    put_times(w, &process->times);
    json_close(&w->json, '}');
}

static void put_processes(struct writer *w)
{
    open_list(w, "processes", '[');
    for (size_t i = 0; i < w->profile->process_count; i++)
        put_process(w, i, &w->profile->processes[i]);
    json_close(&w->json, ']');
}

static void put_thread(struct writer *w, const struct profile_thread *thread)
{
    const struct thread_info *info = &thread->info;
    put_int(w, "process", info->process);
    put_int(w, "pid", w->profile->processes[info->process].info.pid);
    put_int(w, "tid", info->tid);
    put_string(w, "name", info->name);
    put_string(w, "kernel_name", info->kernel_name);
    json_key(&w->json, "native");
    json_bool(&w->json, info->native);
    put_seconds(w, "wall_s", info->wall_ns > 0, info->wall_ns);
    put_seconds(w, "cpu_s", info->cpu_ns > 0, info->cpu_ns);
    put_seconds(w, "unsampled_s", info->cpu_ns > 0, thread->unsampled_ns);
    put_seconds(w, "overhead_s", info->cpu_ns > 0, info->overhead_ns);
    put_samples(w, thread->times.samples);
    put_times(w, &thread->times);
    put_waits(w, thread->waits, thread->wait_count);
}

static void put_threads(struct writer *w)
{
    const struct profile *profile = w->profile;
    open_list(w, "threads", '[');
    for (size_t i = 0; i < profile->thread_count; i++) {
        const struct profile_thread *thread = &profile->threads[i];
        open_item(w);
        put_int(w, "id", (int64_t)i);
        put_thread(w, thread);
        json_close(&w->json, '}');
    }
    json_close(&w->json, ']');
}

// ---- files

static const char *function_file(const struct writer *w, const struct profile_function *function)
{
    return function->file == UINT32_MAX ? function->path : w->keys[function->file];
}

static void put_function_times(struct writer *w, const struct profile_function *function)
{
    put_samples(w, function->times.samples);
    put_times(w, &function->times);
    put_self_and_total(w, &function->self, &function->total);
}

static void put_file_functions(struct writer *w, const struct profile_file *file)
{
    open_list(w, "functions", '[');
    for (size_t i = 0; i < file->function_count; i++) {
        const struct profile_function *function = &w->profile->functions[file->functions[i]];
        open_item(w);
        put_string(w, "name", function->name);
        put_int(w, "line", function->line);
        put_function_times(w, function);
        json_close(&w->json, '}');
    }
    json_close(&w->json, ']');
}

static void put_line(struct writer *w, const struct profile_line *line)
{
    open_item(w);
    put_int(w, "line", line->line);
    json_key(&w->json, "source");
    if (line->source)
        json_text(&w->json, line->source, line->source_length);
    else
        json_null(&w->json);
    json_key(&w->json, "function");
    if (line->function != UINT32_MAX)
        json_string(&w->json, w->profile->functions[line->function].name);
    else
        json_null(&w->json);
    put_samples(w, line->times.samples);
    put_short_times(w, &line->times);
    put_percents(w, &line->times);
    put_self_and_total(w, &line->self, &line->total);
    if (line->helpers_ns)
        put_seconds(w, "native_threads_s", true, line->helpers_ns);
    if (line->wait_count && waits_measured(w))
        put_waits(w, line->waits, line->wait_count);
    json_close(&w->json, '}');
}

static void put_file(struct writer *w, size_t index)
{
    const struct profile_file *file = &w->profile->files[index];
    json_newline(&w->json);
    json_key_text(&w->json, w->keys[index]);
    json_open(&w->json, '{');
    put_string(w, "shown", file->shown);
    put_string(w, "origin", origin_name(file->origin));
    json_key(&w->json, "changed");
    json_bool(&w->json, file->changed);
    put_samples(w, file->times.samples);
    put_times(w, &file->times);
    put_file_functions(w, file);
    open_list(w, "lines", '[');
    for (size_t i = 0; i < file->line_count; i++)
        put_line(w, &file->lines[i]);
    json_close(&w->json, ']');
    json_close(&w->json, '}');
}

static void put_files(struct writer *w)
{
    open_list(w, "files", '{');
    for (size_t i = 0; i < w->profile->file_count; i++)
        put_file(w, i);
    json_close(&w->json, '}');
}

// ---- functions and stacks

static void put_function_place(struct writer *w, const struct profile_function *function)
{
    put_string(w, "name", function->name);
    put_string(w, "file", function_file(w, function));
    put_int(w, "line", function->line);
}

// In the order of stacks.functions, so that one index serves both.
static void put_functions(struct writer *w)
{
    open_list(w, "functions", '[');
    for (size_t i = 0; i < w->profile->function_count; i++) {
        const struct profile_function *function = &w->profile->functions[i];
        open_item(w);
        put_function_place(w, function);
        put_string(w, "origin", origin_name(function->origin));
        put_function_times(w, function);
        json_close(&w->json, '}');
    }
    json_close(&w->json, ']');
}

static void put_frame_table(struct writer *w)
{
    open_list(w, "functions", '[');
    for (size_t i = 0; i < w->profile->function_count; i++) {
        const struct profile_function *function = &w->profile->functions[i];
        open_item(w);
        put_function_place(w, function);
        json_close(&w->json, '}');
    }
    json_close(&w->json, ']');
}

static void put_nodes(struct writer *w)
{
    const struct profile *profile = w->profile;
    open_list(w, "nodes", '{');
    open_list(w, "parent", '[');
    for (size_t i = 0; i < profile->node_count; i++) {
        uint32_t parent = profile->nodes[i].parent;
        json_int(&w->json, parent == NODE_ROOT ? -1 : (int64_t)parent);
    }
    json_close(&w->json, ']');
    open_list(w, "function", '[');
    for (size_t i = 0; i < profile->node_count; i++)
        json_int(&w->json, profile->nodes[i].function);
    json_close(&w->json, ']');
    open_list(w, "line", '[');
    for (size_t i = 0; i < profile->node_count; i++)
        json_int(&w->json, profile->nodes[i].line);
    json_close(&w->json, ']');
    json_close(&w->json, '}');
}

static void put_weights(struct writer *w)
{
    open_list(w, "weights", '[');
    for (size_t i = 0; i < w->profile->weight_count; i++) {
        const struct profile_weight *weight = &w->profile->weights[i];
        open_item(w);
        put_int(w, "node", weight->node);
        put_int(w, "thread", weight->thread);
        put_samples(w, weight->times.samples);
        put_short_times(w, &weight->times);
        json_close(&w->json, '}');
    }
    json_close(&w->json, ']');
}

static void put_stack_waits(struct writer *w)
{
    if (!waits_measured(w)) {
        json_newline(&w->json);
        json_key(&w->json, "waits");
        json_null(&w->json);
        return;
    }
    open_list(w, "waits", '[');
    for (size_t i = 0; i < w->profile->wait_count; i++) {
        const struct profile_wait *wait = &w->profile->waits[i];
        open_item(w);
        put_int(w, "node", wait->node);
        put_int(w, "thread", wait->thread);
        put_wait(w, &wait->wait);
        json_close(&w->json, '}');
    }
    json_close(&w->json, ']');
}

static void put_stacks(struct writer *w)
{
    open_list(w, "stacks", '{');
    put_frame_table(w);
    put_nodes(w);
    put_weights(w);
    put_stack_waits(w);
    json_close(&w->json, '}');
}

// ---- keys of files

// Bad bytes all become U+FFFD, so two paths may become one: the second is told apart by a number.
// `clean` is the path's own text, already in UTF-8. NULL: no memory.
static char *distinct_key(struct intern *seen, char *clean)
{
    char *key = clean;
    for (int n = 2; key; n++) {
        uint32_t new_id = intern_count(seen), id = intern_id(seen, key);
        if (id == new_id)
            break;
        if (key != clean)
            free(key);
        if (id == INTERN_NONE || asprintf(&key, "%s (%d)", clean, n) < 0)
            key = NULL;
    }
    if (key != clean)
        free(clean);
    return key;
}

// The keys of paths that are UTF-8 are the paths; the others come behind them and give way.
static int make_keys(struct writer *w, struct intern *seen)
{
    const struct profile *profile = w->profile;
    for (size_t i = 0; i < profile->file_count; i++) {
        w->made[i] = json_clean(profile->files[i].path);
        if (!w->made[i] || (strcmp(w->made[i], profile->files[i].path) == 0 &&
                            intern_id(seen, w->made[i]) == INTERN_NONE))
            return -ENOMEM;
        w->keys[i] = profile->files[i].path;
    }
    for (size_t i = 0; i < profile->file_count; i++) {
        if (strcmp(w->made[i], profile->files[i].path) == 0)
            continue;
        w->keys[i] = w->made[i] = distinct_key(seen, w->made[i]);
        if (!w->keys[i])
            return -ENOMEM;
    }
    return 0;
}

static int find_keys(struct writer *w)
{
    struct intern *seen = intern_new();
    size_t count = w->profile->file_count;
    w->keys = calloc(count + 1, sizeof *w->keys);
    w->made = calloc(count + 1, sizeof *w->made);
    int error = seen && w->keys && w->made ? make_keys(w, seen) : -ENOMEM;
    intern_free(seen);
    return error;
}

static void free_keys(struct writer *w)
{
    for (size_t i = 0; w->made && i < w->profile->file_count; i++)
        free(w->made[i]);
    free(w->made);
    free(w->keys);
}

// ---- the whole

static void put_report(struct writer *w)
{
    json_open(&w->json, '{');
    put_run(w);
    put_totals(w);
    put_processes(w);
    put_threads(w);
    put_files(w);
    put_functions(w);
    put_stacks(w);
    json_close(&w->json, '}');
    sink_putc(w->json.out, '\n');
}

int report_json(const struct profile *profile, struct sink *out)
{
    struct writer w = {.json = {.out = out}, .profile = profile};
    int error = find_keys(&w);
    if (!error)
        put_report(&w);
    free_keys(&w);
    return error;
}
