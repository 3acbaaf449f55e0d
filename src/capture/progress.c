// SPDX-License-Identifier: MIT
// progress.c - see progress.h and docs/design.md, "python or native".
//
// What makes a look count is proof that the thread was on a CPU. The handler's last act before it
// commits a sample is to read the thread's CPU clock, which brings the thread's schedstat up to
// that nanosecond. As long as schedstat still says the same, the thread has not been switched out
// (a switch would have added the time since) and no tick has passed: it runs, at this moment.
// Otherwise a look counts when schedstat has advanced since the look before. What has no such proof
// may get it from the thread's next sample: without a context switch in between, it ran all along.
#include "progress.h"
#include "clock.h"
#include "cpu_call.h"

#include <errno.h>
#include <math.h>
#include <time.h>

#define COINCIDENCE  0.03 // a verdict of native is wrong by chance at most this often
#define LOOKS_MIN    10   // a loop that has just begun is not among the recent samples
#define LOOKS_MAX    16
#define SLOW_LOOKS   6       // each costs the target a switch from its CPU and back
#define CHANCE_MAX   0.35    // what is taken off at most: the rest is divided by 1 - chance
#define STALE_NS     2000000 // a sample older than this tells nothing by having moved on
#define SPIN_NS      300     // shortest gap between two looks at a thread known to run
#define HANDLER_NS   30000   // what a handler takes at most to end once it has committed its sample
#define SIGRETURN_NS 1000
#define SLEEP_NS     50000 // gap when it may need our CPU to run
#define PATIENCE     6u    // sleeping looks without proof before the next sample must decide

static uint32_t random_bits(void) // xorshift32: gaps must only not keep step with the target
{
    static uint32_t state = 2463534242u;
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

static void wait_until(int64_t ns)
{
    while (now_ns() < ns)
        cpu_relax();
}

static void spin(void)
{
    int64_t until = now_ns() + SPIN_NS + random_bits() % (3 * SPIN_NS);
    wait_until(until);
}

static void doze_for(int64_t ns)
{
    struct timespec gap = {0, ns < SLEEP_NS / 2 ? SLEEP_NS / 2 : ns};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &gap, NULL);
}

static void doze(void)
{
    doze_for(SLEEP_NS / 2 + random_bits() % SLEEP_NS);
}

void progress_note(struct thread *thread, uint64_t key)
{
    thread->recent[thread->recent_at] = key;
    thread->recent_at = (thread->recent_at + 1) % RECENT;
    if (thread->recent_count < RECENT)
        thread->recent_count++;
}

// The instruction's share of the thread's recent samples: how often a look finds a loop there.
static double recent_share(const struct thread *thread, uint64_t key)
{
    unsigned same = 1; // this sample; and one more of another instruction, so that q < 1
    for (unsigned i = 0; i < thread->recent_count; i++)
        same += thread->recent[i] == key;
    return (double)same / (thread->recent_count + 2.0);
}

// k looks with q^k < COINCIDENCE, k within bounds. `chance` is q^k, as far as it may be taken off:
// beyond that the instruction is nearly all there is, and whether it is one operation or many makes
// no difference to the reader.
static void want_looks(struct pending *found, double q, double least, double most)
{
    double k = fmin(fmax(ceil(log(COINCIDENCE) / log(q)), least), most);
    found->wanted = (unsigned)k;
    found->chance = pow(q, k) < CHANCE_MAX ? pow(q, k) : 0;
}

static bool same_position(const struct py_position *a, const struct py_position *b)
{
    return a->frame == b->frame && a->instr == b->instr;
}

// When the handler was over, which it is some 20 us after it has called us (an interrupt between
// virtual CPUs); 0 when it is not seen to end: it may need the CPU that we are on.
static int64_t wait_for_handler(const struct target *target, const struct record_sample *sample)
{
    const _Atomic uint64_t *left = &target->ring.header->left[(uint32_t)sample->tid % RING_LEFT];
    for (unsigned dozes = 0; dozes <= PATIENCE; dozes++) {
        int64_t until = now_ns() + HANDLER_NS;
        do {
            uint64_t at = atomic_load_explicit(left, memory_order_acquire);
            if (at >= sample->time_ns)
                return (int64_t)at + SIGRETURN_NS;
            cpu_relax();
        } while (now_ns() < until);
        doze();
    }
    return 0;
}

// One test under way.
struct test {
    const struct target *target;
    const struct thread *thread;
    const struct record_sample *sample;
    struct pending *found;
    struct py_watch watch;
    int64_t left_ns;     // when the thread went on
    int64_t last_cpu_ns; // schedstat at the last look
    int64_t ran_ns;      // since it went on, as of the last look that counted
    double share;        // q
    int64_t stale_ns;    // having moved on after this long says nothing
    bool running;        // schedstat unchanged: it has not left its CPU
};

enum look { LOOK_MOVED, LOOK_SAME, LOOK_ERROR };

static enum look look(struct test *test)
{
    const struct py_watch *watch = &test->watch;
    uint64_t words[MEM_WORDS_MAX];
    int err = mem_process_words(test->target->reach, watch->at, words, watch->count);
    test->found->looks++;
    if (err == -EPERM || err == -ESRCH)
        return LOOK_ERROR;
    for (unsigned i = 0; !err && i < watch->count; i++)
        if ((words[i] & watch->mask[i]) != watch->value[i])
            return LOOK_MOVED;
    return err ? LOOK_MOVED : LOOK_SAME; // memory that is gone was left
}

