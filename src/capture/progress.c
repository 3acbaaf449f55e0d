// SPDX-License-Identifier: MIT
// progress.c - see progress.h and docs/design.md, "python or native".
//
// What makes a look count is proof that the thread was on a CPU. The handler's last act before it
// commits a sample is to read the thread's CPU clock, which brings the thread's schedstat up to
// that nanosecond. As long as schedstat still says the same, the thread has not been switched out
// (a switch would have added the time since) and no tick has passed: it runs, at this moment.
// Otherwise a look counts when schedstat has advanced since the look before.
#include "progress.h"

#include <math.h>
#include <time.h>

#define COINCIDENCE 0.05 // a verdict of native is wrong by chance at most this often
#define LOOKS_MAX   8u
#define STALE_NS    1000000 // a sample older than this tells nothing by having moved on
#define SPIN_NS     700     // shortest gap between two looks at a thread known to run
#define HANDLER_NS  30000   // what a handler takes at most to end once it has committed its sample
#define SLEEP_NS    50000   // gap when it may need our CPU to run
#define PATIENCE    6u      // sleeping looks without proof before the next sample must decide

static int64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static uint32_t random_bits(void) // xorshift32: gaps must only not keep step with the target
{
    static uint32_t state = 2463534242u;
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

static void spin(void)
{
    int64_t until = now_ns() + SPIN_NS + random_bits() % (3 * SPIN_NS);
    while (now_ns() < until)
        ;
}

static void doze(void)
{
    struct timespec gap = {0, SLEEP_NS / 2 + random_bits() % SLEEP_NS};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &gap, NULL);
}

void progress_note(struct thread *thread, uint64_t key)
{
    thread->recent[thread->recent_at] = key;
    thread->recent_at = (thread->recent_at + 1) % RECENT;
    if (thread->recent_count < RECENT)
        thread->recent_count++;
}

// k with q^k < COINCIDENCE, q the instruction's share of the thread's recent samples.
static unsigned looks_wanted(const struct thread *thread, uint64_t key)
{
    unsigned same = 1; // this sample; and one more of another instruction, so that q < 1
    for (unsigned i = 0; i < thread->recent_count; i++)
        same += thread->recent[i] == key;
    double q = (double)same / (thread->recent_count + 2.0);
    double k = ceil(log(COINCIDENCE) / log(q));
    return k < LOOKS_MAX ? (unsigned)k : LOOKS_MAX;
}

static bool same_position(const struct py_position *a, const struct py_position *b)
{
    return a->frame == b->frame && a->instr == b->instr;
}

// The handler has still to return from waking us: up to 20 us where that is an interrupt between
// virtual CPUs. False: it is not seen to end; it may need the CPU that we are on.
static bool wait_for_handler(const struct target *target, const struct record_sample *sample)
{
    const _Atomic uint64_t *left = &target->ring.header->left[(uint32_t)sample->tid % RING_LEFT];
    for (unsigned dozes = 0; dozes <= PATIENCE; dozes++) {
        int64_t until = now_ns() + HANDLER_NS;
        while (now_ns() < until)
            if (atomic_load_explicit(left, memory_order_acquire) >= sample->time_ns) {
                spin(); // and from the signal
                return true;
            }
        doze();
    }
    return false;
}

enum verdict progress_look(struct target *target, struct thread *thread,
                           const struct record_sample *sample, struct pending *pending)
{
    pending->looks = pending->proven = 0;
    pending->wanted = looks_wanted(thread, pending->key);
    pending->switches = sample->switches;
    pending->position = sample->position;
    if (!wait_for_handler(target, sample))
        return VERDICT_LATER;
    unsigned unproven_in_a_row = 0;
    int64_t last_cpu = sample->cpu_ns;
    while (pending->proven < pending->wanted) {
        struct py_position position;
        struct schedstat stat;
        if (frames_position(&target->mem, &target->layout, sample->tstate, &position))
            return VERDICT_UNREADABLE;
        if (!same_position(&position, &sample->position))
            return now_ns() - (int64_t)sample->time_ns < STALE_NS ? VERDICT_PYTHON : VERDICT_LATER;
        pending->looks++;
        if (thread->schedstat < 0 || !proc_schedstat_read(thread->schedstat, &stat))
            return VERDICT_LATER;
        bool still_running = stat.cpu_ns == sample->cpu_ns;
        if (still_running || stat.cpu_ns > last_cpu) {
            pending->proven++;
            unproven_in_a_row = 0;
        } else if (++unproven_in_a_row > PATIENCE) {
            return VERDICT_LATER;
        }
        last_cpu = stat.cpu_ns;
        if (still_running)
            spin();
        else
            doze();
    }
    return VERDICT_NATIVE;
}

void progress_settle(struct target *target, struct thread *thread, const struct record_sample *next)
{
    struct pending *pending = &thread->pending;
    if (!pending->is_set)
        return;
    pending->is_set = false;
    // No context switch from that sample to this one: it ran through every look that we had.
    unsigned proven = next->switches == pending->switches ? pending->looks : pending->proven;
    if (pending->looks && same_position(&next->position, &pending->position))
        proven++;
    if (proven >= pending->wanted) {
        target_decide(target, thread, pending->key, pending->node, STATE_NATIVE, pending->ns);
        return;
    }
    pending->is_set = true;
    target_undecided(target, thread, pending);
    pending->is_set = false;
}
