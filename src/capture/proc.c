// SPDX-License-Identifier: MIT
// proc.c - readers of /proc/PID/task/TID.
#include "proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_task_file(pid_t pid, pid_t tid, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task/%d/%s", (int)pid, (int)tid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int proc_schedstat_open(pid_t pid, pid_t tid)
{
    return open_task_file(pid, tid, "schedstat");
}

bool proc_schedstat_read(int fd, struct schedstat *out)
{
    char text[96];
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    if (n <= 0)
        return false;
    text[n] = '\0';
    char *at = text;
    out->cpu_ns = strtoll(at, &at, 10);
    out->wait_ns = strtoll(at, &at, 10);
    out->slices = strtoull(at, &at, 10);
    return true;
}

// The whole of a small file; its length, -errno.
static ssize_t read_task_file(pid_t pid, pid_t tid, const char *name, char *text, size_t size)
{
    int fd = open_task_file(pid, tid, name);
    if (fd < 0)
        return fd;
    ssize_t n = read(fd, text, size - 1);
    int error = errno;
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n < 0 ? -error : n;
}

static enum proc_seen seen_by_error(ssize_t error)
{
    if (error == -ENOENT || error == -ESRCH)
        return PROC_GONE;
    return error == -EACCES || error == -EPERM ? PROC_DENIED : PROC_RUNNING; // EMFILE: not known
}

// "running", or the number, six arguments, stack pointer and program counter; without a call -1 and
// the two (fs/proc/base.c, proc_pid_syscall).
enum proc_seen proc_call_read(pid_t pid, pid_t tid, struct proc_call *call)
{
    char text[256];
    ssize_t n = read_task_file(pid, tid, "syscall", text, sizeof text);
    *call = (struct proc_call){.number = -1};
    if (n <= 0)
        return seen_by_error(n);
    if (text[0] == 'r')
        return PROC_RUNNING;
    char *at = text;
    call->number = strtoll(at, &at, 10);
    for (int i = 0; call->number >= 0 && i < 6; i++)
        call->args[i] = strtoull(at, &at, 16);
    call->sp = strtoull(at, &at, 16);
    call->pc = strtoull(at, &at, 16);
    return call->sp || call->pc ? PROC_BLOCKED : PROC_GONE; // a zombie has no stack
}

// Behind the name, which may hold anything, a bracket among it.
char proc_state(pid_t pid, pid_t tid)
{
    char text[256];
    if (read_task_file(pid, tid, "stat", text, sizeof text) <= 0)
        return 0;
    const char *end = strrchr(text, ')');
    return end && end[1] == ' ' ? end[2] : 0;
}

pid_t proc_parent(pid_t pid)
{
    char text[256];
    if (read_task_file(pid, pid, "stat", text, sizeof text) <= 0)
        return 0;
    const char *end = strrchr(text, ')'); // ") S 123"
    return end && end[1] && end[2] ? (pid_t)strtol(end + 3, NULL, 10) : 0;
}

bool proc_thread_lives(pid_t pid, pid_t tid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task/%d", (int)pid, (int)tid);
    return access(path, F_OK) == 0;
}

// A directory has a link to each of its folders, and two of its own.
size_t proc_thread_count(pid_t pid)
{
    char path[32];
    struct stat info;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    return stat(path, &info) == 0 && info.st_nlink > 2 ? info.st_nlink - 2 : 0;
}

size_t proc_threads(pid_t pid, int32_t *tids, size_t room)
{
    char path[32];
    size_t count = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *dir = opendir(path);
    if (!dir)
        return 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        int32_t tid = (int32_t)strtol(entry->d_name, NULL, 10);
        if (tid > 0 && count++ < room)
            tids[count - 1] = tid;
    }
    closedir(dir);
    return count;
}

bool proc_blocks_signal(pid_t pid, pid_t tid, int sig)
{
    char text[4096];
    if (read_task_file(pid, tid, "status", text, sizeof text) <= 0)
        return false;
    const char *line = strstr(text, "SigBlk:");
    return line && (strtoull(line + strlen("SigBlk:"), NULL, 16) >> (sig - 1) & 1);
}

void proc_thread_name(pid_t pid, pid_t tid, char name[16])
{
    name[0] = '\0';
    read_task_file(pid, tid, "comm", name, 16);
    name[strcspn(name, "\n")] = '\0';
}
