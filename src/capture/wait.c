// SPDX-License-Identifier: MIT
// wait.c - see wait.h. Read it bottom-up from wait_tick().
//
// For each thread, wall time = on a CPU + on a run queue + blocked, and schedstat has the first two
// to the nanosecond whenever the thread is off its CPU. Blocked time is thus known exactly; where
// it was spent is found out by looking. A thread whose schedstat has not changed since it was last
// seen blocked has not moved: no more has to be read. Otherwise what it owes is placed where the
// next look finds it blocked, so that places share by chance, in proportion, what is exact in sum.
//
// The 100 % has only those instants in which the whole process stood still. With one thread that
// came off its blocked state since the last tick, that is exact as well; of several it is known
// only within bounds how far they overlapped, and within these the looks decide: at a random
// moment, did any of them run?
#include "wait.h"
#include "family.h"
#include "look.h"
#include "steps.h"
#include "why.h"

#include <math.h>
#include <time.h>

#define DUTY_NS          500e6              // over which a thread's duty is averaged
#define YOUNG_NS         INT64_C(500000000) // a Python that is started says so by then
#define FEW_THREADS      4
#define NOTABLE_QUEUE_NS 1000000

static const struct why not_seen = {STATE_IO, "too short to see"};

static int64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

// ---- one thread

static void place(struct target *target, struct thread *thread, int64_t ns, int64_t counted_ns)
{
    const struct waiting *waiting = &thread->waiting;
    const struct wait wait = {waiting->why.state, waiting->why.reason, ns, counted_ns};
    if (ns || counted_ns)
        recording_wait(target->rec, waiting->node, thread->id, &wait);
}

// On the line where it was last seen.
static void place_runnable(struct target *target, struct thread *thread, int64_t ns)
{
    struct waiting *waiting = &thread->waiting;
    waiting->runnable_owed_ns += ns;
    if (waiting->runnable_owed_ns <= 0 || thread->last_node == NO_NODE)
        return;
    struct times times = {.samples = 0};
    times.ns[STATE_RUNNABLE] = waiting->runnable_owed_ns;
    recording_add(target->rec, thread->last_node, thread->id, &times);
    waiting->runnable_owed_ns = 0;
}

void wait_begin(struct thread *thread, int64_t now, int64_t cpu_ns)
{
    if (thread->waiting.seen_ns)
        return;
    thread->begun_ns = now;
    thread->waiting.seen_ns = now;
    thread->waiting.stat.cpu_ns = cpu_ns;
}

// Whatever the thread is in, it is not the kernel's to tell.
static enum proc_seen guess_call(pid_t pid, pid_t tid, struct why *why)
{
    char letter = proc_state(pid, tid);
    *why = why_unknown;
    return !letter ? PROC_GONE : letter == 'R' ? PROC_RUNNING : PROC_BLOCKED;
}

// Whether extension or library has called futex, or the interpreter has for one of Python's locks.
static bool waits_in_native(struct target *target, const struct why *why,
                            const struct proc_call *call, int64_t now)
{
    uint64_t words[SAMPLE_STACK_WORDS];
    if (why->state != STATE_LOCK || !target->has_helpers ||
        target->mem.read(&target->mem, call->sp, words, sizeof words))
        return false;
    maps_refresh(&target->maps, target->reach, target->ring.header, (uint64_t)now);
    return maps_caller(&target->maps, &target->mem, words, SAMPLE_STACK_WORDS) == MODULE_FOREIGN;
}

static bool is_stopped(const struct target *target, const struct thread *thread)
{
    char letter = proc_state(target->reach, thread->tid);
    return letter == 'T' || letter == 't';
}

static enum proc_seen find_call(struct target *target, const struct thread *thread, int64_t now,
                                struct waiting *found)
{
    struct proc_call call;
    enum proc_seen seen = proc_call_read(target->reach, thread->tid, &call);
    found->child = -1;
    found->in_native = false;
    found->pipe = 0;
    if (seen == PROC_DENIED) {
        target->reason_unknown = true;
        return guess_call(target->reach, thread->tid, &found->why);
    }
    if (seen == PROC_BLOCKED) {
        found->why = why_blocked(&call, target->ring.header);
        found->child = why_child(&call);
        found->pipe = found->why.state == STATE_IO ? family_pipe_of(target, &call) : 0;
        found->in_native = waits_in_native(target, &found->why, &call, now);
    }
    return seen;
}

