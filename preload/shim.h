// SPDX-License-Identifier: MIT
// shim.h - what the shim's files share. Nothing of this is visible to the target.
//
// The shim only captures. It must not be noticed: whatever fails in here ends profiling, never the
// program; nothing is written to the target's output, no descriptor stays open, errno is kept.
//
// Runs in the handler (no locks, no allocation, no stdio, under 1 kB of stack):
//   handler.c codes.c image_class(), and from the libraries ring_write.c session_wake.c frames.c
//   code.c mem_self.c. tests/lint/sigsafe.sh holds them to a list of allowed symbols.
// Runs at start, in fork's child, or inside a wrapped call: everything else.
#pragma once

#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <unistd.h>

#include "lineprof/frames.h"
#include "lineprof/ring.h"
#include "lineprof/session.h"

// ---- image.c: where the interpreter is

struct range {
    uint64_t start, end;
};

#define NEUTRAL_MAX 12

struct image {
    uint32_t version; // PY(major, minor); 0: not a Python
    char version_text[32];
    struct range runtime;              // _PyRuntime
    target_addr code_type;             // PyCode_Type
    void *(*this_thread)(void);        // PyGILState_GetThisThreadState
    struct range eval;                 // _PyEval_EvalFrameDefault
    struct range text;                 // executable segment of the object that holds it
    struct range neutral[NEUTRAL_MAX]; // libc, libm, loader, vdso, and this shim
    unsigned neutral_count;
    const char *file; // of the object that holds it; "": the executable
    uint8_t build_id[32];
    uint32_t build_id_length;
};

bool image_find(struct image *image); // false: this process is not a Python; costs one look-up
enum pc_class image_class(const struct image *image, const struct ring_header *header, uint64_t pc);

// ---- shim.c: one process

struct shim {
    _Atomic bool active; // ring and layout stand: handlers may write
    _Atomic bool quiet;  // confined by seccomp: no system call of ours any more; not active
    _Atomic int inside;  // threads that may be about to make one, see shim_enter()
    pid_t owner;         // the process that this state belongs to; a vfork child is another
    struct image image;
    const struct py_layout *layout; // in the ring's header
    struct session session;
    struct ring ring;
    char cwd[1024]; // at the start of the program; as long as the ring's
};

extern struct shim shim;

bool shim_owned(void);               // false in a vfork child, which shares our memory
int64_t shim_clock(clockid_t clock); // ns
void shim_note_end(void);            // of the process, or of what it is until its exec
void shim_fork_child(void);          // a fork's child starts a ring of its own

// ---- confine.c

// Around what makes system calls beside the program's own; false: quiet, there may be none.
bool shim_enter(void);
void shim_leave(void);

// ---- codes.c: code objects seen

void codes_reset(void); // another ring knows none of them
// The id under which the ring knows this code object, announced now if it is new; 0 when the ring
// was full or the object cannot be read.
uint32_t codes_id(const struct mem *mem, target_addr code);

// ---- handler.c

void handler_on_signal(int sig, siginfo_t *info, void *context);
bool handler_owns(const siginfo_t *info); // a SIGPROF or SIGTRAP that it never asked for

// ---- signals.c: who gets SIGPROF, SIGSEGV, SIGBUS and SIGTRAP

void signals_start(void);
// Does what the program believes will be done with a signal that is not ours.
void signals_forward(int sig, siginfo_t *info, void *context);
void signals_before_exec(void); // also in a vfork child, whose signals are its own
// Forgets every SIGPROF and SIGTRAP that pends, so that none kills the program that exec starts;
// and leaves it ignored where more may come.
void signals_drop_pending(bool no_more_come);
void signals_after_exec(void); // that failed, or was a child's

// ---- timers.c: a CPU timer per thread

void timers_start(void); // for the calling thread
void timers_stop(void);
void timers_forked(void); // in a fork's child: timers are not inherited

// No ticks for the calling thread for now; more than one reason may hold.
enum pause { PAUSED_MASK = 1, PAUSED_STACK = 2 };
void timers_pause(enum pause why);
void timers_resume(enum pause why);

// ---- masks.c: threads that cannot take a tick

bool masks_block_ticks(void); // the calling thread blocks SIGPROF now

// ---- threads.c

void threads_announce(enum record_type type); // THREAD_START or THREAD_END of the caller
void threads_announce_pause(int64_t cpu_ns);  // so much CPU time went by without a timer
bool threads_ended(void); // the calling thread has announced its end: a late signal is not a sample

// ---- process.c

// The collector stops its perf events, see enum ring_hold; false when it has not answered in time.
bool process_stop_perf(void);
void process_start_perf(void);

// ---- inherit.c: what an exec'd program gets of us

// False when the loader of the program at `path` would fail to preload the shim that `envp` names
// (a chroot, another ELF class, another C library), and say so on the program's stderr or end it.
bool inherit_loads(const char *path, char *const envp[]);
// True when `path` looks like a Python, or a script of one, and `envp` lacks what would have it
// profiled: the program has cleared or replaced the environment.
bool inherit_loses_python(const char *path, char *const envp[]);
// `envp` without the shim: into clean[inherit_count(envp)], with the new LD_PRELOAD in `preload`,
// which has room for inherit_preload_size(envp).
size_t inherit_count(char *const envp[]);
size_t inherit_preload_size(char *const envp[]);
void inherit_without_shim(char *const envp[], char *clean[], char *preload);

// ---- real.c: the functions we stand in front of

// clang-format off
#define REALS(X)                                                  \
    X(pthread_create)                                             \
    X(sigaction) X(signal) X(ssignal) X(__sysv_signal)            \
    X(sigtimedwait) X(sigpending) X(prctl)                        \
    X(pthread_sigmask) X(sigprocmask) X(sigaltstack)              \
    X(execve) X(execvpe) X(fexecve) X(posix_spawn) X(posix_spawnp)
// clang-format on

struct reals {
#define FIELD(name) __typeof__(&name) name;
    REALS(FIELD)
#undef FIELD
    int (*siginterrupt)(int, int); // by hand: to name it is to use what is deprecated
};

// All of them, looked up at start: a wrapper may be called where dlsym() must not be (a signal
// handler, a forked child whose parent held the loader's lock).
const struct reals *real_all(void);
#define REAL(name) (real_all()->name)
#define EXPORT     __attribute__((visibility("default")))
