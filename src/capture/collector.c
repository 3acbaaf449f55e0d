// SPDX-License-Identifier: MIT
// collector.c - see collector.h. Read it bottom-up from collector_step().
#include "lineprof/collector.h"

#include <dirent.h>
#include <errno.h>
#include <linux/futex.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "drain.h"
#include "ended.h"
#include "perf.h"
#include "progress.h"
#include "reach.h"
#include "share.h"
#include "standstill.h"
#include "steps.h"

#define OTHERS_LEAST_NS INT64_C(20000000) // less than that is rounding, of ticks

#define TICK_NS      INT64_C(10000000) // between two wall ticks, on average
#define IDLE_NS      INT64_C(25000000) // while nobody moves
#define BURST_NS     INT64_C(2500000)  // while a thread works in bursts, see steps.h
#define TICK_PARTS   100 // they may take one part of these of a core, unless they then
#define TICK_MOST_NS INT64_C(100000000) // came more seldom than so

#define SILENCE_NS INT64_C(50000000)  // CPU time without a sample that calls for an explanation
#define PATROL_NS  INT64_C(100000000) // how often threads are looked at for that

struct collector {
    struct session *session;
    struct recording *rec;
    struct target **targets;
    size_t target_count;
    uint32_t processes_seen;  // session's count at the last scan of the directory
    char *const *environment; // for the self-check; NULL: none
    bool perf_refused;
    struct drain drain;
    uint32_t wake_seen;   // session's count of calls at the last step
    int64_t tick_due_ns;  // CLOCK_MONOTONIC of the next wall tick
    int64_t tick_cost_ns; // of the last ones, on average
    uint64_t random;
    int64_t patrolled_ns; // CLOCK_MONOTONIC
    bool prepared;
    struct census census;
    struct ended *ended;
};