// The stack it waits in. Where that cannot be read, the last one it was seen in.
static bool find_node(struct target *target, struct thread *thread, int64_t now, uint32_t *node)
{
    if (look_stack(target, thread, now, node))
        return true;
    *node = thread->last_node;
    return *node != NO_NODE;
}

// A thread that has moved since the last look: where does it stand now? False when it runs, or did
// while we looked.
static bool find_place(struct target *target, struct thread *thread, const struct schedstat *stat,
                       int64_t now)
{
    struct waiting found = thread->waiting;
    struct schedstat again;
    if (find_call(target, thread, now, &found) != PROC_BLOCKED)
        return false;
    found.stopped = is_stopped(target, thread);
    if (!find_node(target, thread, now, &found.node) ||
        !proc_schedstat_read(thread->schedstat, &again) || again.slices != stat->slices ||
        again.cpu_ns != stat->cpu_ns)
        return false;
    target_ask_name(target, thread, now);
    found.since_ns = now;
    thread->waiting = found;
    thread->last_node = found.node;
    return true;
}

static bool has_moved(const struct waiting *waiting, const struct schedstat *stat)
{
    return !waiting->blocked || stat->slices != waiting->stat.slices ||
           stat->cpu_ns != waiting->stat.cpu_ns;
}

// On a run queue a thread has not moved either, and its schedstat will say so afterwards only. It
// is asked where there are few: of many idle ones, now and then one is woken a little late in our
// eyes.
static bool is_about_to_run(const struct target *target, const struct thread *thread)
{
    struct proc_call call;
    return target->threads.count <= FEW_THREADS &&
           proc_call_read(target->reach, thread->tid, &call) == PROC_RUNNING;
}

// The part of time that it was busy, over the last half second or so.
static void note_duty(struct thread *thread, int64_t busy_ns, int64_t wall_ns)
{
    if (wall_ns <= 0)
        return;
    double now = fmin(fmax((double)busy_ns / (double)wall_ns, 0), 1);
    double weight = fmin((double)wall_ns / DUTY_NS, 1);
    thread->duty += (now - thread->duty) * weight;
}

// It is not blocked: on which stack does it run, as far as can be seen of a thread that goes on?
// Where it was blocked last it may as well wait for a CPU, since it was woken.
static void look_at_burst(struct target *target, struct thread *thread, int64_t now)
{
    struct running found;
    if (!look_running(target, thread, now, &found))
        return;
    if (found.node == thread->waiting.node && !found.moved)
        steps_wait(steps_pot(target, thread), found.node);
    else
        steps_look(steps_pot(target, thread), found.node, found.moved, found.whole);
}

// A thread that gets no CPU stands still long enough to be read, but it has not come to the line
// yet that its last sample was on.
static void note_node(struct target *target, struct thread *thread, int64_t now)
{
    struct running found;
    if (look_running(target, thread, now, &found) && found.whole)
        thread->last_node = found.node;
}

// A thread that is not where it was: what it did meanwhile, and where it is now.
static void follow(struct target *target, struct thread *thread, const struct schedstat *stat,
                   int64_t now)
{
    struct waiting *waiting = &thread->waiting;
    int64_t queued_ns = stat->wait_ns - waiting->stat.wait_ns;
    waiting->stat = *stat;
    uint32_t before = thread->last_node;
    waiting->blocked = find_place(target, thread, stat, now);
    if (!waiting->blocked && queued_ns > NOTABLE_QUEUE_NS)
        note_node(target, thread, now);
    uint32_t after = thread->last_node;
    thread->last_node = waiting->blocked ? before : after; // it queued before it was blocked
    place_runnable(target, thread, queued_ns);
    thread->last_node = after;
    if (!waiting->blocked && works_in_bursts(thread))
        look_at_burst(target, thread, now);
}

