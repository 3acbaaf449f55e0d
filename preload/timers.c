// SPDX-License-Identifier: MIT
// timers.c - a timer on each thread's CPU clock that signals that same thread.
//
// Raw system calls: glibc's timer_create() would keep state of its own and needs librt before 2.34.
// The kernel raises the signal on its tick, on the way back to user mode, so a blocking call never
// sees an EINTR of ours.
#include "shim.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NO_TIMER (-1)

static _Thread_local int own_timer __attribute__((tls_model("initial-exec"))) = NO_TIMER;
static _Atomic uint32_t armed;

// Each timer holds one of the user's pending signals for good: at least half are the program's.
static bool may_arm(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_SIGPENDING, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
        return true;
    return atomic_load_explicit(&armed, memory_order_relaxed) < limit.rlim_cur / 2;
}

static bool create(int *timer)
{
    struct sigevent event = {
        .sigev_notify = SIGEV_THREAD_ID,
        .sigev_signo = SIGPROF,
        .sigev_value = {.sival_ptr = (void *)(uintptr_t)SESSION_COOKIE},
    };
    event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
    return syscall(SYS_timer_create, CLOCK_THREAD_CPUTIME_ID, &event, timer) == 0;
}

static bool arm(int timer)
{
    int64_t ns = shim.session.header->interval_ns;
    struct timespec interval = {ns / 1000000000, ns % 1000000000};
    struct itimerspec spec = {interval, interval};
    return syscall(SYS_timer_settime, timer, 0, &spec, NULL) == 0;
}

void timers_start(void)
{
    int timer;
    if (own_timer != NO_TIMER || (shim.session.header->flags & SESSION_CHECK))
        return;
    if (may_arm() && create(&timer)) {
        own_timer = timer;
        atomic_fetch_add_explicit(&armed, 1, memory_order_relaxed);
        if (arm(timer))
            return;
        timers_stop();
    }
    atomic_fetch_add_explicit(&shim.ring.header->lost[LOST_NO_TIMER], 1, memory_order_relaxed);
}

void timers_stop(void)
{
    int timer = own_timer;
    if (timer == NO_TIMER)
        return;
    own_timer = NO_TIMER;
    syscall(SYS_timer_delete, timer);
    atomic_fetch_sub_explicit(&armed, 1, memory_order_relaxed);
}

void timers_forked(void)
{
    own_timer = NO_TIMER;
    atomic_store_explicit(&armed, 0, memory_order_relaxed);
}
