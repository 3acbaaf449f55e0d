// SPDX-License-Identifier: MIT
// overwrite.c - tells reports of ours by how they begin; see overwrite.h.
#include "overwrite.h"

#include <ctype.h>
#include <string.h>
#include <sys/stat.h>
#include "text.h"

#define HEAD 16384 // bytes: a table has its totals in them, however wide it is

static bool is_regular(const char *path, struct stat *st)
{
    return stat(path, st) == 0 && S_ISREG(st->st_mode);
}

// Names of descriptors: what is behind them is appended to.
static bool is_descriptor(const char *path)
{
    return (strncmp(path, "/dev/", 5) == 0 && strncmp(path, "/dev/shm/", 9) != 0) ||
           strncmp(path, "/proc/", 6) == 0;
}

// ---- how reports begin

// The words as tokens of JSON, with whatever blanks between them: people pretty-print.
static bool begins_with_tokens(const char *text, const char *const *tokens, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        text += strspn(text, " \t\r\n");
        if (strncmp(text, tokens[i], strlen(tokens[i])) != 0)
            return false;
        text += strlen(tokens[i]);
    }
    return true;
}

static bool begins_as_json(const char *text)
{
    static const char *const tokens[] = {"{", "\"format\"", ":", "\"lineprof\""};
    return begins_with_tokens(text, tokens, sizeof tokens / sizeof *tokens);
}

static bool begins_as_page(const char *text)
{
    return strncmp(text, "<!doctype html>", strlen("<!doctype html>")) == 0 &&
           strstr(text, "<meta name=\"generator\" content=\"lineprof\">");
}

// A table has no marker. Its totals, "  elapsed 12.7 s", then the samples, are in every one.
static bool begins_as_table(const char *text)
{
    static const char totals[] = "\n  elapsed ";
    const char *at = strstr(text, totals);
    return at && isdigit((unsigned char)at[strlen(totals)]) && strstr(at, " sample");
}

bool is_our_report(const char *path, enum report_form form)
{
    static bool (*const begins[])(const char *) = {
        [FORM_JSON] = begins_as_json,
        [FORM_PAGE] = begins_as_page,
        [FORM_TABLE] = begins_as_table,
    };
    char head[HEAD];
    size_t length;
    return text_head(path, head, sizeof head, &length) && begins[form](head);
}

// ---- what is the program's

static bool is_same_file(const struct stat *st, const char *path)
{
    struct stat other;
    return stat(path, &other) == 0 && other.st_dev == st->st_dev && other.st_ino == st->st_ino;
}

// The word, or the value in --input=FILE, names this file.
static bool names_file(const char *word, const struct stat *st)
{
    const char *value = strchr(word, '=');
    return is_same_file(st, word) || (value && is_same_file(st, value + 1));
}

static bool is_given_to_program(const struct stat *st, const struct options *options)
{
    for (char **word = options->program; *word; word++)
        if (names_file(*word, st))
            return true;
    return false;
}

bool overwrite_allowed(const char *path, enum report_form form, const char *advice,
                       const struct options *options, struct outcome *outcome)
{
    struct stat st;
    if (is_descriptor(path) || !is_regular(path, &st))
        return true;
    if (is_given_to_program(&st, options))
        return fail(outcome, CODE_FAILED,
                    "%s belongs to the program and would be overwritten: it was not started (%s)",
                    path, advice);
    if (st.st_size == 0 || is_our_report(path, form))
        return true;
    return fail(outcome, CODE_FAILED,
                "%s is there and is no earlier report of lineprof: it was not overwritten, %s (%s)",
                path, options_consequence(options), advice);
}
