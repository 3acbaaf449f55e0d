// SPDX-License-Identifier: MIT
// why.c - see why.h. Whatever is not in the table is I/O: most system calls that block are.
#include "why.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static const char *const names[] = {
#define CALL(number, name) [number] = #name,
#include <syscall_names.inc>
#undef CALL
};

const struct why why_unknown = {STATE_IO, "reason unknown"};

#ifndef SYS_poll // CPUs younger than ppoll have no older ones
#define SYS_poll   (-2)
#define SYS_select (-2)
#define SYS_pause  (-2)
#define SYS_vfork  (-2)
#endif
#ifndef SYS_futex_wait
#define SYS_futex_wait 455
#endif

static const struct row {
    int64_t number;
    enum state state;
} rows[] = {
    {SYS_nanosleep, STATE_SLEEP},
    {SYS_clock_nanosleep, STATE_SLEEP},
    {SYS_pause, STATE_SLEEP},
    {SYS_rt_sigsuspend, STATE_SLEEP},
    {SYS_rt_sigtimedwait, STATE_SLEEP},
    {SYS_wait4, STATE_CHILD},
    {SYS_waitid, STATE_CHILD},
    {SYS_vfork, STATE_CHILD},
    {SYS_clone, STATE_CHILD},
    {SYS_clone3, STATE_CHILD}, // with CLONE_VFORK
    {SYS_futex, STATE_LOCK},
    {SYS_futex_wait, STATE_LOCK},
    {SYS_futex_waitv, STATE_LOCK},
    {SYS_flock, STATE_LOCK},
    {SYS_semop, STATE_LOCK},
    {SYS_semtimedop, STATE_LOCK},
};

// Waiting for nothing but time: time.sleep() was select() until 3.11.
static bool is_bare_timeout(const struct proc_call *call)
{
    if (call->number == SYS_select || call->number == SYS_pselect6)
        return call->args[0] == 0;
    return (call->number == SYS_poll || call->number == SYS_ppoll) && call->args[1] == 0;
}

// The GIL's condition variable lies in _PyRuntime: up to 3.11 in its ceval part, since 3.12 in the
// main interpreter's state, which is a part of it, too (pycore_runtime.h). Nothing else in there is
// waited for by futex: its other locks are semaphores or parking lots outside.
static bool is_gil(const struct proc_call *call, const struct ring_header *header)
{
    return call->number == SYS_futex && call->args[0] >= header->runtime &&
           call->args[0] < header->runtime_end;
}

static bool is_file_lock(const struct proc_call *call)
{
    return call->number == SYS_fcntl &&
           (call->args[1] == F_SETLKW || call->args[1] == F_OFD_SETLKW);
}

static enum state state_of(const struct proc_call *call)
{
    if (is_bare_timeout(call))
        return STATE_SLEEP;
    if (is_file_lock(call))
        return STATE_LOCK;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].number == call->number)
            return rows[i].state;
    return STATE_IO;
}

struct why why_blocked(const struct proc_call *call, const struct ring_header *header)
{
    if (call->number < 0)
        return (struct why){STATE_IO, "page fault"};
    if (is_gil(call, header))
        return (struct why){STATE_GIL, "gil"};
    bool known = call->number < (int64_t)(sizeof names / sizeof *names) && names[call->number];
    return (struct why){state_of(call), known ? names[call->number] : "system call"};
}

int32_t why_child(const struct proc_call *call)
{
    if (call->number == SYS_wait4)
        return (int32_t)call->args[0] > 0 ? (int32_t)call->args[0] : 0;
    if (call->number == SYS_waitid)
        return call->args[0] == P_PID ? (int32_t)call->args[1] : 0;
    return -1;
}
