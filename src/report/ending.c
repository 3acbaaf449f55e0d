// SPDX-License-Identifier: MIT
// ending.c - how the program ended, in words; the page has the same ones in html/src/ending.js.
#include "lineprof/report.h"

#include <signal.h>
#include <stddef.h>

#define NAME(sig) [sig] = #sig

// Those that end a program. (The C library's own table is younger than what we run on.)
static const char *const names[] = {
    NAME(SIGHUP),  NAME(SIGINT),  NAME(SIGQUIT), NAME(SIGILL),    NAME(SIGTRAP),   NAME(SIGABRT),
    NAME(SIGBUS),  NAME(SIGFPE),  NAME(SIGKILL), NAME(SIGUSR1),   NAME(SIGSEGV),   NAME(SIGUSR2),
    NAME(SIGPIPE), NAME(SIGALRM), NAME(SIGTERM), NAME(SIGXCPU),   NAME(SIGXFSZ),   NAME(SIGSYS),
    NAME(SIGPROF), NAME(SIGIO),   NAME(SIGPWR),  NAME(SIGSTKFLT), NAME(SIGVTALRM),
};

const char *report_ending(const struct run_info *run, char text[48])
{
    int sig = -run->exit_code;
    if (run->cut_short || !sig)
        return NULL;
    if (sig < 0)
        snprintf(text, 48, "exit code %d", run->exit_code);
    else if ((size_t)sig < sizeof names / sizeof *names && names[sig])
        snprintf(text, 48, "killed by %s", names[sig]);
    else
        snprintf(text, 48, "killed by signal %d", sig);
    return text;
}