// struct sched_attr of linux/sched/types.h, which does not live beside glibc's <sched.h>.
struct sched_request {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

static int64_t tick_ns(void) // the coarse clock advances once per tick
{
    struct timespec ts;
    return clock_getres(CLOCK_MONOTONIC_COARSE, &ts) == 0 && ts.tv_nsec ? ts.tv_nsec : 4000000;
}

// ---- the session

static void finish_target(struct target *target)
{
    standstill_finish(target);
    for (size_t i = 0; i < target->threads.capacity; i++) {
        struct thread *thread = target->threads.slots[i].value;
        if (!thread || thread->ended)
            continue;
        progress_settle(target, thread, NULL);
        target_describe_thread(target, thread);
        target_note_tail(thread);
    }
    steps_settle(target);
    share_out(target);
}

// CPU time of a process by the kernel's account, `end`: what wait() said of our child, or what the
// process itself wrote down as its last act. One that was killed had no time to: its threads'
// clocks at the last look. A program that came by exec from another (a shell, env) starts counting
// there.
static void set_cpu(struct target *target, int64_t end)
{
    const struct ring_header *header = target->ring.header;
    struct process_info *info = recording_process_info(target->rec, target->process);
    if (!end)
        end = standstill_cpu(target);
    int64_t ns = end;
    if (end > 0 && (target->came_by_exec || header->start_cpu_ns >= EXEC_NS))
        ns = end - header->start_cpu_ns;
    if (ns < target->sampled_ns + target->overhead_ns)
        ns = target->sampled_ns + target->overhead_ns;
    info->cpu_known = end > 0;
    info->cpu_ns = target->folded ? info->cpu_ns + ns : ns;
    info->overhead_ns =
        target->folded ? info->overhead_ns + target->overhead_ns : target->overhead_ns;
}

static void retire(struct collector *collector, struct target *target)
{
    drain_ring(&collector->drain, target);
    finish_target(target);
    set_cpu(target, atomic_load(&target->ring.header->end_cpu_ns));
    ended_add(collector->ended, target);
    struct census *census = &collector->census;
    if (!atomic_load(&target->ring.header->replaced))
        census->recent[census->recent_at++ % RECENT_PIDS] = target->pid;
    target->retired = true;
}

// Frees the targets that are retired; their order does not matter.
static void drop_retired(struct collector *collector)
{
    for (size_t i = collector->target_count; i-- > 0;) {
        struct target *target = collector->targets[i];
        if (!target->retired)
            continue;
        target_free(target);
        collector->targets[i] = collector->targets[--collector->target_count];
    }
}

// Our own child's end is told by wait().
static bool is_our_child(const struct target *target)
{
    return target->ring.header->ppid == getpid() && !atomic_load(&target->ring.header->replaced);
}

// A program that starts thousands of others, or itself again and again, must not fill /dev/shm with
// rings, nor us with descriptors.
static void retire_ended(struct collector *collector)
{
    for (size_t i = 0; i < collector->target_count; i++) {
        struct target *target = collector->targets[i];
        const struct ring_header *header = target->ring.header;
        // Out of reach, it says itself when it ends.
        bool ended = target->watch >= 0 ? reach_has_ended(target->watch)
                                        : atomic_load(&header->end_cpu_ns) > 0;
        if (!target->retired && ended && !is_our_child(target))
            retire(collector, target);
    }
    drop_retired(collector);
}

// A process that has a new ring went on by exec.
static void retire_replaced(struct collector *collector, struct target *by)
{
    for (size_t i = 0; i < collector->target_count; i++) {
        struct target *target = collector->targets[i];
        if (target->retired || by->reach <= 0 || target->reach != by->reach)
            continue;
        by->came_by_exec = true;
        retire(collector, target);
    }
    drop_retired(collector);
}

static int add_target(struct collector *collector, const char *name)
{
    struct ring ring = {0};
    int err = ring_open(&ring, collector->session->dirfd, name);
    if (err)
        return err;
    unlinkat(collector->session->dirfd, name, 0); // both sides have it mapped
    void *more = realloc(collector->targets, (collector->target_count + 1) * sizeof(void *));
    if (more)
        collector->targets = more;
    struct target *target = more ? target_open(collector->rec, &collector->census, ring) : NULL;
    if (!target) {
        ring_close(&ring);
        return -ENOMEM;
    }
    target->perf = collector->drain.perf;
    target->period_ns = (int64_t)(1e9 / collector->drain.rate_hz);
    retire_replaced(collector, target);
    collector->targets[collector->target_count++] = target;
    return 0;
}

static void scan(struct collector *collector)
{
    uint32_t announced = atomic_load(&collector->session->header->processes);
    if (announced == collector->processes_seen)
        return;
    DIR *dir = opendir(collector->session->path);
    if (!dir)
        return;
    retire_ended(collector);
    for (struct dirent *entry; (entry = readdir(dir));)
        if (strncmp(entry->d_name, SESSION_RING_PREFIX, strlen(SESSION_RING_PREFIX)) == 0 &&
            add_target(collector, entry->d_name) == 0)
            collector->processes_seen++;
    closedir(dir);
}

static void drain_all(struct collector *collector)
{
    scan(collector);
    for (size_t i = 0; i < collector->target_count; i++)
        if (!collector->targets[i]->retired)
            drain_ring(&collector->drain, collector->targets[i]);
}

// A descriptor a thread, and perhaps one more, may be a lot.
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

// The progress test lives on waking up early: exact timers, and where the kernel lets a thread ask
// for short slices (6.12 and later), being put before others. The program does not inherit any of
// this: it is called after the fork.
static void prepare(struct collector *collector)
{
    collector->prepared = true;
    raise_descriptor_limit();
    prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0);
    struct sched_request request = {.size = sizeof request};
    if (syscall(SYS_sched_getattr, 0, &request, sizeof request, 0) == 0) {
        request.runtime = 100000; // ns, the shortest slice that is granted
        syscall(SYS_sched_setattr, 0, &request, 0);
    }
}

// A thread that runs on without a sample may have blocked SIGPROF. (Or its CPU was lent out below
// the kernel, as in a virtual machine: then nothing is lost but a tick.)
static void patrol(struct target *target)
{
    for (size_t i = 0; i < target->threads.capacity; i++) {
        struct thread *thread = target->threads.slots[i].value;
        struct schedstat stat;
        if (thread && !thread->blocked && thread->schedstat >= 0 &&
            proc_schedstat_read(thread->schedstat, &stat) &&
            stat.cpu_ns - thread->cpu_ns > SILENCE_NS)
            thread->blocked = proc_blocks_signal(target->pid, thread->tid, SIGPROF);
    }
}

