// SPDX-License-Identifier: MIT
// session_sweep.c - removes the directories of runs whose lineprof and whose guard were both
// killed.
//
// Who lives holds a lock on its directory (session.c). Only the person's own directories are looked
// at, and only those with a header of this kind in them.
#include "lineprof/session.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX "lineprof-"

static bool is_own(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & 077) == 0;
}

// Takes what session_join() finds there; its header first, so that a lock found free means a death.
static void sweep(int place, const char *parent, const char *name)
{
    struct session dead;
    char path[sizeof dead.path];
    int fd = openat(place, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool own = fd >= 0 && is_own(fd);
    if (fd >= 0)
        close(fd);
    if (!own || (size_t)snprintf(path, sizeof path, "%s/%s", parent, name) >= sizeof path ||
        session_join(&dead, path) < 0)
        return;
    if (is_own(dead.dirfd) && flock(dead.dirfd, LOCK_EX | LOCK_NB) == 0) {
        session_remove(&dead); // its shims stop their timers
        return;
    }
    session_leave(&dead);
    close(dead.dirfd);
}

void session_sweep(const struct session *session)
{
    char parent[sizeof session->path];
    strcpy(parent, session->path);
    *strrchr(parent, '/') = '\0';
    DIR *dir = opendir(parent);
    if (!dir)
        return;
    for (struct dirent *entry; (entry = readdir(dir));)
        if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) == 0)
            sweep(dirfd(dir), parent, entry->d_name);
    closedir(dir);
}
