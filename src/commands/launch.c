// SPDX-License-Identifier: MIT
// launch.c - fork, exec and wait. Between fork and exec only calls that are safe there.
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "conduct.h"

// ---- in the child

// A script without `#!` is the shell's, as execvp has it.
static void execute_by_shell(const struct program *program, char *const *environment)
{
    size_t count = program->argv.count;
    char *argv[count + 2];
    argv[0] = (char *)"sh";
    argv[1] = program->path;
    memcpy(argv + 2, program->argv.at + 1, count * sizeof *argv); // with the NULL
    execve("/bin/sh", argv, environment);
}

static _Noreturn void become(const struct program *program, char *const *environment, int report)
{
    if (program->stdin_fd >= 0)
        dup2(program->stdin_fd, STDIN_FILENO);
    conduct_in_child();
    execve(program->path, program->argv.at, environment);
    if (errno == ENOEXEC)
        execute_by_shell(program, environment);
    int error = errno;
    ssize_t n = write(report, &error, sizeof error);
    _exit(n == sizeof error ? CODE_NOT_FOUND : CODE_FAILED);
}

// ---- in lineprof

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now = {0};
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

// Where the kernel says ENOENT for a file that is there, its interpreter is not.
static bool fail_to_execute(const struct program *program, int error, struct outcome *outcome)
{
    if (error == ENOENT && access(program->path, F_OK) == 0)
        return fail(outcome, CODE_NOT_FOUND,
                    "cannot run '%s': what its first line or its ELF header names is not there",
                    program->path);
    if (error == E2BIG)
        return fail(outcome, CODE_NOT_EXECUTABLE, "cannot run '%s': too many or too long arguments",
                    program->path);
    return fail(outcome, error == ENOENT ? CODE_NOT_FOUND : CODE_NOT_EXECUTABLE,
                "cannot run '%s': %s", program->path, strerror(error));
}

// The pipe closes with exec, or brings the errno that prevented it.
static int read_error(int fd)
{
    int error = 0;
    ssize_t n;
    do
        n = read(fd, &error, sizeof error);
    while (n < 0 && errno == EINTR);
    close(fd);
    return n == sizeof error ? error : 0;
}

bool launch(struct child *child, const struct program *program, char *const *environment,
            struct outcome *outcome)
{
    int report[2];
    if (pipe2(report, O_CLOEXEC) < 0)
        return fail(outcome, CODE_FAILED, "cannot make a pipe: %s", strerror(errno));
    *child = (struct child){.started_unix_ns = clock_ns(CLOCK_REALTIME)};
    child->started_ns = clock_ns(CLOCK_MONOTONIC);
    conduct_before_fork();
    child->pid = fork();
    if (child->pid == 0)
        become(program, environment, report[1]);
    int error = errno;
    conduct_after_fork(child->pid);
    close(report[1]);
    if (child->pid < 0) {
        close(report[0]);
        return fail(outcome, CODE_FAILED, "cannot start a process: %s", strerror(error));
    }
    error = read_error(report[0]);
    if (!error)
        return true;
    waitpid(child->pid, NULL, 0);
    return fail_to_execute(program, error, outcome);
}

bool launch_has_ended(const struct child *child)
{
    siginfo_t info = {0};
    int result = waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT);
    return result < 0 ? errno != EINTR : info.si_pid == child->pid;
}

// A zombie's CPU clock still reads: its own time to the nanosecond, all threads, no descendants.
// (cutime and cstime in /proc/PID/stat would be whole ticks.)
static int64_t own_cpu_ns(pid_t pid)
{
    clockid_t clock;
    struct timespec cpu;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &cpu) < 0)
        return -1;
    return (int64_t)cpu.tv_sec * 1000000000 + cpu.tv_nsec;
}

static int64_t timeval_ns(struct timeval time)
{
    return (int64_t)time.tv_sec * 1000000000 + (int64_t)time.tv_usec * 1000;
}

int64_t launch_elapsed_ns(const struct child *child)
{
    return clock_ns(CLOCK_MONOTONIC) - child->started_ns;
}

// A zombie still says how it was confined.
static int seccomp_mode(pid_t pid)
{
    char path[32], line[256];
    int mode = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "Seccomp:", strlen("Seccomp:")) == 0)
            mode = (int)strtol(line + strlen("Seccomp:"), NULL, 10);
    if (file)
        fclose(file);
    return mode;
}

void launch_reap(struct child *child)
{
    child->elapsed_ns = launch_elapsed_ns(child);
    int64_t own = own_cpu_ns(child->pid);
    child->seccomp = seccomp_mode(child->pid);
    while (wait4(child->pid, &child->status, 0, &child->usage) < 0 && errno == EINTR)
        ;
    int64_t all = timeval_ns(child->usage.ru_utime) + timeval_ns(child->usage.ru_stime);
    child->children_ns = own >= 0 && own < all ? all - own : 0;
}
