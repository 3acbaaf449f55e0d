// SPDX-License-Identifier: MIT
// shim.c - the life of the shim in one process: find the interpreter, join the session, start.
#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct shim shim;

bool shim_owned(void)
{
    return atomic_load(&shim.quiet) || (pid_t)syscall(SYS_getpid) == shim.owner;
}

int64_t shim_clock(clockid_t clock)
{
    struct timespec ts;
    clock_gettime(clock, &ts);
    return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

void shim_note_end(void)
{
    struct ring_header *header = shim.ring.header;
    atomic_store(&header->end_ns, (uint64_t)shim_clock(CLOCK_MONOTONIC));
    atomic_store(&header->end_cpu_ns, shim_clock(CLOCK_PROCESS_CPUTIME_ID));
}

static uint32_t read_whole(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, out, size);
    if (fd >= 0)
        close(fd);
    return n < 0 ? 0 : (uint32_t)n;
}

static void read_link(const char *path, char *out, size_t size)
{
    ssize_t n = readlink(path, out, size - 1);
    out[n < 0 ? 0 : n] = '\0';
}

static enum ring_status find_layout(struct ring_header *header)
{
    uint32_t version = shim.image.version;
    if (version < PY_FIRST || version > PY_LAST)
        return RING_UNSUPPORTED;
    const struct py_layout *row = layout_find(version);
    int err = 0;
    if (row)
        header->layout = *row;
    else
        err = layout_from_target(&mem_self, shim.image.runtime.start, version, &header->layout);
    if (err == -ENOTSUP)
        return RING_FREE_THREADED;
    return err || !shim.image.code_type ? RING_LAYOUT_MISMATCH : RING_ACTIVE;
}

static void describe_process(struct ring_header *header)
{
    header->pid = shim.owner;
    header->ppid = (int32_t)getppid();
    header->python = shim.image.version;
    memcpy(header->version, shim.image.version_text, sizeof header->version);
    memcpy(header->build_id, shim.image.build_id, sizeof header->build_id);
    header->build_id_length = shim.image.build_id_length;
    header->runtime = shim.image.runtime.start;
    header->runtime_end = shim.image.runtime.end;
    header->code_type = shim.image.code_type;
    header->image_start = shim.image.text.start;
    header->image_end = shim.image.text.end;
    header->started_ns = (uint64_t)shim_clock(CLOCK_MONOTONIC);
    header->start_cpu_ns = shim_clock(CLOCK_PROCESS_CPUTIME_ID);
    read_link("/proc/self/exe", header->executable, sizeof header->executable);
    const char *file = shim.image.file;
    snprintf(header->image, sizeof header->image, "%s", file && *file ? file : header->executable);
    if (!shim.cwd[0]) // a fork's child keeps its parent's: relative file names are from the start
        read_link("/proc/self/cwd", shim.cwd, sizeof shim.cwd);
    memcpy(header->cwd, shim.cwd, sizeof header->cwd);
    header->command_length =
        read_whole("/proc/self/cmdline", header->command, sizeof header->command);
}

static void count_ringless(struct session_header *header, int err)
{
    atomic_store(&header->ringless_errno, -err);
    atomic_fetch_add(&header->ringless, 1);
}

// Pids are reused and differ between namespaces: a ring's name is random.
static int create_ring(void)
{
    uint64_t random;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) != sizeof random)
        random = (uint64_t)shim_clock(CLOCK_MONOTONIC) << 20 ^ (uint64_t)shim.owner;
    char name[40];
    snprintf(name, sizeof name, SESSION_RING_PREFIX "%016llx", (unsigned long long)random);
    int err = ring_create(&shim.ring, shim.session.dirfd, name);
    if (err) {
        count_ringless(shim.session.header, err);
        return err;
    }
    shim.ring.header->self = (target_addr)(uintptr_t)shim.ring.header;
    shim.ring.header->token = random;
    return 0;
}

static void publish(enum ring_status status)
{
    struct ring_header *header = shim.ring.header;
    atomic_store_explicit(&header->status, status, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    header->magic = RING_MAGIC; // last: the collector looks for it
    atomic_fetch_add(&shim.session.header->processes, 1);
    session_wake(&shim.session);
}

// Without SESSION_CHILDREN only the first Python takes part, and what it becomes by exec.
static bool is_wanted(struct session_header *header)
{
    int32_t first = 0;
    return atomic_compare_exchange_strong(&header->first, &first, shim.owner) ||
           first == shim.owner || (header->flags & SESSION_CHILDREN);
}

// Under a seccomp filter that lineprof is not under, some program's, a call of ours may be the end.
static bool is_free(struct session_header *header)
{
    if (session_filters() <= header->filters)
        return true;
    atomic_fetch_add(&header->confined, 1);
    return false;
}

// Joins the session with a new ring. True when samples may follow. A fork's child knows its
// parent's header, and counts there when the session is out of its reach (another user, another
// root).
static bool join(const char *path, struct session_header *parents)
{
    shim.owner = (pid_t)syscall(SYS_getpid);
    int err = session_join(&shim.session, path);
    if (err && parents && !atomic_load(&parents->closed))
        count_ringless(parents, err);
    if (err)
        return false;
    bool wanted = !atomic_load(&shim.session.header->closed) && is_wanted(shim.session.header) &&
                  is_free(shim.session.header);
    bool ok = wanted && create_ring() == 0;
    close(shim.session.dirfd); // the program's descriptors are numbered as if we were not here
    shim.session.dirfd = -1;
    if (!ok)
        return false;
    describe_process(shim.ring.header);
    enum ring_status status = find_layout(shim.ring.header);
    shim.layout = &shim.ring.header->layout;
    publish(status);
    return status == RING_ACTIVE;
}

static void begin(void)
{
    atomic_store_explicit(&shim.active, true, memory_order_release);
    threads_announce(RECORD_THREAD_START);
    timers_start();
}

void shim_fork_child(void)
{
    int saved_errno = errno;
    if (atomic_load(&shim.quiet))
        return;
    bool was_active = atomic_exchange(&shim.active, false);
    atomic_store(&shim.inside, 0); // the parent's other threads
    timers_forked();
    ring_close(&shim.ring); // the parent's
    if (was_active) {
        struct session parents = shim.session;
        codes_reset();
        if (join(parents.path, parents.header))
            begin();
        session_leave(&parents);
    }
    errno = saved_errno;
}

__attribute__((constructor)) static void shim_start(void)
{
    int saved_errno = errno;
    real_all();
    const char *path = getenv(SESSION_ENV);
    if (path && image_find(&shim.image) && join(path, NULL)) {
        signals_start();
        pthread_atfork(NULL, NULL, shim_fork_child);
        begin();
    }
    errno = saved_errno;
}

__attribute__((destructor)) static void shim_end(void)
{
    if (atomic_load_explicit(&shim.active, memory_order_acquire) && shim_owned())
        shim_note_end();
}
