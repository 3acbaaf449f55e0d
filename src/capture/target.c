// SPDX-License-Identifier: MIT
// target.c - a profiled process and its threads become the recording's; target_codes.c has its
// code.
#include "target.h"
#include "progress.h"
#include "reach.h"
#include "steps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lineprof/thread_name.h"

#define THREAD_NAME  256
#define NAME_TRIES   8
#define RENAME_NS    INT64_C(2000000000)
#define HELPERS_NS   INT64_C(100000000)
#define NATIVE_TICKS 5 // for so long a sample in native code is believed to go on

// ---- the process

const char *target_text(const char *text, size_t size, char *out)
{
    memcpy(out, text, size);
    out[size - 1] = '\0';
    return out;
}

// Arguments, NUL-separated, as a person would have typed them.
static void join_arguments(const char *arguments, uint32_t length, char *out, size_t size)
{
    size_t n = 0;
    for (uint32_t i = 0; i < length && n + 3 < size; i++) {
        char c = arguments[i];
        out[n++] = c ? c : ' ';
    }
    while (n && out[n - 1] == ' ')
        n--;
    out[n] = '\0';
}

static void describe(struct target *target)
{
    const struct ring_header *header = target->ring.header;
    char version[sizeof header->version], executable[sizeof header->executable];
    char cwd[sizeof header->cwd], command[sizeof header->command + 4];
    uint32_t length = header->command_length;
    if (length > sizeof header->command)
        length = sizeof header->command;
    join_arguments(header->command, length, command, sizeof command);
    struct process_info info = {
        .pid = header->pid,
        .ppid = header->ppid,
        .command = command,
        .executable = target_text(header->executable, sizeof executable, executable),
        .version = target_text(header->version, sizeof version, version),
        .cwd = target_text(header->cwd, sizeof cwd, cwd),
    };
    target->process = recording_process(target->rec, &info);
    target->census->processes++;
}

static void fold(struct target *target)
{
    struct census *census = target->census;
    const struct process_info more = {.command = "(more processes)"};
    if (census->more_process == NO_ROW)
        census->more_process = recording_process(target->rec, &more);
    target->process = census->more_process;
    target->folded = true;
}

static void find_ancestors(struct target *target)
{
    pid_t pid = target->ring.header->ppid;
    for (size_t i = 0; target->reach > 0 && i < ANCESTORS && pid > 1 && pid != getpid(); i++) {
        target->ancestors[i] = pid;
        pid = proc_parent(pid);
    }
}

struct target *target_open(struct recording *rec, struct census *census, struct ring ring)
{
    struct target *target = calloc(1, sizeof *target);
    if (!target)
        return NULL;
    target->ring = ring;
    target->rec = rec;
    target->census = census;
    target->more_thread = NO_ROW;
    target->codes_most = CODES_MOST;
    target->pid = ring.header->pid;
    enum reach reach = reach_find(ring.header);
    target->reach = reach == REACH_WHOLE || reach == REACH_NO_MEMORY ? target->pid : -1;
    target->unreadable = reach == REACH_NO_MEMORY || reach == REACH_NONE;
    target->watch = target->reach > 0 ? reach_watch(target->pid) : -1;
    target->mem = mem_process(target->reach);
    target->layout = ring.header->layout;
    target->samples = atomic_load(&ring.header->status) == RING_ACTIVE;
    find_ancestors(target);
    if (census->processes < PROCESSES_MOST)
        describe(target);
    else
        fold(target);
    return target;
}

static void free_thread(void *value)
{
    struct thread *thread = value;
    if (thread->schedstat >= 0)
        close(thread->schedstat);
    if (thread->perf >= 0)
        close(thread->perf);
    mem_seen_free(&thread->seen);
    free(thread->stack);
    free(thread);
}

void target_free(struct target *target)
{
    maps_free(&target->maps);
    target_free_codes(target);
    map_free(&target->threads, free_thread);
    map_free(&target->ambiguous, free);
    steps_free(target);
    free(target->pipes);
    if (target->watch >= 0)
        close(target->watch);
    ring_close(&target->ring);
    free(target);
}