// What the thread did since its last look. Its time on CPU and run queue in *busy_ns.
static void look_thread(struct target *target, struct thread *thread, int64_t *busy_ns)
{
    struct waiting *waiting = &thread->waiting;
    struct schedstat stat;
    *busy_ns = 0;
    int64_t now = now_ns();
    if (thread->schedstat < 0 || !proc_schedstat_read(thread->schedstat, &stat)) {
        waiting->blocked = false;
        return;
    }
    wait_begin(thread, now, stat.cpu_ns);
    int64_t wall_ns = now - waiting->seen_ns;
    bool moved = has_moved(waiting, &stat) || is_about_to_run(target, thread);
    if (moved)
        *busy_ns = stat.cpu_ns - waiting->stat.cpu_ns + stat.wait_ns - waiting->stat.wait_ns;
    waiting->seen_ns = now;
    waiting->owed_ns += wall_ns - *busy_ns;
    note_duty(thread, *busy_ns, wall_ns);
    if (moved)
        follow(target, thread, &stat, now);
    else
        target_ask_name(target, thread, now);
    if (waiting->blocked && waiting->stopped)
        waiting->owed_ns = 0;
    if (waiting->blocked && waiting->owed_ns > 0) {
        place(target, thread, waiting->owed_ns, 0);
        waiting->owed_ns = 0;
    }
}

void wait_end(struct target *target, struct thread *thread, int64_t now, int64_t cpu_ns)
{
    struct waiting *waiting = &thread->waiting;
    if (!waiting->seen_ns || now < waiting->seen_ns)
        return;
    waiting->owed_ns += now - waiting->seen_ns - (cpu_ns - waiting->stat.cpu_ns);
    waiting->seen_ns = now;
    waiting->stat.cpu_ns = cpu_ns;
    if (!waiting->why.reason) { // never seen to wait
        waiting->why = not_seen;
        waiting->node = thread->last_node;
    }
    if (waiting->owed_ns > 0 && waiting->node != NO_NODE)
        place(target, thread, waiting->owed_ns, 0);
    waiting->owed_ns = 0;
    target->ended_cpu_ns += cpu_ns;
}

// ---- a process

struct tick { // of one process
    int64_t wall_ns, busy_ns, busiest_ns;
    unsigned movers, bursty;
    bool running;      // at this moment
    unsigned eligible; // threads whose waiting would make the program stand still
};

static bool is_in_family(const struct family *family, const struct target *target,
                         const struct waiting *waiting)
{
    if (waiting->child >= 0)
        return family_has_child(family, target, waiting->child);
    return family_writes(family, target, waiting->pipe);
}

// A child that has just been started is not known yet, though it may be profiled.
static bool may_become_family(const struct waiting *waiting)
{
    return waiting->why.state == STATE_CHILD && waiting->seen_ns - waiting->since_ns < YOUNG_NS;
}

static bool is_eligible(const struct waiting *waiting)
{
    enum state state = waiting->why.state;
    return waiting->blocked && !waiting->stopped && !waiting->in_family &&
           (state == STATE_IO || state == STATE_SLEEP || state == STATE_CHILD);
}

// What was held back is placed once its child is old, or gone, and has not turned out to be ours.
static void settle_held(const struct family *family, struct target *target, struct thread *thread,
                        const struct waiting *before)
{
    struct waiting *waiting = &thread->waiting;
    bool same = waiting->blocked && waiting->since_ns == before->since_ns;
    if (!before->held_ns || (same && may_become_family(waiting)))
        return;
    const struct wait wait = {before->why.state, before->why.reason, 0, before->held_ns};
    if (!is_in_family(family, target, before))
        recording_wait(target->rec, before->node, thread->id, &wait);
    waiting->held_ns = 0;
}

static void look_threads(struct target *target, const struct family *family, struct tick *tick)
{
    for (size_t i = 0; i < target->threads.capacity; i++) {
        struct thread *thread = target->threads.slots[i].value;
        int64_t busy;
        if (!thread || thread->ended)
            continue;
        struct waiting *waiting = &thread->waiting;
        struct waiting before = *waiting;
        look_thread(target, thread, &busy);
        settle_held(family, target, thread, &before);
        if (waiting->blocked)
            waiting->in_family = is_in_family(family, target, waiting);
        tick->busy_ns += busy;
        tick->busiest_ns = busy > tick->busiest_ns ? busy : tick->busiest_ns;
        tick->movers += busy != 0;
        tick->bursty += works_in_bursts(thread);
        tick->running |= waiting->seen_ns && !waiting->blocked;
        tick->eligible += is_eligible(waiting);
    }
}

static int64_t clamp(int64_t value, int64_t least, int64_t most)
{
    return value < least ? least : value > most ? most : value;
}

