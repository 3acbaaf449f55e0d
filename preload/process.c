// SPDX-License-Identifier: MIT
// process.c - exec, spawn and _exit: what ends here, and what a child inherits.
//
// vfork is not wrapped (a C wrapper of it crashes its caller): between vfork and exec the child
// runs on our memory, so nothing here writes state unless the process is the owner of it. (What the
// kernel does with a signal is the child's own.)
#include "shim.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// ---- before and after exec

static bool is_active_owner(void)
{
    return atomic_load_explicit(&shim.active, memory_order_acquire) && shim_owned();
}

static bool uses_perf(void)
{
    return shim.session.header->flags & SESSION_PERF;
}

// False when the collector, which may be starved, has not answered in time.
static bool wait_for_hold(struct ring_header *header)
{
    struct timespec slice = {0, 1000000};
    for (int i = 0; i < 200; i++) {
        if (atomic_load(&header->perf_hold) != HOLD_ASKED)
            return true;
        syscall(SYS_futex, &header->perf_hold, FUTEX_WAIT, HOLD_ASKED, &slice, NULL, 0);
    }
    return false;
}

bool process_stop_perf(void)
{
    struct ring_header *header = shim.ring.header;
    if (!uses_perf())
        return true;
    atomic_store(&header->perf_hold, HOLD_ASKED);
    session_wake(&shim.session);
    return wait_for_hold(header);
}

void process_start_perf(void)
{
    atomic_store(&shim.ring.header->perf_hold, HOLD_NONE);
    if (uses_perf())
        session_wake(&shim.session);
}

static void before_exec(void)
{
    int saved_errno = errno;
    signals_before_exec();
    if (is_active_owner()) {
        struct ring_header *header = shim.ring.header;
        shim_note_end();
        atomic_store(&header->replaced, 1);
        // (Timers need no such care: exec drops their signals.)
        if (uses_perf())
            signals_drop_pending(process_stop_perf());
    }
    errno = saved_errno;
}

static void after_failed_exec(void)
{
    int saved_errno = errno;
    signals_after_exec();
    if (is_active_owner()) {
        struct ring_header *header = shim.ring.header;
        atomic_store(&header->replaced, 0);
        atomic_store(&header->end_cpu_ns, 0);
        atomic_store(&header->end_ns, 0);
        process_start_perf();
    }
    errno = saved_errno;
}

// ---- exec

// What runs `name` is found as execvp() finds it, to look at it. NULL: it will fail, or be a
// shell's.
static const char *find_program(const char *name, char found[PATH_MAX])
{
    const char *list = getenv("PATH");
    if (strchr(name, '/'))
        return name;
    for (const char *at = list ? list : "/bin:/usr/bin"; *at;) {
        size_t n = strcspn(at, ":"), length = strlen(name);
        if (n + 1 + length < PATH_MAX) {
            memcpy(found, at, n);
            found[n] = '/';
            memcpy(found + n + 1, name, length + 1);
            if (access(n ? found : name, X_OK) == 0)
                return n ? found : name;
        }
        at += n + (at[n] == ':');
    }
    return NULL;
}

// A child that the session will never hear of is counted here. (The header is shared memory: a
// vfork child may do so, too.)
static void note_lost(const char *path, char *const envp[])
{
    struct session_header *session = shim.session.header;
    if (session && (session->flags & SESSION_CHILDREN) && inherit_loses_python(path, envp))
        atomic_fetch_add(&session->cleared, 1);
}

// What a confined program starts is confined as well.
static bool loads(const char *path, char *const envp[])
{
    if (atomic_load(&shim.quiet))
        return false;
    note_lost(path, envp);
    return inherit_loads(path, envp);
}

static int execute(const char *path, char *const argv[], char *const envp[])
{
    before_exec();
    if (loads(path, envp)) {
        REAL(execve)(path, argv, envp);
    } else {
        char *clean[inherit_count(envp)], preload[inherit_preload_size(envp)];
        inherit_without_shim(envp, clean, preload);
        REAL(execve)(path, argv, clean);
    }
    after_failed_exec();
    return -1;
}

