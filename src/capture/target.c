// SPDX-License-Identifier: MIT
// target.c - a profiled process: its code objects, threads and stacks become the recording's.
#include "target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lineprof/code.h"
#include "lineprof/lines.h"

#define NAME_BYTES 65536

// ---- the process
// -----------------------------------------------------------------------------------

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
}

struct target *target_open(struct recording *rec, struct ring ring)
{
    struct target *target = calloc(1, sizeof *target);
    if (!target)
        return NULL;
    target->ring = ring;
    target->rec = rec;
    target->pid = ring.header->pid;
    target->mem = mem_process(target->pid);
    target->layout = ring.header->layout;
    target->samples = atomic_load(&ring.header->status) == RING_ACTIVE;
    describe(target);
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
    free(thread->stack);
    free(thread);
}

void target_free(void *value)
{
    struct target *target = value;
    ring_close(&target->ring);
    maps_free(&target->maps);
    map_free(&target->codes, free_code);
    map_free(&target->threads, free_thread);
    map_free(&target->instrs, free);
    free(target->undecided);
    free(target);
}

// ---- threads
// ------------------------------------------------------------------------------------------

struct thread *target_thread(struct target *target, int32_t tid)
{
    struct thread *thread = map_get(&target->threads, (uint64_t)(uint32_t)tid);
    if (thread)
        return thread;
    thread = calloc(1, sizeof *thread);
    if (!thread)
        return NULL;
    char name[16];
    proc_thread_name(target->pid, tid, name);
    thread->tid = tid;
    thread->perf = -1;
    thread->named = name[0] != '\0';
    thread->schedstat = proc_schedstat_open(target->pid, tid);
    thread->id = recording_thread(target->rec, target->process, tid, name);
    if (map_put(&target->threads, (uint64_t)(uint32_t)tid, thread)) {
        free_thread(thread);
        return NULL;
    }
    return thread;
}

void target_thread_end(struct target *target, struct thread *thread)
{
    target_undecided(target, thread, &thread->pending);
    map_remove(&target->threads, (uint64_t)(uint32_t)thread->tid);
    free_thread(thread);
}

// ---- code objects
// -----------------------------------------------------------------------------------------

static uint32_t padded(uint32_t n)
{
    return (n + 3) & ~3u;
}

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
    snprintf(out, size, "%s/%s", bounded(header->cwd, sizeof cwd, cwd), path);
}

static bool is_plausible(const struct record_code *record)
{
    uint64_t need =
        sizeof *record + padded(record->filename_length * (uint64_t)record->filename_kind) +
        padded(record->name_length * (uint64_t)record->name_kind) + record->table_length;
    return record->record.size >= need && record->filename_length < RING_DATA_SIZE &&
           record->name_length < RING_DATA_SIZE;
}

static uint32_t function_of(struct target *target, const struct record_code *record)
{
    static char name[NAME_BYTES], file[NAME_BYTES], path[NAME_BYTES + 1100];
    const uint8_t *filename_at = record->bytes;
    const uint8_t *name_at = filename_at + padded(record->filename_length * record->filename_kind);
    code_string_utf8(filename_at, record->filename_length, record->filename_kind, file,
                     sizeof file);
    code_string_utf8(name_at, record->name_length, record->name_kind, name, sizeof name);
    absolute(target->ring.header, file, path, sizeof path);
    return recording_function(target->rec, path, name, record->firstlineno);
}

void target_add_code(struct target *target, const struct record_code *record)
{
    if (!is_plausible(record))
        return;
    struct code *code = calloc(1, sizeof *code);
    if (!code)
        return;
    const uint8_t *table = record->bytes + padded(record->filename_length * record->filename_kind) +
                           padded(record->name_length * record->name_kind);
    code->function = function_of(target, record);
    code->firstlineno = record->firstlineno;
    code->table = malloc(record->table_length + 1);
    if (code->table) {
        memcpy(code->table, table, record->table_length);
        code->table_length = record->table_length;
    }
    struct code *old = map_get(&target->codes, record->id);
    if (old)
        free_code(old);
    if (map_put(&target->codes, record->id, code))
        free_code(code);
}

