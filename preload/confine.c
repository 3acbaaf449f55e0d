// SPDX-License-Identifier: MIT
// confine.c - a program that confines itself by seccomp: from then on, no system call of ours.
//
// A filter, or strict mode, kills for calls that its author did not think of, and ours he cannot
// have. So prctl() and syscall(), through which filters are installed, are wrapped: before one
// stands, this process is no longer profiled. Signals of timers that other threads have left come
// on; their handler just returns. Who reaches the kernel past these two is not seen.
#include "shim.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <time.h>

bool shim_enter(void)
{
    atomic_fetch_add(&shim.inside, 1);
    if (!atomic_load(&shim.quiet))
        return true;
    shim_leave();
    return false;
}

void shim_leave(void)
{
    atomic_fetch_sub(&shim.inside, 1);
}

// A filter may be for all threads. Bounded: one that is stopped in a debugger is not waited for.
static void wait_for_others(void)
{
    const struct timespec pause = {0, 100000};
    for (int i = 0; i < 1000 && atomic_load(&shim.inside); i++)
        clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
}

// False when there is nothing to hush.
static bool hush(void)
{
    if (!atomic_load(&shim.active) || !shim_owned())
        return false;
    int saved_errno = errno;
    timers_stop();
    process_stop_perf(); // an exec could not ask for it any more
    atomic_store(&shim.active, false);
    atomic_store(&shim.quiet, true);
    atomic_fetch_add(&shim.session.header->confined, 1);
    wait_for_others();
    errno = saved_errno;
    return true;
}

static void go_on(void)
{
    int saved_errno = errno;
    atomic_fetch_sub(&shim.session.header->confined, 1);
    atomic_store(&shim.quiet, false);
    atomic_store(&shim.active, true);
    timers_start();
    process_start_perf();
    errno = saved_errno;
}

EXPORT int prctl(int option, ...)
{
    unsigned long a[4];
    va_list rest;
    va_start(rest, option);
    for (int i = 0; i < 4; i++)
        a[i] = va_arg(rest, unsigned long);
    va_end(rest);
    bool hushed = option == PR_SET_SECCOMP && hush();
    int result = REAL(prctl)(option, a[0], a[1], a[2], a[3]);
    if (hushed && result < 0)
        go_on();
    return result;
}

// ---- syscall()

// As libc's: six words, whatever was given.
static inline long system_call(long number, long a, long b, long c, long d, long e, long f)
{
#if defined(__x86_64__)
    register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c, x3 __asm__("x3") = d, x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc 0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory");
    return x0;
#endif
}

// Apart: its room on the stack is not the handler's.
__attribute__((noinline)) static long seccomp(long operation, long flags, long argument)
{
    bool sets = operation == SECCOMP_SET_MODE_STRICT || operation == SECCOMP_SET_MODE_FILTER;
    bool hushed = sets && hush();
    long result = system_call(SYS_seccomp, operation, flags, argument, 0, 0, 0);
    // Above 0: the descriptor of a new listener, or a thread that could not be brought along.
    if (hushed &&
        (result < 0 || (result > 0 && !((unsigned long)flags & SECCOMP_FILTER_FLAG_NEW_LISTENER))))
        go_on();
    return result;
}

// By an assembler name, since the real one's arguments vary. What lies where the seventh would be
// is read and never written: it may be the caller's.
EXPORT long shim_syscall(long number, long a, long b, long c, long d, long e,
                         long f) __asm__("syscall");
long shim_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    long result = number == SYS_seccomp ? seccomp(a, b, c) : system_call(number, a, b, c, d, e, f);
    if (result >= 0 || result < -4095)
        return result;
    errno = (int)-result;
    return -1;
}
