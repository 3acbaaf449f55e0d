// SPDX-License-Identifier: MIT
// session_wake.c - calls the collector. Runs in signal handlers: one atomic, one system call that
// cannot block, errno kept by the caller.
#include "lineprof/session.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

void session_wake(struct session *session)
{
    atomic_fetch_add_explicit(&session->header->wake, 1, memory_order_release);
    syscall(SYS_futex, &session->header->wake, FUTEX_WAKE, 1, NULL, NULL, 0);
}
