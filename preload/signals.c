// SPDX-License-Identifier: MIT
// signals.c - the program believes that it alone decides over SIGPROF, SIGSEGV and SIGBUS, and
// where perf events trap, over SIGTRAP.
//
// Our handlers stay installed; sigaction() and signal() for these only change what the
// program believes, and any signal that is not ours is treated as that belief says. Our handler is
// installed with the program's own flags and mask, so that nesting, masks, alternate stacks and
// restarted calls are as it asked.
#include "shim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <ucontext.h>
#include <unistd.h>

#define RESTORER 0x04000000 // the kernel's SA_RESTORER: glibc gives every action one, and shows it

struct belief {
    int sig;
    struct sigaction action; // what the program installed; under `lock`
    _Atomic(void *) handler; // action's handler, for the signal handler
    _Atomic int flags;
    _Atomic uint64_t mask; // action's mask
};

static struct belief beliefs[] = {
    {.sig = SIGPROF}, {.sig = SIGSEGV}, {.sig = SIGBUS}, {.sig = SIGTRAP}};
static size_t belief_count = 3; // 4: SESSION_TRAP
static atomic_flag lock = ATOMIC_FLAG_INIT;
static _Atomic bool started;
static int restart; // SA_RESTART where a system call would notice our signals without it
static void (*restorer)(void);
static int restorer_flag;
static __typeof__(&sigaction) real_sigaction; // at hand: the handler may look nothing up

static bool is_sampling(int sig)
{
    return sig == SIGPROF || sig == SIGTRAP;
}

static struct belief *find(int sig)
{
    for (size_t i = 0; i < belief_count; i++)
        if (beliefs[i].sig == sig)
            return &beliefs[i];
    return NULL;
}

// sigaction() may be called from a signal handler: no signal while the lock is held.
static void enter(sigset_t *saved)
{
    sigset_t all;
    sigfillset(&all);
    REAL(pthread_sigmask)(SIG_BLOCK, &all, saved);
    while (atomic_flag_test_and_set_explicit(&lock, memory_order_acquire))
        ;
}

static void leave(const sigset_t *saved)
{
    atomic_flag_clear_explicit(&lock, memory_order_release);
    REAL(pthread_sigmask)(SIG_SETMASK, saved, NULL);
}

// The call in tail position leaves no frame of ours: faulthandler (3.14) shows the C stack.
static void on_fault(int sig, siginfo_t *info, void *context)
{
    if (info->si_code > 0 && mem_guard_step(context))
        return;
    signals_forward(sig, info, context);
}

// From 5.9 on the kernel raises a CPU timer's signal on the way back to user mode, so our ticks
// interrupt no system call. Restarting would harm there: where the program's own signal does
// interrupt one, a tick may be waiting beside it, and then the kernel asks our handler, not the
// program's, whether the call goes on.
static bool ticks_interrupt(void)
{
    struct utsname kernel;
    if (uname(&kernel) < 0)
        return true;
    char *end;
    long major = strtol(kernel.release, &end, 10);
    long minor = *end == '.' ? strtol(end + 1, NULL, 10) : 0;
    return major < 5 || (major == 5 && minor < 9);
}

// No other handler on top of ours: one that ended by longjmp() would leave a record open for ever.
// Faults must come through, for our own guarded reads.
static void block_asynchronous(sigset_t *mask)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS, SIGABRT};
    sigfillset(mask);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigdelset(mask, faults[i]);
}

// The mask that the program's handler for SIGPROF or SIGTRAP is to run under, instead of ours.
static void set_program_mask(const struct belief *belief, const ucontext_t *context, int flags)
{
    uint64_t mask, asked = atomic_load_explicit(&belief->mask, memory_order_relaxed);
    memcpy(&mask, &context->uc_sigmask, sizeof mask); // the kernel's 64 signals
    mask |= asked | (flags & SA_NODEFER ? 0 : UINT64_C(1) << (belief->sig - 1));
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof mask);
}

