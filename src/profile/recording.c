// SPDX-License-Identifier: MIT
// recording.c - takes what the collector saw: intern tables, and one sum for each (stack, thread).
//
// One thread at a time. recording_add() is called for each sample; it allocates only for a stack
// that was not seen before.
#include "recording.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *const lost_names[LOST_REASONS] = {
    [LOST_RING_FULL] = "ring_full",
    [LOST_TORN] = "torn",
    [LOST_BLOCKED] = "blocked",
    [LOST_NO_TIMER] = "no_timer",
};

void times_add(struct times *to, const struct times *from)
{
    for (int state = 0; state < STATE_COUNT; state++)
        to->ns[state] += from->ns[state];
    to->samples += from->samples;
}

static uint32_t fail(struct recording *rec, int error)
{
    if (!rec->error)
        rec->error = error;
    return UINT32_MAX;
}

struct recording *recording_new(void)
{
    struct recording *rec = calloc(1, sizeof *rec);
    if (!rec)
        return NULL;
    rec->texts = intern_new();
    rec->functions = rows_new(FUNCTION_WORDS);
    rec->nodes = rows_new(NODE_WORDS);
    rec->weights = rows_new(WEIGHT_WORDS);
    rec->waits = rows_new(WAIT_WORDS);
    if (!rec->texts || !rec->functions || !rec->nodes || !rec->weights || !rec->waits) {
        recording_free(rec);
        errno = ENOMEM;
        return NULL;
    }
    rec->run.command = rec->run.cwd = "";
    rec->run.python_version = rec->run.python_executable = "";
    return rec;
}

void recording_free(struct recording *rec)
{
    if (!rec)
        return;
    for (size_t i = 0; i < rec->process_count; i++)
        free(rec->processes[i]);
    for (size_t i = 0; i < rec->source_count; i++)
        free(rec->sources[i].text);
    free(rec->processes);
    free(rec->threads);
    free(rec->sources);
    free(rec->times);
    free(rec->waited);
    rows_free(rec->waits);
    rows_free(rec->weights);
    rows_free(rec->nodes);
    rows_free(rec->functions);
    intern_free(rec->texts);
    free(rec);
}

static uint32_t text_id(struct recording *rec, const char *text)
{
    uint32_t id = intern_id(rec->texts, text ? text : "");
    return id == INTERN_NONE ? fail(rec, ENOMEM) : id;
}

const char *recording_string(struct recording *rec, const char *text)
{
    uint32_t id = text_id(rec, text);
    return id == INTERN_NONE ? "" : intern_text(rec->texts, id);
}

struct run_info *recording_run(struct recording *rec)
{
    return &rec->run;
}

// Room for one more item in an array that doubles: it is full when its count is a power of two.
static bool one_more(struct recording *rec, void **array, size_t count, size_t size)
{
    if (count & (count - 1))
        return true;
    void *more = realloc(*array, (count ? count * 2 : 1) * size);
    if (!more) {
        fail(rec, ENOMEM);
        return false;
    }
    *array = more;
    return true;
}

static void intern_process(struct recording *rec, struct process_info *info)
{
    info->command = recording_string(rec, info->command);
    info->executable = recording_string(rec, info->executable);
    info->version = recording_string(rec, info->version);
    info->cwd = recording_string(rec, info->cwd);
}

uint32_t recording_process(struct recording *rec, const struct process_info *info)
{
    struct process_info *copy = malloc(sizeof *copy);
    if (!copy)
        return fail(rec, ENOMEM);
    *copy = *info;
    intern_process(rec, copy);
    if (!one_more(rec, (void **)&rec->processes, rec->process_count, sizeof copy)) {
        free(copy);
        return UINT32_MAX;
    }
    rec->processes[rec->process_count] = copy;
    return (uint32_t)rec->process_count++;
}

struct process_info *recording_process_info(struct recording *rec, uint32_t process)
{
    if (process < rec->process_count)
        return rec->processes[process];
    fail(rec, EINVAL);
    rec->nobody = (struct process_info){.command = "", .executable = "", .version = "", .cwd = ""};
    return &rec->nobody;
}

