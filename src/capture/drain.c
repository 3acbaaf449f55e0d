// SPDX-License-Identifier: MIT
// drain.c - see drain.h. Read it bottom-up from drain_ring().
#include "drain.h"
#include "clock.h"
#include "perf.h"
#include "wait.h"
#include "weigh.h"

#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LATE_CODES 256 // code objects that threads announce at the same time
#define STUCK_NS   INT64_C(300000000)

static bool is_clock(int64_t ns) // two years of CPU time: sums of such stay in bounds
{
    return ns >= 0 && ns < INT64_C(1) << 56;
}

static bool is_sample_sound(const struct record_sample *sample)
{
    uint64_t need = sizeof *sample + sample->frame_count * (uint64_t)sizeof sample->frames[0] +
                    sample->stack_words * (uint64_t)sizeof(uint64_t);
    return sample->record.size >= need && is_clock(sample->start_cpu_ns) &&
           is_clock(sample->cpu_ns) && is_clock(sample->kernel_ns);
}

// The program can scribble over the ring at any time: what is checked must be what is used.
static const void *copy_record(const struct record *record, void *copy)
{
    uint32_t size = atomic_load_explicit(&record->size, memory_order_relaxed);
    if (size < sizeof *record || size > RING_RECORD_MAX)
        size = sizeof *record;
    memcpy(copy, record, size);
    atomic_store_explicit(&((struct record *)copy)->size, size, memory_order_relaxed);
    return copy;
}

// A code object is announced while the sample that met it is being written: it stands behind it.
static void absorb_codes(struct drain *drain, struct target *target)
{
    const uint8_t *end = target->ring.data + 2 * (size_t)RING_DATA_SIZE;
    const uint8_t *at = (const uint8_t *)ring_peek(&target->ring);
    uint64_t tail = atomic_load(&target->ring.header->tail);
    uint64_t left = atomic_load(&target->ring.header->head) - tail;
    for (uint64_t seen = 0; at && seen < left && at + sizeof(struct record) <= end;) {
        struct record *record = (struct record *)at;
        uint32_t size = atomic_load_explicit(&record->size, memory_order_acquire);
        if (size < sizeof *record || size % RING_ALIGN || size > RING_RECORD_MAX || at + size > end)
            return;
        if (record->type == RECORD_CODE) {
            const void *copy = copy_record(record, drain->code_copy);
            target_add_code(target, copy);
            record->type = RECORD_PAD; // ours since its commit; not to be taken twice
        }
        at += size;
        seen += size;
    }
}

static struct thread *thread_of(struct drain *drain, struct target *target, int32_t tid,
                                int64_t cpu_ns)
{
    const struct thread *old = map_get(&target->threads, (uint64_t)(uint32_t)tid);
    bool known = old && !old->ended;
    struct thread *thread = target_thread(target, tid);
    if (thread && !known) {
        thread->cpu_ns = cpu_ns;
        if (drain->perf && target->reach > 0)
            thread->perf = perf_open(tid, drain->rate_hz);
        if (thread->perf >= 0 && !target->held) // else an exec is near, and its signals would kill
            perf_enable(thread->perf, true);
    }
    return thread;
}

// A code object that is being announced is there in microseconds. One that was forgotten never is.
static bool is_given_up(struct target *target)
{
    int64_t now = now_ns();
    if (!target->stuck_ns)
        target->stuck_ns = now;
    return target->unknown_code + LATE_CODES < target->codes_high ||
           now - target->stuck_ns > STUCK_NS;
}

// False when the sample has to wait for a code object that is still being announced.
static bool take_sample(struct drain *drain, struct target *target,
                        const struct record_sample *sample)
{
    if (!is_sample_sound(sample))
        return true;
    struct thread *thread = thread_of(drain, target, sample->tid, 0);
    uint32_t node;
    if (!thread)
        return true;
    if (!target_node(target, thread, sample, &node)) {
        absorb_codes(drain, target);
        if (!target_node(target, thread, sample, &node)) {
            if (!is_given_up(target))
                return false;
            node = target_forgotten_node(target);
        }
    }
    target->stuck_ns = 0;
    weigh_sample(target, thread, node, sample);
    return true;
}