// ---- threads

static uint32_t thread_row(struct target *target, struct thread *thread, const char *name)
{
    thread->folded = target->folded || target->census->threads >= THREADS_MOST;
    if (!thread->folded) {
        target->census->threads++;
        return recording_thread(target->rec, target->process, thread->tid, name);
    }
    if (target->more_thread == NO_ROW)
        target->more_thread = recording_thread(target->rec, target->process, 0, "(more threads)");
    return target->more_thread;
}

struct thread *target_thread(struct target *target, int32_t tid)
{
    struct thread *thread = map_get(&target->threads, (uint64_t)(uint32_t)tid);
    if (thread && !thread->ended)
        return thread;
    if (thread) { // another has its number
        map_remove(&target->threads, (uint64_t)(uint32_t)tid);
        free_thread(thread);
    }
    thread = calloc(1, sizeof *thread);
    if (!thread)
        return NULL;
    char name[16];
    proc_thread_name(target->reach, tid, name);
    thread->tid = tid;
    thread->perf = -1;
    thread->last_node = NO_NODE;
    thread->duty = 1;
    thread->named = name[0] != '\0';
    thread->schedstat = proc_schedstat_open(target->reach, tid);
    thread->id = thread_row(target, thread, name);
    if (map_put(&target->threads, (uint64_t)(uint32_t)tid, thread)) {
        free_thread(thread);
        return NULL;
    }
    return thread;
}

void target_name_thread(struct target *target, struct thread *thread, const char *name)
{
    struct thread_info *info = recording_thread_info(target->rec, thread->id);
    if (thread->folded)
        return;
    const char *text = recording_string(target->rec, name);
    if (info->name == info->kernel_name)
        info->name = text;
    info->kernel_name = text;
    thread->named = true;
}

void target_ask_name(struct target *target, struct thread *thread, int64_t now_ns)
{
    char name[THREAD_NAME];
    if (thread->folded || !thread->tstate || now_ns < thread->name_due_ns)
        return;
    struct thread_info *info = recording_thread_info(target->rec, thread->id);
    thread->name_due_ns = now_ns + RENAME_NS;
    if (thread->tid == target->pid) {
        info->name = recording_string(target->rec, "MainThread");
    } else if (thread_name_read(&target->mem, &target->layout, thread->tstate, name, sizeof name) ==
               0) {
        info->name = recording_string(target->rec, name);
    } else if (thread->name_tries < NAME_TRIES) { // it has just begun, or is changing
        thread->name_due_ns = now_ns + (INT64_C(5000000) << thread->name_tries++);
    }
}

void target_describe_thread(struct target *target, const struct thread *thread)
{
    struct thread_info *info = recording_thread_info(target->rec, thread->id);
    const struct waiting *waiting = &thread->waiting;
    const struct thread_info before = thread->folded ? *info : (struct thread_info){0};
    int64_t cpu_ns = waiting->stat.cpu_ns > thread->cpu_ns ? waiting->stat.cpu_ns : thread->cpu_ns;
    info->wall_ns = before.wall_ns + waiting->seen_ns - thread->begun_ns;
    info->cpu_ns = before.cpu_ns + cpu_ns;
    info->overhead_ns = before.overhead_ns + thread->overhead_ns;
    info->native = thread->stateless && !thread->python;
}

void target_note_tail(const struct thread *thread)
{
    if (thread->pot)
        thread->pot->tail_ns = thread->waiting.stat.cpu_ns - thread->cpu_ns;
}

// Its row stays until the kernel forgets the thread: else a list of threads would bring it back.
void target_thread_end(struct target *target, struct thread *thread)
{
    progress_settle(target, thread, NULL);
    target_describe_thread(target, thread);
    target_note_tail(thread);
    thread->ended = true;
    if (thread->schedstat >= 0)
        close(thread->schedstat);
    thread->schedstat = -1;
    mem_seen_free(&thread->seen);
}

#define LISTED_MOST 65536
static int32_t listed[LISTED_MOST];