uint32_t recording_thread(struct recording *rec, uint32_t process, int32_t tid, const char *name)
{
    if (process >= rec->process_count)
        return fail(rec, EINVAL);
    if (!one_more(rec, (void **)&rec->threads, rec->thread_count, sizeof *rec->threads))
        return UINT32_MAX;
    const char *text = recording_string(rec, name);
    rec->threads[rec->thread_count] =
        (struct thread_info){.process = process, .tid = tid, .name = text, .kernel_name = text};
    return (uint32_t)rec->thread_count++;
}

struct thread_info *recording_thread_info(struct recording *rec, uint32_t thread)
{
    if (thread < rec->thread_count)
        return &rec->threads[thread];
    fail(rec, EINVAL);
    rec->no_thread = (struct thread_info){.name = "", .kernel_name = ""};
    return &rec->no_thread;
}

static uint32_t row_id(struct recording *rec, struct rows *rows, const uint32_t *words)
{
    uint32_t id = rows_id(rows, words);
    return id == INTERN_NONE ? fail(rec, ENOMEM) : id;
}

uint32_t recording_function(struct recording *rec, const char *file, const char *name,
                            int firstline)
{
    const uint32_t words[FUNCTION_WORDS] = {text_id(rec, file), text_id(rec, name),
                                            (uint32_t)(firstline > 0 ? firstline : 0)};
    if (words[FUNCTION_FILE] == INTERN_NONE || words[FUNCTION_NAME] == INTERN_NONE)
        return UINT32_MAX;
    return row_id(rec, rec->functions, words);
}

// Where stacks begin for which there is no room.
static uint32_t other_node(struct recording *rec)
{
    uint32_t function = recording_function(rec, BUCKET_OTHERS, BUCKET_OTHERS, 0);
    return row_id(rec, rec->nodes, (const uint32_t[NODE_WORDS]){NODE_ROOT, function, 0});
}

// Parents come before their children, because an id exists only after its row does.
uint32_t recording_node(struct recording *rec, uint32_t parent, uint32_t function, int line)
{
    if (function >= rows_count(rec->functions) ||
        (parent != NODE_ROOT && parent >= rows_count(rec->nodes)))
        return fail(rec, EINVAL);
    const uint32_t words[NODE_WORDS] = {parent, function, (uint32_t)(line > 0 ? line : 0)};
    if (rows_count(rec->nodes) < NODES_MOST || rows_find(rec->nodes, words) != INTERN_NONE)
        return row_id(rec, rec->nodes, words);
    rec->run.folded_frames++;
    return parent == NODE_ROOT ? other_node(rec) : parent;
}

uint32_t recording_parent(const struct recording *rec, uint32_t node)
{
    return node < rows_count(rec->nodes) ? rows_at(rec->nodes, node)[NODE_PARENT] : NODE_ROOT;
}

static uint32_t interpreter_node(struct recording *rec)
{
    uint32_t function = recording_function(rec, BUCKET_INTERPRETER, BUCKET_INTERPRETER, 0);
    return recording_node(rec, NODE_ROOT, function, 0);
}

// Room for the sum of row `id`, in an array that grows by half. The row is made before its sum, so
// there may be one row more than sums after a failure: then `error` is set, and profile_build()
// looks at neither.
static bool sum_room(struct recording *rec, void **sums, size_t *room, uint32_t id, size_t size)
{
    if (id < *room)
        return true;
    size_t grown = *room + *room / 2 + 64;
    void *more = realloc(*sums, grown * size);
    if (!more) {
        fail(rec, ENOMEM);
        return false;
    }
    memset((char *)more + *room * size, 0, (grown - *room) * size);
    *sums = more;
    *room = grown;
    return true;
}