static void patrol_all(struct collector *collector)
{
    int64_t now = now_ns();
    if (now - collector->patrolled_ns < PATROL_NS)
        return;
    collector->patrolled_ns = now;
    for (size_t i = 0; i < collector->target_count; i++)
        patrol(collector->targets[i]);
}

static double random_share(struct collector *collector) // xorshift64; in (0, 1]
{
    collector->random ^= collector->random << 13;
    collector->random ^= collector->random >> 7;
    collector->random ^= collector->random << 17;
    return (double)((collector->random >> 11) + 1) / (double)(UINT64_C(1) << 53);
}

// At moments that nothing in the target can keep step with: the gaps of a Poisson process.
static void wall_tick(struct collector *collector)
{
    if (now_ns() < collector->tick_due_ns)
        return;
    int64_t before = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    static const int64_t gaps[] = {
        [PACE_IDLE] = IDLE_NS, [PACE_BUSY] = TICK_NS, [PACE_BURSTS] = BURST_NS};
    int64_t least = gaps[standstill_tick(collector->targets, collector->target_count)];
    int64_t cost = clock_ns(CLOCK_THREAD_CPUTIME_ID) - before;
    collector->tick_cost_ns += (cost - collector->tick_cost_ns) / 4;
    int64_t mean = collector->tick_cost_ns * TICK_PARTS;
    mean = mean < TICK_MOST_NS ? mean : TICK_MOST_NS;
    double gap = -log(random_share(collector)) * (double)(mean > least ? mean : least);
    collector->tick_due_ns = now_ns() + (int64_t)fmin(gap, 1e9);
}

static struct timespec until_tick(const struct collector *collector, int timeout_ms)
{
    int64_t left = collector->tick_due_ns - now_ns(), most = timeout_ms * INT64_C(1000000);
    left = left < 0 ? 0 : left < most ? left : most;
    return (struct timespec){left / 1000000000, left % 1000000000};
}

void collector_step(struct collector *collector, int timeout_ms)
{
    if (!collector->prepared)
        prepare(collector);
    _Atomic uint32_t *wake = &collector->session->header->wake;
    struct timespec timeout = until_tick(collector, timeout_ms);
    // A call that came since the last step, from whomever, is answered at once.
    syscall(SYS_futex, wake, FUTEX_WAIT, collector->wake_seen, &timeout, NULL, 0);
    collector->wake_seen = atomic_load_explicit(wake, memory_order_acquire);
    drain_all(collector);
    wall_tick(collector);
    patrol_all(collector);
}

// One signal per tick or per a few of them, so that there are at least 200 a second where the tick
// allows. Most of a tick less than that, because a thread that shares its CPU with others has run
// for less than a tick when one finds it.
static int64_t interval_for(double rate_hz)
{
    int64_t tick = tick_ns();
    int64_t ticks = (int64_t)(1e9 / rate_hz / (double)tick + 0.05);
    return (ticks < 1 ? 1 : ticks) * tick - tick * 3 / 4;
}

struct collector *collector_new(struct session *session, struct recording *rec,
                                const struct collector_options *options)
{
    struct collector *collector = calloc(1, sizeof *collector);
    if (!collector)
        return NULL;
    collector->ended = ended_new(rec);
    collector->census.more_process = NO_ROW;
    if (!drain_init(&collector->drain) || !collector->ended) {
        collector_free(collector);
        return NULL;
    }
    collector->session = session;
    collector->rec = rec;
    collector->random = (uint64_t)now_ns() * 2 + 1;
    collector->environment = options->environment;
    double tick_hz = 1e9 / (double)tick_ns();
    collector->drain.rate_hz = options->rate_hz > 0 ? options->rate_hz : fmin(tick_hz, 250);
    bool above_tick = collector->drain.rate_hz > 1.05 * tick_hz;
    collector->drain.perf = above_tick && perf_allowed();
    collector->perf_refused = above_tick && !collector->drain.perf;
    session->header->interval_ns = interval_for(collector->drain.rate_hz);
    if (collector->drain.perf)
        session->header->flags |= SESSION_PERF | (perf_traps() ? SESSION_TRAP : 0);
    else
        collector->drain.rate_hz = fmin(collector->drain.rate_hz, tick_hz);
    return collector;
}

