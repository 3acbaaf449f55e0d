// SPDX-License-Identifier: MIT
// target_codes.c - a target's code objects and stacks become the recording's functions and nodes.
#include "target.h"
#include "kept.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lineprof/code.h"
#include "lineprof/code_record.h"
#include "lineprof/lines.h"

#define NAME_BYTES  65536
#define TABLE_LIMIT (64u << 20) // bytes of a line table that are believed

// ---- code objects

static void free_code(void *value)
{
    struct code *code = value;
    free(code->table);
    free(code->line_of);
    free(code);
}

void target_free_codes(struct target *target)
{
    map_free(&target->codes, free_code);
    map_free(&target->looked, NULL);
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
    target_text(header->cwd, sizeof cwd, cwd);
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
    memset(target->met, 0, sizeof target->met);
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

uint32_t target_unseen_node(struct target *target)
{
    uint32_t function =
        recording_function(target->rec, "<short-lived threads>", "<too short to see>", 0);
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