static int execute_searched(const char *file, char *const argv[], char *const envp[])
{
    char found[PATH_MAX];
    before_exec();
    int saved_errno = errno;
    const char *path = atomic_load(&shim.quiet) ? NULL : find_program(file, found);
    errno = saved_errno;
    if (loads(path, envp)) {
        REAL(execvpe)(file, argv, envp);
    } else {
        char *clean[inherit_count(envp)], preload[inherit_preload_size(envp)];
        inherit_without_shim(envp, clean, preload);
        REAL(execvpe)(file, argv, clean);
    }
    after_failed_exec();
    return -1;
}

EXPORT int execve(const char *path, char *const argv[], char *const envp[])
{
    return execute(path, argv, envp);
}

EXPORT int execv(const char *path, char *const argv[])
{
    return execute(path, argv, environ);
}

EXPORT int execvp(const char *file, char *const argv[])
{
    return execute_searched(file, argv, environ);
}

EXPORT int execvpe(const char *file, char *const argv[], char *const envp[])
{
    return execute_searched(file, argv, envp);
}

EXPORT int fexecve(int fd, char *const argv[], char *const envp[])
{
    before_exec();
    REAL(fexecve)(fd, argv, envp);
    after_failed_exec();
    return -1;
}

// The functions with their arguments in a row: those behind `first` go to argv.
#define COLLECT(first, rest)                                                                       \
    size_t count_ = 1;                                                                             \
    va_start(rest, first);                                                                         \
    while (va_arg(rest, char *))                                                                   \
        count_++;                                                                                  \
    va_end(rest);                                                                                  \
    char *argv[count_ + 1];                                                                        \
    argv[0] = (char *)first;                                                                       \
    va_start(rest, first);                                                                         \
    for (size_t i_ = 1; i_ <= count_; i_++)                                                        \
    argv[i_] = va_arg(rest, char *)

EXPORT int execl(const char *path, const char *arg, ...)
{
    va_list rest;
    COLLECT(arg, rest);
    va_end(rest);
    return execute(path, argv, environ);
}

EXPORT int execlp(const char *file, const char *arg, ...)
{
    va_list rest;
    COLLECT(arg, rest);
    va_end(rest);
    return execute_searched(file, argv, environ);
}

EXPORT int execle(const char *path, const char *arg, ...)
{
    va_list rest;
    COLLECT(arg, rest);
    char *const *envp = va_arg(rest, char *const *);
    va_end(rest);
    return execute(path, argv, envp);
}

// ---- spawn

#define SPAWN(name, find)                                                                          \
    EXPORT int name(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,       \
                    const posix_spawnattr_t *attr, char *const argv[], char *const envp[])         \
    {                                                                                              \
        char found[PATH_MAX], *clean[inherit_count(envp)], preload[inherit_preload_size(envp)];    \
        int saved_errno = errno, err;                                                              \
        bool as_is = loads(find, envp);                                                            \
        if (!as_is)                                                                                \
            inherit_without_shim(envp, clean, preload);                                            \
        signals_before_exec();                                                                     \
        errno = saved_errno;                                                                       \
        err = REAL(name)(pid, file, actions, attr, argv, as_is ? envp : clean);                    \
        saved_errno = errno;                                                                       \
        signals_after_exec();                                                                      \
        errno = saved_errno;                                                                       \
        return err;                                                                                \
    }

SPAWN(posix_spawn, ((void)found, file))
SPAWN(posix_spawnp, find_program(file, found))

// ---- _exit

// exit() ends in shim.c's destructor; _exit() and its twin run none.
EXPORT _Noreturn void _exit(int status)
{
    if (is_active_owner())
        shim_note_end();
    for (;;)
        syscall(SYS_exit_group, status);
}

EXPORT _Noreturn void _Exit(int status)
{
    _exit(status);
}
