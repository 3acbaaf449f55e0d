// SPDX-License-Identifier: MIT
// sink.c - buffered writing with one error to ask for; see the contract in lineprof/sink.h.
//
// After the first error a sink swallows everything, so that writers need no tests of their own.

#include "lineprof/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_SIZE      65536u
#define TEMPORARY_PREFIX ".lineprof-"

struct sink {
    int fd; // -1: everything stays in the buffer (memory)
    bool owns_fd;
    int error; // 0 or the first -errno
    char *buffer;
    size_t used, capacity;
    char *path;      // where the file goes in the end; NULL when written in place
    char *temporary; // where it is until then
};

static void fail(struct sink *out, int error)
{
    if (!out->error)
        out->error = error;
}

// ---- writing

// A terminal shared with a program that made it non-blocking answers EAGAIN.
static bool wait_writable(int fd)
{
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    return poll(&ready, 1, -1) >= 0 || errno == EINTR;
}

static int write_all(int fd, const char *bytes, size_t n)
{
    while (n) {
        ssize_t done = write(fd, bytes, n);
        if (done >= 0) {
            bytes += done;
            n -= (size_t)done;
        } else if (errno != EINTR && !(errno == EAGAIN && wait_writable(fd))) {
            return -errno;
        }
    }
    return 0;
}

static void flush(struct sink *out)
{
    if (out->fd < 0)
        return;
    int error = out->error ? 0 : write_all(out->fd, out->buffer, out->used);
    out->used = 0;
    if (error)
        fail(out, error);
}

// Memory only: room for n more bytes and the closing NUL.
static bool grow(struct sink *out, size_t n)
{
    size_t capacity = out->capacity;
    if (n > SIZE_MAX / 4 - out->used)
        return false;
    while (capacity < out->used + n + 1)
        capacity = capacity ? capacity * 2 : 256;
    char *buffer = realloc(out->buffer, capacity);
    if (!buffer)
        return false;
    out->buffer = buffer;
    out->capacity = capacity;
    return true;
}

static void write_memory(struct sink *out, const void *bytes, size_t n)
{
    if (out->used + n + 1 > out->capacity && !grow(out, n)) {
        fail(out, -ENOMEM);
        return;
    }
    memcpy(out->buffer + out->used, bytes, n);
    out->used += n;
    out->buffer[out->used] = '\0';
}

static void write_buffered(struct sink *out, const char *bytes, size_t n)
{
    while (n) {
        if (out->used == out->capacity)
            flush(out);
        size_t room = out->capacity - out->used;
        size_t part = n < room ? n : room;
        memcpy(out->buffer + out->used, bytes, part);
        out->used += part;
        bytes += part;
        n -= part;
    }
}

void sink_write(struct sink *out, const void *bytes, size_t n)
{
    if (out->error || !n)
        return;
    if (out->fd < 0)
        write_memory(out, bytes, n);
    else
        write_buffered(out, bytes, n);
}

void sink_puts(struct sink *out, const char *text)
{
    sink_write(out, text, strlen(text));
}

void sink_putc(struct sink *out, char c)
{
    sink_write(out, &c, 1);
}

// For text that was longer than the buffer on the stack.
static void print_long(struct sink *out, const char *format, va_list args)
{
    char *text;
    int n = vasprintf(&text, format, args);
    if (n < 0) {
        fail(out, -ENOMEM);
        return;
    }
    sink_write(out, text, (size_t)n);
    free(text);
}

void sink_printf(struct sink *out, const char *format, ...)
{
    char text[512];
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(text, sizeof text, format, args);
    if (n < 0)
        fail(out, -errno);
    else if ((size_t)n < sizeof text)
        sink_write(out, text, (size_t)n);
    else
        print_long(out, format, again);
    va_end(again);
    va_end(args);
}

// ---- opening

static struct sink *sink_new(int fd, bool owns_fd)
{
    struct sink *out = calloc(1, sizeof *out);
    if (!out)
        return NULL;
    out->fd = fd;
    out->owns_fd = owns_fd;
    if (fd < 0)
        return out;
    out->capacity = BUFFER_SIZE;
    out->buffer = malloc(out->capacity);
    if (out->buffer)
        return out;
    free(out);
    return NULL;
}

struct sink *sink_fd(int fd)
{
    if (fd < 0) {
        errno = EBADF;
        return NULL;
    }
    return sink_new(fd, false);
}

