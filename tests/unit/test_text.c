// SPDX-License-Identifier: MIT
// test_text.c - columns of text, the highlighter and the outline of a source, by facts and by
// random bytes.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../src/report/grid.h"
#include "../../src/report/outline.h"
#include "../../src/report/text_width.h"

// ---- columns

static int columns(const char *text)
{
    return text_columns(text, strlen(text), false, 10000);
}

// The text as shown, in a buffer that the next call uses again.
static const char *shown(const char *text, size_t length, bool ascii)
{
    static char out[4096];
    size_t n = 0;
    struct text_reader reader = text_read(text, length, ascii);
    for (struct text_piece piece; text_next(&reader, &piece); n += piece.length)
        memcpy(out + n, piece.bytes, piece.length);
    out[n] = '\0';
    return out;
}

#define SHOWN(text) shown(text, sizeof text - 1, false)

static void widths_are_those_of_a_terminal(void **state)
{
    (void)state;
    assert_int_equal(columns("abc"), 3);
    assert_int_equal(columns("\u65e5\u672c"), 4);
    assert_int_equal(columns("e\u0301"), 1);
    assert_int_equal(columns("\uff21\U0001f600"), 4);
    assert_int_equal(columns("\u00e9\u2502\u0416"), 3);
    assert_int_equal(columns(""), 0);
    assert_int_equal(text_columns("abcdef", 6, false, 3), 4); // no further than limit + 1
}

static void tabs_go_to_the_next_stop(void **state)
{
    (void)state;
    assert_int_equal(columns("\tx"), 9);
    assert_int_equal(columns("1234567\tx"), 9);
    assert_int_equal(columns("12345678\tx"), 17);
    assert_int_equal(columns("\u65e5\tx"), 9);
    assert_string_equal(SHOWN("ab\tc"), "ab      c");
}

static void dangerous_characters_are_spelled_out(void **state)
{
    (void)state;
    assert_string_equal(SHOWN("\x1b[2J\r\n\x7f\0"), "^[[2J^M^J^?^@");
    assert_string_equal(SHOWN("\u202eabc\u2069"), "\\u202eabc\\u2069");
    assert_string_equal(SHOWN("\u200b\ufeff\u2028\u00ad"), "\\u200b\\ufeff\\u2028\\u00ad");
    assert_string_equal(SHOWN("\xc2\x9b"), "\\u009b");
    assert_string_equal(SHOWN("\U000e0041"), "\\U000e0041");
}

