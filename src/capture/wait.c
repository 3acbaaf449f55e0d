// SPDX-License-Identifier: MIT
// wait.c - see wait.h. Read it bottom-up from wait_look().
//
// For each thread, wall time = on a CPU + on a run queue + blocked, and schedstat has the first two
// to the nanosecond whenever the thread is off its CPU. Blocked time is thus known exactly; where
// it was spent is found out by looking. A thread whose schedstat has not changed since it was last
// seen blocked has not moved: no more has to be read. Otherwise what it owes is placed where the
// next look finds it blocked, so that places share by chance, in proportion, what is exact in sum.
#include "wait.h"
#include "clock.h"
#include "family.h"
#include "look.h"
#include "standstill.h"
#include "steps.h"
#include "why.h"

#include <math.h>
#include <sys/syscall.h>

#define DUTY_NS          500e6 // over which a thread's duty is averaged
#define FEW_THREADS      4
#define NOTABLE_QUEUE_NS 1000000

static const struct why not_seen = {STATE_IO, "too short to see"};

// ---- one thread

void wait_place(struct target *target, struct thread *thread, int64_t ns, int64_t counted_ns)
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
    if (why->state != STATE_LOCK || !target->helpers_ns ||
        target->mem.read(&target->mem, call->sp, words, sizeof words))
        return false;
    maps_refresh(&target->maps, target->reach, target->ring.header, (uint64_t)now);
    // What is not known yet was loaded since: the interpreter was there from the start.
    return maps_caller(&target->maps, &target->mem, words, SAMPLE_STACK_WORDS) !=
           MODULE_INTERPRETER;
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
    bool restarted =
        call.number == SYS_restart_syscall && found->why.reason; // after a stop: the same
    if (seen == PROC_BLOCKED) {
        found->why = restarted ? found->why : why_blocked(&call, target->ring.header);
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
    enum proc_seen seen = find_call(target, thread, now, &found);
    thread->waiting.runs = seen == PROC_RUNNING;
    if (seen != PROC_BLOCKED)
        return false;
    found.runs = false;
    found.stopped = is_stopped(target, thread);
    thread->missed++;
    if (!find_node(target, thread, now, &found.node) ||
        !proc_schedstat_read(thread->schedstat, &again) || again.slices != stat->slices ||
        again.cpu_ns != stat->cpu_ns)
        return false;
    thread->missed = 0;
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
// is asked where there are few, and who waits for the GIL, which is handed on all the time. Of many
// idle ones, now and then one is woken a little late in our eyes.
static bool is_about_to_run(const struct target *target, const struct thread *thread)
{
    struct proc_call call;
    return (target->threads.count <= FEW_THREADS || thread->waiting.why.state == STATE_GIL) &&
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
    if (look_running(target, thread, now, &found) && found.whole && !found.moved)
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

int64_t wait_look(struct target *target, struct thread *thread)
{
    struct waiting *waiting = &thread->waiting;
    struct schedstat stat;
    int64_t now = now_ns(), busy_ns = 0;
    if (thread->schedstat < 0 || !proc_schedstat_read(thread->schedstat, &stat)) {
        waiting->blocked = waiting->runs = false;
        return 0;
    }
    wait_begin(thread, now, stat.cpu_ns);
    int64_t wall_ns = now - waiting->seen_ns;
    bool moved = has_moved(waiting, &stat) || is_about_to_run(target, thread);
    if (moved)
        busy_ns = stat.cpu_ns - waiting->stat.cpu_ns + stat.wait_ns - waiting->stat.wait_ns;
    waiting->seen_ns = now;
    waiting->owed_ns += wall_ns - busy_ns;
    if (!target->perf) // perf events keep step with nothing
        note_duty(thread, busy_ns, wall_ns);
    if (moved)
        follow(target, thread, &stat, now);
    else
        target_ask_name(target, thread, now);
    if (waiting->blocked && waiting->stopped)
        waiting->owed_ns = 0;
    if (waiting->blocked && waiting->owed_ns > 0) {
        wait_place(target, thread, waiting->owed_ns, 0);
        waiting->owed_ns = 0;
    }
    return busy_ns;
}

void wait_need_place(struct target *target, struct thread *thread)
{
    struct waiting *waiting = &thread->waiting;
    if (waiting->why.reason)
        return;
    waiting->why = not_seen;
    waiting->node = thread->last_node == NO_NODE ? target_unseen_node(target) : thread->last_node;
}

void wait_end(struct target *target, struct thread *thread, int64_t now, int64_t cpu_ns)
{
    struct waiting *waiting = &thread->waiting;
    if (!waiting->seen_ns || now < waiting->seen_ns)
        return;
    int64_t busy_ns = cpu_ns - waiting->stat.cpu_ns;
    waiting->owed_ns += now - waiting->seen_ns - busy_ns;
    standstill_busy(&target->ended_busy, waiting->busy_ns + busy_ns);
    waiting->seen_ns = now;
    waiting->stat.cpu_ns = cpu_ns;
    wait_need_place(target, thread);
    if (waiting->owed_ns > 0)
        wait_place(target, thread, waiting->owed_ns, 0);
    waiting->owed_ns = 0;
    target->ended_cpu_ns += cpu_ns;
}