// How long the process stood still since the last tick. What the looks say beyond the bounds of
// this interval is kept for the next ones.
static int64_t stood_still(struct target *target, const struct tick *tick)
{
    if (tick->movers <= 1)
        return tick->wall_ns - tick->busy_ns;
    int64_t most = tick->wall_ns - tick->busiest_ns;
    int64_t least = tick->busy_ns < tick->wall_ns ? tick->wall_ns - tick->busy_ns : 0;
    int64_t looked = (tick->running ? 0 : tick->wall_ns) + target->still_carried_ns;
    int64_t stood = most > least ? clamp(looked, least, most) : least;
    target->still_carried_ns = looked - stood;
    return stood;
}

static void share_standstill(struct target *target, unsigned eligible)
{
    int64_t left = target->still_owed_ns;
    for (size_t i = 0; eligible && i < target->threads.capacity; i++) {
        struct thread *thread = target->threads.slots[i].value;
        if (!thread || thread->ended || !is_eligible(&thread->waiting))
            continue;
        int64_t part = left / eligible--;
        left -= part;
        if (may_become_family(&thread->waiting))
            thread->waiting.held_ns += part;
        else
            place(target, thread, 0, part);
    }
    target->still_owed_ns = 0;
}

static void tick_target(struct target *target, const struct family *family)
{
    int64_t now = now_ns();
    struct tick tick = {.wall_ns = now - target->ticked_ns};
    bool first = !target->ticked_ns;
    target_list_threads(target);
    look_threads(target, family, &tick);
    if (first)
        tick.wall_ns = now - (int64_t)target->ring.header->started_ns;
    target->ticked_ns = now;
    target->bursty = tick.bursty;
    target->still_owed_ns += stood_still(target, &tick);
    if (tick.running || (target->still_owed_ns <= 0 && tick.eligible))
        return;
    share_standstill(target, tick.eligible);
}

bool wait_tick(struct target *const *targets, size_t count)
{
    const struct family family = {targets, count};
    bool bursts = false;
    for (size_t i = 0; i < count; i++) {
        if (targets[i]->retired || !targets[i]->samples || targets[i]->reach <= 0 ||
            atomic_load(&targets[i]->ring.header->end_ns)) // the rest is wait_finish()'s
            continue;
        tick_target(targets[i], &family);
        bursts |= targets[i]->bursty > 0;
    }
    return bursts;
}

// ---- its end

// CPU time of its threads, as of the last look at each.
int64_t wait_cpu(const struct target *target)
{
    int64_t ns = target->ended_cpu_ns;
    for (size_t i = 0; i < target->threads.capacity; i++) {
        const struct thread *thread = target->threads.slots[i].value;
        ns += thread && !thread->ended ? thread->waiting.stat.cpu_ns : 0;
    }
    return target->ticked_ns ? ns : 0;
}

// What went by since the last tick without anybody on a CPU: the process has said when it ended,
// and how much CPU time it had. (How long it queued is not known; a tick is not long.)
static int64_t rest_ns(const struct target *target)
{
    int64_t end_ns = (int64_t)atomic_load(&target->ring.header->end_ns);
    int64_t cpu_ns = atomic_load(&target->ring.header->end_cpu_ns) - wait_cpu(target);
    int64_t wall_ns = end_ns - target->ticked_ns;
    return target->ticked_ns && wall_ns > 0 && cpu_ns >= 0 ? wall_ns - cpu_ns : 0;
}

// Where a thread was blocked last, even if it has run since: what is still owed goes there.
static unsigned return_to_places(struct target *target, int64_t rest)
{
    unsigned eligible = 0;
    for (size_t i = 0; i < target->threads.capacity; i++) {
        struct thread *thread = target->threads.slots[i].value;
        struct waiting *waiting = thread ? &thread->waiting : NULL;
        if (!thread || thread->ended || !waiting->why.reason || waiting->stopped)
            continue;
        bool alone = target->threads.count == 1;
        waiting->owed_ns += waiting->blocked || alone ? rest : 0;
        if (waiting->owed_ns > 0)
            place(target, thread, waiting->owed_ns, 0);
        waiting->seen_ns += rest > 0 ? rest : 0;
        waiting->owed_ns = 0;
        waiting->blocked = true;
        eligible += is_eligible(waiting);
    }
    return eligible;
}

void wait_finish(struct target *target)
{
    int64_t rest = rest_ns(target);
    unsigned eligible = return_to_places(target, rest);
    target->still_owed_ns += rest;
    if (target->still_owed_ns > 0)
        share_standstill(target, eligible);
    target->still_owed_ns = 0;
}
