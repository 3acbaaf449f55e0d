// SPDX-License-Identifier: MIT
// target.c - a profiled process: its code objects, threads and stacks become the recording's.
#include "target.h"
#include "lineprof/code_record.h"
#include "kept.h"
#include "progress.h"
#include "reach.h"
#include "steps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lineprof/code.h"
#include "lineprof/lines.h"
#include "lineprof/thread_name.h"

#define NAME_BYTES   65536
#define THREAD_NAME  256
#define NAME_TRIES   8
#define RENAME_NS    INT64_C(2000000000)
#define CODES_MOST   50000       // more than the shim knows at a time
#define NATIVE_TICKS 5           // for so long a sample in native code is believed to go on
#define TABLE_LIMIT  (64u << 20) // bytes of a line table that are believed

// ---- the process

static const char *bounded(const char *text, size_t size,
                           char *out) // the target may have scribbled
{
    memcpy(out, text, size);
    out[size - 1] = '\0';
    return out;
}

// Arguments, NUL-separated, as a person would have typed them.
static void join_arguments(const char *arguments, uint32_t length, char *out, size_t size)
{
    size_t n = 0;
    for (uint32_t i = 0; i < length && n + 3 < size; i++) {
        char c = arguments[i];
        out[n++] = c ? c : ' ';
    }
    while (n && out[n - 1] == ' ')
        n--;
    out[n] = '\0';
}

static void describe(struct target *target)
{
    const struct ring_header *header = target->ring.header;
    char version[sizeof header->version], executable[sizeof header->executable];
    char cwd[sizeof header->cwd], command[sizeof header->command + 4];
    uint32_t length = header->command_length;
    if (length > sizeof header->command)
        length = sizeof header->command;
    join_arguments(header->command, length, command, sizeof command);
    struct process_info info = {
        .pid = header->pid,
        .ppid = header->ppid,
        .command = command,
        .executable = bounded(header->executable, sizeof executable, executable),
        .version = bounded(header->version, sizeof version, version),
        .cwd = bounded(header->cwd, sizeof cwd, cwd),
    };
    target->process = recording_process(target->rec, &info);
    target->census->processes++;
}

static void fold(struct target *target)
{
    struct census *census = target->census;
    const struct process_info more = {.command = "(more processes)"};
    if (census->more_process == NO_ROW)
        census->more_process = recording_process(target->rec, &more);
    target->process = census->more_process;
    target->folded = true;
}

struct target *target_open(struct recording *rec, struct census *census, struct ring ring)
{
    struct target *target = calloc(1, sizeof *target);
    if (!target)
        return NULL;
    target->ring = ring;
    target->rec = rec;
    target->census = census;
    target->more_thread = NO_ROW;
    target->codes_most = CODES_MOST;
    target->pid = ring.header->pid;
    enum reach reach = reach_find(ring.header);
    target->reach = reach == REACH_WHOLE || reach == REACH_NO_MEMORY ? target->pid : -1;
    target->unreadable = reach == REACH_NO_MEMORY || reach == REACH_NONE;
    target->watch = target->reach > 0 ? reach_watch(target->pid) : -1;
    target->mem = mem_process(target->reach);
    target->layout = ring.header->layout;
    target->samples = atomic_load(&ring.header->status) == RING_ACTIVE;
    if (census->processes < PROCESSES_MOST)
        describe(target);
    else
        fold(target);
    return target;
}

static void free_code(void *value)
{
    struct code *code = value;
    free(code->table);
    free(code->line_of);
    free(code);
}

static void free_thread(void *value)
{
    struct thread *thread = value;
    if (thread->schedstat >= 0)
        close(thread->schedstat);
    if (thread->perf >= 0)
        close(thread->perf);
    mem_seen_free(&thread->seen);
    free(thread->stack);
    free(thread);
}

void target_free(struct target *target)
{
    maps_free(&target->maps);
    map_free(&target->codes, free_code);
    map_free(&target->threads, free_thread);
    map_free(&target->ambiguous, free);
    map_free(&target->looked, NULL);
    steps_free(target);
    free(target->pipes);
    if (target->watch >= 0)
        close(target->watch);
    ring_close(&target->ring);
    free(target);
}