struct sink *sink_memory(void)
{
    return sink_new(-1, false);
}

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

// Opens a device, a pipe or a name of one of our own descriptors. /dev/stdout may be a regular file
// that others write to as well: append, and never replace it.
static struct sink *open_in_place(const char *path)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    struct sink *out = sink_new(fd, true);
    if (!out)
        close(fd);
    return out;
}

static char *join_directory(const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');
    int directory = slash ? (int)(slash - path + 1) : 0;
    char *joined;
    return asprintf(&joined, "%.*s%s", directory, path, name) < 0 ? NULL : joined;
}

static uint64_t random_number(void)
{
    static unsigned calls;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t x = (uint64_t)now.tv_sec << 32 ^ (uint64_t)now.tv_nsec << 12 ^ (uint64_t)getpid();
    return (x + ++calls) * UINT64_C(0x9e3779b97f4a7c15); // only has to be unlikely: O_EXCL decides
}

// The descriptor of a new file in the directory of out->path, named in out->temporary; or -errno.
static int create_temporary(struct sink *out, mode_t mode)
{
    for (int attempt = 0; attempt < 100; attempt++) {
        char name[48];
        snprintf(name, sizeof name, TEMPORARY_PREFIX "%016llx",
                 (unsigned long long)random_number());
        free(out->temporary);
        out->temporary = join_directory(out->path, name);
        if (!out->temporary)
            return -ENOMEM;
        int fd = open(out->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (fd >= 0)
            return fd;
        if (errno != EEXIST)
            return -errno;
    }
    return -EEXIST;
}

static void sink_free(struct sink *out)
{
    free(out->buffer);
    free(out->path);
    free(out->temporary);
    free(out);
}

// `old`: the file that is there already, NULL when there is none.
static struct sink *open_beside(const char *path, const struct stat *old)
{
    struct sink *out = sink_memory();
    if (!out)
        return NULL;
    // A link stays, what it names is replaced.
    out->path = old ? realpath(path, NULL) : strdup(path);
    out->buffer = malloc(BUFFER_SIZE);
    out->capacity = BUFFER_SIZE;
    out->fd = out->path && out->buffer ? create_temporary(out, 0666) : -ENOMEM;
    if (out->fd < 0) {
        errno = -out->fd;
        sink_free(out);
        return NULL;
    }
    out->owns_fd = true;
    if (old && fchmod(out->fd, old->st_mode & 07777) < 0)
        fail(out, -errno);
    return out;
}

// Names that mean an open descriptor or a device, whatever kind of file is behind them.
static bool is_special(const char *path)
{
    return starts_with(path, "/dev/") || starts_with(path, "/proc/");
}

static bool is_directory_name(const char *path)
{
    size_t length = strlen(path);
    return !length || path[length - 1] == '/';
}

struct sink *sink_file(const char *path)
{
    struct stat old;
    if (stat(path, &old) == 0) {
        if (S_ISDIR(old.st_mode)) {
            errno = EISDIR;
            return NULL;
        }
        if (!S_ISREG(old.st_mode) || (is_special(path) && !starts_with(path, "/dev/shm/")))
            return open_in_place(path);
        return access(path, W_OK) == 0 ? open_beside(path, &old) : NULL;
    }
    if (errno != ENOENT)
        return NULL;
    if (is_directory_name(path)) {
        errno = *path ? EISDIR : ENOENT;
        return NULL;
    }
    return open_beside(path, NULL);
}

// ---- closing

const char *sink_text(struct sink *out, size_t *length)
{
    bool whole = out->fd < 0 && !out->error && out->buffer;
    if (length)
        *length = whole ? out->used : 0;
    return whole ? out->buffer : "";
}

int sink_error(const struct sink *out)
{
    return out->error;
}

static void close_fd(struct sink *out)
{
    if (out->owns_fd && close(out->fd) < 0 && errno != EINTR)
        fail(out, -errno);
}

int sink_close(struct sink *out)
{
    flush(out);
    close_fd(out);
    if (out->temporary && !out->error && rename(out->temporary, out->path) < 0)
        fail(out, -errno);
    if (out->temporary && out->error)
        unlink(out->temporary);
    int error = out->error;
    sink_free(out);
    return error;
}

void sink_discard(struct sink *out)
{
    if (!out)
        return;
    close_fd(out);
    if (out->temporary)
        unlink(out->temporary);
    sink_free(out);
}
