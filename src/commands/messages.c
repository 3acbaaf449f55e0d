// SPDX-License-Identifier: MIT
// messages.c - the lines on stderr after a run: each says what was, and what can be done.
#include "messages.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include "interpreter.h"
#include "lineprof/report.h"
#include "lineprof/session.h"
#include "text.h"

#define SOURCE_LIMIT (64u << 20)

#define say(...) (fputs("lineprof: ", stderr), fprintf(stderr, __VA_ARGS__), fputc('\n', stderr))

// ---- trouble

static void say_ringless(const struct collector_summary *summary)
{
    int error = summary->ringless_errno;
    bool room = error == ENOSPC || error == EFBIG || error == ENOMEM;
    say("%u Python%s ran unprofiled, no memory to share with %s in /dev/shm: %s%s",
        summary->ringless, summary->ringless == 1 ? "" : "s",
        summary->ringless == 1 ? "it" : "them", strerror(error),
        room ? " (make room there, or raise ulimit -f)" : "");
}

// Nothing that we can read ran. The program has run as it would alone.
static void say_why_nothing(const struct collector_summary *summary, const struct program *program)
{
    const char *version =
        summary->unsupported_version[0] ? summary->unsupported_version : "of this kind";
    if (summary->ringless)
        say_ringless(summary);
    else if (summary->misread)
        say("this build of Python %s does not pass lineprof's self-check (%s): the program ran "
            "unprofiled, there is no report; please report this line",
            summary->misread_version, summary->misread_finding);
    else if (summary->free_threaded)
        say("free-threaded Python %s is not supported yet: the program ran unprofiled, there is no "
            "report",
            version);
    else if (summary->layout_mismatch)
        say("this build of Python %s is laid out as none that lineprof knows: the program ran "
            "unprofiled, there is no report",
            version);
    else if (summary->unsupported)
        say("Python %s is not supported (3.8 to 3.15 are): the program ran unprofiled, there is no "
            "report",
            version);
    else if (is_static_executable(program->path))
        say("%s is a static executable, nothing can be loaded into it: it ran unprofiled, there is "
            "no report",
            program->name);
    else
        say("no Python that lineprof can read was started (is it static, or of another user?): "
            "there is no report");
}

static void say_why_less(const struct collector_summary *summary)
{
    if (summary->misread)
        say("%u process%s ran unprofiled: this build of Python %s does not pass lineprof's "
            "self-check (%s); please report this line",
            summary->misread, summary->misread == 1 ? "" : "es", summary->misread_version,
            summary->misread_finding);
    if (summary->free_threaded)
        say("a free-threaded Python ran unprofiled: it is not supported yet");
    if (summary->layout_mismatch)
        say("a Python ran unprofiled: it is laid out as none that lineprof knows");
    if (summary->unsupported)
        say("%u process%s ran unprofiled: Python %s is not supported", summary->unsupported,
            summary->unsupported == 1 ? "" : "es", summary->unsupported_version);
    if (summary->ringless)
        say_ringless(summary);
    if (summary->cleared)
        say("%u Python%s ran unprofiled: started with an environment that lacks LD_PRELOAD "
            "or " SESSION_ENV " (env={...}; pass os.environ on with what is to change)",
            summary->cleared, summary->cleared == 1 ? "" : "s");
    if (summary->confined)
        say("%u process%s ran under a seccomp filter of the program's: unprofiled from there on, "
            "lest it be killed for a system call of lineprof's",
            summary->confined, summary->confined == 1 ? "" : "es");
    if (summary->unreadable)
        say("the program's memory may not be read from outside (see kernel.yama.ptrace_scope): "
            "python and native are told apart less well");
    else if (summary->reason_unknown)
        say("the program's memory may not be read any more (it is not dumpable, or another "
            "user's): "
            "how long it waits is known, for what is not");
}

static void say_perf_refused(double asked_hz)
{
    char value[16];
    FILE *file = fopen("/proc/sys/kernel/perf_event_paranoid", "re");
    if (!file || !fgets(value, sizeof value, file))
        strcpy(value, "unknown");
    if (file)
        fclose(file);
    value[strcspn(value, "\n")] = '\0';
    say("--rate %g needs perf events, and kernel.perf_event_paranoid is %s (1 or less allows "
        "them): "
        "sampled at the kernel's tick",
        asked_hz, value);
}

void messages_trouble(const struct collector_summary *summary, const struct program *program,
                      double asked_hz)
{
    if (summary->perf_refused)
        say_perf_refused(asked_hz);
    if (summary->processes)
        say_why_less(summary);
    else
        say_why_nothing(summary, program);
}

void messages_end(const struct collector_summary *summary, const struct child *child)
{
    int sig = WIFSIGNALED(child->status) ? WTERMSIG(child->status) : 0;
    if (summary->confined || !child->seccomp || (sig != SIGSYS && sig != SIGKILL))
        return;
    say("the program was under seccomp and killed by SIG%s, perhaps for a system call of "
        "lineprof's: "
        "allow clock_gettime, futex, getrusage, gettid, timer_delete and rt_sigreturn there, or "
        "install the filter by the prctl() that all libraries see (ctypes.CDLL(None))",
        sig == SIGSYS ? "SYS" : "KILL");
}

// ---- hint for line_profiler's decorator