// ---- threads

static uint32_t thread_row(struct target *target, struct thread *thread, const char *name)
{
    thread->folded = target->folded || target->census->threads >= THREADS_MOST;
    if (!thread->folded) {
        target->census->threads++;
        return recording_thread(target->rec, target->process, thread->tid, name);
    }
    if (target->more_thread == NO_ROW)
        target->more_thread = recording_thread(target->rec, target->process, 0, "(more threads)");
    return target->more_thread;
}

struct thread *target_thread(struct target *target, int32_t tid)
{
    struct thread *thread = map_get(&target->threads, (uint64_t)(uint32_t)tid);
    if (thread && !thread->ended)
        return thread;
    if (thread) { // another has its number
        map_remove(&target->threads, (uint64_t)(uint32_t)tid);
        free_thread(thread);
    }
    thread = calloc(1, sizeof *thread);
    if (!thread)
        return NULL;
    char name[16];
    proc_thread_name(target->reach, tid, name);
    thread->tid = tid;
    thread->perf = -1;
    thread->last_node = NO_NODE;
    thread->duty = 1;
    thread->named = name[0] != '\0';
    thread->schedstat = proc_schedstat_open(target->reach, tid);
    thread->id = thread_row(target, thread, name);
    if (map_put(&target->threads, (uint64_t)(uint32_t)tid, thread)) {
        free_thread(thread);
        return NULL;
    }
    return thread;
}

void target_name_thread(struct target *target, struct thread *thread, const char *name)
{
    struct thread_info *info = recording_thread_info(target->rec, thread->id);
    if (thread->folded)
        return;
    const char *text = recording_string(target->rec, name);
    if (info->name == info->kernel_name)
        info->name = text;
    info->kernel_name = text;
    thread->named = true;
}

void target_ask_name(struct target *target, struct thread *thread, int64_t now_ns)
{
    char name[THREAD_NAME];
    if (thread->folded || !thread->tstate || now_ns < thread->name_due_ns)
        return;
    struct thread_info *info = recording_thread_info(target->rec, thread->id);
    thread->name_due_ns = now_ns + RENAME_NS;
    if (thread->tid == target->pid) {
        info->name = recording_string(target->rec, "MainThread");
    } else if (thread_name_read(&target->mem, &target->layout, thread->tstate, name, sizeof name) ==
               0) {
        info->name = recording_string(target->rec, name);
    } else if (thread->name_tries < NAME_TRIES) { // it has just begun, or is changing
        thread->name_due_ns = now_ns + (INT64_C(5000000) << thread->name_tries++);
    }
}

void target_describe_thread(struct target *target, const struct thread *thread)
{
    struct thread_info *info = recording_thread_info(target->rec, thread->id);
    const struct waiting *waiting = &thread->waiting;
    const struct thread_info before = thread->folded ? *info : (struct thread_info){0};
    int64_t cpu_ns = waiting->stat.cpu_ns > thread->cpu_ns ? waiting->stat.cpu_ns : thread->cpu_ns;
    info->wall_ns = before.wall_ns + waiting->seen_ns - thread->begun_ns;
    info->cpu_ns = before.cpu_ns + cpu_ns;
    info->overhead_ns = before.overhead_ns + thread->overhead_ns;
    info->native = !thread->python;
}

void target_note_tail(const struct thread *thread)
{
    if (thread->pot)
        thread->pot->tail_ns = thread->waiting.stat.cpu_ns - thread->cpu_ns;
}

// Its row stays until the kernel forgets the thread: else a list of threads would bring it back.
void target_thread_end(struct target *target, struct thread *thread)
{
    progress_settle(target, thread, NULL);
    target_describe_thread(target, thread);
    target_note_tail(thread);
    thread->ended = true;
    if (thread->schedstat >= 0)
        close(thread->schedstat);
    thread->schedstat = -1;
    mem_seen_free(&thread->seen);
}

