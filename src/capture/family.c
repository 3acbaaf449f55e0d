// SPDX-License-Identifier: MIT
// family.c - see family.h. Pipes only: the two ends of a socket pair have nothing in common that
// can be seen from outside.
#include "family.h"
#include "clock.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define FAMILY_MOST 64                 // processes whose descriptors are looked through
#define LISTED_NS   INT64_C(200000000) // for so long a list of pipes holds
#define POLLED_MOST 8

// ---- children

// Below a shell, env or timeout it is a grandchild.
static bool descends_from(const struct target *target, pid_t pid)
{
    for (size_t i = 0; i < ANCESTORS && target->ancestors[i]; i++)
        if (target->ancestors[i] == pid)
            return true;
    return false;
}

// One that itself only waits for the session's others explains nobody's waiting.
static bool is_active(const struct target *target)
{
    return !target->retired && target->samples && !target->in_family &&
           !atomic_load(&target->ring.header->replaced);
}

bool family_has_child(const struct family *family, const struct target *parent, pid_t child)
{
    const struct census *census = parent->census;
    for (size_t i = 0; i < family->count; i++) {
        const struct target *target = family->targets[i];
        if (target == parent || !is_active(target))
            continue;
        if (child ? target->pid == child || descends_from(target, child)
                  : descends_from(target, parent->pid))
            return true;
    }
    for (size_t i = 0; child && i < RECENT_PIDS; i++)
        if (census->recent[i] == child)
            return true;
    return false;
}

// ---- pipes

// The inode of a descriptor that is a pipe; 0.
static uint64_t pipe_behind(const char *path)
{
    char text[64];
    unsigned long long inode;
    ssize_t n = readlink(path, text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    return sscanf(text, "pipe:[%llu]", &inode) == 1 ? inode : 0;
}

static uint64_t pipe_at(const struct target *target, int fd)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)target->reach, fd);
    return fd >= 0 ? pipe_behind(path) : 0;
}

static uint64_t polled_pipe(const struct target *target, const struct proc_call *call)
{
    struct pollfd polled[POLLED_MOST];
    size_t count = call->args[1] < POLLED_MOST ? (size_t)call->args[1] : POLLED_MOST;
    if (target->mem.read(&target->mem, call->args[0], polled, count * sizeof *polled))
        return 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t pipe = polled[i].events & POLLIN ? pipe_at(target, polled[i].fd) : 0;
        if (pipe)
            return pipe;
    }
    return 0;
}

// Of what an epoll descriptor watches, the first pipe: "tfd: 5 events: 19 data: ..." a line each.
static uint64_t watched_pipe(const struct target *target, int epoll)
{
    char path[64], line[256];
    uint64_t pipe = 0;
    snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", (int)target->reach, epoll);
    FILE *file = fopen(path, "re");
    while (file && !pipe && fgets(line, sizeof line, file)) {
        int fd;
        unsigned events;
        if (sscanf(line, "tfd: %d events: %x", &fd, &events) == 2 && events & EPOLLIN)
            pipe = pipe_at(target, fd);
    }
    if (file)
        fclose(file);
    return pipe;
}

uint64_t family_pipe_of(const struct target *target, const struct proc_call *call)
{
    if (call->number == SYS_epoll_pwait)
        return watched_pipe(target, (int)call->args[0]);
#ifdef SYS_epoll_wait
    if (call->number == SYS_epoll_wait)
        return watched_pipe(target, (int)call->args[0]);
#endif
    if (call->number == SYS_read || call->number == SYS_readv)
        return pipe_at(target, (int)call->args[0]);
#ifdef SYS_poll
    if (call->number == SYS_poll)
        return polled_pipe(target, call);
#endif
    return call->number == SYS_ppoll ? polled_pipe(target, call) : 0;
}

// The link's own mode says what the descriptor is open for (fs/proc/fd.c, tid_fd_mode).
static void list_pipes(const struct target *target, struct family_pipes *pipes)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd", (int)target->reach);
    DIR *dir = opendir(path);
    pipes->count = 0;
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        struct stat info;
        snprintf(path, sizeof path, "/proc/%d/fd/%.20s", (int)target->reach, entry->d_name);
        if (lstat(path, &info) < 0 || !S_ISLNK(info.st_mode) || !(info.st_mode & S_IWUSR))
            continue;
        uint64_t inode = pipe_behind(path);
        if (inode && pipes->count < sizeof pipes->inodes / sizeof *pipes->inodes)
            pipes->inodes[pipes->count++] = inode;
    }
    if (dir)
        closedir(dir);
}

static bool writes(struct target *target, uint64_t pipe)
{
    int64_t now = now_ns();
    if (!target->pipes && !(target->pipes = calloc(1, sizeof *target->pipes)))
        return false;
    if (now - target->pipes->listed_ns > LISTED_NS) {
        target->pipes->listed_ns = now;
        list_pipes(target, target->pipes);
    }
    for (unsigned i = 0; i < target->pipes->count; i++)
        if (target->pipes->inodes[i] == pipe)
            return true;
    return false;
}

bool family_writes(const struct family *family, const struct target *reader, uint64_t pipe)
{
    for (size_t i = 0; pipe && i < family->count && i < FAMILY_MOST; i++) {
        struct target *target = family->targets[i];
        if (target != reader && is_active(target) && target->reach > 0 && writes(target, pipe))
            return true;
    }
    return false;
}
