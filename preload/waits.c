// SPDX-License-Identifier: MIT
// waits.c - a thread that blocks SIGPROF or SIGTRAP finds none of ours when it asks for what is
// pending.
//
// A program may block every signal and wait for them in one thread. Our tick then pends there like
// any other signal; whoever takes it out throws it away and goes on waiting.
#include "shim.h"

#include <errno.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int wait_once(const sigset_t *set, siginfo_t *info, const struct timespec *timeout)
{
    return REAL(sigtimedwait)(set, info, timeout);
}

static int64_t nanoseconds(const struct timespec *ts)
{
    return ts->tv_sec * INT64_C(1000000000) + ts->tv_nsec;
}

// What is left of a timeout that began at `start`; not below 0.
static struct timespec left_of(const struct timespec *timeout, const struct timespec *start)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t ns = nanoseconds(timeout) - (nanoseconds(&now) - nanoseconds(start));
    if (ns < 0)
        ns = 0;
    return (struct timespec){ns / 1000000000, ns % 1000000000};
}

EXPORT int sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout)
{
    siginfo_t own;
    struct timespec start, left;
    const struct timespec *patience = timeout;
    if (timeout)
        clock_gettime(CLOCK_MONOTONIC, &start);
    for (;;) {
        int sig = wait_once(set, &own, patience);
        if ((sig != SIGPROF && sig != SIGTRAP) || !handler_owns(&own)) {
            if (sig > 0 && info)
                *info = own;
            return sig;
        }
        if (timeout) {
            left = left_of(timeout, &start);
            patience = &left;
        }
    }
}

EXPORT int sigwaitinfo(const sigset_t *set, siginfo_t *info)
{
    return sigtimedwait(set, info, NULL);
}

EXPORT int sigwait(const sigset_t *set, int *sig)
{
    int saved_errno = errno, got;
    do
        got = sigtimedwait(set, NULL, NULL);
    while (got < 0 && errno == EINTR);
    int err = got < 0 ? errno : 0;
    if (!err)
        *sig = got;
    errno = saved_errno;
    return err;
}

// As it was, to the thread or the process. (Only the main thread may send its process what the
// kernel or kill() would: another one keeps it for itself.)
static void put_back(siginfo_t *info)
{
    if (info->si_code == SI_TKILL ||
        syscall(SYS_rt_sigqueueinfo, getpid(), info->si_signo, info) < 0)
        syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), info->si_signo, info);
}

// True when such a signal of the program's is pending; ours are taken out. What had to be taken out
// to look at it is put back.
static bool program_has_one(int sig)
{
    const struct timespec none = {0, 0};
    const uint64_t set = UINT64_C(1) << (sig - 1);
    siginfo_t info; // the kernel's own: glibc makes SI_USER of SI_TKILL
    while (syscall(SYS_rt_sigtimedwait, &set, &info, &none, sizeof set) == sig)
        if (!handler_owns(&info)) {
            put_back(&info);
            return true;
        }
    return false;
}

EXPORT int sigpending(sigset_t *set)
{
    int saved_errno = errno;
    int result = REAL(sigpending)(set);
    static const int ours[] = {SIGPROF, SIGTRAP};
    for (size_t i = 0; result == 0 && i < sizeof ours / sizeof *ours; i++)
        if (sigismember(set, ours[i]) == 1 && !program_has_one(ours[i]))
            sigdelset(set, ours[i]);
    if (result == 0)
        errno = saved_errno;
    return result;
}