static void invalid_utf8_is_spelled_byte_by_byte(void **state)
{
    (void)state;
    assert_string_equal(SHOWN("a\xff z"), "a\\xff z");
    assert_string_equal(SHOWN("\xc0\x80"), "\\xc0\\x80");                   // overlong
    assert_string_equal(SHOWN("\xed\xa0\x80"), "\\xed\\xa0\\x80");          // surrogate
    assert_string_equal(SHOWN("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80"); // beyond the last
    assert_string_equal(SHOWN("\xe2\x82"), "\\xe2\\x82");                   // cut
    assert_string_equal(SHOWN("\xe2\x82\u00e9"), "\\xe2\\x82\u00e9");
}

static void joined_emoji_stay_whole(void **state)
{
    (void)state;
    assert_string_equal(SHOWN("\U0001F468\u200d\U0001F469"), "\U0001F468\u200d\U0001F469");
}

static void a_tower_of_marks_is_cut(void **state)
{
    (void)state;
    char text[200] = "a";
    for (int i = 0; i < 60; i++)
        strcat(text, "\u0301");
    assert_int_equal(columns(text), 1 + 6 * 6); // nine marks, then one spelled out, and again
}

static void ascii_means_ascii(void **state)
{
    (void)state;
    assert_string_equal(shown("\u00e9\U0001f600x", 7, true), "\\u00e9\\U0001f600x");
}

// ---- highlighter

static const char token_letters[] = "pkcbd@nsC"; // in the order of enum token

// One letter for each byte of the line.
static const char *kinds(struct highlight *state, const char *line)
{
    static char out[256];
    size_t length = strlen(line);
    memset(out, 0, sizeof out);
    for (size_t at = 0; at < length;) {
        enum token kind;
        size_t n = highlight_next(state, line + at, length - at, &kind);
        memset(out + at, token_letters[kind], n);
        at += n;
    }
    highlight_end_line(state, line, length);
    return out;
}

static void assert_kinds(const char *line, const char *expected)
{
    struct highlight state = {0};
    assert_string_equal(kinds(&state, line), expected);
}

static void words_are_told_apart(void **state)
{
    (void)state;
    assert_kinds("if x: return None", "kkppppkkkkkkpcccc");
    assert_kinds("def f(a):", "kkkpdpppp");
    assert_kinds("class A:", "kkkkkpdp");
    assert_kinds("print(len)", "bbbbbpbbbp");
    assert_kinds("a.print.if", "pppppppppp");
    assert_kinds("iffy forx", "ppppppppp");
    assert_kinds("@app.get(1)", "@@@@@@@@pnp");
    assert_kinds("a @ b", "ppppp");
    assert_kinds("\u00e9if", "pppp");
}

static void numbers_are_whole(void **state)
{
    (void)state;
    assert_kinds("1_000 0xFF 1.5e-3 .5 1j", "nnnnnpnnnnpnnnnnnpnnpnn");
    assert_kinds("0xe-1", "nnnpn");
    assert_kinds("a1", "pp");
}

static void strings_end_where_they_do(void **state)
{
    (void)state;
    assert_kinds("'a' + \"b\"", "ssspppsss");
    assert_kinds("rb'\\' # no'", "sssssssssss");
    assert_kinds("f'{x}' # c", "sssssspCCC");
    assert_kinds("'it\\'s' x", "ssssssspp");
    assert_kinds("'' ''", "sspss");
    assert_kinds("xr'a'", "ppsss");
}

static void strings_go_over_lines(void **state)
{
    (void)state;
    struct highlight lexer = {0};
    assert_string_equal(kinds(&lexer, "x = '''one"), "ppppssssss");
    assert_false(highlight_at_statement(&lexer));
    assert_string_equal(kinds(&lexer, "if 'two' # ''"), "sssssssssssss");
    assert_string_equal(kinds(&lexer, "''' + 1"), "ssspppn");
    assert_true(highlight_at_statement(&lexer));
    assert_string_equal(kinds(&lexer, "'open"), "sssss");
    assert_string_equal(kinds(&lexer, "if"), "kk"); // a mistake ends with its line
    assert_string_equal(kinds(&lexer, "'open\\"), "ssssss");
    assert_string_equal(kinds(&lexer, "on' if"), "ssspkk");
}

static void statements_go_over_lines(void **state)
{
    (void)state;
    struct highlight lexer = {0};
    kinds(&lexer, "f(1,");
    assert_false(highlight_at_statement(&lexer));
    kinds(&lexer, "  [2)) # (");
    assert_false(highlight_at_statement(&lexer) && lexer.depth);
    kinds(&lexer, "x = 1 + \\");
    assert_false(highlight_at_statement(&lexer));
    kinds(&lexer, "2");
    assert_true(highlight_at_statement(&lexer));
    kinds(&lexer, "x # \\");
    assert_true(highlight_at_statement(&lexer));
}

static void every_word_of_the_lists_is_found(void **state)
{
    (void)state;
    static const char *const some[] = {"and",   "yield", "nonlocal", "finally", "abs",  "zip",
                                       "chr",   "dict",  "divmod",   "eval",    "set",  "setattr",
                                       "super", "type",  "property", "False",   "True", "globals"};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        struct highlight lexer = {0};
        assert_true(strchr("kbc", *kinds(&lexer, some[i])));
    }
}

// ---- outline

static const char outline_text[] = "class A:\n"              // 1
                                   "    def f(self,\n"       // 2
                                   "          x):\n"         // 3
                                   "        '''doc\n"        // 4
                                   "not code'''\n"           // 5
                                   "\n"                      // 6
                                   "        for i in x:\r\n" // 7
                                   "            g(\n"        // 8
                                   "  i)\n"                  // 9
                                   "# comment\n"             // 10
                                   "            h()\r"       // 11
                                   "        else:\n"         // 12
                                   "\t    k()\n"             // 13
                                   "top()";                  // 14

static void lines_know_what_encloses_them(void **state)
{
    (void)state;
    static const int parents[] = {0, 1, 2, 2, 4, 4, 2, 7, 8, 0, 7, 2, 12, 0};
    struct outline outline;
    assert_true(outline_read(&outline, outline_text, sizeof outline_text - 1));
    assert_int_equal(outline.count, 14);
    for (int n = 1; n <= outline.count; n++)
        if (n != 6) // of an empty line it does not matter
            assert_int_equal(outline_line(&outline, n)->parent, parents[n - 1]);
    assert_true(outline_is_header(outline_line(&outline, 2)));
    assert_true(outline_is_header(outline_line(&outline, 7)));
    assert_false(outline_is_header(outline_line(&outline, 12)));
    assert_null(outline_line(&outline, 0));
    assert_null(outline_line(&outline, 15));
    outline_free(&outline);
}

static void no_source_has_no_lines(void **state)
{
    (void)state;
    struct outline outline;
    assert_true(outline_read(&outline, NULL, 0));
    assert_int_equal(outline.count, 0);
    outline_free(&outline);
}

// ---- numbers

static void assert_time(int64_t ns, const char *expected)
{
    char text[NUMBER_SIZE];
    assert_string_equal(format_time(text, ns), expected);
}

