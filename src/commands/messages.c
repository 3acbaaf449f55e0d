// SPDX-License-Identifier: MIT
// messages.c - the lines on stderr after a run: each says what was, and what can be done.
#include "messages.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "interpreter.h"
#include "text.h"

#define SOURCE_LIMIT (64u << 20)

#define say(...) (fputs("lineprof: ", stderr), fprintf(stderr, __VA_ARGS__), fputc('\n', stderr))

// ---- trouble

// Nothing that we can read ran. The program has run as it would alone.
static void say_why_nothing(const struct collector_summary *summary, const struct program *program)
{
    const char *version =
        summary->unsupported_version[0] ? summary->unsupported_version : "of this kind";
    if (summary->misread)
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
    if (summary->unreadable)
        say("the program's memory may not be read from outside (see kernel.yama.ptrace_scope): "
            "python and native are told apart less well");
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

void messages_result(const struct profile *profile, const char *names)
{
    const struct times *times = &profile->times;
    double elapsed = (double)profile->run.elapsed_ns / 1e9;
    if (times->samples == 0) {
        say("%.3f s, too short for a sample: %s", elapsed, names);
        return;
    }
    double cpu = (double)(times->ns[STATE_PYTHON] + times->ns[STATE_NATIVE] +
                          times->ns[STATE_KERNEL] + profile->unsampled_ns) /
                 1e9;
    say("%.2f s, %.2f s of CPU (%.0f %% python, %.0f %% native, %.0f %% system), %llu samples: %s",
        elapsed, cpu, profile_percent(profile, times->ns[STATE_PYTHON]),
        profile_percent(profile, times->ns[STATE_NATIVE]),
        profile_percent(profile, times_system(times)), (unsigned long long)times->samples, names);
}