static int line_at(struct target *target, struct code *code, uint32_t offset)
{
    uint32_t i = offset / 2;
    if (i >= code->line_count) {
        uint32_t count = i + 64;
        int32_t *more = i < (1u << 24) ? realloc(code->line_of, count * sizeof *more) : NULL;
        if (!more)
            return lines_find(target->layout.lines, code->table, code->table_length,
                              code->firstlineno, offset);
        memset(more + code->line_count, 0, (count - code->line_count) * sizeof *more);
        code->line_of = more;
        code->line_count = count;
    }
    if (!code->line_of[i])
        code->line_of[i] = lines_find(target->layout.lines, code->table, code->table_length,
                                      code->firstlineno, offset);
    return code->line_of[i];
}

// ---- stacks
// -------------------------------------------------------------------------------------------------

// Time of a thread without a Python frame stands under a name that says why.
static uint32_t bucket(struct target *target, const struct record_sample *sample)
{
    bool native = (sample->flags & SAMPLE_NO_STATE) && sample->tid != target->pid;
    uint32_t function =
        native ? recording_function(target->rec, "<native threads>", "<native thread>", 0)
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

bool target_node(struct target *target, struct thread *thread, const struct record_sample *sample,
                 uint32_t *node)
{
    uint32_t depth = sample->frame_count;
    if (depth == 0 || !make_room(thread, depth)) {
        *node = bucket(target, sample);
        return true;
    }
    uint32_t parent = NODE_ROOT, i = 0;
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
        if (!code)
            return false;
        parent = recording_node(target->rec, parent, code->function,
                                line_at(target, code, frame->offset));
        thread->stack[i] = (struct stack_entry){*frame, parent};
        thread->stack_depth = i + 1;
    }
    *node = parent;
    return true;
}

// ---- time
// -------------------------------------------------------------------------------------------------------

void target_add(struct target *target, struct thread *thread, uint32_t node, enum state state,
                int64_t ns, unsigned samples)
{
    struct times times = {.samples = samples};
    times.ns[state] = ns;
    recording_add(target->rec, node, thread->id, &times);
    target->sampled_ns += ns;
}

static struct instr *instr_of(struct target *target, uint64_t key)
{
    struct instr *instr = map_get(&target->instrs, key);
    if (instr)
        return instr;
    instr = calloc(1, sizeof *instr);
    if (instr && map_put(&target->instrs, key, instr)) {
        free(instr);
        instr = NULL;
    }
    return instr;
}

void target_decide(struct target *target, struct thread *thread, uint64_t key, uint32_t node,
                   enum state state, int64_t ns)
{
    struct instr *instr = instr_of(target, key);
    if (instr && state == STATE_PYTHON)
        instr->python_ns += ns;
    else if (instr)
        instr->native_ns += ns;
    target_add(target, thread, node, state, ns, 0);
}

void target_undecided(struct target *target, struct thread *thread, const struct pending *pending)
{
    if (!pending->is_set)
        return;
    target->undecided_samples++;
    target->undecided_ns += pending->ns;
    if (target->undecided_count % 1024 == 0) {
        void *more = realloc(target->undecided,
                             (target->undecided_count + 1024) * sizeof *target->undecided);
        if (!more) {
            target_add(target, thread, pending->node, STATE_PYTHON, pending->ns, 0);
            return;
        }
        target->undecided = more;
    }
    target->undecided[target->undecided_count++] =
        (struct undecided){pending->key, pending->node, thread->id, pending->ns};
}

// As the decided samples of the same instruction were; where there is none, as all of the process.
void target_share_out(struct target *target)
{
    struct instr all = {1, 0}; // nothing decided at all: python
    for (size_t i = 0; i < target->instrs.capacity; i++) {
        const struct instr *instr = target->instrs.slots[i].value;
        if (instr) {
            all.python_ns += instr->python_ns;
            all.native_ns += instr->native_ns;
        }
    }
    for (size_t i = 0; i < target->undecided_count; i++) {
        const struct undecided *u = &target->undecided[i];
        const struct instr *instr = map_get(&target->instrs, u->key);
        if (!instr || instr->python_ns + instr->native_ns == 0)
            instr = &all;
        double share = (double)instr->native_ns / (double)(instr->python_ns + instr->native_ns);
        struct times times = {.samples = 0};
        times.ns[STATE_NATIVE] = (int64_t)((double)u->ns * share);
        times.ns[STATE_PYTHON] = u->ns - times.ns[STATE_NATIVE];
        recording_add(target->rec, u->node, u->thread, &times);
        target->sampled_ns += u->ns;
    }
    target->undecided_count = 0;
}
