// SPDX-License-Identifier: MIT
// profile.c - freezes a recording: sums in a sorted, read-only profile.
//
// Every order ends in a key that no two items share, so the same recording gives the same profile.
#include "build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct finished {
    struct profile profile; // first: a const struct profile * is all that anybody else holds
    void **texts;           // that the profile made: sources, relative paths
    size_t text_count;
    struct profile_line *lines; // of all files
    uint32_t *file_functions;   // of all files
    struct wait *line_waits, *thread_waits;
};

struct assembly { // finished, and how the build's indices translate
    struct build *build;
    struct finished *out;
    uint32_t *function_order, *function_rank; // rank by build index, order by rank
    uint32_t *path_order;
    uint32_t *line_order;
};

// ---- orders

static int descending(int64_t a, int64_t b)
{
    return (a < b) - (a > b);
}

static int ascending(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int by_path(const void *a, const void *b, void *context)
{
    const struct build *build = context;
    const struct path *x = &build->paths[*(const uint32_t *)a];
    const struct path *y = &build->paths[*(const uint32_t *)b];
    int order = descending(times_shown(&x->times), times_shown(&y->times));
    return order ? order : strcmp(x->text, y->text);
}

static int by_function(const void *a, const void *b, void *context)
{
    const struct build *build = context;
    const struct profile_function *x = &build->functions[*(const uint32_t *)a];
    const struct profile_function *y = &build->functions[*(const uint32_t *)b];
    int order = descending(times_shown(&x->times), times_shown(&y->times));
    if (!order)
        order = descending(times_shown(&x->self), times_shown(&y->self));
    if (!order)
        order = descending(times_shown(&x->total), times_shown(&y->total));
    if (!order)
        order = strcmp(x->path, y->path);
    if (!order)
        order = ascending(x->line, y->line);
    return order ? order : strcmp(x->name, y->name);
}

static int by_line(const void *a, const void *b, void *context)
{
    const struct build *build = context;
    const struct line *x = &build->lines[*(const uint32_t *)a];
    const struct line *y = &build->lines[*(const uint32_t *)b];
    int order = ascending(build->paths[x->path].file, build->paths[y->path].file);
    return order ? order : ascending(x->sum.line, y->sum.line);
}

static uint32_t *counting(struct build *build, uint32_t count)
{
    uint32_t *order = build_array(build, count, sizeof *order);
    for (uint32_t i = 0; order && i < count; i++)
        order[i] = i;
    return order;
}

static void sort(uint32_t *order, size_t count, struct build *build,
                 int (*compare)(const void *, const void *, void *))
{
    if (order)
        qsort_r(order, count, sizeof *order, compare, build);
}

// ---- what is shown of a path

static size_t common_directory(const char *cwd, const char *path)
{
    size_t common = 0, at = 0;
    for (; cwd[at] && cwd[at] == path[at]; at++)
        if (cwd[at] == '/')
            common = at;
    return path[at] == '/' && (!cwd[at] || cwd[at] == '/') ? at : common;
}

static size_t levels_above(const char *directory)
{
    size_t levels = 0;
    for (; *directory; directory++)
        levels += directory[0] == '/' && directory[1] && directory[1] != '/';
    return levels;
}

// A text to show that the finished profile frees.
static char *own(struct assembly *a, char *text)
{
    if (text)
        a->out->texts[a->out->text_count++] = text;
    else if (!a->build->error)
        a->build->error = ENOMEM;
    return text;
}

static const char *relative(struct assembly *a, const char *path)
{
    const char *cwd = a->build->rec->run.cwd;
    if (path[0] != '/' || !cwd || cwd[0] != '/')
        return path;
    size_t common = common_directory(cwd, path), up = levels_above(cwd + common);
    const char *rest = path + common + 1;
    if (!up)
        return rest;
    size_t length = up * 3 + strlen(rest);
    if (length >= strlen(path))
        return path;
    char *text = own(a, malloc(length + 1));
    for (size_t i = 0; text && i < up; i++)
        memcpy(text + i * 3, "../", 3);
    return text ? strcpy(text + up * 3, rest) - up * 3 : path;
}

// ---- sources

static const struct recorded_source *kept_source(const struct recording *rec, const char *path)
{
    for (size_t i = 0; i < rec->source_count; i++)
        if (rec->sources[i].path == path)
            return &rec->sources[i];
    return NULL;
}

static void take_kept(struct assembly *a, struct profile_file *file,
                      const struct recorded_source *kept)
{
    char *decoded = source_decode(kept->text, kept->length, &file->text_length);
    file->text = decoded ? own(a, decoded) : kept->text;
    if (!decoded)
        file->text_length = kept->length;
}

static void take_source(struct assembly *a, struct profile_file *file)
{
    const struct recording *rec = a->build->rec;
    const struct recorded_source *kept = kept_source(rec, file->path);
    int64_t modified_ns;
    if (kept) {
        take_kept(a, file, kept);
        return;
    }
    char *text = source_read(file->path, &file->text_length, &modified_ns);
    file->changed = rec->run.started_unix_ns && modified_ns > rec->run.started_unix_ns;
    if (text)
        file->text = own(a, text);
}

struct reader { // gives a text's lines in ascending order
    const char *at, *end;
    int line;
};

static struct reader reader_of(const struct profile_file *file)
{
    if (!file->text)
        return (struct reader){0};
    return (struct reader){file->text, file->text + file->text_length, 1};
}

static const char *end_of_line(const struct reader *in)
{
    const char *at = in->at;
    while (at < in->end && *at != '\n' && *at != '\r')
        at++;
    return at;
}

static void next_line(struct reader *in)
{
    in->at = end_of_line(in);
    bool crlf = in->end - in->at > 1 && in->at[0] == '\r' && in->at[1] == '\n';
    in->at += in->at < in->end ? 1 + crlf : 0;
    in->line++;
}

static void take_line_source(struct reader *in, struct profile_line *line)
{
    if (!in->at || line->line < 1)
        return;
    while (in->line < line->line && in->at < in->end)
        next_line(in);
    if (in->line != line->line || in->at == in->end)
        return;
    line->source = in->at;
    line->source_length = (size_t)(end_of_line(in) - in->at);
}

// ---- the parts of a profile

static void finish_functions(struct assembly *a)
{
    struct build *build = a->build;
    uint32_t count = build->function_count + BUCKETS, kept = 0;
    a->function_order = counting(build, count);
    a->function_rank = build_array(build, count, sizeof *a->function_rank);
    struct profile_function *functions = build_array(build, count, sizeof *functions);
    a->out->profile.functions = functions;
    if (build->error)
        return;
    sort(a->function_order, count, build, by_function);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t id = a->function_order[i];
        const struct path *path = &build->paths[build->path_of[id]];
        if (id >= build->function_count && !path->charged)
            continue; // a bucket that nothing fell into
        a->function_rank[id] = kept;
        functions[kept] = build->functions[id];
        functions[kept++].file = path->file;
    }
    a->out->profile.function_count = kept;
}

