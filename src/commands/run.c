// SPDX-License-Identifier: MIT
// run.c - `lineprof run`, which is also lineprof without a command's name: the story of one run.
#include "lineprof/commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "browser.h"
#include "checkpoint.h"
#include "conduct.h"
#include "guard.h"
#include "launch.h"
#include "lineprof/collector.h"
#include "lineprof/profile.h"
#include "lineprof/session.h"
#include "messages.h"
#include "options.h"
#include "output.h"
#include "own_code.h"
#include "preload.h"
#include "program.h"
#include "recover.h"

#define STEP_MS 100 // a signal or a shim's call comes through at once; this is for safety

struct run {
    struct options options;
    struct program program;
    struct output output;
    struct session session;
    char **environment; // of the program, and of what checks its interpreter after it
    struct recording *recording;
    struct collector *collector;
    struct collector_summary summary;
    struct child child;
    bool kept; // the report lies where `lineprof recover` looks, and nowhere else
    struct outcome *outcome;
};

// ---- before the program runs

static double asked_rate(const struct options *options) // 0: none, the collector chooses
{
    return options->sampling_seconds > 0 ? 1 / options->sampling_seconds : options->rate_hz;
}

static bool make_session(struct run *run)
{
    int err = session_create(&run->session);
    if (err)
        return fail(
            run->outcome, CODE_FAILED,
            "cannot make a directory in /dev/shm or /tmp: %s; TMPDIR can name another place",
            strerror(-err));
    session_sweep(&run->session);
    run->session.header->flags |= run->options.no_children ? 0 : SESSION_CHILDREN;
    conduct_wakes(&run->session);
    guard_start(&run->session);
    return true;
}

static void describe_run(struct run *run)
{
    struct run_info *info = recording_run(run->recording);
    char *cwd = getcwd(NULL, 0);
    info->command = recording_string(run->recording, run->program.command_line);
    info->cwd = recording_string(run->recording, cwd ? cwd : "");
    free(cwd);
    if (run->program.source)
        recording_source(run->recording, run->program.source_name, run->program.source,
                         run->program.source_length);
}

static bool make_environment(struct run *run, const char *shim)
{
    run->environment = environment_make(&run->session, shim, run->outcome);
    return run->environment != NULL;
}

static bool make_collector(struct run *run)
{
    const struct collector_options options = {.rate_hz = asked_rate(&run->options),
                                              .environment = run->environment};
    run->recording = recording_new();
    if (run->recording) {
        describe_run(run);
        run->collector = collector_new(&run->session, run->recording, &options);
    }
    return run->collector ||
           fail(run->outcome, CODE_FAILED, "cannot start collecting: %s", strerror(errno));
}

static bool prepare(struct run *run)
{
    if (run->options.program_path && access(run->options.program_path, X_OK) < 0)
        return fail(run->outcome, CODE_USAGE, "--program-path %s: %s", run->options.program_path,
                    strerror(errno));
    return program_prepare(&run->program, &run->options, run->outcome) &&
           output_plan(&run->output, &run->options, run->outcome);
}

static bool start(struct run *run)
{
    char *shim = shim_find(run->outcome);
    if (!shim)
        return false;
    conduct_begin();
    bool started = make_session(run) && make_environment(run, shim) && make_collector(run) &&
                   launch(&run->child, &run->program, run->environment, run->outcome);
    free(shim);
    return started;
}

// ---- while it runs

static const struct profile *build(struct run *run)
{
    struct texts roots = {0};
    own_code_find(&roots, &run->options, &run->program, recording_run(run->recording));
    const struct scope scope = {
        .everything = run->options.profile_all,
        .roots = (const char *const *)roots.at,
        .root_count = roots.count,
        .only = (const char *const *)run->options.only.at,
        .only_count = run->options.only.count,
        .exclude = (const char *const *)run->options.exclude.at,
        .exclude_count = run->options.exclude.count,
        .virtual_time = run->options.virtual_time,
    };
    const struct profile *profile = profile_build(run->recording, &scope);
    texts_free(&roots);
    return profile;
}

