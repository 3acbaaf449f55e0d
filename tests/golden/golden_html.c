// SPDX-License-Identifier: MIT
// golden_html.c - the page of each case: its data block and nothing else is the target's.
//
//     golden_html             checks all; exit code 1 when one is wrong
//     golden_html CASE        prints one, to be opened in a browser (tests/browser does)
//     golden_html --list      prints the names of the cases

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cases.h"
#include "lineprof/report.h"

#define OPENING "<script type=\"application/json\" id=\"data\">"
#define CLOSING "</script>"

static const char *case_name;
static int wrong;

static void check(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s: wrong: %s\n", case_name, what);
    wrong++;
}

// ---- making one

static struct sink *print_report(const struct profile *profile,
                                 int (*report)(const struct profile *, struct sink *))
{
    struct sink *out = sink_memory();
    if (!profile || !out || report(profile, out)) {
        fprintf(stderr, "%s: no report\n", case_name);
        exit(2);
    }
    return out;
}

static int print_one(const char *name)
{
    for (size_t c = 0; c < golden_case_count; c++) {
        if (strcmp(golden_cases[c].name, name))
            continue;
        struct recording *rec;
        case_name = name;
        const struct profile *profile = golden_build(&golden_cases[c], &rec);
        struct sink *out = print_report(profile, report_html);
        size_t length;
        const char *text = sink_text(out, &length);
        fwrite(text, 1, length, stdout);
        sink_discard(out);
        profile_free(profile);
        recording_free(rec);
        return 0;
    }
    fprintf(stderr, "no such case: %s\n", name);
    return 2;
}

// ---- checking one

// The page around the data must be the same whatever was profiled.
static void check_frame(const char *page, size_t length, const char *data, const char *tail)
{
    static char *first_head, *first_tail;
    check(length == strlen(page), "there is a NUL in the page");
    check(strncmp(page, "<!doctype html>", 15) == 0, "begins with the doctype");
    check(!strstr(page, "@LINEPROF_DATA@"), "the marker is still there");
    if (!first_head) {
        first_head = strndup(page, (size_t)(data - page));
        first_tail = strdup(tail);
        return;
    }
    check(strncmp(page, first_head, (size_t)(data - page)) == 0, "the head depends on the data");
    check(strcmp(tail, first_tail) == 0, "the tail depends on the data");
}

static void check_sources(const struct profile *profile, json_t *sources)
{
    size_t texts = 0;
    for (size_t i = 0; i < profile->file_count; i++)
        texts += profile->files[i].text != NULL;
    check(json_object_size(sources) == texts, "a text for each file that has one");
    for (size_t i = 0; i < profile->file_count; i++) {
        const struct profile_file *file = &profile->files[i];
        json_t *text = json_object_get(sources, file->path);
        if (text && file->text && !memchr(file->text, '\xff', file->text_length))
            check(json_string_length(text) == file->text_length, "the whole text is there");
    }
}

static void check_data(const struct profile *profile, const char *data, size_t length)
{
    json_error_t error;
    check(!memchr(data, '<', length), "no < in the data");
    json_t *parsed = json_loadb(data, length, JSON_ALLOW_NUL, &error);
    check(parsed, error.text);
    struct sink *lasting = print_report(profile, report_json);
    size_t lasting_length;
    const char *text = sink_text(lasting, &lasting_length);
    json_t *expected = json_loadb(text, lasting_length, JSON_ALLOW_NUL, &error);
    check(expected && json_equal(json_object_get(parsed, "profile"), expected),
          "the profile is that of the JSON report");
    check_sources(profile, json_object_get(parsed, "sources"));
    json_decref(expected);
    json_decref(parsed);
    sink_discard(lasting);
}

static void check_case(const struct golden_case *test)
{
    struct recording *rec;
    case_name = test->name;
    const struct profile *profile = golden_build(test, &rec);
    struct sink *out = print_report(profile, report_html);
    size_t length;
    const char *page = sink_text(out, &length);
    const char *data = strstr(page, OPENING), *tail = data ? strstr(data, CLOSING) : NULL;
    check(tail, "a data block");
    if (tail) {
        data += strlen(OPENING);
        check(!strstr(data, OPENING), "one data block");
        check_frame(page, length, data, tail);
        check_data(profile, data, (size_t)(tail - data));
    }
    sink_discard(out);
    profile_free(profile);
    recording_free(rec);
}

int main(int argc, char **argv)
{
    bool list = argc == 2 && strcmp(argv[1], "--list") == 0;
    if (argc == 2 && !list)
        return print_one(argv[1]);
    for (size_t c = 0; c < golden_case_count; c++) {
        if (list)
            puts(golden_cases[c].name);
        else
            check_case(&golden_cases[c]);
    }
    return wrong ? 1 : 0;
}
