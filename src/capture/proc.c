// SPDX-License-Identifier: MIT
// proc.c - readers of /proc/PID/task/TID.
#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

bool proc_blocks_signal(pid_t pid, pid_t tid, int sig)
{
    int fd = open_task_file(pid, tid, "status");
    if (fd < 0)
        return false;
    char text[4096];
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    const char *line = strstr(text, "SigBlk:");
    return line && (strtoull(line + strlen("SigBlk:"), NULL, 16) >> (sig - 1) & 1);
}

void proc_thread_name(pid_t pid, pid_t tid, char name[16])
{
    name[0] = '\0';
    int fd = open_task_file(pid, tid, "comm");
    if (fd < 0)
        return;
    ssize_t n = read(fd, name, 15);
    close(fd);
    name[n > 0 ? n : 0] = '\0';
    name[strcspn(name, "\n")] = '\0';
}