// In a copy of this process, see checkpoint.h.
static void finish_so_far(void *context)
{
    struct run *run = context;
    struct run_info *info = recording_run(run->recording);
    info->started_unix_ns = run->child.started_unix_ns;
    info->elapsed_ns = launch_elapsed_ns(&run->child);
    collector_cut_short(run->collector, &run->summary);
}

static bool write_so_far(void *context, const struct store *store, unsigned number)
{
    struct run *run = context;
    const struct profile *profile = run->summary.processes ? build(run) : NULL;
    return profile && store_put(store, number, profile, &run->options);
}

// The end is looked for after signals were passed on: its own SIGCHLD has woken the step.
static void collect(struct run *run)
{
    const struct checkpoint_work so_far = {finish_so_far, write_so_far, run};
    checkpoint_begin(run->child.started_unix_ns);
    while (!launch_has_ended(&run->child)) {
        conduct_step(run->child.pid);
        collector_step(run->collector, STEP_MS);
        checkpoint_step(&so_far);
    }
    launch_reap(&run->child);
    checkpoint_stop();
}

static void finish(struct run *run)
{
    const struct child *child = &run->child;
    struct run_info *info = recording_run(run->recording);
    collector_finish(run->collector, child->pid, child->status, &child->usage, child->children_ns,
                     &run->summary);
    info->started_unix_ns = child->started_unix_ns;
    info->elapsed_ns = child->elapsed_ns;
    info->exit_code =
        WIFSIGNALED(child->status) ? -WTERMSIG(child->status) : WEXITSTATUS(child->status);
    if (WIFSIGNALED(child->status))
        run->outcome->signal = WTERMSIG(child->status);
    else
        run->outcome->code = WEXITSTATUS(child->status);
}

static void stop(struct run *run)
{
    conduct_end();
    collector_free(run->collector);
    environment_free(run->environment);
    if (run->session.header)
        session_remove(&run->session);
    guard_stop();
    run->collector = NULL;
}

// ---- after it

// The program's own end counts for more than our failure to report it, unless it went well.
static void write_report(struct run *run, const struct profile *profile)
{
    struct outcome trouble = {0};
    char *names = output_names(&run->output);
    messages_selection(profile, &run->options);
    if (!output_write(&run->output, &run->options, profile, &trouble)) {
        run->kept = checkpoint_keep(profile, &run->options);
        snprintf(run->outcome->message, sizeof run->outcome->message, "%.1400s%s", trouble.message,
                 run->kept ? " (kept: `lineprof recover` writes it elsewhere)" : "");
        if (!run->outcome->code && !run->outcome->signal)
            run->outcome->code = trouble.code;
    } else if (names) {
        messages_result(profile, &run->options, names);
        if (run->output.html && !run->options.no_browser && !run->options.cli)
            browser_open(run->output.html);
    }
    free(names);
}

static void report(struct run *run)
{
    const struct profile *profile = build(run);
    run->kept = !profile; // the last checkpoint, if there is one
    if (profile)
        write_report(run, profile);
    else
        fail(run->outcome, run->outcome->code ? (enum exit_code)run->outcome->code : CODE_FAILED,
             "cannot build the report: %s", strerror(errno));
    profile_free(profile);
}

static void run_and_report(struct run *run)
{
    if (!prepare(run))
        return;
    bool started = start(run);
    if (started) {
        collect(run);
        finish(run);
    }
    stop(run);
    if (!started)
        return;
    messages_trouble(&run->summary, &run->program, asked_rate(&run->options));
    messages_end(&run->summary, &run->child);
    if (run->summary.processes)
        report(run);
    if (!run->kept)
        checkpoint_forget();
    messages_hint(&run->program, run->outcome->code);
    recover_hint();
}

void command_run(char **argv, struct outcome *outcome)
{
    struct run run = {.outcome = outcome, .program.stdin_fd = -1, .session.dirfd = -1};
    if (!options_parse(&run.options, argv, outcome))
        ; // the message is there
    else if (run.options.help && run.options.help_format)
        options_markdown(stdout);
    else if (run.options.help)
        options_help(stdout);
    else if (run.options.version)
        puts("lineprof " LINEPROF_VERSION);
    else
        run_and_report(&run);
    recording_free(run.recording);
    output_free(&run.output);
    program_free(&run.program);
    options_free(&run.options);
}
