// SPDX-License-Identifier: MIT
// test_json_write.c - numbers and texts as they stand in the output.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../src/report/json_write.h"

static void expect_output(struct sink *out, const char *expected)
{
    size_t length;
    const char *text = sink_text(out, &length);
    assert_int_equal(length, strlen(expected));
    assert_string_equal(text, expected);
    sink_discard(out);
}

static void expect_decimal(int64_t value, int digits, const char *expected)
{
    struct json json = {.out = sink_memory()};
    json_decimal(&json, value, digits);
    expect_output(json.out, expected);
}

static void expect_text(const char *text, size_t length, const char *expected)
{
    struct json json = {.out = sink_memory()};
    json_text(&json, text, length);
    expect_output(json.out, expected);
}

#define EXPECT_TEXT(text, expected) expect_text(text, sizeof text - 1, "\"" expected "\"")
#define BAD                         "\xef\xbf\xbd"

static void decimals_are_exact_and_short(void **state)
{
    (void)state;
    expect_decimal(0, 9, "0.0");
    expect_decimal(1, 9, "0.000000001");
    expect_decimal(1500000000, 9, "1.5");
    expect_decimal(2000000000, 9, "2.0");
    expect_decimal(-4000000, 9, "-0.004");
    expect_decimal(123456789012345678, 9, "123456789.012345678");
    expect_decimal(INT64_MAX, 9, "9223372036.854775807");
    expect_decimal(INT64_MIN, 9, "-9223372036.854775808");
    expect_decimal(100000000, 6, "100.0");
    expect_decimal(10, 6, "0.00001");
}

static void commas_stand_between(void **state)
{
    (void)state;
    struct json json = {.out = sink_memory()};
    json_open(&json, '{');
    json_key(&json, "a");
    json_open(&json, '[');
    json_close(&json, ']');
    json_newline(&json);
    json_key_text(&json, "b\"");
    json_open(&json, '[');
    json_int(&json, INT64_MIN);
    json_null(&json);
    json_newline(&json);
    json_bool(&json, true);
    json_close(&json, ']');
    json_key(&json, "c");
    json_int(&json, 0);
    json_close(&json, '}');
    expect_output(json.out, "{\"a\":[],\n\"b\\\"\":[-9223372036854775808,null,\ntrue],\"c\":0}");
}

static void controls_are_escaped(void **state)
{
    (void)state;
    EXPECT_TEXT("", "");
    EXPECT_TEXT("a\"b\\c/", "a\\\"b\\\\c/");
    EXPECT_TEXT("\n\r\t\b\x1b\x7f", "\\n\\r\\t\\u0008\\u001b\\u007f");
    EXPECT_TEXT("a\0b", "a\\u0000b");
}

static void valid_characters_stay(void **state)
{
    (void)state;
    EXPECT_TEXT("\xc2\x80\xdf\xbf", "\xc2\x80\xdf\xbf");
    EXPECT_TEXT("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80", "\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80");
    EXPECT_TEXT("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf");
}

static void bad_bytes_are_replaced(void **state)
{
    (void)state;
    EXPECT_TEXT("a\x80z", "a" BAD "z");
    EXPECT_TEXT("\xc0\xaf", BAD BAD);
    EXPECT_TEXT("\xe0\x9f\xbf", BAD BAD BAD);
    EXPECT_TEXT("\xed\xa0\x80", BAD BAD BAD);
    EXPECT_TEXT("\xf4\x90\x80\x80", BAD BAD BAD BAD);
    EXPECT_TEXT("\xf5\xff", BAD BAD);
    EXPECT_TEXT("\xc3", BAD);
    EXPECT_TEXT("\xe2\x82", BAD BAD);
    EXPECT_TEXT("\xf0\x9f\x98", BAD BAD BAD);
    EXPECT_TEXT("\xe2\x82z", BAD BAD "z");
}

static void a_text_may_end_inside_a_character(void **state)
{
    (void)state;
    char *text = malloc(2); // the sanitizers see a read behind it
    assert_non_null(text);
    memcpy(text, "\xe2\x82", 2);
    expect_text(text, 2, "\"" BAD BAD "\"");
    free(text);
}

static void a_clean_copy_reads_the_same(void **state)
{
    (void)state;
    char *text = json_clean("a\xff\xc3\xa9\"\n\xe2");
    assert_string_equal(text, "a" BAD "\xc3\xa9\"\n" BAD);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimals_are_exact_and_short),
        cmocka_unit_test(commas_stand_between),
        cmocka_unit_test(controls_are_escaped),
        cmocka_unit_test(valid_characters_stay),
        cmocka_unit_test(bad_bytes_are_replaced),
        cmocka_unit_test(a_text_may_end_inside_a_character),
        cmocka_unit_test(a_clean_copy_reads_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