// A look, and whether it counts: `proof` of having run since the look before.
static enum look look_with_proof(struct test *test, bool *proof)
{
    struct schedstat stat;
    enum look seen = look(test);
    *proof = false;
    if (seen != LOOK_SAME)
        return seen;
    if (test->thread->schedstat < 0 || !proc_schedstat_read(test->thread->schedstat, &stat))
        return LOOK_ERROR;
    test->running = stat.cpu_ns == test->sample->cpu_ns;
    *proof = test->running || stat.cpu_ns > test->last_cpu_ns;
    if (*proof)
        test->ran_ns =
            test->running ? now_ns() - test->left_ns : stat.cpu_ns - test->sample->cpu_ns;
    test->last_cpu_ns = stat.cpu_ns;
    return LOOK_SAME;
}

// Looks in quick succession, at a thread that is seen to run. If schedstat stands still at the last
// as it did at the first, all of them count.
static enum look look_quickly(struct test *test)
{
    bool proof;
    enum look seen = look_with_proof(test, &proof);
    if (seen != LOOK_SAME || !test->running)
        return seen;
    for (unsigned i = 2; i < test->found->wanted; i++) {
        spin();
        seen = look(test);
        if (seen != LOOK_SAME)
            return seen;
    }
    spin();
    seen = look_with_proof(test, &proof);
    test->found->proven = test->running ? test->found->wanted : proof;
    return seen;
}

// The thread may need our CPU to run: looks with sleep in between, each proven by itself.
static enum look look_slowly(struct test *test)
{
    want_looks(test->found, test->share, SLOW_LOOKS, SLOW_LOOKS);
    for (unsigned unproven = 0; test->found->proven < test->found->wanted;) {
        bool proof;
        doze();
        enum look seen = look_with_proof(test, &proof);
        if (seen != LOOK_SAME)
            return seen;
        test->found->proven += proof;
        unproven = proof ? 0 : unproven + 1;
        if (unproven > PATIENCE)
            return LOOK_ERROR;
    }
    return LOOK_SAME;
}

// Seen unmoved after it had run for T: whether it still is at 2 T.
static enum look look_again(struct test *test)
{
    int64_t twice = 2 * test->ran_ns;
    if (twice > test->stale_ns) // an operation this long needs no extrapolation
        return LOOK_SAME;
    if (test->running)
        wait_until(test->left_ns + twice);
    for (unsigned tries = 0; tries <= PATIENCE; tries++) {
        bool proof;
        enum look seen = look_with_proof(test, &proof);
        if (seen != LOOK_SAME || test->ran_ns >= twice)
            return seen;
        doze_for(twice - test->ran_ns);
    }
    return LOOK_ERROR;
}

static void decide(const struct pending *found, int native_times)
{
    struct ambiguous *entry = found->ambiguous;
    entry->decided_ns += found->ns;
    entry->native_ns += found->ns * native_times;
    entry->chance_ns += (int64_t)((double)found->ns * found->chance);
}

static enum look run_test(struct test *test)
{
    test->left_ns = wait_for_handler(test->target, test->sample);
    // Not seen to end, or a later sample's: the thread is far from where this one found it.
    if (!test->left_ns || test->left_ns - (int64_t)test->sample->time_ns > test->stale_ns)
        return LOOK_ERROR;
    wait_until(test->left_ns); // the return from the signal
    int err = frames_watch(&test->target->mem, &test->target->layout, test->sample->tstate,
                           &test->sample->position, &test->watch);
    if (err)
        return LOOK_ERROR;
    enum look seen = look_quickly(test);
    return seen == LOOK_SAME && test->found->proven < test->found->wanted ? look_slowly(test)
                                                                          : seen;
}

void progress_look(struct target *target, struct thread *thread, const struct record_sample *sample,
                   struct ambiguous *entry, int64_t ns)
{
    struct pending found = {
        .ambiguous = entry,
        .ns = ns,
        .switches = sample->switches,
        .position = sample->position,
    };
    double q = recent_share(thread, entry->key);
    want_looks(&found, q, LOOKS_MIN, LOOKS_MAX);
    struct test test = {.target = target,
                        .share = q,
                        .thread = thread,
                        .sample = sample,
                        .found = &found,
                        .last_cpu_ns = sample->cpu_ns,
                        .stale_ns = sample->source == SOURCE_TICK ? STALE_NS : target->period_ns};
    switch (run_test(&test)) {
    case LOOK_MOVED:
        if (now_ns() - test.left_ns < test.stale_ns)
            decide(&found, 0);
        else
            progress_undecided(target, ns);
        break;
    case LOOK_SAME:
        decide(&found, look_again(&test) == LOOK_MOVED ? 2 : 1);
        break;
    case LOOK_ERROR:
        thread->pending = found;
        break;
    }
}

void progress_settle(struct target *target, struct thread *thread, const struct record_sample *next)
{
    struct pending *pending = &thread->pending;
    if (!pending->ambiguous)
        return;
    unsigned proven = pending->proven;
    if (next && next->switches == pending->switches) // it ran through every look that we had
        proven = pending->looks;
    if (next && pending->looks && same_position(&next->position, &pending->position))
        proven++;
    if (proven >= pending->wanted)
        decide(pending, 1);
    else
        progress_undecided(target, pending->ns);
    pending->ambiguous = NULL;
}

void progress_undecided(struct target *target, int64_t ns)
{
    target->undecided_samples++;
    target->undecided_ns += ns;
}
