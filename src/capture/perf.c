// SPDX-License-Identifier: MIT
// perf.c - see perf.h. Kernel time is always counted: an event with exclude_kernel would charge the
// next user line with it.
#include "perf.h"

#include "lineprof/session.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

// Below 6.11 SIGTRAP would come by an interrupt like any other; below 5.19 it killed who blocked
// it.
bool perf_traps(void)
{
#ifdef PERF_ATTR_SIZE_VER7
    struct utsname kernel;
    if (uname(&kernel) < 0)
        return false;
    char *end;
    long major = strtol(kernel.release, &end, 10);
    long minor = *end == '.' ? strtol(end + 1, NULL, 10) : 0;
    return major > 6 || (major == 6 && minor >= 11);
#else
    return false;
#endif
}

static int open_event(pid_t tid, double rate_hz, bool disabled)
{
    struct perf_event_attr attr = {
        .type = PERF_TYPE_SOFTWARE,
        .size = sizeof attr,
        .config = PERF_COUNT_SW_TASK_CLOCK,
        .sample_period = (uint64_t)(1e9 / rate_hz),
        .wakeup_events = 1,
        .disabled = disabled,
        .exclude_hv = 1,
    };
#ifdef PERF_ATTR_SIZE_VER7
    if (perf_traps()) {
        attr.sigtrap = attr.remove_on_exec = 1;
        attr.sig_data = SESSION_COOKIE;
    }
#endif
    int fd = (int)syscall(SYS_perf_event_open, &attr, tid, -1, -1, PERF_FLAG_FD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int perf_open(pid_t tid, double rate_hz)
{
    int fd = open_event(tid, rate_hz, true);
    if (fd < 0 || perf_traps())
        return fd;
    struct f_owner_ex owner = {F_OWNER_TID, tid};
    if (fcntl(fd, F_SETSIG, SIGPROF) < 0 || fcntl(fd, F_SETOWN_EX, &owner) < 0 ||
        fcntl(fd, F_SETFL, O_ASYNC) < 0) {
        int err = -errno;
        close(fd);
        return err;
    }
    return fd;
}

void perf_enable(int fd, bool on)
{
    ioctl(fd, on ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE, 0);
}

bool perf_allowed(void)
{
    int fd = open_event(0, 1000, true);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}
