// SPDX-License-Identifier: MIT
// recover.c - `lineprof recover`: puts the report of a run whose lineprof was killed where that
// run would have put it, and forgets the run.
#include "recover.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "browser.h"
#include "lineprof/commands.h"
#include "lineprof/sink.h"
#include "options.h"
#include "output.h"
#include "store.h"
#include "text.h"

#define SHOWN 60 // columns of a command line

// ---- in words

// A command line on one line of ours, cut to a bearable length; the caller frees.
static char *show_command(const char *command)
{
    size_t length = strlen(command);
    bool cut = length > SHOWN;
    char *text = text_format("%.*s%s", cut ? SHOWN - 3 : SHOWN, command, cut ? "..." : "");
    for (char *at = text; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 127)
            *at = '?';
    return text;
}

static void show_start(const struct stored *run, char text[32])
{
    time_t start = (time_t)(run->started_unix_ns / 1000000000);
    struct tm local;
    if (!localtime_r(&start, &local) || !strftime(text, 32, "%Y-%m-%d %H:%M", &local))
        text[0] = '\0';
}

static const char *what_is_there(const struct stored *run)
{
    return run->cut_short ? "cut short, the first" : "whole,";
}

static void list_runs(const struct stored_list *runs)
{
    for (size_t i = 0; i < runs->count; i++) {
        const struct stored *run = &runs->at[i];
        char start[32], *command = show_command(run->command), *cwd = show_command(run->cwd);
        show_start(run, start);
        printf("%s  %s %.1f s: %s (in %s)\n", start, what_is_there(run),
               (double)run->elapsed_ns / 1e9, command, cwd);
        free(command);
        free(cwd);
    }
}

static void say_result(const struct stored *run, const char *names, size_t more)
{
    char start[32], *command = show_command(run->command);
    show_start(run, start);
    fprintf(stderr, "lineprof: `%s` of %s, %s %.1f s: %s\n", command, start, what_is_there(run),
            (double)run->elapsed_ns / 1e9, names ? names : "table on stdout");
    if (more)
        fprintf(stderr, "lineprof: %zu to recover: lineprof recover --list shows what\n", more);
    free(command);
}

void recover_hint(void)
{
    struct stored_list runs;
    const struct stored *news = NULL;
    if (!store_list(&runs))
        return;
    for (size_t i = runs.count; i-- > 0;)
        if (store_hint(&runs.at[i]))
            news = &runs.at[i];
    if (news) {
        char *command = show_command(news->command);
        fprintf(stderr,
                news->cut_short
                    ? "lineprof: an earlier run of `%s` was cut short: `lineprof recover` makes "
                      "its report\n"
                    : "lineprof: the report of an earlier run of `%s` could not be written: "
                      "`lineprof recover` makes it\n",
                command);
        free(command);
    }
    store_list_free(&runs);
}

// ---- the files

static int copy_bytes(FILE *from, struct sink *out)
{
    char bytes[65536];
    size_t n;
    while ((n = fread(bytes, 1, sizeof bytes, from)) > 0)
        sink_write(out, bytes, n);
    return ferror(from) ? -EIO : 0;
}

// `to` NULL: stdout.
static bool copy(const struct stored *run, const char *name, const char *to,
                 struct outcome *outcome)
{
    char *path = text_format("%s/%s", run->report, name);
    FILE *from = fopen(path, "re");
    struct sink *out = from ? to ? sink_file(to) : sink_fd(STDOUT_FILENO) : NULL;
    int result = out ? copy_bytes(from, out) : -errno;
    if (out && result < 0)
        sink_discard(out);
    else if (out)
        result = sink_close(out);
    if (from)
        fclose(from);
    if (result < 0 && !(result == -EPIPE && !to))
        fail(outcome, CODE_FAILED, "cannot write %s: %s", to ? to : "to stdout", strerror(-result));
    free(path);
    return outcome->code == 0;
}

static bool copy_all(const struct stored *run, const struct output *output, struct outcome *outcome)
{
    return (!output->json || copy(run, "report.json", output->json, outcome)) &&
           (!output->html || copy(run, "report.html", output->html, outcome)) &&
           (!output->table || copy(run, "report.txt", output->table, outcome)) &&
           (!output->json_on_stdout || copy(run, "report.json", NULL, outcome)) &&
           (!output->table_on_stdout || copy(run, "report.txt", NULL, outcome));
}

// ---- the command

static void recover(const struct stored_list *runs, const struct options *options,
                    struct outcome *outcome)
{
    struct output output;
    const struct stored *run = &runs->at[0];
    if (output_plan(&output, options, outcome) && copy_all(run, &output, outcome)) {
        char *names = output_names(&output);
        bool safe = output.json || output.json_on_stdout; // a table is not all of it
        if (safe)
            store_remove(run);
        say_result(run, names, runs->count - safe);
        if (output.html && !options->no_browser && !options->cli)
            browser_open(output.html);
        free(names);
    }
    output_free(&output);
}

static void find_and_recover(const struct options *options, struct outcome *outcome)
{
    struct stored_list runs;
    if (!store_list(&runs))
        fail(outcome, CODE_NOTHING, "nothing to recover: no place to keep what a run has seen (%s)",
             strerror(errno));
    else if (!runs.count)
        fail(outcome, CODE_NOTHING, "nothing to recover: no run of lineprof was cut short");
    else if (options->list)
        list_runs(&runs);
    else
        recover(&runs, options, outcome);
    store_list_free(&runs);
}

void command_recover(char **argv, struct outcome *outcome)
{
    struct options options;
    if (!options_parse_recover(&options, argv, outcome))
        ; // the message is there
    else if (options.help)
        options_help(stdout);
    else if (options.version)
        puts("lineprof " LINEPROF_VERSION);
    else
        find_and_recover(&options, outcome);
    options_free(&options);
}