static void times_take_six_columns(void **state)
{
    (void)state;
    assert_time(0, "");
    assert_time(1, "0.1 ms");
    assert_time(940000, "0.9 ms");
    assert_time(999400000, "999 ms");
    assert_time(999600000, "1.00 s");
    assert_time(9994000000, "9.99 s");
    assert_time(9996000000, "10.0 s");
    assert_time(99960000000, "100 s");
    assert_time(999600000000, "16m40s");
    assert_time(5999600000000, "1h40m");
    assert_time(359999000000000, "99h59m");
    for (int64_t ns = 1; ns < INT64_C(300000000000000); ns += 1 + ns / 7) {
        char text[NUMBER_SIZE];
        assert_true(strlen(format_time(text, ns)) <= 6);
    }
}

static void shares_and_counts(void **state)
{
    (void)state;
    char text[NUMBER_SIZE], count[32];
    assert_string_equal(format_percent(text, 0), "");
    assert_string_equal(format_percent(text, 0.4999), "<1%");
    assert_string_equal(format_percent(text, 0.6), "1%");
    assert_string_equal(format_percent(text, 99.6), "100%");
    assert_string_equal(format_count(count, 0), "0");
    assert_string_equal(format_count(count, 999), "999");
    assert_string_equal(format_count(count, 1234567), "1,234,567");
    assert_string_equal(format_count(count, UINT64_MAX), "18,446,744,073,709,551,615");
}

// ---- random bytes

static char random_byte(void)
{
    static const char alphabet[] =
        "ab1 '\"\"\"\\#()[]{}@.\t\n\r_rf\xc3\xa9\xe2\x82\xac\xff\xcc\x81";
    return rand() % 3 ? alphabet[(size_t)rand() % (sizeof alphabet - 1)] : (char)rand();
}

// At the end of its own allocation, so that the sanitizer sees a byte too many.
static char *random_text(size_t length)
{
    char *text = malloc(length + 1);
    assert_non_null(text);
    for (size_t i = 0; i < length; i++)
        text[i] = random_byte();
    return text;
}

static bool is_safe(const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)bytes[i] < 0x20 || bytes[i] == 0x7f)
            return false;
    return true;
}

static void assert_pen_keeps_to(const char *text, size_t length, int limit, bool unicode)
{
    const struct table_options options = {.unicode = unicode};
    struct sink *out = sink_memory();
    struct pen pen = pen_new(out, &options);
    int taken = pen_source(&pen, (struct highlight){0}, text, length, limit);
    assert_true(taken <= limit);
    assert_int_equal(taken, pen.column);
    size_t written;
    const char *shown_text = sink_text(out, &written);
    assert_true(is_safe(shown_text, written));
    assert_true(text_columns(shown_text, written, false, 10000) + pen.spaces == taken);
    sink_discard(out);
}

static void random_lines_keep_to_their_columns(void **state)
{
    (void)state;
    srand(1);
    for (int round = 0; round < 20000; round++) {
        size_t length = (size_t)rand() % 60;
        char *text = random_text(length);
        assert_pen_keeps_to(text, length, rand() % 50, rand() % 2);
        free(text);
    }
}

static void random_sources_have_an_outline(void **state)
{
    (void)state;
    srand(2);
    for (int round = 0; round < 5000; round++) {
        size_t length = (size_t)rand() % 300;
        char *text = random_text(length);
        struct outline outline;
        assert_true(outline_read(&outline, text, length));
        for (int n = 1; n <= outline.count; n++) {
            const struct outline_line *line = outline_line(&outline, n);
            assert_true(line->parent >= 0 && line->parent < n);
            assert_true(line->text >= text && line->text + line->length <= text + length);
        }
        outline_free(&outline);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(widths_are_those_of_a_terminal),
        cmocka_unit_test(tabs_go_to_the_next_stop),
        cmocka_unit_test(dangerous_characters_are_spelled_out),
        cmocka_unit_test(invalid_utf8_is_spelled_byte_by_byte),
        cmocka_unit_test(joined_emoji_stay_whole),
        cmocka_unit_test(a_tower_of_marks_is_cut),
        cmocka_unit_test(ascii_means_ascii),
        cmocka_unit_test(words_are_told_apart),
        cmocka_unit_test(numbers_are_whole),
        cmocka_unit_test(strings_end_where_they_do),
        cmocka_unit_test(strings_go_over_lines),
        cmocka_unit_test(statements_go_over_lines),
        cmocka_unit_test(every_word_of_the_lists_is_found),
        cmocka_unit_test(lines_know_what_encloses_them),
        cmocka_unit_test(no_source_has_no_lines),
        cmocka_unit_test(times_take_six_columns),
        cmocka_unit_test(shares_and_counts),
        cmocka_unit_test(random_lines_keep_to_their_columns),
        cmocka_unit_test(random_sources_have_an_outline),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