// ---- the end

static int64_t usage_ns(const struct rusage *usage)
{
    return (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * INT64_C(1000000000) +
           (usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) * INT64_C(1000);
}

static void set_end(struct target *target, pid_t child, int status, int64_t child_ns)
{
    const struct ring_header *header = target->ring.header;
    struct process_info *info = recording_process_info(target->rec, target->process);
    int64_t end = atomic_load(&header->end_cpu_ns);
    if (target->pid == child && !atomic_load(&header->replaced)) {
        info->exit_known = true;
        info->exit_code = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
        end = child_ns;
    }
    set_cpu(target, end);
}

// As set_end(), of a process that still runs.
static void set_cpu_so_far(struct target *target)
{
    int64_t end = atomic_load(&target->ring.header->end_cpu_ns);
    clockid_t clock;
    if (!end && target->reach > 0 && clock_getcpuclockid(target->reach, &clock) == 0)
        end = clock_ns(clock);
    set_cpu(target, end);
}

// What the program's children have used that were no Pythons of ours, as far as they were waited
// for: the kernel's sum of them all, less what we know of ours.
static void find_others(struct collector *collector, int64_t children_ns)
{
    int64_t ours = 0;
    for (uint32_t i = 0; i < collector->census.processes; i++) {
        const struct process_info *info = recording_process_info(collector->rec, i);
        ours += info->exit_known ? 0 : info->cpu_ns;
    }
    int64_t rest = children_ns - ours;
    recording_run(collector->rec)->others_ns = rest > OTHERS_LEAST_NS ? rest : 0;
}

static struct collector_summary new_summary(const struct collector *collector)
{
    return (struct collector_summary){
        .perf_refused = collector->perf_refused,
        .ringless = atomic_load(&collector->session->header->ringless),
        .ringless_errno = atomic_load(&collector->session->header->ringless_errno),
        .cleared = atomic_load(&collector->session->header->cleared),
        .confined = atomic_load(&collector->session->header->confined),
    };
}

static void describe_run(struct collector *collector)
{
    struct run_info *run = recording_run(collector->rec);
    run->rate_hz = collector->drain.rate_hz;
    run->unprofiled = atomic_load(&collector->session->header->ringless);
    run->cleared = atomic_load(&collector->session->header->cleared);
    run->measured = (1u << STATE_COUNT) - 1;
}

void collector_finish(struct collector *collector, pid_t pid, int status,
                      const struct rusage *usage, int64_t children_ns,
                      struct collector_summary *summary)
{
    *summary = new_summary(collector);
    atomic_store(&collector->session->header->closed, 1);
    drain_all(collector);
    for (size_t i = 0; i < collector->target_count; i++) {
        struct target *target = collector->targets[i];
        finish_target(target);
        set_end(target, pid, status, usage_ns(usage) - children_ns);
        ended_add(collector->ended, target);
    }
    ended_check(collector->ended, collector->environment, summary);
    ended_summarize(collector->ended, summary);
    find_others(collector, children_ns);
    recording_discard(collector->rec); // also stacks that looks have met and nothing was found in
    recording_run(collector->rec)->exit_code =
        WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
    describe_run(collector);
}

// Rings and header are shared with the targets, here they are only read: nothing is drained,
// nobody's interpreter is asked.
void collector_cut_short(struct collector *collector, struct collector_summary *summary)
{
    *summary = new_summary(collector);
    for (size_t i = 0; i < collector->target_count; i++) {
        struct target *target = collector->targets[i];
        finish_target(target);
        set_cpu_so_far(target);
        ended_add(collector->ended, target);
    }
    ended_summarize(collector->ended, summary);
    recording_run(collector->rec)->cut_short = true;
    describe_run(collector);
}

void collector_free(struct collector *collector)
{
    if (!collector)
        return;
    for (size_t i = 0; i < collector->target_count; i++)
        target_free(collector->targets[i]);
    ended_free(collector->ended);
    free(collector->targets);
    drain_free(&collector->drain);
    free(collector);
}
