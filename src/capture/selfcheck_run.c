// SPDX-License-Identifier: MIT
// selfcheck_run.c - see selfcheck_run.h. Read it bottom-up from selfcheck_run().
#include "selfcheck_run.h"
#include "chains.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lineprof/session.h"

#define PATIENCE_MS 5000  // an idle machine needs 30
#define OUTPUT_SIZE 65536 // it writes 3 kB

extern const char selfcheck_script[]; // selfcheck_script.S

// ---- the process

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// The environment with another session. The caller frees the array alone, its first entry is
// `session_entry`.
static char **with_session(char *const *environment, char *session_entry)
{
    size_t n = 0, out = 1;
    while (environment[n])
        n++;
    char **copy = malloc((n + 2) * sizeof *copy);
    if (!copy)
        return NULL;
    copy[0] = session_entry;
    for (size_t i = 0; i < n; i++)
        if (strncmp(environment[i], SESSION_ENV "=", sizeof SESSION_ENV) != 0)
            copy[out++] = environment[i];
    copy[out] = NULL;
    return copy;
}

// No terminal, no signal and no descriptor of the person's reaches it, and it writes to us alone.
static int set_up(posix_spawnattr_t *attributes, posix_spawn_file_actions_t *files, int output)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &all);
    posix_spawnattr_setflags(attributes,
                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    int err = posix_spawn_file_actions_addopen(files, 0, "/dev/null", O_RDONLY, 0);
    if (!err)
        err = posix_spawn_file_actions_adddup2(files, output, 1);
    if (!err)
        err = posix_spawn_file_actions_addopen(files, 2, "/dev/null", O_WRONLY, 0);
    if (!err)
        err = posix_spawn_file_actions_addclosefrom_np(files, 3);
    return err;
}

static pid_t spawn(const char *executable, char *const *environment, int output)
{
    char *const argv[] = {(char *)(uintptr_t)executable,       "-I", "-S", "-B", "-c",
                          (char *)(uintptr_t)selfcheck_script, NULL};
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t files;
    pid_t pid;
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_init(&files);
    int err = set_up(&attributes, &files, output);
    if (!err)
        err = posix_spawn(&pid, executable, &files, &attributes, argv, environment);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    return err ? -1 : pid;
}

// All that comes until the other end is closed. False when that takes too long, or it is too much.
static bool read_all(int fd, char *out, int64_t until_ms)
{
    size_t length = 0;
    for (;;) {
        int64_t left = until_ms - now_ms();
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        int ready = left > 0 ? poll(&wait, 1, (int)left) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        ssize_t n = ready > 0 ? read(fd, out + length, OUTPUT_SIZE - 1 - length) : -1;
        if (n <= 0) {
            out[length] = '\0';
            return n == 0 && length < OUTPUT_SIZE - 1;
        }
        length += (size_t)n;
    }
}

// It has closed its output, so it is at its end, unless it is none of ours.
static bool reap(pid_t pid, int64_t until_ms)
{
    const struct timespec nap = {0, 500000};
    int status;
    pid_t result;
    while ((result = waitpid(pid, &status, WNOHANG)) == 0 && now_ms() < until_ms)
        nanosleep(&nap, NULL);
    if (result == 0) {
        kill(-pid, SIGKILL); // it leads a group of its own
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
    }
    return result == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool run(const char *executable, char *const *environment, char *out, pid_t *pid)
{
    int ends[2];
    int64_t until_ms = now_ms() + PATIENCE_MS;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return false;
    *pid = spawn(executable, environment, ends[1]);
    close(ends[1]);
    bool whole = *pid > 0 && read_all(ends[0], out, until_ms);
    close(ends[0]);
    if (*pid <= 0)
        return false;
    return reap(*pid, whole ? until_ms : 0) && whole;
}

// ---- what the shim saw

static bool open_ring(const struct session *session, struct ring *ring)
{
    DIR *dir = opendir(session->path);
    bool found = false;
    for (struct dirent *entry; dir && !found && (entry = readdir(dir));)
        found = strncmp(entry->d_name, SESSION_RING_PREFIX, strlen(SESSION_RING_PREFIX)) == 0 &&
                ring_open(ring, session->dirfd, entry->d_name) == 0;
    if (dir)
        closedir(dir);
    return found;
}

// Another one may stand there by now, or be what is started where a wrapper was told to.
static bool is_same_build(const struct ring_header *a, const struct ring_header *b)
{
    return atomic_load(&a->status) == RING_ACTIVE && a->python == b->python &&
           a->build_id_length == b->build_id_length &&
           memcmp(a->build_id, b->build_id, sizeof a->build_id) == 0 &&
           (a->build_id_length || strncmp(a->image, b->image, sizeof a->image) == 0);
}

// A walk that gave up has been counted as lost: torn, or a code object that could not be read.
static bool gave_up(const struct ring_header *header)
{
    return atomic_load(&header->lost[LOST_TORN]) || atomic_load(&header->lost[LOST_RING_FULL]);
}

static enum selfcheck_result judge(struct ring *ring, pid_t pid, char *output, char *finding,
                                   size_t size)
{
    struct chains *chains = malloc(2 * sizeof *chains);
    enum selfcheck_result result = SELFCHECK_UNKNOWN;
    if (!chains)
        return result;
    if (chains_told(&chains[0], output)) {
        chains_seen(&chains[1], ring, pid);
        enum chains_verdict verdict = chains_compare(&chains[0], &chains[1], finding, size);
        if (verdict == CHAINS_AGREE)
            result = SELFCHECK_GOOD;
        else if (verdict == CHAINS_DIFFER || gave_up(ring->header))
            result = SELFCHECK_WRONG;
    }
    free(chains);
    return result;
}

// ---- the whole

static enum selfcheck_result ask(const char *executable, char *const *environment,
                                 const struct session *session, const struct ring_header *like,
                                 char *finding, size_t size)
{
    static char output[OUTPUT_SIZE];
    enum selfcheck_result result = SELFCHECK_UNKNOWN;
    struct ring ring = {0};
    pid_t pid;
    if (!run(executable, environment, output, &pid) || !open_ring(session, &ring))
        return result;
    if (is_same_build(ring.header, like))
        result = judge(&ring, pid, output, finding, size);
    ring_close(&ring);
    return result;
}

enum selfcheck_result selfcheck_run(const char *executable, char *const *environment,
                                    const struct ring_header *like, char *finding, size_t size)
{
    struct session session;
    enum selfcheck_result result = SELFCHECK_UNKNOWN;
    if (session_create(&session) < 0)
        return result;
    session.header->flags = SESSION_CHECK;
    char entry[sizeof SESSION_ENV + sizeof session.path];
    snprintf(entry, sizeof entry, SESSION_ENV "=%s", session.path);
    char **copy = with_session(environment, entry);
    if (copy)
        result = ask(executable, copy, &session, like, finding, size);
    free(copy);
    session_remove(&session);
    return result;
}
