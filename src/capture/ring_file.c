// SPDX-License-Identifier: MIT
// ring_file.c - a ring's file and its mapping.
//
// Used by the shim's constructor (and by a fork's child) and by the collector; not by a handler.
#include "lineprof/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE        4096u
#define HEADER_SIZE ((sizeof(struct ring_header) + PAGE - 1) / PAGE * PAGE)
#define FILE_SIZE   (HEADER_SIZE + RING_DATA_SIZE)

_Static_assert((RING_DATA_SIZE & (RING_DATA_SIZE - 1)) == 0, "positions wrap by modulo");

// Header and data as the file has them, then the data once more.
static int map_twice(struct ring *ring, int fd)
{
    uint8_t *base = mmap(NULL, FILE_SIZE + RING_DATA_SIZE, PROT_NONE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        return -errno;
    const int prot = PROT_READ | PROT_WRITE, flags = MAP_SHARED | MAP_FIXED;
    if (mmap(base, FILE_SIZE, prot, flags, fd, 0) == MAP_FAILED ||
        mmap(base + FILE_SIZE, RING_DATA_SIZE, prot, flags, fd, HEADER_SIZE) == MAP_FAILED) {
        int err = -errno;
        munmap(base, FILE_SIZE + RING_DATA_SIZE);
        return err;
    }
    ring->header = (struct ring_header *)base;
    ring->data = base + HEADER_SIZE;
    return 0;
}

// Beyond RLIMIT_FSIZE the kernel does not just refuse, it sends SIGXFSZ.
static bool fits_limit(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_FSIZE, &limit) < 0 || limit.rlim_cur >= FILE_SIZE;
}

int ring_create(struct ring *ring, int dirfd, const char *name)
{
    if (!fits_limit())
        return -EFBIG;
    int fd = openat(dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    // fallocate, not ftruncate: a full file system must show here, not as SIGBUS in the target.
    int err = fallocate(fd, 0, 0, FILE_SIZE) < 0 ? -errno : map_twice(ring, fd);
    close(fd);
    if (err)
        unlinkat(dirfd, name, 0);
    return err;
}

int ring_open(struct ring *ring, int dirfd, const char *name)
{
    int fd = openat(dirfd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -errno;
    struct stat st;
    int err = fstat(fd, &st) < 0 ? -errno : 0;
    if (!err)
        err = st.st_size == (off_t)FILE_SIZE ? map_twice(ring, fd) : -EINVAL;
    close(fd);
    if (!err && ring->header->magic != RING_MAGIC) {
        ring_close(ring);
        err = -EAGAIN; // its writer is still filling the header in
    }
    return err;
}

void ring_drop_data(struct ring *ring)
{
    if (!ring->data)
        return;
    madvise(ring->data, RING_DATA_SIZE, MADV_REMOVE); // the header keeps the file alive
    munmap(ring->data, 2 * (size_t)RING_DATA_SIZE);
    ring->data = NULL;
}

void ring_close(struct ring *ring)
{
    if (ring->header)
        munmap(ring->header, ring->data ? FILE_SIZE + RING_DATA_SIZE : HEADER_SIZE);
    memset(ring, 0, sizeof *ring);
}
