// SPDX-License-Identifier: MIT
// output.c - the files of a report: their names, whether they can be written, writing them.
#include "output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lineprof/report.h"
#include "lineprof/sink.h"
#include "overwrite.h"
#include "terminal.h"
#include "text.h"

// ---- names

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n > m && strcmp(text + n - m, end) == 0;
}

static char *with_suffix(const char *path, const char *old, const char *new)
{
    int stem = (int)(strlen(path) - (ends_with(path, old) ? strlen(old) : 0));
    return text_format("%.*s%s", stem, path, new);
}

// A device or a pipe has no place beside it; nor has /dev/stdout, whatever it leads to.
static bool is_special(const char *path)
{
    struct stat st;
    if (strncmp(path, "/dev/", 5) == 0 && strncmp(path, "/dev/shm/", 9) != 0)
        return true;
    return stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

// -o names the JSON, or, when it ends so, the page.
static void name_files(struct output *output, const struct options *options)
{
    bool table = options->cli != NULL;
    bool files = !table || options->outfile || options->html || options->json;
    bool page = options->html || (!table && !options->json);
    const char *path = options->outfile ? options->outfile : DEFAULT_OUTFILE;
    bool names_page = ends_with(path, ".html");
    output->json_on_stdout = options->outfile && strcmp(options->outfile, "-") == 0;
    if (output->json_on_stdout)
        files = false;
    if (files)
        output->json = names_page ? with_suffix(path, ".html", ".json") : text_format("%s", path);
    if (files && (names_page || (page && !is_special(path))))
        output->html = names_page ? text_format("%s", path) : with_suffix(path, ".json", ".html");
    output->table_on_stdout = table && (!*options->cli || strcmp(options->cli, "-") == 0);
    if (table && !output->table_on_stdout)
        output->table = text_format("%s", options->cli);
}

// ---- before the run

static bool fail_to_write(const char *path, int error, struct outcome *outcome)
{
    return fail(outcome, CODE_FAILED, "cannot write %s: %s", path, strerror(error));
}

// Each form has its option that chooses another place.
static const char *advice_for(enum report_form form)
{
    return form == FORM_TABLE ? "--cli=FILE chooses another place" : "-o chooses another place";
}

static bool can_write(const char *path, enum report_form form, const struct options *options,
                      struct outcome *outcome)
{
    struct stat st;
    if (!path)
        return true;
    if (!overwrite_allowed(path, form, advice_for(form), options, outcome))
        return false;
    if (stat(path, &st) == 0 && S_ISFIFO(st.st_mode))
        return true; // opening it would wait for its reader
    struct sink *trial = sink_file(path);
    if (!trial)
        return fail(outcome, CODE_FAILED, "cannot write %s: %s; %s (%s)", path, strerror(errno),
                    options_consequence(options), advice_for(form));
    sink_discard(trial);
    return true;
}

static bool are_distinct(const char *a, const char *b)
{
    return !a || !b || strcmp(a, b) != 0;
}

// What stands on stdout is one thing.
static bool check_stdout(const struct output *output, const struct options *options,
                         struct outcome *outcome)
{
    if (output->json_on_stdout && output->table_on_stdout)
        return fail(outcome, CODE_USAGE,
                    "-o - and --cli both write to stdout: give one of them a file");
    if (output->json_on_stdout && options->html)
        return fail(outcome, CODE_USAGE,
                    "-o - writes the JSON alone: leave out --html, or give -o a file");
    return true;
}

bool output_plan(struct output *output, const struct options *options, struct outcome *outcome)
{
    *output = (struct output){0};
    name_files(output, options);
    if (!are_distinct(output->json, output->table) || !are_distinct(output->html, output->table))
        return fail(outcome, CODE_USAGE, "--cli and -o both name %s: give two names",
                    output->table);
    return check_stdout(output, options, outcome) &&
           can_write(output->json, FORM_JSON, options, outcome) &&
           can_write(output->html, FORM_PAGE, options, outcome) &&
           can_write(output->table, FORM_TABLE, options, outcome);
}

// ---- after the run

static bool finish(struct sink *sink, const char *path, int result, struct outcome *outcome)
{
    if (result < 0)
        sink_discard(sink);
    else
        result = sink_close(sink);
    return result == 0 || fail_to_write(path, -result, outcome);
}

static bool write_file(const char *path, int (*writer)(const struct profile *, struct sink *),
                       const struct profile *profile, struct outcome *outcome)
{
    if (!path)
        return true;
    struct sink *sink = sink_file(path);
    if (!sink)
        return fail_to_write(path, errno, outcome);
    return finish(sink, path, writer(profile, sink), outcome);
}

static struct table_options table_options(const struct output *output,
                                          const struct options *options, int fd)
{
    struct table_options table = terminal_table(options, fd);
    table.report = output->html ? output->html : output->json;
    return table;
}

static bool write_table(const struct output *output, const struct options *options,
                        const struct profile *profile, struct outcome *outcome)
{
    struct table_options table = table_options(output, options, -1);
    if (!output->table)
        return true;
    struct sink *sink = sink_file(output->table);
    if (!sink)
        return fail_to_write(output->table, errno, outcome);
    return finish(sink, output->table, report_table(profile, &table, sink), outcome);
}

// Whoever reads a pipe may have seen enough: then that is no failure of ours.
static bool print(const struct output *output, const struct options *options,
                  const struct profile *profile, struct outcome *outcome)
{
    struct table_options table = table_options(output, options, STDOUT_FILENO);
    const char *what = output->json_on_stdout ? "the JSON to stdout" : "the table";
    if (!output->table_on_stdout && !output->json_on_stdout)
        return true;
    struct sink *sink = sink_fd(STDOUT_FILENO);
    if (!sink)
        return fail_to_write(what, errno, outcome);
    int result =
        output->json_on_stdout ? report_json(profile, sink) : report_table(profile, &table, sink);
    int closed = sink_close(sink);
    result = result < 0 ? result : closed;
    return result == 0 || result == -EPIPE || fail_to_write(what, -result, outcome);
}

bool output_write(const struct output *output, const struct options *options,
                  const struct profile *profile, struct outcome *outcome)
{
    bool json = write_file(output->json, report_json, profile, outcome);
    bool html = write_file(output->html, report_html, profile, outcome);
    bool table = write_table(output, options, profile, outcome);
    bool printed = print(output, options, profile, outcome);
    return json && html && table && printed;
}

char *output_names(const struct output *output)
{
    const char *names[3]; // with the JSON on stdout there is no page
    size_t n = 0;
    if (output->json_on_stdout)
        names[n++] = "JSON on stdout";
    if (output->html)
        names[n++] = output->html;
    if (output->json)
        names[n++] = output->json;
    if (output->table)
        names[n++] = output->table;
    if (n == 0)
        return NULL;
    if (n == 1)
        return text_format("%s", names[0]);
    if (n == 2)
        return text_format("%s and %s", names[0], names[1]);
    return text_format("%s, %s and %s", names[0], names[1], names[2]);
}

void output_free(struct output *output)
{
    free(output->json);
    free(output->html);
    free(output->table);
}
