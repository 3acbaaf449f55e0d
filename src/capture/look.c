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

#define FRAMES_MOST 16384u // as the handler keeps
#define FRAMES_FEW  32u    // of a stack that takes longer to read than its thread waits
#define MISSES      4u     // before that is believed
#define MET_NS      INT64_C(1000000000)
#define SEEK_NS     INT64_C(250000000) // before a thread without a state is asked again

struct look {
    struct target *target;
    const struct mem *mem;
    int64_t now_ns;
    unsigned most; // frames, the innermost
    bool failed;
    target_addr memo_code; // in a recursion it is the same again and again
    uint32_t memo_id;
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

// The head of a code object: its pointers, numbers and first line, which are cheaper to read again
// than all that a fingerprint takes.
static bool hash_head(const struct look *look, target_addr code, uint64_t *hash)
{
    uint64_t words[PY_CODE_SPAN / sizeof(uint64_t)];
    if (look->mem->read(look->mem, code + sizeof *words, words, sizeof words - sizeof *words))
        return false; // behind the reference count, which changes all the time
    *hash = 0;
    for (size_t i = 0; i + 1 < sizeof words / sizeof *words; i++)
        *hash = map_hash(*hash ^ words[i]);
    return true;
}

static uint32_t full_id(struct look *look, target_addr code)
{
    const struct ring_header *header = look->target->ring.header;
    uint64_t fingerprint;
    if (code_fingerprint(look->mem, &look->target->layout, code, header->code_type, &fingerprint))
        return 0;
    uint32_t id = (uint32_t)(uintptr_t)map_get(&look->target->looked, fingerprint);
    return id ? id : new_code(look, code, fingerprint);
}

// By its address, as long as its head is the same and the whole was compared a while ago at most:
// what dies and comes again at the same place with the same head is code made by exec(), of which a
// wait may then stand on the line of the last one.
static uint32_t code_id(struct look *look, target_addr code)
{
    struct target *target = look->target;
    struct met_code *met = &target->met[map_hash(code) % MET_CODES];
    uint64_t hash;
    if (!hash_head(look, code, &hash))
        return 0;
    if (met->code == code && met->hash == hash && look->now_ns < met->until_ns)
        return met->id;
    uint32_t id = full_id(look, code);
    if (id)
        *met = (struct met_code){code, hash, look->now_ns + MET_NS, id};
    return id;
}

static bool visit(void *context, target_addr code, uint32_t offset)
{
    struct look *look = context;
    struct record_sample *sample = &the_stack.sample;
    if (sample->frame_count == look->most) {
        sample->flags |= SAMPLE_TRUNCATED;
        return false;
    }
    uint32_t id = code == look->memo_code ? look->memo_id : code_id(look, code);
    look->memo_code = code;
    look->memo_id = id;
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
    thread->python |= thread->tstate != 0;
    return thread->tstate;
}

static bool walk(struct target *target, struct thread *thread, int64_t now_ns)
{
    struct look look = {.target = target, .mem = &the_log.mem, .now_ns = now_ns};
    look.most = thread->missed < MISSES ? FRAMES_MOST : FRAMES_FEW;
    target_addr tstate = find_state(target, look.mem, thread, now_ns);
    the_stack.sample = (struct record_sample){.tid = thread->tid};
    if (!tstate) {
        thread->stateless = true;
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

// ---- a thread that runs

#define POSITIONS    8
#define RUNNING_MOST 256u // deeper stacks take so long to read that no two walks agree

struct glance {
    unsigned count;
    bool full;
    target_addr code[RUNNING_MOST]; // newest first
    uint32_t offset[RUNNING_MOST];
};

static struct glance glances[3];

static bool glance_visit(void *context, target_addr code, uint32_t offset)
{
    struct glance *glance = context;
    if (glance->count == RUNNING_MOST) {
        glance->full = true;
        return false;
    }
    glance->code[glance->count] = code;
    glance->offset[glance->count++] = offset;
    return true;
}

static bool glance_at(const struct target *target, target_addr tstate, struct glance *glance)
{
    glance->count = 0;
    glance->full = false;
    enum walk_end end = frames_walk(&target->mem, &target->layout, tstate, glance_visit, glance);
    return end == WALK_WHOLE && !glance->full;
}

// How many frames, from the outermost on, both have: the same code at the same place, but for the
// innermost of both, which may go on.
static unsigned agreed(const struct glance *a, const struct glance *b)
{
    unsigned n = 0;
    while (n < a->count && n < b->count) {
        unsigned i = a->count - 1 - n, j = b->count - 1 - n;
        if (a->code[i] != b->code[j] || (a->offset[i] != b->offset[j] && (i || j)))
            break;
        n++;
    }
    return n;
}

static bool name_frames(struct target *target, const struct glance *glance, unsigned outermost,
                        int64_t now_ns)
{
    struct look look = {
        .target = target, .mem = &target->mem, .now_ns = now_ns, .most = FRAMES_MOST};
    for (unsigned i = glance->count - outermost; i < glance->count && !look.failed; i++)
        visit(&look, glance->code[i], glance->offset[i]);
    return !look.failed;
}

// A loop is at the same instruction most of the time, when that one calls: so several times.
static bool goes_on(const struct target *target, target_addr tstate)
{
    struct py_position first, now;
    if (frames_position(&target->mem, &target->layout, tstate, &first))
        return false;
    for (int i = 0; i < POSITIONS; i++)
        if (frames_position(&target->mem, &target->layout, tstate, &now) == 0 &&
            (now.frame != first.frame || now.instr != first.instr))
            return true;
    return false;
}

bool look_running(struct target *target, struct thread *thread, int64_t now_ns,
                  struct running *found)
{
    const struct glance *first = &glances[0], *second = &glances[1];
    target_addr tstate = find_state(target, &target->mem, thread, now_ns);
    if (!tstate || !glance_at(target, tstate, &glances[0]) ||
        !glance_at(target, tstate, &glances[1]))
        return false;
    unsigned common = agreed(first, second);
    found->whole = common == first->count && common == second->count;
    found->moved =
        !found->whole || first->offset[0] != second->offset[0] || goes_on(target, tstate);
    the_stack.sample = (struct record_sample){.tid = thread->tid};
    return common && name_frames(target, second, common, now_ns) &&
           target_node(target, thread, &the_stack.sample, &found->node);
}