static bool is_name_char(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

// Is the word in this line, as a name of its own?
static bool names_profile(const char *line, size_t length)
{
    static const char word[] = "profile";
    size_t n = sizeof word - 1;
    for (size_t i = 0; i + n <= length; i++)
        if (memcmp(line + i, word, n) == 0 &&
            (i == 0 || (!is_name_char(line[i - 1]) && line[i - 1] != '.')) &&
            (i + n == length || !is_name_char(line[i + n])))
            return true;
    return false;
}

// The program decorates with @profile, and nothing else in it speaks of that name.
static bool has_bare_decorator(const char *source)
{
    bool decorated = false;
    for (const char *line = source; *line;) {
        size_t length = strcspn(line, "\n");
        size_t indent = strspn(line, " \t");
        if (length > indent && names_profile(line, length)) {
            if (line[indent] != '@' && line[indent] != '#')
                return false;
            decorated = decorated || line[indent] == '@';
        }
        line += length + (line[length] == '\n');
    }
    return decorated;
}

static char *source_of(const struct program *program)
{
    size_t length;
    if (program->source)
        return text_format("%s", program->source);
    return program->kind == PROGRAM_SCRIPT ? text_file(program->name, SOURCE_LIMIT, &length) : NULL;
}

void messages_hint(const struct program *program, int exit_code)
{
    char *source = exit_code == 1 ? source_of(program) : NULL;
    if (source && has_bare_decorator(source))
        say("hint: @profile is line_profiler's and exists under kernprof only; lineprof needs no "
            "decorator: delete it, or add `from line_profiler import profile`");
    free(source);
}

// ---- result

static bool is_selected(const struct profile_file *file, const struct options *options)
{
    bool is_bucket = file->origin == ORIGIN_NONE && file->line_count && file->lines[0].line <= 0;
    for (size_t i = 0; !is_bucket && i < options->only.count; i++)
        if (strstr(file->path, options->only.at[i]))
            return true;
    return false;
}

void messages_selection(const struct profile *profile, const struct options *options)
{
    bool found = options->only.count == 0 || profile->times.samples == 0;
    for (size_t i = 0; !found && i < profile->file_count; i++)
        found = is_selected(&profile->files[i], options);
    if (!found)
        say("nothing matched --profile-only %s%s: no file with time has that in its path",
            options->only.at[0], options->only.count > 1 ? ",..." : "");
}

static const char *show_time(char text[32], int64_t ns)
{
    if (ns < INT64_C(999500000))
        snprintf(text, 32, "%.0f ms", (double)ns / 1e6);
    else
        snprintf(text, 32, "%.2f s", (double)ns / 1e9);
    return text;
}

static char *samples_text(uint64_t count)
{
    if (count == 0)
        return text_format("too short for a sample");
    return text_format("%llu sample%s", (unsigned long long)count, count == 1 ? "" : "s");
}

// The waiting that is a part of the system column.
static const char *waited_text(const struct profile *profile, char text[WAITED_SIZE])
{
    char time[32];
    const int64_t *ns = profile->times.ns;
    int64_t waited = ns[STATE_IO] + ns[STATE_SLEEP] + ns[STATE_CHILD];
    text[0] = '\0';
    if (profile_percent(profile, waited) >= 1)
        snprintf(text, WAITED_SIZE, " and %s of waiting", show_time(time, waited));
    return text;
}

// What was measured, or why that tells nothing: the table's first sentence, shorter.
static char *result_text(const struct profile *profile)
{
    const struct times *times = &profile->times;
    struct report_doubts doubts = report_doubts(profile);
    char cpu[32], elapsed[32], why[WAITED_SIZE], *samples = samples_text(times->samples), *text;
    show_time(cpu, doubts.cpu_ns);
    show_time(elapsed, profile->run.elapsed_ns);
    if (doubts.waited)
        text = text_format("mostly waited: %s of CPU in %s; %s", cpu, elapsed,
                           report_waited(profile, why));
    else if (times->samples == 0)
        text = text_format("%s, %s", elapsed, samples);
    else if (doubts.few)
        text = text_format("too short to tell (%s in %s of CPU), let it work longer", samples, cpu);
    else
        text = text_format("%s, %s of CPU%s (%.0f %% python, %.0f %% native, %.0f %% system), %s",
                           elapsed, cpu, waited_text(profile, why),
                           profile_percent(profile, times->ns[STATE_PYTHON]),
                           profile_percent(profile, times->ns[STATE_NATIVE]),
                           profile_percent(profile, times_system(times)), samples);
    free(samples);
    return text;
}

// `lineprof mine.py --cli`: the program has got it, and a person may have meant us.
static char *misplaced_text(const struct options *options)
{
    static const char *const forms[] = {[PROGRAM_MODULE] = "-m ", [PROGRAM_CODE] = "-c "};
    const char *word = options_misplaced(options);
    const char *form = options->kind <= PROGRAM_CODE ? forms[options->kind] : NULL;
    const char *name = options->kind == PROGRAM_CODE ? "CODE" : options->program[0];
    if (!word)
        return text_format("%s", "");
    return text_format(" (%s went to the program; if meant for lineprof: lineprof %s %s%s)", word,
                       word, form ? form : "", name);
}

void messages_result(const struct profile *profile, const struct options *options,
                     const char *names)
{
    char *text = result_text(profile), *misplaced = misplaced_text(options);
    say("%s: %s%s", text, names, misplaced);
    free(text);
    free(misplaced);
}
