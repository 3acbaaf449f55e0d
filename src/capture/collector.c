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

#include "perf.h"
#include "progress.h"
#include "reach.h"
#include "share.h"
#include "weigh.h"

#define EXEC_NS 50000000 // CPU time that a start from scratch never takes before the shim runs

#define SILENCE_NS INT64_C(50000000)  // CPU time without a sample that calls for an explanation
#define PATROL_NS  INT64_C(100000000) // how often threads are looked at for that

struct collector {
    struct session *session;
    struct recording *rec;
    struct target **targets;
    size_t target_count;
    uint32_t processes_seen;  // session's count at the last scan of the directory
    char *const *environment; // for the self-check; NULL: none
    double rate_hz;
    bool perf; // the rate is above the tick
    bool perf_refused;
    void *copy, *code_copy; // a record each
    uint32_t wake_seen;     // session's count of calls at the last step
    int64_t patrolled_ns;   // CLOCK_MONOTONIC
    bool prepared;
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

static int64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

// ---- one ring

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
static void absorb_codes(struct collector *collector, struct target *target)
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
            const void *copy = copy_record(record, collector->code_copy);
            target_add_code(target, copy);
            record->type = RECORD_PAD; // ours since its commit; not to be taken twice
        }
        at += size;
        seen += size;
    }
}

static struct thread *thread_of(struct collector *collector, struct target *target, int32_t tid,
                                int64_t cpu_ns)
{
    bool known = map_get(&target->threads, (uint64_t)(uint32_t)tid) != NULL;
    struct thread *thread = target_thread(target, tid);
    if (thread && !known) {
        thread->cpu_ns = cpu_ns;
        if (collector->perf && target->reach > 0)
            thread->perf = perf_open(tid, collector->rate_hz);
        if (thread->perf >= 0 && !target->held) // else an exec is near, and its signals would kill
            perf_enable(thread->perf, true);
    }
    return thread;
}

// False when the sample has to wait for a code object that is still being announced.
static bool take_sample(struct collector *collector, struct target *target,
                        const struct record_sample *sample)
{
    if (!is_sample_sound(sample))
        return true;
    struct thread *thread = thread_of(collector, target, sample->tid, 0);
    uint32_t node;
    if (!thread)
        return true;
    if (!target_node(target, thread, sample, &node)) {
        absorb_codes(collector, target);
        if (!target_node(target, thread, sample, &node))
            return false;
    }
    weigh_sample(target, thread, node, sample);
    return true;
}

static void take_thread(struct collector *collector, struct target *target,
                        const struct record_thread *record)
{
    if (record->record.size < sizeof *record || !is_clock(record->cpu_ns))
        return;
    // A process that did not come by exec from a busy one: its clock began with it, and what it
    // took to get here (exec, the loader) is its own.
    bool fresh = record->tid == target->pid && !target->came_by_exec && record->cpu_ns < EXEC_NS;
    struct thread *thread = thread_of(collector, target, record->tid, fresh ? 0 : record->cpu_ns);
    if (!thread)
        return;
    if (!thread->named) {
        char name[sizeof record->name + 1] = "";
        memcpy(name, record->name, sizeof record->name);
        recording_thread_name(target->rec, thread->id, name);
        thread->named = true;
    }
    if (record->record.type == RECORD_THREAD_END)
        target_thread_end(target, thread);
}

