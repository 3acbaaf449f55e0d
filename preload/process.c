// SPDX-License-Identifier: MIT
// process.c - exec, _exit and fork: what ends here, and what a child inherits.
//
// vfork is not wrapped (a C wrapper of it crashes its caller): between vfork and exec the child
// runs on our memory, so nothing here writes state unless the process is the owner of it.
#include "shim.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void wait_for_hold(struct ring_header *header)
{
    struct timespec slice = {0, 1000000};
    for (int i = 0; i < 50; i++) {
        if (atomic_load(&header->perf_hold) != HOLD_ASKED)
            return;
        syscall(SYS_futex, &header->perf_hold, FUTEX_WAIT, HOLD_ASKED, &slice, NULL, 0);
    }
}

// The collector stops its perf events first, see enum ring_hold. (Timers need no such care: exec
// drops their signals.)
static void before_exec(void)
{
    if (!atomic_load_explicit(&shim.active, memory_order_acquire) || !shim_owned())
        return;
    struct ring_header *header = shim.ring.header;
    atomic_store(&header->end_cpu_ns, shim_process_cpu());
    atomic_store(&header->replaced, 1);
    if (!(shim.session.header->flags & SESSION_PERF))
        return;
    atomic_store(&header->perf_hold, HOLD_ASKED);
    session_wake(&shim.session);
    wait_for_hold(header);
}

static void after_failed_exec(void)
{
    if (!atomic_load_explicit(&shim.active, memory_order_acquire) || !shim_owned())
        return;
    int saved_errno = errno;
    struct ring_header *header = shim.ring.header;
    atomic_store(&header->replaced, 0);
    atomic_store(&header->perf_hold, HOLD_NONE);
    session_wake(&shim.session);
    errno = saved_errno;
}

#define EXEC(name, parameters, arguments)                                                          \
    EXPORT int name parameters                                                                     \
    {                                                                                              \
        __typeof__(&name) real = REAL(name);                                                       \
        before_exec();                                                                             \
        int result = real arguments;                                                               \
        after_failed_exec();                                                                       \
        return result;                                                                             \
    }

EXEC(execve, (const char *path, char *const argv[], char *const envp[]), (path, argv, envp))
EXEC(execv, (const char *path, char *const argv[]), (path, argv))
EXEC(execvp, (const char *file, char *const argv[]), (file, argv))
EXEC(execvpe, (const char *file, char *const argv[], char *const envp[]), (file, argv, envp))
EXEC(fexecve, (int fd, char *const argv[], char *const envp[]), (fd, argv, envp))

// exit() ends in shim.c's destructor; _exit() and its twin run none.
static void before_exit(void)
{
    if (atomic_load_explicit(&shim.active, memory_order_acquire) && shim_owned())
        atomic_store(&shim.ring.header->end_cpu_ns, shim_process_cpu());
}

EXPORT _Noreturn void _exit(int status)
{
    before_exit();
    for (;;)
        syscall(SYS_exit_group, status);
}

EXPORT _Noreturn void _Exit(int status)
{
    _exit(status);
}