#define LISTED_MOST 65536
static int32_t listed[LISTED_MOST];

static void forget(struct target *target, int32_t tid)
{
    struct thread *thread = map_get(&target->threads, (uint64_t)(uint32_t)tid);
    if (!thread->ended)
        target_thread_end(target, thread);
    map_remove(&target->threads, (uint64_t)(uint32_t)tid);
    free_thread(thread);
}

static void forget_gone(struct target *target)
{
    size_t count = 0;
    for (size_t i = 0; i < target->threads.capacity && count < LISTED_MOST; i++) {
        const struct thread *thread = target->threads.slots[i].value;
        if (thread && !proc_thread_lives(target->reach, thread->tid))
            listed[count++] = thread->tid;
    }
    while (count)
        forget(target, listed[--count]);
}

void target_list_threads(struct target *target)
{
    size_t count = proc_thread_count(target->reach);
    if (!count || count == target->threads.count)
        return;
    forget_gone(target);
    if (count <= target->threads.count)
        return;
    count = proc_threads(target->reach, listed, LISTED_MOST);
    for (size_t i = 0; i < count && i < LISTED_MOST; i++)
        target_thread(target, listed[i]);
}

// ---- code objects

// A path as the report knows it: absolute, unless it is a name in angle brackets.
static void absolute(const struct ring_header *header, const char *path, char *out, size_t size)
{
    char cwd[sizeof header->cwd];
    if (path[0] == '/' || path[0] == '<' || path[0] == '\0') {
        snprintf(out, size, "%s", path);
        return;
    }
    while (path[0] == '.' && path[1] == '/')
        path += 2;
    bounded(header->cwd, sizeof cwd, cwd);
    snprintf(out, size, "%s/%s", strcmp(cwd, "/") == 0 ? "" : cwd, path);
}

// Functions of "<string>" that are not in the source of -c, or are another process's, belong to a
// file of another name; so does a module that somebody calls, for -c's own is where the stack
// begins.
static void find_function(struct target *target, struct code *code, const char *path,
                          const char *name, int line)
{
    size_t length;
    const char *source = recording_kept_source(target->rec, path, &length);
    bool string = source && strcmp(path, KEPT_FILE) == 0;
    bool kept = !string || (target->process == 0 && kept_defines(source, length, name, line));
    code->function = recording_function(target->rec, kept ? path : KEPT_NOT_FILE, name, line);
    code->called = code->function;
    if (string && kept && strcmp(name, "<module>") == 0)
        code->called = recording_function(target->rec, KEPT_NOT_FILE, name, line);
}

static void name_code(struct target *target, struct code *code, const struct record_code *record,
                      const struct code_parts *parts)
{
    static char name[NAME_BYTES], file[NAME_BYTES], path[NAME_BYTES + 1100];
    code_string_utf8(parts->filename, record->filename_length, record->filename_kind, file,
                     sizeof file);
    code_string_utf8(parts->name, record->name_length, record->name_kind, name, sizeof name);
    absolute(target->ring.header, file, path, sizeof path);
    find_function(target, code, path, name, record->firstlineno);
}

// A table too large for the ring is fetched where it lies. Without it no line is known.
static void take_table(const struct target *target, struct code *code,
                       const struct record_code *record, const uint8_t *table)
{
    bool fetch = record->table_whole > record->table_length;
    uint32_t length = fetch ? record->table_whole : record->table_length;
    code->lines_unknown = true;
    code->table = length <= TABLE_LIMIT ? malloc(length + 1) : NULL;
    if (!code->table)
        return;
    if (!fetch)
        memcpy(code->table, table, length);
    else if (target->mem.read(&target->mem, record->table, code->table, length))
        return;
    code->table_length = length;
    code->lines_unknown = false;
}