static void finish_paths(struct assembly *a)
{
    struct build *build = a->build;
    uint32_t all = build->path_count + BUCKETS, count = 0;
    a->path_order = build_array(build, all, sizeof *a->path_order);
    if (build->error)
        return;
    for (uint32_t path = 0; path < all; path++)
        if (build->paths[path].charged)
            a->path_order[count++] = path;
    sort(a->path_order, count, build, by_path);
    for (uint32_t i = 0; i < count; i++)
        build->paths[a->path_order[i]].file = i;
    a->out->profile.file_count = count;
}

static void finish_files(struct assembly *a)
{
    struct build *build = a->build;
    size_t count = a->out->profile.file_count;
    struct profile_file *files = build_array(build, count, sizeof *files);
    a->out->profile.files = files;
    a->out->texts = build_array(build, 2 * count, sizeof *a->out->texts);
    if (build->error)
        return;
    for (size_t i = 0; i < count; i++) {
        const struct path *path = &build->paths[a->path_order[i]];
        files[i].path = path->text;
        files[i].shown = relative(a, path->text);
        files[i].origin = path->origin;
        files[i].times = path->times;
        take_source(a, &files[i]);
    }
}

// A line of two functions (a lambda on it, a def) is said to be in the one that has most of its
// time; all else equal, in the later one in profile.functions.
static void choose_functions(struct assembly *a)
{
    struct build *build = a->build;
    for (uint32_t i = 0; i < rows_count(build->spot_rows); i++) {
        const struct spot *spot = &build->spots[i];
        uint32_t *best = &build->lines[spot->line].sum.function;
        const struct spot *old = *best == NOTHING ? spot : &build->spots[*best];
        int order = descending(spot->attributed, old->attributed);
        if (!order)
            order = descending(spot->inclusive, old->inclusive);
        if (!order)
            order = descending(a->function_rank[spot->function], a->function_rank[old->function]);
        if (*best == NOTHING || order < 0)
            *best = i;
    }
}