static int install(const struct belief *belief)
{
    bool default_action =
        belief->action.sa_handler == SIG_DFL || belief->action.sa_handler == SIG_IGN;
    struct sigaction ours = {
        .sa_sigaction = is_sampling(belief->sig) ? handler_on_signal : on_fault,
        .sa_mask = belief->action.sa_mask,
        .sa_flags = (belief->action.sa_flags & ~SA_RESETHAND) | SA_SIGINFO | SA_ONSTACK,
    };
    if (default_action) {
        sigemptyset(&ours.sa_mask);
        ours.sa_flags = SA_SIGINFO | SA_ONSTACK | restart;
    }
    if (is_sampling(belief->sig)) {
        ours.sa_flags &= ~SA_NODEFER; // our handler must not nest
        block_asynchronous(&ours.sa_mask);
    }
    return real_sigaction(belief->sig, &ours, NULL);
}

static void believe(struct belief *belief, const struct sigaction *action)
{
    uint64_t mask;
    memcpy(&mask, &action->sa_mask, sizeof mask);
    belief->action = *action;
    atomic_store_explicit(&belief->mask, mask, memory_order_relaxed);
    atomic_store_explicit(&belief->flags, action->sa_flags, memory_order_relaxed);
    atomic_store_explicit(&belief->handler, (void *)action->sa_handler, memory_order_release);
}

// Another thread may have held the lock at the fork.
static void forked(void)
{
    atomic_flag_clear(&lock);
}

// What the kernel will show of an action that glibc has passed on.
static void find_restorer(void)
{
    struct sigaction action;
    if (real_sigaction(SIGPROF, NULL, &action) < 0)
        return;
    restorer = action.sa_restorer;
    restorer_flag = action.sa_flags & RESTORER;
}

void signals_start(void)
{
    real_sigaction = REAL(sigaction);
    uint32_t flags = shim.session.header->flags;
    if (((flags & SESSION_PERF) && !(flags & SESSION_TRAP)) || ticks_interrupt())
        restart = SA_RESTART;
    if (flags & SESSION_TRAP)
        belief_count = sizeof beliefs / sizeof *beliefs;
    for (size_t i = 0; i < belief_count; i++) {
        struct sigaction inherited;
        if (real_sigaction(beliefs[i].sig, NULL, &inherited) < 0)
            continue;
        believe(&beliefs[i], &inherited);
        install(&beliefs[i]);
    }
    find_restorer();
    pthread_atfork(NULL, NULL, forked);
    atomic_store_explicit(&started, true, memory_order_release);
}

// The default action: give the signal its default disposition and let it happen again. A fault
// happens again by itself when the instruction is repeated.
__attribute__((noinline)) static void forward_default(int sig, const siginfo_t *info)
{
    int saved_errno = errno;
    struct sigaction action = {.sa_handler = SIG_DFL};
    real_sigaction(sig, &action, NULL);
    if (is_sampling(sig) || info->si_code <= 0)
        syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), sig);
    errno = saved_errno;
}

void signals_forward(int sig, siginfo_t *info, void *context)
{
    struct belief *belief = find(sig);
    void *handler = atomic_load_explicit(&belief->handler, memory_order_acquire);
    int flags = atomic_load_explicit(&belief->flags, memory_order_relaxed);
    bool fault = sig != SIGPROF && info->si_code > 0; // a breakpoint as well
    if (handler == (void *)SIG_DFL || (handler == (void *)SIG_IGN && fault)) {
        forward_default(sig, info);
        return;
    }
    if (handler == (void *)SIG_IGN)
        return;
    if (flags & SA_RESETHAND)
        atomic_store_explicit(&belief->handler, (void *)SIG_DFL, memory_order_release);
    if (is_sampling(sig))
        set_program_mask(belief, context, flags);
    ((void (*)(int, siginfo_t *, void *))handler)(sig, info,
                                                  context); // a one-argument one ignores the rest
}