// A program that generates code without end: what was not seen since the last time goes. Should it
// be met again, the shim announces it anew, or its samples stand under a name that says so.
static void forget_codes(struct target *target)
{
    struct map kept = {0};
    for (size_t i = 0; i < target->codes.capacity; i++) {
        const struct map_slot *slot = &target->codes.slots[i];
        struct code *code = slot->value;
        if (!code)
            continue;
        bool keep = code->used && map_put(&kept, slot->key, code) == 0;
        code->used = false;
        if (!keep)
            free_code(code);
    }
    map_free(&target->codes, NULL);
    map_free(&target->looked, NULL);
    target->codes = kept;
    target->codes_most = kept.count < CODES_MOST / 2 ? CODES_MOST : kept.count * 2;
    for (size_t i = 0; i < target->threads.capacity; i++)
        if (target->threads.slots[i].value)
            mem_seen_free(&((struct thread *)target->threads.slots[i].value)->seen);
}

void target_add_code(struct target *target, const struct record_code *record)
{
    struct code_parts parts;
    if (!code_record_parts(record, &parts))
        return;
    if (target->codes.count >= target->codes_most)
        forget_codes(target);
    if (record->id < LOOKED_IDS)
        target->codes_high = record->id;
    struct code *code = calloc(1, sizeof *code);
    if (!code)
        return;
    name_code(target, code, record, &parts);
    code->firstlineno = record->firstlineno;
    code->used = true;
    take_table(target, code, record, parts.table);
    struct code *old = map_get(&target->codes, record->id);
    if (old)
        free_code(old);
    if (map_put(&target->codes, record->id, code))
        free_code(code);
}

// A module's first instruction stands on line 0 in 3.11 and later: nobody has such a line.
static int find_line(const struct target *target, const struct code *code, uint32_t offset)
{
    if (code->lines_unknown)
        return 0;
    int line = lines_find(target->layout.lines, code->table, code->table_length, code->firstlineno,
                          offset);
    return line > 0 ? line : code->firstlineno;
}

static int line_at(struct target *target, struct code *code, uint32_t offset)
{
    uint32_t i = offset / 2;
    if (i >= code->line_count) {
        uint32_t count = i + 64;
        int32_t *more = i < (1u << 24) ? realloc(code->line_of, count * sizeof *more) : NULL;
        if (!more)
            return find_line(target, code, offset);
        memset(more + code->line_count, 0, (count - code->line_count) * sizeof *more);
        code->line_of = more;
        code->line_count = count;
    }
    if (!code->line_of[i])
        code->line_of[i] = find_line(target, code, offset);
    return code->line_of[i];
}

// ---- stacks

// Time of a thread without a Python frame stands under a name that says why.
static uint32_t bucket(struct target *target, const struct record_sample *sample)
{
    bool native = (sample->flags & SAMPLE_NO_STATE) && sample->tid != target->pid;
    uint32_t function =
        native ? recording_function(target->rec, NATIVE_THREADS, "<native thread>", 0)
               : recording_function(target->rec, "<interpreter>", "<start-up and shut-down>", 0);
    return recording_node(target->rec, NODE_ROOT, function, 0);
}

static bool make_room(struct thread *thread, uint32_t depth)
{
    if (depth <= thread->stack_room)
        return true;
    uint32_t room = depth + depth / 2;
    void *more = realloc(thread->stack, room * sizeof *thread->stack);
    if (!more)
        return false;
    thread->stack = more;
    thread->stack_room = room;
    return true;
}

// Above the frames that were too many for a sample stands a name that says so.
static uint32_t base_of(struct target *target, const struct record_sample *sample)
{
    if (!(sample->flags & SAMPLE_TRUNCATED))
        return NODE_ROOT;
    uint32_t function = recording_function(target->rec, "<truncated>", "<outermost frames>", 0);
    return recording_node(target->rec, NODE_ROOT, function, 0);
}

uint32_t target_forgotten_node(struct target *target)
{
    uint32_t function = recording_function(target->rec, "<forgotten>", "<code seen long ago>", 0);
    return recording_node(target->rec, NODE_ROOT, function, 0);
}

