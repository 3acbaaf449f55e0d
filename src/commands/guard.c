// SPDX-License-Identifier: MIT
// guard.c - remembers the group's signals and tidies up after a killed lineprof; see guard.h.
#include "guard.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_MS 1000 // it is idle, so it answers in microseconds unless the machine is very busy

static struct {
    pid_t pid; // 0: none
    int fd;    // our end
    uint64_t questions;
} guard;

struct answer {
    uint64_t question; // which one: an answer that came too late is not the next one's
    uint64_t signals;
};

// ---- in the guard

// Nothing that the program's world waits for is kept open: a pipe's end, a lock.
static void close_all_but(int a, int b)
{
    int low = a < b ? a : b, high = a < b ? b : a;
    if (low > 0)
        close_range(0, (unsigned)low - 1, 0);
    if (high - low > 1)
        close_range((unsigned)low + 1, (unsigned)high - 1, 0);
    close_range((unsigned)high + 1, ~0u, 0);
}

static uint64_t take_pending(const sigset_t *all)
{
    const struct timespec now = {0};
    uint64_t signals = 0;
    for (int sig; (sig = sigtimedwait(all, NULL, &now)) > 0;)
        signals |= UINT64_C(1) << (sig - 1);
    return signals;
}

static _Noreturn void live(struct session *session, int fd, const sigset_t *all)
{
    struct answer answer;
    close_all_but(fd, session->dirfd);
    prctl(PR_SET_NAME, "lineprof-guard");
    while (read(fd, &answer.question, sizeof answer.question) == sizeof answer.question) {
        answer.signals = take_pending(all);
        if (send(fd, &answer, sizeof answer, MSG_NOSIGNAL) < 0)
            break;
    }
    session_remove(session); // lineprof has gone without stopping us
    _exit(0);
}

// ---- in lineprof

bool guard_start(struct session *session)
{
    int ends[2];
    sigset_t all, before;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return false;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before); // before the fork: none may slip through
    pid_t pid = fork();
    if (pid == 0)
        live(session, ends[1], &all);
    sigprocmask(SIG_SETMASK, &before, NULL);
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return false;
    }
    guard.pid = pid;
    guard.fd = ends[0];
    return true;
}

static bool wait_for_answer(void)
{
    struct pollfd answer = {.fd = guard.fd, .events = POLLIN};
    int n;
    while ((n = poll(&answer, 1, ANSWER_MS)) < 0 && errno == EINTR)
        ;
    return n == 1;
}

uint64_t guard_ask(void)
{
    uint64_t question = ++guard.questions, signals = 0;
    struct answer answer = {0};
    if (!guard.pid || send(guard.fd, &question, sizeof question, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        return 0;
    while (answer.question != question && wait_for_answer() &&
           recv(guard.fd, &answer, sizeof answer, MSG_DONTWAIT) == sizeof answer)
        signals |= answer.signals; // those of a late answer were the group's as well
    return signals;
}

void guard_stop(void)
{
    if (!guard.pid)
        return;
    kill(guard.pid, SIGKILL);
    waitpid(guard.pid, NULL, 0);
    close(guard.fd);
    guard.pid = 0;
}