static void ignore(int sig)
{
    const struct sigaction action = {.sa_handler = SIG_IGN};
    real_sigaction(sig, &action, NULL);
}

static bool is_ignored(const struct belief *belief)
{
    return atomic_load_explicit(&belief->handler, memory_order_relaxed) == (void *)SIG_IGN;
}

// A signal that the program ignores stays ignored beyond exec, one that has a handler does not.
void signals_before_exec(void)
{
    if (!atomic_load_explicit(&started, memory_order_acquire))
        return;
    for (size_t i = 0; i < belief_count; i++)
        if (is_ignored(&beliefs[i]))
            ignore(beliefs[i].sig);
}

// The kernel forgets what is pending of a signal once that is ignored.
void signals_drop_pending(bool no_more_come)
{
    for (size_t i = 0; i < belief_count; i++)
        if (is_sampling(beliefs[i].sig)) {
            ignore(beliefs[i].sig);
            if (no_more_come && !is_ignored(&beliefs[i]))
                install(&beliefs[i]);
        }
}

void signals_after_exec(void)
{
    if (!atomic_load_explicit(&started, memory_order_acquire))
        return;
    for (size_t i = 0; i < belief_count; i++)
        if (is_ignored(&beliefs[i]) || is_sampling(beliefs[i].sig))
            install(&beliefs[i]);
}

// What sigaction() is for one of ours; `find(sig)` is not NULL.
static int change(struct belief *belief, const struct sigaction *action, struct sigaction *old)
{
    sigset_t saved;
    enter(&saved);
    struct sigaction before = belief->action;
    before.sa_handler = (void (*)(int))atomic_load_explicit(&belief->handler, memory_order_relaxed);
    int result = 0;
    if (action) {
        struct sigaction shown = *action;
        shown.sa_flags |= restorer_flag;
        shown.sa_restorer = restorer;
        sigdelset(&shown.sa_mask, SIGKILL);
        sigdelset(&shown.sa_mask, SIGSTOP);
        believe(belief, &shown);
        result = install(belief);
    }
    leave(&saved);
    if (old && result == 0)
        *old = before;
    return result;
}

EXPORT int sigaction(int sig, const struct sigaction *action, struct sigaction *old)
{
    struct belief *belief = find(sig);
    if (belief && atomic_load_explicit(&started, memory_order_acquire) && shim_owned())
        return change(belief, action, old);
    return REAL(sigaction)(sig, action, old);
}

static void (*change_handler(struct belief *belief, void (*handler)(int), int flags))(int)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags}, old;
    sigemptyset(&action.sa_mask);
    if (!(flags & SA_NODEFER))
        sigaddset(&action.sa_mask, belief->sig);
    return change(belief, &action, &old) < 0 ? SIG_ERR : old.sa_handler;
}

// glibc's signal() and its variants reach the kernel without passing sigaction().
#define SIGNAL_VARIANT(name, flags)                                                                \
    EXPORT void (*name(int sig, void (*handler)(int)))(int)                                        \
    {                                                                                              \
        struct belief *belief = find(sig);                                                         \
        if (belief && atomic_load_explicit(&started, memory_order_acquire) && shim_owned())        \
            return change_handler(belief, handler, flags);                                         \
        return REAL(name)(sig, handler);                                                           \
    }

SIGNAL_VARIANT(signal, SA_RESTART)
SIGNAL_VARIANT(ssignal, SA_RESTART)
SIGNAL_VARIANT(__sysv_signal, SA_RESETHAND | SA_NODEFER)

EXPORT int siginterrupt(int sig, int interrupts)
{
    struct belief *belief = find(sig);
    if (!belief || !atomic_load_explicit(&started, memory_order_acquire) || !shim_owned())
        return REAL(siginterrupt)(sig, interrupts);
    struct sigaction action;
    change(belief, NULL, &action);
    action.sa_flags = interrupts ? action.sa_flags & ~SA_RESTART : action.sa_flags | SA_RESTART;
    return change(belief, &action, NULL);
}
