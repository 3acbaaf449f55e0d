// SPDX-License-Identifier: MIT
// test_table.c - what holds for every terminal table, whatever the profile and the options: no line
// wider than asked, nothing of the target's that a terminal would obey, no blanks at a line's end.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include "../../src/report/text_width.h"
#include "../golden/cases.h"
#include "lineprof/report.h"
#include "random_recording.h"

#define NARROWEST 40 // a table needs so much; below it is wider than asked

// ---- the checks

// Length of the escape sequence at `at`, which must be one that sets a colour.
static size_t ink_length(const char *at, const char *end, bool *plain)
{
    size_t n = 2;
    assert_true(end - at > 3 && at[1] == '[' && at[2] == '0');
    while (at + n < end && (at[n] == ';' || (at[n] >= '0' && at[n] <= '9')))
        n++;
    assert_true(at + n < end && at[n] == 'm');
    *plain = n == 3;
    return n + 1;
}

// Copies the line without its colours.
static size_t without_ink(char *to, const char *line, const char *end, bool colored)
{
    size_t n = 0;
    bool plain = true;
    while (line < end) {
        if (*line == '\033') {
            assert_true(colored);
            line += ink_length(line, end, &plain);
        } else {
            to[n++] = *line++;
        }
    }
    assert_true(plain);
    return n;
}

static void check_line(const char *line, const char *end, const struct table_options *options)
{
    static char text[1 << 16];
    assert_true(end - line < (ptrdiff_t)sizeof text);
    size_t length = without_ink(text, line, end, options->color != COLOR_NONE);
    struct text_reader reader = text_read(text, length, !options->unicode);
    for (struct text_piece piece; text_next(&reader, &piece);)
        if (piece.stand_in || text[length - 1] == ' ')
            fail_msg("a terminal would obey or never show: %.*s|", (int)length, text);
    int width = options->width ? options->width : 80;
    if (width >= NARROWEST && reader.column > width)
        fail_msg("%d columns of %d: %.*s", reader.column, width, (int)length, text);
}

static void check_table(const struct profile *profile, const struct table_options *options)
{
    struct sink *out = sink_memory();
    assert_int_equal(report_table(profile, options, out), 0);
    assert_int_equal(sink_error(out), 0);
    size_t length;
    const char *at = sink_text(out, &length), *stop = at + length;
    assert_true(length && stop[-1] == '\n');
    while (at < stop) {
        const char *end = memchr(at, '\n', (size_t)(stop - at));
        check_line(at, end, options);
        at = end + 1;
    }
    sink_discard(out);
}

static const int widths[] = {0, 1, 20, 40, 59, 60, 71, 72, 80, 99, 100, 120, 139, 140, 160, 400};
#define WIDTHS (sizeof widths / sizeof *widths)

static struct table_options random_options(uint64_t *state)
{
    static const double thresholds[] = {0, 1, 5, 100};
    return (struct table_options){
        .width = widths[random_below(state, WIDTHS)],
        .color = (enum color)random_below(state, COLOR_TRUE + 1),
        .dark = random_below(state, 2),
        .unicode = random_below(state, 2),
        .reduced = random_below(state, 4) == 0,
        .all_lines = random_below(state, 4) == 0,
        .threshold_pct = thresholds[random_below(state, 4)],
        .report = random_below(state, 2) ? "/tmp/a\033[31m\nreport" : NULL,
    };
}

// ---- the tests

static void cases_at_every_width(void **unused)
{
    (void)unused;
    uint64_t state = 1;
    for (size_t c = 0; c < golden_case_count; c++) {
        struct recording *rec;
        const struct profile *profile = golden_build(&golden_cases[c], &rec);
        assert_non_null(profile);
        for (size_t w = 0; w < WIDTHS; w++) {
            struct table_options options = random_options(&state);
            options.width = widths[w];
            check_table(profile, &options);
        }
        profile_free(profile);
        recording_free(rec);
    }
}

static void random_profiles(void **unused)
{
    (void)unused;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        uint64_t state = seed;
        struct recording *rec = random_recording(seed);
        const struct scope scope = random_scope(seed);
        const struct profile *profile = profile_build(rec, &scope);
        assert_non_null(profile);
        struct table_options options = random_options(&state);
        check_table(profile, &options);
        profile_free(profile);
        recording_free(rec);
    }
}

static void a_full_device_is_the_sinks_error(void **unused)
{
    (void)unused;
    struct recording *rec;
    const struct table_options options = {.threshold_pct = 1};
    const struct profile *profile = golden_build(&golden_cases[0], &rec);
    struct sink *out = sink_file("/dev/full");
    assert_int_equal(report_table(profile, &options, out), 0);
    assert_true(sink_close(out) < 0);
    profile_free(profile);
    recording_free(rec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cases_at_every_width),
        cmocka_unit_test(random_profiles),
        cmocka_unit_test(a_full_device_is_the_sinks_error),
    };
    return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
