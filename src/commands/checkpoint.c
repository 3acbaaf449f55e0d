// SPDX-License-Identifier: MIT
// checkpoint.c - when to fork, and what the copy must not keep; see checkpoint.h.
//
// The first after two seconds, then each after another quarter of the time so far, so that a killed
// lineprof loses a fifth of its run at most; never more rarely than every half minute, except that
// all of them together take 0.5 % of a core at most (fork makes the rest: pages are copied when the
// collector next writes to them).
#include "checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SECOND   INT64_C(1000000000)
#define FIRST_NS (2 * SECOND)
#define MOST_NS  (30 * SECOND)
#define PART     4   // of the time so far
#define COST     200 // as a part of the time: half a per cent
#define END_MS   1000

static struct {
    struct store store; // path NULL: not made yet
    bool impossible;
    pid_t copy; // 0: none at work
    unsigned number;
    int64_t started_unix_ns, started_ns;
    int64_t forked_ns, fork_took_ns; // of the last copy
    int64_t due_ns;
} checkpoint = {.store.lock = -1, .impossible = true};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * SECOND + now.tv_nsec;
}

// ---- in the copy

// The kernel shall take us first when memory is short, and everybody else's work before ours.
static void step_back(void)
{
    const struct sched_param none = {0};
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t n = write(fd, "1000", 4);
        (void)n;
        close(fd);
    }
    sched_setscheduler(0, SCHED_BATCH, &none);
    setpriority(PRIO_PROCESS, 0, 19);
    prctl(PR_SET_NAME, "lineprof-save");
}

// Pipes of the program's, the session's lock, perf events: nothing but our folder's lock, which
// says that we are still at it even when lineprof is gone.
static void let_go(int lock)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd <= 2; fd++)
        dup2(null, fd);
    if (lock > 3)
        dup3(lock, 3, O_CLOEXEC);
    close_range(4, ~0u, 0);
}

static _Noreturn void save(const struct checkpoint_work *work)
{
    let_go(checkpoint.store.lock);
    work->finish(work->context);
    step_back();
    _exit(!work->write(work->context, &checkpoint.store, checkpoint.number));
}

// ---- in lineprof

static void fork_copy(const struct checkpoint_work *work)
{
    sigset_t all, before;
    sigfillset(&all);
    checkpoint.number++;
    checkpoint.forked_ns = now_ns();
    sigprocmask(SIG_SETMASK, &all, &before); // what the group is sent is not for the copy
    pid_t pid = fork();
    if (pid == 0)
        save(work);
    sigprocmask(SIG_SETMASK, &before, NULL);
    checkpoint.fork_took_ns = now_ns() - checkpoint.forked_ns;
    checkpoint.copy = pid > 0 ? pid : 0;
    checkpoint.due_ns = checkpoint.forked_ns + FIRST_NS; // should there be none
}

static int64_t cpu_ns(const struct rusage *usage)
{
    return (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * SECOND +
           (usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) * INT64_C(1000);
}

static void plan_next(const struct rusage *usage)
{
    int64_t gap = (checkpoint.forked_ns - checkpoint.started_ns) / PART;
    int64_t least = COST * (cpu_ns(usage) + checkpoint.fork_took_ns);
    gap = gap < FIRST_NS ? FIRST_NS : gap > MOST_NS ? MOST_NS : gap;
    checkpoint.due_ns = checkpoint.forked_ns + (gap < least ? least : gap);
}

// True when no copy is at work.
static bool reap(void)
{
    struct rusage usage;
    if (!checkpoint.copy)
        return true;
    pid_t pid = wait4(checkpoint.copy, NULL, WNOHANG, &usage);
    if (pid == 0 || (pid < 0 && errno == EINTR))
        return false;
    if (pid > 0)
        plan_next(&usage);
    checkpoint.copy = 0;
    return true;
}

void checkpoint_begin(int64_t started_unix_ns)
{
    checkpoint.impossible = false;
    checkpoint.started_unix_ns = started_unix_ns;
    checkpoint.started_ns = now_ns();
    checkpoint.due_ns = checkpoint.started_ns + FIRST_NS;
}

// Most programs end before the first is due: they never touch the disk.
static bool has_folder(void)
{
    if (!checkpoint.store.path && !checkpoint.impossible)
        checkpoint.impossible = !store_open(&checkpoint.store, checkpoint.started_unix_ns);
    return !checkpoint.impossible;
}

void checkpoint_step(const struct checkpoint_work *work)
{
    if (checkpoint.impossible || !reap() || now_ns() < checkpoint.due_ns || !has_folder())
        return;
    fork_copy(work);
}

// A copy that hangs on a dead disk is left alone: it holds nothing that anybody waits for.
void checkpoint_stop(void)
{
    const struct timespec nap = {0, 1000000};
    if (checkpoint.copy)
        kill(checkpoint.copy, SIGKILL);
    for (int ms = 0; !reap() && ms < END_MS; ms++)
        nanosleep(&nap, NULL);
    checkpoint.impossible = checkpoint.impossible || checkpoint.copy;
}

void checkpoint_forget(void)
{
    store_close(&checkpoint.store, !checkpoint.copy);
    checkpoint.impossible = true;
}

bool checkpoint_keep(const struct profile *profile, const struct options *options)
{
    return has_folder() && store_put(&checkpoint.store, ++checkpoint.number, profile, options);
}
