// SPDX-License-Identifier: MIT
// session.c - the run's private directory, and the header that launcher and shims share.
#include "lineprof/session.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int map_header(struct session *session, int fd)
{
    void *map = mmap(NULL, sizeof *session->header, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        return -errno;
    session->header = map;
    return 0;
}

// Beyond RLIMIT_FSIZE the kernel does not just refuse, it sends SIGXFSZ.
static bool fits_limit(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_FSIZE, &limit) < 0 || limit.rlim_cur >= sizeof(struct session_header);
}

int session_filters(void)
{
    static const char key[] = "Seccomp_filters:"; // Linux 5.9 and later
    char text[4096];
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    const char *line = strstr(text, key);
    return line ? (int)strtol(line + sizeof key - 1, NULL, 10) : 0;
}

static int create_header(struct session *session)
{
    int fd = openat(session->dirfd, SESSION_FILE, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int err = 0;
    if (fd < 0)
        err = -errno;
    else if (!fits_limit())
        err = -EFBIG;
    else if (fallocate(fd, 0, 0, sizeof *session->header) < 0)
        err = -errno;
    else
        err = map_header(session, fd);
    if (fd >= 0)
        close(fd);
    return err;
}

// The lock is on the open directory, which the guard inherits: it is free when both are gone. It
// comes before the header, so that who finds a header and no lock knows.
static int create_in(struct session *session, const char *place)
{
    *session = (struct session){.dirfd = -1};
    if ((size_t)snprintf(session->path, sizeof session->path, "%s/lineprof-XXXXXX", place) >=
        sizeof session->path)
        return -ENAMETOOLONG;
    if (!mkdtemp(session->path)) // 0700: what a program does is nobody else's business
        return -errno;
    session->dirfd = open(session->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int err = session->dirfd < 0 ? -errno : 0;
    if (err) {
        rmdir(session->path);
        return err;
    }
    flock(session->dirfd, LOCK_EX | LOCK_NB);
    err = create_header(session);
    if (err)
        session_remove(session);
    return err;
}

// Shared memory first: rings on a disk would be written back again and again.
int session_create(struct session *session)
{
    const char *tmp = getenv("TMPDIR");
    const char *const places[] = {"/dev/shm", tmp && *tmp ? tmp : "/tmp", "/tmp"};
    int err = -ENOENT;
    for (size_t i = 0; err && i < sizeof places / sizeof *places; i++)
        err = create_in(session, places[i]);
    if (err)
        return err;
    session->header->magic = SESSION_MAGIC;
    session->header->launcher = getpid();
    session->header->filters = session_filters();
    return 0;
}

int session_join(struct session *session, const char *path)
{
    *session = (struct session){.dirfd = -1};
    if (strlen(path) >= sizeof session->path)
        return -ENAMETOOLONG;
    strcpy(session->path, path);
    session->dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (session->dirfd < 0)
        return -errno;
    int fd = openat(session->dirfd, SESSION_FILE, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;
    int err = 0;
    if (fd < 0 || fstat(fd, &st) < 0)
        err = -errno;
    else if (st.st_size < (off_t)sizeof *session->header)
        err = -EINVAL;
    else
        err = map_header(session, fd);
    if (fd >= 0)
        close(fd);
    if (!err && session->header->magic != SESSION_MAGIC)
        err = -EINVAL;
    if (err) {
        close(session->dirfd);
        session->dirfd = -1;
    }
    return err;
}

void session_leave(struct session *session)
{
    if (session->header)
        munmap(session->header, sizeof *session->header);
    session->header = NULL;
}

// Takes the descriptor: one to spare there may not be.
static void remove_entries(int fd)
{
    DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return;
    }
    rewinddir(dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        if (entry->d_name[0] != '.')
            unlinkat(fd, entry->d_name, 0);
    closedir(dir);
}

void session_remove(struct session *session)
{
    if (session->header) {
        atomic_store(&session->header->closed, 1);
        munmap(session->header, sizeof *session->header);
        session->header = NULL;
    }
    if (session->dirfd < 0)
        return;
    remove_entries(session->dirfd);
    session->dirfd = -1;
    rmdir(session->path);
}
