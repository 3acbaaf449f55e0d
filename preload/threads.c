// SPDX-License-Identifier: MIT
// threads.c - stands in front of pthread_create, so that every thread, Python's or a native
// library's, starts and ends with a timer of its own.
#include "shim.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct start {
    void *(*run)(void *);
    void *argument;
};

static _Thread_local bool ended __attribute__((tls_model("initial-exec")));

bool threads_ended(void)
{
    return ended;
}

static void send_record(enum record_type type, int64_t cpu_ns)
{
    struct record_thread *record =
        (struct record_thread *)ring_reserve(&shim.ring, sizeof(struct record_thread));
    if (!record)
        return; // its samples announce it as well
    record->tid = (int32_t)syscall(SYS_gettid);
    record->pthread = (uint64_t)pthread_self();
    record->time_ns = (uint64_t)shim_clock(CLOCK_MONOTONIC);
    record->cpu_ns = cpu_ns;
    prctl(PR_GET_NAME, record->name);
    ring_commit(&shim.ring, &record->record, sizeof *record, sizeof *record, type);
}

void threads_announce(enum record_type type)
{
    send_record(type, shim_clock(CLOCK_THREAD_CPUTIME_ID));
    if (shim.session.header->flags & SESSION_PERF)
        session_wake(&shim.session); // an event has to be opened or closed
}

void threads_announce_pause(int64_t cpu_ns)
{
    send_record(RECORD_THREAD_PAUSE, cpu_ns);
}

// Runs at return, pthread_exit and cancellation alike.
static void thread_end(void *unused)
{
    (void)unused;
    ended = true;
    if (!shim_enter())
        return;
    timers_stop();
    if (atomic_load_explicit(&shim.active, memory_order_acquire))
        threads_announce(RECORD_THREAD_END);
    shim_leave();
}

static void thread_begin(void)
{
    if (!shim_enter())
        return;
    if (atomic_load_explicit(&shim.active, memory_order_acquire)) {
        threads_announce(RECORD_THREAD_START);
        timers_start();
    }
    shim_leave();
}

static void *thread_main(void *argument)
{
    struct start start = *(struct start *)argument;
    free(argument);
    void *result;
    pthread_cleanup_push(thread_end, NULL);
    thread_begin();
    result = start.run(start.argument);
    pthread_cleanup_pop(1);
    return result;
}

EXPORT int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *),
                          void *argument)
{
    __typeof__(&pthread_create) real = REAL(pthread_create);
    if (!atomic_load_explicit(&shim.active, memory_order_acquire) || !shim_owned())
        return real(thread, attr, run, argument);
    struct start *start = malloc(sizeof *start);
    if (!start) // the thread matters more than its samples
        return real(thread, attr, run, argument);
    *start = (struct start){run, argument};
    int err = real(thread, attr, thread_main, start);
    if (err)
        free(start);
    return err;
}
