// SPDX-License-Identifier: MIT
// golden_table.c - the terminal table of each case in several forms, against expected/table-*.
//
//     golden_table               compares all; exit code 1 when one differs
//     golden_table --update      writes the expected files anew
//     golden_table CASE FORM     prints one, to be looked at

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cases.h"
#include "lineprof/report.h"

struct form {
    const char *name;
    struct table_options options;
};

#define REPORT "lineprof-profile.html"

static const struct form forms[] = {
    {"80", {.width = 80, .unicode = true, .threshold_pct = 1}},
    {"160", {.width = 160, .unicode = true, .threshold_pct = 1, .report = REPORT}},
    {"120-ascii", {.width = 120, .threshold_pct = 1, .report = REPORT}},
    {"80-true", {80, COLOR_TRUE, .dark = true, .unicode = true, .threshold_pct = 1}},
    {"80-256-light", {80, COLOR_256, .unicode = true, .threshold_pct = 1}},
    {"160-16-dark", {160, COLOR_16, .dark = true, .unicode = true, .threshold_pct = 1}},
    {"40-reduced", {.width = 40, .unicode = true, .reduced = true, .threshold_pct = 1}},
    {"100-all", {.width = 100, .unicode = true, .all_lines = true, .threshold_pct = 5}},
};
#define FORMS (sizeof forms / sizeof *forms)

// ---- one table

static struct sink *print_form(const struct golden_case *test, const struct form *form)
{
    struct recording *rec;
    const struct profile *profile = golden_build(test, &rec);
    struct sink *out = sink_memory();
    if (!profile || !out || report_table(profile, &form->options, out)) {
        fprintf(stderr, "%s: no report\n", test->name);
        exit(2);
    }
    profile_free(profile);
    recording_free(rec);
    return out;
}

static int print_one(const char *case_name, const char *form_name)
{
    for (size_t c = 0; c < golden_case_count; c++)
        for (size_t f = 0; f < FORMS; f++) {
            if (strcmp(golden_cases[c].name, case_name) || strcmp(forms[f].name, form_name))
                continue;
            struct sink *out = print_form(&golden_cases[c], &forms[f]);
            size_t length;
            const char *text = sink_text(out, &length);
            fwrite(text, 1, length, stdout);
            sink_discard(out);
            return 0;
        }
    fprintf(stderr, "no case %s in the form %s\n", case_name, form_name);
    return 2;
}

// ---- expected files

static void expected_path(char path[4096], const struct golden_case *test, const struct form *form)
{
    snprintf(path, 4096, "%s/table-%s-%s.txt", GOLDEN_EXPECTED, test->name, form->name);
}

static int update(const char *path, const char *text, size_t length)
{
    struct sink *file = sink_file(path);
    if (!file) {
        perror(path);
        return 1;
    }
    sink_write(file, text, length);
    return sink_close(file) ? 1 : 0;
}

// The first line that differs, to be seen in a test's log.
static void show_difference(const char *path, const char *got, const char *expected)
{
    int line = 1;
    while (*got && *got == *expected) {
        line += *got == '\n';
        got++;
        expected++;
    }
    fprintf(stderr, "%s:%d differs at\n  got      %.60s\n  expected %.60s\n", path, line, got,
            expected);
}

static char *read_file(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    char *text = calloc(1, 1 << 20);
    *length = file && text ? fread(text, 1, (1 << 20) - 1, file) : 0;
    if (file)
        fclose(file);
    return text;
}

static int compare(const char *path, const char *text, size_t length)
{
    size_t expected_length;
    char *expected = read_file(path, &expected_length);
    int differs = length != expected_length || memcmp(text, expected, length) != 0;
    if (differs)
        show_difference(path, text, expected);
    free(expected);
    return differs;
}

static int each(int (*act)(const char *path, const char *text, size_t length))
{
    int failures = 0;
    for (size_t c = 0; c < golden_case_count; c++)
        for (size_t f = 0; f < FORMS; f++) {
            char path[4096];
            size_t length;
            struct sink *out = print_form(&golden_cases[c], &forms[f]);
            const char *text = sink_text(out, &length);
            expected_path(path, &golden_cases[c], &forms[f]);
            failures += act(path, text, length);
            sink_discard(out);
        }
    return failures ? 1 : 0;
}

int main(int argc, char **argv)
{
    if (argc == 3)
        return print_one(argv[1], argv[2]);
    return each(argc == 2 && strcmp(argv[1], "--update") == 0 ? update : compare);
}