static bool take_record(struct collector *collector, struct target *target,
                        const struct record *record)
{
    switch (record->type) {
    case RECORD_SAMPLE:
        return take_sample(collector, target, (const struct record_sample *)record);
    case RECORD_CODE:
        target_add_code(target, (const struct record_code *)record);
        return true;
    case RECORD_THREAD_START:
    case RECORD_THREAD_END:
        take_thread(collector, target, (const struct record_thread *)record);
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

static void drain(struct collector *collector, struct target *target)
{
    if (collector->perf)
        serve_hold(target);
    for (const struct record *record; (record = ring_peek(&target->ring));) {
        if (!take_record(collector, target, copy_record(record, collector->copy)))
            break;
        ring_consume(&target->ring, record);
    }
}

// ---- the session

static void finish_target(struct target *target)
{
    for (size_t i = 0; i < target->threads.capacity; i++) {
        struct thread *thread = target->threads.slots[i].value;
        if (thread)
            progress_settle(target, thread, NULL);
    }
    share_out(target);
}

static void retire(struct collector *collector, struct target *target)
{
    drain(collector, target);
    finish_target(target);
    target_retire(target);
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
        if (!target->retired && ended)
            retire(collector, target);
    }
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
    struct target *target = more ? target_open(collector->rec, ring) : NULL;
    if (!target) {
        ring_close(&ring);
        return -ENOMEM;
    }
    target->period_ns = (int64_t)(1e9 / collector->rate_hz);
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
            drain(collector, collector->targets[i]);
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

void collector_step(struct collector *collector, int timeout_ms)
{
    if (!collector->prepared)
        prepare(collector);
    _Atomic uint32_t *wake = &collector->session->header->wake;
    struct timespec timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};
    // A call that came since the last step, from whomever, is answered at once.
    syscall(SYS_futex, wake, FUTEX_WAIT, collector->wake_seen, &timeout, NULL, 0);
    collector->wake_seen = atomic_load_explicit(wake, memory_order_acquire);
    drain_all(collector);
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
    collector->copy = malloc(RING_RECORD_MAX);
    collector->code_copy = malloc(RING_RECORD_MAX);
    if (!collector->copy || !collector->code_copy) {
        collector_free(collector);
        return NULL;
    }
    collector->session = session;
    collector->rec = rec;
    collector->environment = options->environment;
    double tick_hz = 1e9 / (double)tick_ns();
    collector->rate_hz = options->rate_hz > 0 ? options->rate_hz : fmin(tick_hz, 250);
    bool above_tick = collector->rate_hz > 1.05 * tick_hz;
    collector->perf = above_tick && perf_allowed();
    collector->perf_refused = above_tick && !collector->perf;
    session->header->interval_ns = interval_for(collector->rate_hz);
    if (collector->perf)
        session->header->flags |= SESSION_PERF | (perf_traps() ? SESSION_TRAP : 0);
    else
        collector->rate_hz = fmin(collector->rate_hz, tick_hz);
    return collector;
}

// ---- the end

static int64_t usage_ns(const struct rusage *usage)
{
    return (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * INT64_C(1000000000) +
           (usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) * INT64_C(1000);
}

// CPU time of a process by the kernel's account: what wait() said of our child, what the process
// itself wrote down as its last act, or nothing. A program that came by exec from another (a shell,
// env) starts counting there.
static void set_cpu(struct collector *collector, struct target *target, pid_t child, int status,
                    int64_t child_ns)
{
    const struct ring_header *header = target->ring.header;
    struct process_info *info = recording_process_info(collector->rec, target->process);
    bool replaced = atomic_load(&header->replaced);
    int64_t end = atomic_load(&header->end_cpu_ns);
    if (target->pid == child && !replaced) {
        info->exit_known = true;
        info->exit_code = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
        end = child_ns;
    }
    info->cpu_known = end > 0;
    info->cpu_ns = end;
    if (end > 0 && (target->came_by_exec || header->start_cpu_ns >= EXEC_NS))
        info->cpu_ns = end - header->start_cpu_ns;
    if (info->cpu_ns < target->sampled_ns + target->overhead_ns)
        info->cpu_ns = target->sampled_ns + target->overhead_ns;
    info->overhead_ns = target->overhead_ns;
}

static void note_misread(struct target *target, const char *finding,
                         struct collector_summary *summary)
{
    const struct ring_header *header = target->ring.header;
    recording_process_info(target->rec, target->process)->misread = true;
    target->misread = true;
    target->samples = false;
    target->sampled_ns = target->overhead_ns = 0;
    summary->misread++;
    memcpy(summary->misread_version, header->version, sizeof header->version - 1);
    snprintf(summary->misread_finding, sizeof summary->misread_finding, "%s", finding);
}

// Finds the targets whose interpreter our walk misreads. The program has ended: it waits for
// nothing of this.
static void check_targets(struct collector *collector, struct collector_summary *summary)
{
    struct selfcheck *check = collector->environment ? selfcheck_new(collector->environment) : NULL;
    for (size_t i = 0; check && i < collector->target_count; i++) {
        struct target *target = collector->targets[i];
        const char *finding =
            target->samples ? selfcheck_finding(check, target->ring.header) : NULL;
        if (finding)
            note_misread(target, finding, summary);
    }
    selfcheck_free(check);
}

static void summarize(const struct collector *collector, const struct target *target,
                      struct collector_summary *summary)
{
    const struct ring_header *header = target->ring.header;
    if (target->misread)
        return; // note_misread() has
    switch (atomic_load(&header->status)) {
    case RING_ACTIVE:
        summary->processes++;
        break;
    case RING_UNSUPPORTED:
        summary->unsupported++;
        memcpy(summary->unsupported_version, header->version, sizeof header->version - 1);
        break;
    case RING_FREE_THREADED:
        summary->free_threaded = true;
        break;
    case RING_LAYOUT_MISMATCH:
        summary->layout_mismatch = true;
        break;
    default: // it ended while it started
        break;
    }
    summary->unreadable |= target->unreadable;
    struct run_info *run = recording_run(collector->rec);
    for (int i = 0; i < LOST_REASONS; i++)
        run->lost[i] += atomic_load(&header->lost[i]);
    run->lost[LOST_BLOCKED] += target->lost_blocked;
    run->undecided_samples += target->undecided_samples;
    run->undecided_ns += target->undecided_ns;
}

void collector_finish(struct collector *collector, pid_t pid, int status,
                      const struct rusage *usage, int64_t children_ns,
                      struct collector_summary *summary)
{
    *summary = (struct collector_summary){
        .perf_refused = collector->perf_refused,
        .ringless = atomic_load(&collector->session->header->ringless),
        .ringless_errno = atomic_load(&collector->session->header->ringless_errno),
        .confined = atomic_load(&collector->session->header->confined),
    };
    atomic_store(&collector->session->header->closed, 1);
    drain_all(collector);
    check_targets(collector, summary);
    struct run_info *run = recording_run(collector->rec);
    for (size_t i = 0; i < collector->target_count; i++) {
        struct target *target = collector->targets[i];
        if (!target->misread)
            finish_target(target);
        set_cpu(collector, target, pid, status, usage_ns(usage) - children_ns);
        summarize(collector, target, summary);
    }
    if (summary->misread)
        recording_discard(collector->rec);
    run->rate_hz = collector->rate_hz;
    run->measured = 1u << STATE_PYTHON | 1u << STATE_NATIVE | 1u << STATE_KERNEL;
    run->exit_code = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
    for (size_t i = 0; i < collector->target_count; i++) {
        struct process_info *info =
            recording_process_info(collector->rec, collector->targets[i]->process);
        if (!collector->targets[i]->samples || run->python_version[0])
            continue;
        run->python_version = info->version;
        run->python_executable = info->executable;
    }
}

void collector_free(struct collector *collector)
{
    if (!collector)
        return;
    for (size_t i = 0; i < collector->target_count; i++)
        target_free(collector->targets[i]);
    free(collector->targets);
    free(collector->copy);
    free(collector->code_copy);
    free(collector);
}