static void forget(struct target *target, int32_t tid)
{
    struct thread *thread = map_get(&target->threads, (uint64_t)(uint32_t)tid);
    if (!thread->ended)
        target_thread_end(target, thread);
    map_remove(&target->threads, (uint64_t)(uint32_t)tid);
    free_thread(thread);
}

static void forget_gone(struct target *target)
{
    size_t count = 0;
    for (size_t i = 0; i < target->threads.capacity && count < LISTED_MOST; i++) {
        const struct thread *thread = target->threads.slots[i].value;
        if (thread && !proc_thread_lives(target->reach, thread->tid))
            listed[count++] = thread->tid;
    }
    while (count)
        forget(target, listed[--count]);
}

void target_list_threads(struct target *target)
{
    size_t count = proc_thread_count(target->reach);
    if (!count || count == target->threads.count)
        return;
    forget_gone(target);
    if (count <= target->threads.count)
        return;
    count = proc_threads(target->reach, listed, LISTED_MOST);
    for (size_t i = 0; i < count && i < LISTED_MOST; i++)
        target_thread(target, listed[i]);
}

// ---- native threads

// A thread of Python is in native code now: it waits there for a lock, or it was seen to compute
// there a few ticks ago. When, for the latest to be taken; 0: it is not.
static int64_t in_native_code(const struct target *target, const struct thread *thread,
                              int64_t now_ns)
{
    const struct waiting *waiting = &thread->waiting;
    if (thread->ended || !thread->tstate || thread->last_node == NO_NODE)
        return 0;
    if (waiting->blocked && waiting->in_native)
        return waiting->seen_ns;
    return now_ns - thread->native_ns < NATIVE_TICKS * target->period_ns ? thread->native_ns : 0;
}

// It matters who waits in native code, and nobody is known to: those that are blocked are looked at
// again, with what libraries there are now.
static void look_for_waiters(struct target *target, int64_t now_ns)
{
    if (target->helpers_ns && now_ns - target->helpers_ns < HELPERS_NS)
        return;
    target->helpers_ns = now_ns;
    target->maps.read_ns = 0;
    for (size_t i = 0; i < target->threads.capacity; i++) {
        struct thread *thread = target->threads.slots[i].value;
        if (thread)
            thread->waiting.blocked = false;
    }
}

uint32_t target_helper_node(struct target *target, uint32_t node, int64_t now_ns)
{
    const struct thread *waiter = NULL;
    int64_t latest = 0;
    for (size_t i = 0; i < target->threads.capacity; i++) {
        const struct thread *thread = target->threads.slots[i].value;
        int64_t at = thread ? in_native_code(target, thread, now_ns) : 0;
        if (at > latest) {
            latest = at;
            waiter = thread;
        }
    }
    if (!waiter) {
        look_for_waiters(target, now_ns);
        return node;
    }
    uint32_t helper = recording_function(target->rec, NATIVE_THREADS, "<native thread>", 0);
    return recording_node(target->rec, waiter->last_node, helper, 0);
}

// ---- time

void target_add(struct target *target, struct thread *thread, uint32_t node, enum state state,
                int64_t ns, unsigned samples)
{
    struct times times = {.samples = samples};
    times.ns[state] = ns;
    recording_add(target->rec, node, thread->id, &times);
    target->sampled_ns += ns;
}

struct ambiguous *target_ambiguous(struct target *target, struct thread *thread, uint64_t key,
                                   uint32_t node, int64_t ns)
{
    uint64_t hash = map_hash(map_hash(key) ^ ((uint64_t)node << 32 | thread->id));
    struct ambiguous *entry = map_get(&target->ambiguous, hash);
    if (!entry) {
        entry = malloc(sizeof *entry);
        if (!entry || map_put(&target->ambiguous, hash, entry)) {
            free(entry);
            target_add(target, thread, node, STATE_PYTHON, ns, 0);
            return NULL;
        }
        *entry = (struct ambiguous){.key = key, .node = node, .thread = thread->id};
    }
    entry->ns += ns;
    return entry;
}
