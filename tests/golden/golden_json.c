// SPDX-License-Identifier: MIT
// golden_json.c - the JSON of each case against expected/json-*.json.
//
//     golden_json              compares all; exit code 1 when one differs
//     golden_json --update     writes the expected files anew
//     golden_json CASE         prints one
//     golden_json --random N   prints that of a random recording (see check_json.py)

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cases.h"
#include "lineprof/report.h"
#include "random_recording.h"

static void failed(const char *what)
{
    fprintf(stderr, "%s: no report\n", what);
    exit(2);
}

static struct sink *print(const struct profile *profile, const char *name)
{
    struct sink *out = sink_memory();
    if (!profile || !out || report_json(profile, out) || sink_error(out))
        failed(name);
    return out;
}

static struct sink *print_case(const struct golden_case *test)
{
    struct recording *rec;
    const struct profile *profile = golden_build(test, &rec);
    struct sink *out = print(profile, test->name);
    profile_free(profile);
    recording_free(rec);
    return out;
}

static struct sink *print_random(const char *seed)
{
    struct recording *rec = random_recording(strtoull(seed, NULL, 10));
    struct scope scope = random_scope(strtoull(seed, NULL, 10));
    if (!rec)
        failed(seed);
    const struct profile *profile = profile_build(rec, &scope);
    struct sink *out = print(profile, seed);
    profile_free(profile);
    recording_free(rec);
    return out;
}

static int show(struct sink *out)
{
    size_t length;
    const char *text = sink_text(out, &length);
    fwrite(text, 1, length, stdout);
    sink_discard(out);
    return 0;
}

static int show_case(const char *name)
{
    for (size_t i = 0; i < golden_case_count; i++)
        if (strcmp(golden_cases[i].name, name) == 0)
            return show(print_case(&golden_cases[i]));
    fprintf(stderr, "no such case: %s\n", name);
    return 2;
}

// ---- expected files

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

static int compare(const char *path, const char *text, size_t length)
{
    static char expected[1 << 17];
    FILE *file = fopen(path, "rb");
    size_t expected_length = file ? fread(expected, 1, sizeof expected - 1, file) : 0, at = 0;
    if (file)
        fclose(file);
    expected[expected_length] = '\0';
    if (length == expected_length && memcmp(text, expected, length) == 0)
        return 0;
    while (text[at] && text[at] == expected[at])
        at++;
    fprintf(stderr, "%s: differs at byte %zu\n  got      %.60s\n  expected %.60s\n", path, at,
            text + at, expected + at);
    return 1;
}

// The others are large and show nothing new: check_json.py looks at them.
static bool has_expected(const struct golden_case *test)
{
    return strcmp(test->name, "huge") != 0 && strcmp(test->name, "many") != 0;
}

static int each(int (*act)(const char *path, const char *text, size_t length))
{
    int failures = 0;
    for (size_t i = 0; i < golden_case_count; i++) {
        if (!has_expected(&golden_cases[i]))
            continue;
        char path[4096];
        size_t length;
        struct sink *out = print_case(&golden_cases[i]);
        const char *text = sink_text(out, &length);
        snprintf(path, sizeof path, "%s/json-%s.json", GOLDEN_EXPECTED, golden_cases[i].name);
        failures += act(path, text, length);
        sink_discard(out);
    }
    return failures ? 1 : 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--random") == 0)
        return show(print_random(argv[2]));
    if (argc == 2 && strcmp(argv[1], "--update") == 0)
        return each(update);
    return argc == 2 ? show_case(argv[1]) : each(compare);
}