bool target_node(struct target *target, struct thread *thread, const struct record_sample *sample,
                 uint32_t *node)
{
    uint32_t depth = sample->frame_count;
    if (depth == 0 || !make_room(thread, depth)) {
        *node = bucket(target, sample);
        return true;
    }
    uint32_t base = base_of(target, sample), parent = base, i = 0;
    if (base != thread->stack_base)
        thread->stack_depth = 0;
    thread->stack_base = base;
    for (; i < depth && i < thread->stack_depth; i++) { // what the last stack has in common
        const struct sample_frame *frame = &sample->frames[depth - 1 - i];
        if (frame->code != thread->stack[i].frame.code ||
            frame->offset != thread->stack[i].frame.offset)
            break;
        parent = thread->stack[i].node;
    }
    thread->stack_depth = i;
    for (; i < depth; i++) {
        const struct sample_frame *frame = &sample->frames[depth - 1 - i];
        struct code *code = map_get(&target->codes, frame->code);
        if (!code) {
            target->unknown_code = frame->code;
            return false;
        }
        code->used = true;
        uint32_t function = parent == NODE_ROOT ? code->function : code->called;
        parent =
            recording_node(target->rec, parent, function, line_at(target, code, frame->offset));
        thread->stack[i] = (struct stack_entry){*frame, parent};
        thread->stack_depth = i + 1;
    }
    *node = parent;
    return true;
}

// ---- native threads

// A thread of Python is in native code now: it waits there for a lock, or it was seen to compute
// there a few ticks ago. When, for the latest to be taken; 0: it is not.
static int64_t in_native_code(const struct target *target, const struct thread *thread,
                              int64_t now_ns)
{
    const struct waiting *waiting = &thread->waiting;
    if (thread->ended || !thread->tstate || thread->last_node == NO_NODE)
        return 0;
    if (waiting->blocked && waiting->in_native)
        return waiting->seen_ns;
    return now_ns - thread->native_ns < NATIVE_TICKS * target->period_ns ? thread->native_ns : 0;
}

// From now on it matters who waits in native code: those that are blocked are looked at again.
static void begin_helpers(struct target *target)
{
    target->has_helpers = true;
    for (size_t i = 0; i < target->threads.capacity; i++) {
        struct thread *thread = target->threads.slots[i].value;
        if (thread)
            thread->waiting.blocked = false;
    }
}

uint32_t target_helper_node(struct target *target, uint32_t node, int64_t now_ns)
{
    const struct thread *waiter = NULL;
    int64_t latest = 0;
    if (!target->has_helpers)
        begin_helpers(target);
    for (size_t i = 0; i < target->threads.capacity; i++) {
        const struct thread *thread = target->threads.slots[i].value;
        int64_t at = thread ? in_native_code(target, thread, now_ns) : 0;
        if (at > latest) {
            latest = at;
            waiter = thread;
        }
    }
    if (!waiter)
        return node;
    uint32_t helper = recording_function(target->rec, NATIVE_THREADS, "<native thread>", 0);
    return recording_node(target->rec, waiter->last_node, helper, 0);
}

// ---- time

void target_add(struct target *target, struct thread *thread, uint32_t node, enum state state,
                int64_t ns, unsigned samples)
{
    struct times times = {.samples = samples};
    times.ns[state] = ns;
    recording_add(target->rec, node, thread->id, &times);
    target->sampled_ns += ns;
}

struct ambiguous *target_ambiguous(struct target *target, struct thread *thread, uint64_t key,
                                   uint32_t node, int64_t ns)
{
    uint64_t hash = map_hash(map_hash(key) ^ ((uint64_t)node << 32 | thread->id));
    struct ambiguous *entry = map_get(&target->ambiguous, hash);
    if (!entry) {
        entry = malloc(sizeof *entry);
        if (!entry || map_put(&target->ambiguous, hash, entry)) {
            free(entry);
            target_add(target, thread, node, STATE_PYTHON, ns, 0);
            return NULL;
        }
        *entry = (struct ambiguous){.key = key, .node = node, .thread = thread->id};
    }
    entry->ns += ns;
    return entry;
}