static bool has_time(const struct profile_line *line)
{
    static const struct times none;
    return line->wait_count || memcmp(&line->times, &none, sizeof none) != 0 ||
           memcmp(&line->self, &none, sizeof none) != 0 ||
           memcmp(&line->total, &none, sizeof none) != 0;
}

static void take_line_waits(struct build *build)
{
    const struct wait_groups *groups = &build->line_waits;
    for (uint32_t i = 0; i < rows_count(build->line_rows); i++) {
        struct profile_line *line = &build->lines[i].sum;
        line->waits = groups->waits + groups->from[i];
        line->wait_count = groups->from[i + 1] - groups->from[i];
    }
}

static size_t collect_lines(struct assembly *a)
{
    struct build *build = a->build;
    size_t count = 0;
    for (uint32_t i = 0; i < rows_count(build->line_rows); i++)
        if (has_time(&build->lines[i].sum))
            a->line_order[count++] = i;
    return count;
}

static void hand_out_lines(struct assembly *a, size_t count)
{
    struct build *build = a->build;
    struct profile_line *lines = a->out->lines;
    struct profile_file *files = (struct profile_file *)(uintptr_t)a->out->profile.files;
    struct reader in = {0};
    for (size_t i = 0; i < count; i++) {
        const struct line *line = &build->lines[a->line_order[i]];
        struct profile_file *file = &files[build->paths[line->path].file];
        if (!file->line_count++) {
            file->lines = &lines[i];
            in = reader_of(file);
        }
        lines[i] = line->sum;
        lines[i].function = a->function_rank[build->spots[line->sum.function].function];
        take_line_source(&in, &lines[i]);
    }
}

static void finish_lines(struct assembly *a)
{
    struct build *build = a->build;
    size_t all = rows_count(build->line_rows);
    a->line_order = build_array(build, all, sizeof *a->line_order);
    if (build->error)
        return;
    take_line_waits(build);
    size_t count = collect_lines(a);
    a->out->lines = build_array(build, count, sizeof *a->out->lines);
    if (build->error)
        return;
    choose_functions(a);
    sort(a->line_order, count, build, by_line);
    hand_out_lines(a, count);
}

static void count_file_functions(const struct profile *profile, struct profile_file *files)
{
    for (size_t i = 0; i < profile->function_count; i++)
        if (profile->functions[i].file != NOTHING)
            files[profile->functions[i].file].function_count++;
}

// Each file's functions: positions in profile.functions, which is by attributed time already.
static void finish_file_functions(struct assembly *a)
{
    const struct profile *profile = &a->out->profile;
    struct profile_file *files = (struct profile_file *)(uintptr_t)profile->files;
    uint32_t *all = build_array(a->build, profile->function_count, sizeof *all);
    uint32_t *next = build_array(a->build, profile->file_count, sizeof *next), from = 0;
    a->out->file_functions = all;
    if (!a->build->error) {
        count_file_functions(profile, files);
        for (size_t i = 0; i < profile->file_count; i++) {
            files[i].functions = all + from;
            next[i] = from;
            from += (uint32_t)files[i].function_count;
        }
        for (uint32_t i = 0; i < profile->function_count; i++)
            if (profile->functions[i].file != NOTHING)
                all[next[profile->functions[i].file]++] = i;
    }
    free(next);
}

static void finish_stacks(struct assembly *a)
{
    struct build *build = a->build;
    struct profile_node *nodes = build_array(build, build->node_count, sizeof *nodes);
    a->out->profile.nodes = nodes;
    for (uint32_t i = 0; nodes && i < build->node_count; i++) {
        const uint32_t *row = rows_at(build->rec->nodes, i);
        nodes[i] = (struct profile_node){row[NODE_PARENT], a->function_rank[row[NODE_FUNCTION]],
                                         (int)row[NODE_LINE]};
    }
    a->out->profile.node_count = build->node_count;
    a->out->profile.weights = build->weights;
    a->out->profile.weight_count = build->weight_count;
    build->weights = NULL;
}

static int64_t unsampled(const struct process_info *info, const struct times *times)
{
    int64_t seen = times->ns[STATE_PYTHON] + times->ns[STATE_NATIVE] + times->ns[STATE_KERNEL];
    int64_t rest = info->cpu_ns - info->overhead_ns - seen;
    return info->cpu_known && rest > 0 ? rest : 0;
}

static void finish_processes(struct assembly *a)
{
    const struct recording *rec = a->build->rec;
    struct profile *profile = &a->out->profile;
    struct profile_process *processes =
        build_array(a->build, rec->process_count, sizeof *processes);
    profile->processes = processes;
    for (size_t i = 0; processes && i < rec->process_count; i++) {
        processes[i].info = *rec->processes[i];
        processes[i].times = a->build->processes[i];
        processes[i].unsampled_ns = unsampled(rec->processes[i], &processes[i].times);
        profile->unsampled_ns += processes[i].unsampled_ns;
        profile->overhead_ns += processes[i].info.overhead_ns;
    }
    profile->process_count = rec->process_count;
}