// Beyond WEIGHTS_MOST a stack that is new in its thread is the nearest caller's that is not.
static uint32_t weight_row(struct recording *rec, uint32_t node, uint32_t thread)
{
    const uint32_t words[WEIGHT_WORDS] = {node, thread};
    if (rows_count(rec->weights) < WEIGHTS_MOST || rows_find(rec->weights, words) != INTERN_NONE)
        return row_id(rec, rec->weights, words);
    rec->run.folded_frames++;
    while ((node = recording_parent(rec, node)) != NODE_ROOT) {
        uint32_t id = rows_find(rec->weights, (const uint32_t[WEIGHT_WORDS]){node, thread});
        if (id != INTERN_NONE)
            return id;
    }
    return row_id(rec, rec->weights, (const uint32_t[WEIGHT_WORDS]){other_node(rec), thread});
}

static struct times *weight_times(struct recording *rec, uint32_t node, uint32_t thread)
{
    uint32_t id = weight_row(rec, node, thread);
    if (id == INTERN_NONE ||
        !sum_room(rec, (void **)&rec->times, &rec->times_room, id, sizeof *rec->times))
        return NULL;
    return &rec->times[id];
}

static bool is_place(struct recording *rec, uint32_t node, uint32_t thread)
{
    if (node < rows_count(rec->nodes) && thread < rec->thread_count)
        return true;
    fail(rec, EINVAL);
    return false;
}

void recording_add(struct recording *rec, uint32_t node, uint32_t thread, const struct times *times)
{
    if (node == NODE_ROOT)
        node = interpreter_node(rec);
    struct times *sum = is_place(rec, node, thread) ? weight_times(rec, node, thread) : NULL;
    if (sum)
        times_add(sum, times);
}

// What of a wait stands in the times.
static int64_t waited_shown(const struct wait *wait)
{
    bool column =
        wait->state == STATE_IO || wait->state == STATE_SLEEP || wait->state == STATE_CHILD;
    return column ? wait->counted_ns : wait->ns;
}

void recording_wait(struct recording *rec, uint32_t node, uint32_t thread, const struct wait *wait)
{
    struct times times = {.samples = 0};
    times.ns[wait->state] = waited_shown(wait);
    if (node == NODE_ROOT)
        node = interpreter_node(rec);
    if (times.ns[wait->state])
        recording_add(rec, node, thread, &times);
    uint32_t reason = text_id(rec, wait->reason);
    if (reason == INTERN_NONE || !is_place(rec, node, thread))
        return;
    uint32_t id =
        row_id(rec, rec->waits, (const uint32_t[WAIT_WORDS]){node, thread, wait->state, reason});
    if (id == INTERN_NONE ||
        !sum_room(rec, (void **)&rec->waited, &rec->waited_room, id, sizeof *rec->waited))
        return;
    rec->waited[id].ns += wait->ns;
    rec->waited[id].counted_ns += wait->counted_ns;
}

static struct recorded_source *source_of(struct recording *rec, const char *path)
{
    for (size_t i = 0; i < rec->source_count; i++)
        if (rec->sources[i].path == path)
            return &rec->sources[i];
    if (!one_more(rec, (void **)&rec->sources, rec->source_count, sizeof *rec->sources))
        return NULL;
    rec->sources[rec->source_count] = (struct recorded_source){.path = path};
    return &rec->sources[rec->source_count++];
}

void recording_source(struct recording *rec, const char *path, const char *text, size_t length)
{
    char *copy = malloc(length + 1);
    struct recorded_source *source = copy ? source_of(rec, recording_string(rec, path)) : NULL;
    if (!source) {
        free(copy);
        fail(rec, ENOMEM);
        return;
    }
    if (length)
        memcpy(copy, text, length);
    copy[length] = '\0';
    free(source->text);
    source->text = copy;
    source->length = length;
}

const char *recording_kept_source(const struct recording *rec, const char *path, size_t *length)
{
    for (size_t i = 0; i < rec->source_count; i++) {
        if (strcmp(rec->sources[i].path, path) != 0)
            continue;
        *length = rec->sources[i].length;
        return rec->sources[i].text;
    }
    return NULL;
}