static void take_thread(struct drain *drain, struct target *target,
                        const struct record_thread *record)
{
    if (record->record.size < sizeof *record || !is_clock(record->cpu_ns))
        return;
    // A process that did not come by exec from a busy one: its clock began with it, and what it
    // took to get here (exec, the loader) is its own.
    bool fresh = record->tid == target->pid && !target->came_by_exec && record->cpu_ns < EXEC_NS;
    struct thread *thread = thread_of(drain, target, record->tid, fresh ? 0 : record->cpu_ns);
    if (!thread)
        return;
    if (!thread->named) {
        char name[sizeof record->name + 1] = "";
        memcpy(name, record->name, sizeof record->name);
        target_name_thread(target, thread, name);
    }
    thread->pthread = record->pthread;
    if (record->record.type == RECORD_THREAD_END) {
        wait_end(target, thread, (int64_t)record->time_ns, record->cpu_ns);
        target_thread_end(target, thread);
    } else {
        wait_begin(thread, (int64_t)record->time_ns, record->cpu_ns);
    }
}

// CPU time that no sample stands for: the next one must not have it either.
static void take_pause(struct target *target, const struct record_thread *record)
{
    struct thread *thread = map_get(&target->threads, (uint64_t)(uint32_t)record->tid);
    if (!thread || thread->ended || record->record.size < sizeof *record ||
        !is_clock(record->cpu_ns))
        return;
    thread->cpu_ns += record->cpu_ns;
    thread->blocked = false;
    target->lost_blocked += (uint64_t)(record->cpu_ns / target->period_ns);
}

static bool take_record(struct drain *drain, struct target *target, const struct record *record)
{
    switch (record->type) {
    case RECORD_SAMPLE:
        return take_sample(drain, target, (const struct record_sample *)record);
    case RECORD_CODE:
        target_add_code(target, (const struct record_code *)record);
        return true;
    case RECORD_THREAD_START:
    case RECORD_THREAD_END:
        take_thread(drain, target, (const struct record_thread *)record);
        return true;
    case RECORD_THREAD_PAUSE:
        take_pause(target, (const struct record_thread *)record);
        return true;
    default:
        return true;
    }
}

static void enable_perf(struct target *target, bool on)
{
    for (size_t i = 0; i < target->threads.capacity; i++) {
        const struct thread *thread = target->threads.slots[i].value;
        if (thread && thread->perf >= 0)
            perf_enable(thread->perf, on);
    }
}

// The target is about to exec, and waits for its events to stop; or that exec has failed. (Or has
// failed and is tried again, on the next entry of PATH, before we have looked.)
static void serve_hold(struct target *target)
{
    _Atomic uint32_t *hold = &target->ring.header->perf_hold;
    uint32_t now = atomic_load(hold);
    bool stop = now == HOLD_ASKED;
    if (now == HOLD_GRANTED && target->held)
        return;
    if (stop != target->held)
        enable_perf(target, !stop);
    target->held = stop;
    if (stop && atomic_compare_exchange_strong(hold, &now, HOLD_GRANTED))
        syscall(SYS_futex, hold, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void drain_ring(struct drain *drain, struct target *target)
{
    if (drain->perf)
        serve_hold(target);
    for (const struct record *record; (record = ring_peek(&target->ring));) {
        if (!take_record(drain, target, copy_record(record, drain->copy)))
            break;
        ring_consume(&target->ring, record);
    }
}

bool drain_init(struct drain *drain)
{
    drain->copy = malloc(RING_RECORD_MAX);
    drain->code_copy = malloc(RING_RECORD_MAX);
    return drain->copy && drain->code_copy;
}

void drain_free(struct drain *drain)
{
    free(drain->copy);
    free(drain->code_copy);
}