static void finish_thread(struct build *build, struct profile_thread *thread, size_t id)
{
    const struct wait_groups *groups = &build->thread_waits;
    const int64_t *ns = build->threads[id].ns;
    thread->info = build->rec->threads[id];
    thread->times = build->threads[id];
    thread->waits = groups->waits + groups->from[id];
    thread->wait_count = groups->from[id + 1] - groups->from[id];
    int64_t seen = ns[STATE_PYTHON] + ns[STATE_NATIVE] + ns[STATE_KERNEL];
    int64_t rest = thread->info.cpu_ns - thread->info.overhead_ns - seen;
    thread->unsampled_ns = rest > 0 ? rest : 0;
}

static void finish_threads(struct assembly *a)
{
    const struct recording *rec = a->build->rec;
    struct profile_thread *threads = build_array(a->build, rec->thread_count, sizeof *threads);
    a->out->profile.threads = threads;
    for (size_t i = 0; threads && i < rec->thread_count; i++)
        finish_thread(a->build, &threads[i], i);
    a->out->profile.thread_count = rec->thread_count;
}

// The sums of waits become the profile's.
static void finish_waits(struct assembly *a)
{
    struct build *build = a->build;
    struct profile *profile = &a->out->profile;
    a->out->line_waits = build->line_waits.waits;
    a->out->thread_waits = build->thread_waits.waits;
    profile->total_waits = build->total_waits.waits;
    profile->total_wait_count = build->total_waits.from[1];
    profile->waits = build->waits;
    profile->wait_count = build->wait_count;
    build->line_waits.waits = build->thread_waits.waits = build->total_waits.waits = NULL;
    build->waits = NULL;
}

static void finish_run(struct assembly *a)
{
    struct profile *profile = &a->out->profile;
    profile->run = a->build->rec->run;
    profile->times = a->build->all;
    if (a->build->scope->virtual_time)
        profile->run.measured &= 1u << STATE_PYTHON | 1u << STATE_NATIVE | 1u << STATE_KERNEL;
}

// ---- the whole

static void assemble(struct assembly *a)
{
    static void (*const steps[])(struct assembly *) = {
        finish_run,   finish_processes, finish_threads,        finish_paths,  finish_functions,
        finish_files, finish_lines,     finish_file_functions, finish_stacks, finish_waits,
    };
    for (size_t i = 0; i < sizeof steps / sizeof *steps && !a->build->error; i++)
        steps[i](a);
    free(a->function_order);
    free(a->function_rank);
    free(a->path_order);
    free(a->line_order);
}

static void tally(struct build *build)
{
    static void (*const steps[])(struct build *) = {
        tally_init, waits_init, tally_charge, tally_sums, tally_lines, waits_lines, tally_totals};
    for (size_t i = 0; i < sizeof steps / sizeof *steps && !build->error; i++)
        steps[i](build);
}

const struct profile *profile_build(struct recording *rec, const struct scope *scope)
{
    struct build build = {.rec = rec, .scope = scope, .error = rec->error};
    struct finished *out = build_array(&build, 1, sizeof *out);
    struct assembly assembly = {.build = &build, .out = out};
    tally(&build);
    if (!build.error)
        assemble(&assembly);
    tally_free(&build);
    waits_free(&build);
    if (!build.error)
        return &out->profile;
    if (out)
        profile_free(&out->profile);
    errno = build.error;
    return NULL;
}

static void drop(const void *array)
{
    free((void *)(uintptr_t)array);
}

void profile_free(const struct profile *profile)
{
    if (!profile)
        return;
    struct finished *out = (struct finished *)(uintptr_t)profile;
    for (size_t i = 0; i < out->text_count; i++)
        free(out->texts[i]);
    free(out->texts);
    free(out->lines);
    free(out->file_functions);
    free(out->line_waits);
    free(out->thread_waits);
    drop(profile->waits);
    drop(profile->total_waits);
    drop(profile->files);
    drop(profile->processes);
    drop(profile->threads);
    drop(profile->functions);
    drop(profile->nodes);
    drop(profile->weights);
    free(out);
}

double profile_percent(const struct profile *profile, int64_t ns)
{
    int64_t all = times_shown(&profile->times);
    return all > 0 ? 100.0 * (double)ns / (double)all : 0.0;
}
