// SPDX-License-Identifier: MIT
// masks.c - stands in front of what makes a thread unable to take a tick: blocking SIGPROF, and an
// alternate stack that our handler does not fit on.
//
// A tick that is blocked would pend, and be seen: signalfd reads it, sigsuspend and polls with a
// mask return for it. On a small stack the kernel's own part leaves nothing for us. So meanwhile
// the thread has no timer; the CPU time that goes by is counted as not sampled.
#include "shim.h"

#include <errno.h>
#include <sys/auxv.h>

#define HANDLER_SIZE 1536 // what we need of a stack beside the kernel's part, and some

static _Thread_local bool blocked __attribute__((tls_model("initial-exec")));

bool masks_block_ticks(void)
{
    sigset_t mask;
    blocked =
        REAL(pthread_sigmask)(SIG_SETMASK, NULL, &mask) == 0 && sigismember(&mask, SIGPROF) == 1;
    return blocked;
}

static bool is_ours(void)
{
    return atomic_load_explicit(&shim.active, memory_order_acquire) && shim_owned();
}

static bool will_block(int how, const sigset_t *set)
{
    bool named = sigismember(set, SIGPROF) == 1;
    if (how == SIG_BLOCK)
        return blocked || named;
    return how == SIG_UNBLOCK ? blocked && !named : named;
}

static int change_mask(__typeof__(&sigprocmask) real, int how, const sigset_t *set, sigset_t *old)
{
    if (!set || (how != SIG_BLOCK && how != SIG_UNBLOCK && how != SIG_SETMASK) || !is_ours())
        return real(how, set, old);
    int saved_errno = errno;
    bool was = blocked, will = will_block(how, set);
    if (will && !was)
        timers_pause(PAUSED_MASK); // before: what it has sent comes through
    blocked = will;
    errno = saved_errno;
    int result = real(how, set, old);
    saved_errno = errno;
    if (was && !will)
        timers_resume(PAUSED_MASK);
    errno = saved_errno;
    return result;
}

EXPORT int pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
    return change_mask(REAL(pthread_sigmask), how, set, old);
}

EXPORT int sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
    return change_mask(REAL(sigprocmask), how, set, old);
}

static bool is_small(const stack_t *stack)
{
    unsigned long least = getauxval(AT_MINSIGSTKSZ);
    return !(stack->ss_flags & SS_DISABLE) &&
           stack->ss_size < (least ? least : 2048) + HANDLER_SIZE;
}

EXPORT int sigaltstack(const stack_t *stack, stack_t *old)
{
    if (!stack || !is_ours())
        return REAL(sigaltstack)(stack, old);
    int saved_errno = errno;
    bool small = is_small(stack);
    if (small)
        timers_pause(PAUSED_STACK);
    errno = saved_errno;
    int result = REAL(sigaltstack)(stack, old);
    saved_errno = errno;
    if (!small && result == 0)
        timers_resume(PAUSED_STACK);
    errno = saved_errno;
    return result;
}
