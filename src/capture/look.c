// SPDX-License-Identifier: MIT
// look.c - see look.h. Read it bottom-up.
//
// The frames come from the walker that the handler uses, over another process's memory. Code
// objects get numbers beyond those of the shim, by fingerprint. A stack that reads the same as last
// time, in every place that mattered, is the same.
#include "look.h"
#include "mem_log.h"

#include <stdlib.h>

#include "lineprof/code_record.h"
#include "lineprof/threads.h"

#define LOOKED_IDS  (1u << 24)         // the shim's numbers end here
#define FRAMES_MOST 16384u             // as the handler keeps
#define SEEK_NS     INT64_C(250000000) // before a thread without a state is asked again

struct look {
    struct target *target;
    const struct mem *mem;
    bool failed;
};

// One at a time: the collector is one thread.
static struct mem_log the_log;
static union {
    struct record_sample sample;
    uint8_t room[sizeof(struct record_sample) + FRAMES_MOST * sizeof(struct sample_frame)];
} the_stack;

static uint32_t new_code(struct look *look, target_addr code, uint64_t fingerprint)
{
    struct target *target = look->target;
    struct code_info info;
    if (code_describe(look->mem, &target->layout, code, &info))
        return 0;
    uint32_t size = code_record_prepare(&info);
    uint32_t id = LOOKED_IDS + ++target->looked_count;
    struct record_code *record = calloc(1, size);
    if (!record)
        return 0;
    atomic_store(&record->record.size, size);
    bool whole = code_record_fill(look->mem, &info, id, record) &&
                 map_put(&target->looked, fingerprint, (void *)(uintptr_t)id) == 0;
    if (whole)
        target_add_code(target, record);
    free(record);
    return whole ? id : 0;
}

static uint32_t code_id(struct look *look, target_addr code)
{
    const struct ring_header *header = look->target->ring.header;
    uint64_t fingerprint;
    if (code_fingerprint(look->mem, &look->target->layout, code, header->code_type, &fingerprint))
        return 0;
    uint32_t id = (uint32_t)(uintptr_t)map_get(&look->target->looked, fingerprint);
    return id ? id : new_code(look, code, fingerprint);
}

static bool visit(void *context, target_addr code, uint32_t offset)
{
    struct look *look = context;
    struct record_sample *sample = &the_stack.sample;
    if (sample->frame_count == FRAMES_MOST) {
        sample->flags |= SAMPLE_TRUNCATED;
        return false;
    }
    uint32_t id = code_id(look, code);
    look->failed = id == 0;
    sample->frames[sample->frame_count++] = (struct sample_frame){id, offset};
    return id != 0;
}

// Of threads that have none, which are many in a native pool, the whole list is searched: seldom.
static target_addr find_state(const struct target *target, const struct mem *mem,
                              struct thread *thread, int64_t now_ns)
{
    const struct thread_names names = {thread->tid, thread->pthread};
    if (thread->tstate && threads_owns(mem, &target->layout, thread->tstate, &names))
        return thread->tstate;
    if (!thread->tstate && thread->sought_ns && now_ns - thread->sought_ns < SEEK_NS)
        return 0;
    thread->sought_ns = now_ns;
    thread->tstate = threads_find(mem, &target->layout, target->ring.header->runtime, &names);
    return thread->tstate;
}

static bool walk(struct target *target, struct thread *thread, int64_t now_ns)
{
    struct look look = {.target = target, .mem = &the_log.mem};
    target_addr tstate = find_state(target, look.mem, thread, now_ns);
    the_stack.sample = (struct record_sample){.tid = thread->tid};
    if (!tstate) {
        the_stack.sample.flags = SAMPLE_NO_STATE;
        return true;
    }
    enum walk_end end = frames_walk(look.mem, &target->layout, tstate, visit, &look);
    return !look.failed && end != WALK_TORN;
}

bool look_stack(struct target *target, struct thread *thread, int64_t now_ns, uint32_t *node)
{
    if (mem_seen_same(&thread->seen, target->reach)) {
        *node = thread->seen_node;
        return true;
    }
    mem_log_begin(&the_log, target->reach);
    mem_seen_free(&thread->seen);
    if (!walk(target, thread, now_ns) || !target_node(target, thread, &the_stack.sample, node))
        return false;
    if (the_stack.sample.frame_count)
        mem_log_keep(&the_log, &thread->seen);
    thread->seen_node = *node;
    return true;
}
