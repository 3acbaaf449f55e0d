// SPDX-License-Identifier: MIT
// conduct.c - passes signals on, exactly once; see conduct.h.
//
// The handler only notes what came and wakes the loop. Signals that were ignored when lineprof
// started (nohup, a job in the background of a script) stay ignored, for the program as well.
#include "conduct.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "guard.h"

#define BIT(sig) (UINT64_C(1) << ((sig)-1))
#define SIGNALS  (sizeof passed_on / sizeof *passed_on)

#define STOPS       (BIT(SIGTSTP) | BIT(SIGTTIN) | BIT(SIGTTOU))
#define JOB_CONTROL (STOPS | BIT(SIGCONT))

// What a person or a supervisor may send, to us or to the group. Not the faults.
static const int passed_on[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM, SIGUSR1,   SIGUSR2, SIGALRM,
                                SIGABRT, SIGTRAP, SIGXCPU, SIGPROF, SIGVTALRM, SIGPIPE, SIGWINCH,
                                SIGURG,  SIGIO,   SIGPWR,  SIGCONT, SIGTSTP,   SIGTTIN, SIGTTOU};

static struct sigaction found[NSIG]; // dispositions at our start
static sigset_t found_mask, run_mask;
static _Atomic(struct session *) session;
static _Atomic uint64_t arrived, from_kernel;
static bool stop_came; // a stop signal, and no SIGCONT since

static void on_signal(int sig, siginfo_t *info, void *context)
{
    int saved = errno;
    (void)context;
    if (sig != SIGCHLD && info->si_pid != getpid()) // a pipe of our own that nobody reads
        atomic_fetch_or(&arrived, BIT(sig));
    if (info->si_code > 0) // SI_KERNEL: the terminal, which tells the whole group
        atomic_fetch_or(&from_kernel, BIT(sig));
    struct session *to_wake = atomic_load(&session);
    if (to_wake)
        session_wake(to_wake);
    errno = saved;
}

static void catch_signal(int sig)
{
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(sig, &action, NULL);
}

void conduct_begin(void)
{
    sigset_t ours;
    sigemptyset(&ours);
    for (int sig = 1; sig < NSIG; sig++)
        sigaction(sig, NULL, &found[sig]);
    for (size_t i = 0; i < SIGNALS; i++)
        if (found[passed_on[i]].sa_handler != SIG_IGN) {
            catch_signal(passed_on[i]);
            sigaddset(&ours, passed_on[i]);
        }
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGXFSZ, &ignore, NULL); // a file that may not grow is an error to report
    catch_signal(SIGCHLD);             // even where ignored: then waitid would have nothing to tell
    sigaddset(&ours, SIGCHLD);
    sigprocmask(SIG_UNBLOCK, &ours, &found_mask);
}

void conduct_wakes(struct session *to_wake)
{
    atomic_store(&session, to_wake);
}

// ---- around fork

// A signal in the child before exec would be noted there and lost: it waits until dispositions are
// those of the program.
void conduct_before_fork(void)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &run_mask);
}

void conduct_in_child(void)
{
    for (size_t i = 0; i < SIGNALS; i++)
        sigaction(passed_on[i], &found[passed_on[i]], NULL);
    sigaction(SIGCHLD, &found[SIGCHLD], NULL);
    sigaction(SIGXFSZ, &found[SIGXFSZ], NULL);
    sigprocmask(SIG_SETMASK, &found_mask, NULL);
}

static void send_all(pid_t child, uint64_t signals)
{
    for (int sig = 1; sig <= 64; sig++)
        if (signals & BIT(sig))
            kill(child, sig);
}

// What the group got while there was no child, it would have got. (What comes during the fork
// itself the kernel gives to both.)
void conduct_after_fork(pid_t child)
{
    uint64_t early = atomic_exchange(&arrived, 0);
    if (child > 0) // and not -1, which is everybody
        send_all(child, early);
    atomic_store(&from_kernel, 0);
    guard_ask(); // and forgets them
    sigprocmask(SIG_SETMASK, &run_mask, NULL);
}

// ---- passing on

// The kernel's word as well, should there be no guard. A stop signal takes a pending SIGCONT away
// and the other way round: the guard may remember only the later of two that we have seen.
static uint64_t sent_to_group(void)
{
    uint64_t signals = guard_ask() | atomic_exchange(&from_kernel, 0);
    return signals & JOB_CONTROL ? signals | JOB_CONTROL : signals;
}

static void note_stops(uint64_t signals)
{
    if (signals & STOPS)
        stop_came = true;
    if (signals & BIT(SIGCONT))
        stop_came = false;
}

static void pass_on(pid_t child)
{
    uint64_t signals = atomic_exchange(&arrived, 0);
    if (!signals)
        return;
    uint64_t theirs = signals & ~sent_to_group();
    note_stops(signals);
    send_all(child, theirs);
}

// ---- stopping

// Somebody who stops the program alone, from elsewhere, will continue it alone: then we must run.
// In front of a terminal a shell waits for its job to stop or end, and only sees us.
static bool shell_waits(void)
{
    return tcgetpgrp(STDIN_FILENO) == getpgrp() || tcgetpgrp(STDERR_FILENO) == getpgrp();
}

static void stop_by(int sig)
{
    const struct sigaction preset = {.sa_handler = SIG_DFL};
    if (sig != SIGSTOP)
        sigaction(sig, &preset, NULL);
    raise(sig); // we stand here until the shell continues its job
    if (sig != SIGSTOP)
        catch_signal(sig);
}

static void follow_stop(pid_t child)
{
    siginfo_t info = {0};
    if (waitid(P_PID, (id_t)child, &info, WSTOPPED | WNOHANG) < 0 || info.si_pid != child)
        return;
    if (!stop_came && !shell_waits())
        return;
    stop_came = false;
    stop_by(info.si_status);
}

void conduct_step(pid_t child)
{
    pass_on(child);
    follow_stop(child);
}

void conduct_end(void)
{
    static const int job_control[] = {SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU};
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    conduct_wakes(NULL);
    for (size_t i = 0; i < sizeof job_control / sizeof *job_control; i++)
        sigaction(job_control[i], &found[job_control[i]], NULL);
    sigaction(SIGPIPE, &ignore, NULL); // a reader who has seen enough is no reason to die
}
