// SPDX-License-Identifier: MIT
// standstill.c - see standstill.h. Read it bottom-up from standstill_tick().
//
// With one thread that came off its blocked state since the last tick it is known exactly how long
// its process stood still; of several only within bounds, how far they overlapped, and within these
// the looks decide: at a random moment, did any of them run?
#include "standstill.h"
#include "clock.h"
#include "family.h"
#include "wait.h"

#define GIL_PARTS 10                 // whoever holds it works, if one part of these was CPU time
#define YOUNG_NS  INT64_C(500000000) // a Python that is started says so by then

struct tick {        // of one process
    bool running;    // somebody, at this moment
    bool family;     // somebody waits for another process of the session
    bool missed;     // somebody was blocked, and moved on before it was seen where
    bool gil;        // somebody waits for it
    int64_t busy_ns; // since the last tick
    bool bursty;
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
        if (!thread || thread->ended)
            continue;
        struct waiting *waiting = &thread->waiting;
        struct waiting before = *waiting;
        int64_t busy_ns = wait_look(target, thread);
        waiting->busy_ns += busy_ns;
        tick->busy_ns += busy_ns;
        tick->gil |= waiting->blocked && waiting->why.state == STATE_GIL;
        settle_held(family, target, thread, &before);
        if (waiting->blocked)
            waiting->in_family = is_in_family(family, target, waiting);
        tick->bursty |= works_in_bursts(thread);
        tick->running |= waiting->runs;
        tick->missed |= waiting->seen_ns && !waiting->blocked && !waiting->runs;
        tick->family |= waiting->blocked && waiting->in_family;
        tick->eligible += is_eligible(waiting);
    }
}

static int64_t clamp(int64_t value, int64_t least, int64_t most)
{
    return value < least ? least : value > most ? most : value;
}

void standstill_busy(struct busy *busy, int64_t ns)
{
    busy->sum += ns;
    busy->most = ns > busy->most ? ns : busy->most;
    busy->movers += ns != 0;
}

static struct busy take_busy(struct target *target)
{
    struct busy busy = target->ended_busy;
    for (size_t i = 0; i < target->threads.capacity; i++) {
        struct thread *thread = target->threads.slots[i].value;
        if (!thread || thread->ended)
            continue;
        standstill_busy(&busy, thread->waiting.busy_ns);
        thread->waiting.busy_ns = 0;
    }
    target->ended_busy = (struct busy){0};
    return busy;
}

// How long the process stood still since nobody was seen to run the last time. Nobody runs now: all
// its threads' accounts are exact. (Those of a thread that runs lag behind by up to a tick.) What
// the looks say beyond the bounds is kept for the next time.
static int64_t stood_still(struct target *target, int64_t last_ns)
{
    struct busy busy = take_busy(target);
    int64_t wall_ns = target->unsettled_ns;
    target->unsettled_ns = 0;
    if (busy.movers <= 1)
        return wall_ns - busy.sum;
    int64_t least = busy.sum < wall_ns ? wall_ns - busy.sum : 0;
    int64_t most = busy.most < wall_ns ? wall_ns - busy.most : 0;
    int64_t looked = last_ns + target->still_carried_ns;
    int64_t stood = clamp(looked, least, most);
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
            wait_place(target, thread, 0, part);
    }
    target->still_owed_ns = 0;
}

static enum pace pace_of(const struct tick *tick)
{
    if (tick->bursty)
        return PACE_BURSTS;
    return tick->running || tick->busy_ns ? PACE_BUSY : PACE_IDLE;
}

static enum pace tick_target(struct target *target, const struct family *family)
{
    struct tick tick = {.running = false};
    int64_t now = now_ns();
    int64_t before =
        target->ticked_ns ? target->ticked_ns : (int64_t)target->ring.header->started_ns;
    target_list_threads(target);
    look_threads(target, family, &tick);
    target->ticked_ns = now;
    target->in_family = tick.family && !tick.running && !tick.eligible;
    target->unsettled_ns += now - before;
    // Between two threads that hand on the GIL both are off their CPUs for a moment.
    if (tick.running || (tick.gil && tick.busy_ns * GIL_PARTS > now - before))
        return pace_of(&tick);
    target->still_owed_ns += stood_still(target, now - before);
    bool places = tick.eligible || !tick.missed;
    if (places && (target->still_owed_ns > 0 || !tick.eligible))
        share_standstill(target, tick.eligible);
    return pace_of(&tick);
}

enum pace standstill_tick(struct target *const *targets, size_t count)
{
    const struct family family = {targets, count};
    enum pace pace = PACE_IDLE;
    for (size_t i = 0; i < count; i++) {
        if (targets[i]->retired || !targets[i]->samples || targets[i]->reach <= 0 ||
            atomic_load(&targets[i]->ring.header->end_ns)) // the rest is standstill_finish()'s
            continue;
        enum pace its = tick_target(targets[i], &family);
        pace = its > pace ? its : pace;
    }
    return pace;
}

// ---- its end

// CPU time of its threads, as of the last look at each.
int64_t standstill_cpu(const struct target *target)
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
    int64_t cpu_ns = atomic_load(&target->ring.header->end_cpu_ns) - standstill_cpu(target);
    int64_t wall_ns = end_ns - target->ticked_ns;
    return target->ticked_ns && wall_ns > 0 && cpu_ns >= 0 ? wall_ns - cpu_ns : 0;
}

// Where a thread was blocked last, even if it has run since: what is still owed goes there.
static unsigned return_to_places(struct target *target, int64_t rest)
{
    int64_t end_ns = (int64_t)atomic_load(&target->ring.header->end_ns);
    unsigned eligible = 0;
    for (size_t i = 0; i < target->threads.capacity; i++) {
        struct thread *thread = target->threads.slots[i].value;
        struct waiting *waiting = thread ? &thread->waiting : NULL;
        if (!thread || thread->ended || waiting->stopped || !waiting->seen_ns)
            continue;
        wait_need_place(target, thread);
        bool alone = target->threads.count == 1;
        waiting->owed_ns += waiting->blocked || alone ? rest : 0;
        int64_t held = waiting->in_family ? 0 : waiting->held_ns;
        wait_place(target, thread, waiting->owed_ns > 0 ? waiting->owed_ns : 0, held);
        if (end_ns > waiting->seen_ns)
            waiting->seen_ns = end_ns;
        waiting->owed_ns = waiting->held_ns = 0;
        waiting->since_ns = 0; // nothing more is held back
        waiting->blocked = true;
        eligible += is_eligible(waiting);
    }
    return eligible;
}

void standstill_finish(struct target *target)
{
    int64_t rest = rest_ns(target);
    unsigned eligible = return_to_places(target, rest);
    int64_t wall_ns = target->unsettled_ns;
    struct busy busy = take_busy(target);
    if (busy.movers <= 1) // of several it cannot be told any more
        target->still_owed_ns += wall_ns - busy.sum + rest;
    if (target->still_owed_ns > 0)
        share_standstill(target, eligible);
    target->still_owed_ns = 0;
}
