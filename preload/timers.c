// SPDX-License-Identifier: MIT
// timers.c - a timer on each thread's CPU clock that signals that same thread.
//
// Raw system calls: glibc's timer_create() would keep state of its own and needs librt before 2.34.
// The kernel raises the signal on its tick, on the way back to user mode, so a blocking call never
// sees an EINTR of ours.
//
// A thread that blocks SIGPROF would have it pending, for whoever asks: signalfd, sigsuspend, a
// poll with a mask. So its timer stands still meanwhile (masks.c).
#include "shim.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NO_TIMER   (-1)
#define NOTABLE_NS 1000000 // CPU time without a timer that the collector is told of

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

static _Thread_local unsigned paused __attribute__((tls_model("initial-exec"))); // reasons
static _Thread_local int64_t paused_cpu_ns __attribute__((tls_model("initial-exec")));
static _Thread_local struct timespec left __attribute__((tls_model("initial-exec")));

static bool set_timer(int timer, struct timespec value, struct itimerspec *before)
{
    int64_t ns = shim.session.header->interval_ns;
    struct itimerspec spec = {.it_interval = {ns / 1000000000, ns % 1000000000}, .it_value = value};
    return syscall(SYS_timer_settime, timer, 0, &spec, before) == 0;
}

static struct timespec interval(void)
{
    int64_t ns = shim.session.header->interval_ns;
    return (struct timespec){ns / 1000000000, ns % 1000000000};
}

void timers_start(void)
{
    int timer;
    if (own_timer != NO_TIMER || (shim.session.header->flags & SESSION_CHECK))
        return;
    left = interval();
    paused = masks_block_ticks() ? PAUSED_MASK : 0;
    paused_cpu_ns = paused ? shim_clock(CLOCK_THREAD_CPUTIME_ID) : 0;
    if (may_arm() && create(&timer)) {
        own_timer = timer;
        atomic_fetch_add_explicit(&armed, 1, memory_order_relaxed);
        if (paused || set_timer(timer, left, NULL))
            return;
        timers_stop();
    }
    atomic_fetch_add_explicit(&shim.ring.header->lost[LOST_NO_TIMER], 1, memory_order_relaxed);
}

void timers_pause(enum pause why)
{
    struct itimerspec before;
    bool first = !paused;
    paused |= why;
    if (!first || own_timer == NO_TIMER)
        return;
    if (set_timer(own_timer, (struct timespec){0, 0}, &before))
        left =
            before.it_value; // a thread that blocks and unblocks all the time has its ticks as well
    paused_cpu_ns = shim_clock(CLOCK_THREAD_CPUTIME_ID);
}

void timers_resume(enum pause why)
{
    bool last = paused && !(paused &= ~(unsigned)why);
    if (!last || own_timer == NO_TIMER)
        return;
    int64_t spent_ns = shim_clock(CLOCK_THREAD_CPUTIME_ID) - paused_cpu_ns;
    if (spent_ns > NOTABLE_NS)
        threads_announce_pause(spent_ns);
    if (!left.tv_sec && !left.tv_nsec)
        left.tv_nsec = 1;
    set_timer(own_timer, left, NULL);
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
