// SPDX-License-Identifier: MIT
// test_lines.c - hand-made line tables for each decoder. tests/unit/check_lines.py compares with
// what each Python says of its own standard library.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lineprof/lines.h"

// The table is copied to the end of an allocation, so that a sanitizer sees any byte read beyond
// it.
static int find(enum py_lines format, const uint8_t *table, size_t length, uint32_t offset)
{
    uint8_t *copy = malloc(length + 1);
    memcpy(copy + 1, table, length);
    int line = lines_find(format, copy + 1, length, 100, offset);
    free(copy);
    return line;
}

#define BYTES(...)                (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})
#define LINE(format, offset, ...) find(format, BYTES(__VA_ARGS__), offset)

static void an_empty_table_gives_the_first_line(void **state)
{
    (void)state;
    for (int format = LINES_LNOTAB; format <= LINES_311; format++) {
        assert_int_equal(lines_find((enum py_lines)format, NULL, 0, 7, 0), 7);
        assert_int_equal(lines_find((enum py_lines)format, (const uint8_t *)"", 0, 7, 1000), 7);
    }
}

// ---- 3.8, 3.9

static void lnotab_line_holds_from_its_address(void **state)
{
    (void)state;
    assert_int_equal(LINE(LINES_LNOTAB, 0, 0, 1, 6, 1, 8, 5), 101);
    assert_int_equal(LINE(LINES_LNOTAB, 4, 0, 1, 6, 1, 8, 5), 101);
    assert_int_equal(LINE(LINES_LNOTAB, 6, 0, 1, 6, 1, 8, 5), 102);
    assert_int_equal(LINE(LINES_LNOTAB, 13, 0, 1, 6, 1, 8, 5), 102);
    assert_int_equal(LINE(LINES_LNOTAB, 14, 0, 1, 6, 1, 8, 5), 107);
    assert_int_equal(LINE(LINES_LNOTAB, 9999, 0, 1, 6, 1, 8, 5), 107);
}

static void lnotab_goes_back_and_far(void **state)
{
    (void)state;
    assert_int_equal(LINE(LINES_LNOTAB, 4, 2, 10, 2, 0xf6), 100);        // -10
    assert_int_equal(LINE(LINES_LNOTAB, 2, 2, 127, 0, 127, 0, 46), 400); // +300
    assert_int_equal(LINE(LINES_LNOTAB, 300, 255, 0, 45, 1), 101);       // 300 bytes on
    assert_int_equal(LINE(LINES_LNOTAB, 299, 255, 0, 45, 1), 100);
    assert_int_equal(LINE(LINES_LNOTAB, 2, 2, 0x80, 0, 0xec), 100 - 128 - 20);
}

static void lnotab_may_end_within_a_pair(void **state)
{
    (void)state;
    assert_int_equal(LINE(LINES_LNOTAB, 50, 2, 3, 4), 103);
}

// ---- 3.10

static void table_310_line_holds_for_its_length(void **state)
{
    (void)state;
    assert_int_equal(LINE(LINES_310, 0, 4, 1, 2, 5), 101);
    assert_int_equal(LINE(LINES_310, 3, 4, 1, 2, 5), 101);
    assert_int_equal(LINE(LINES_310, 4, 4, 1, 2, 5), 106);
    assert_int_equal(LINE(LINES_310, 6, 4, 1, 2, 5), 106);
}

static void table_310_without_a_line_takes_the_nearest_earlier_one(void **state)
{
    (void)state;
    assert_int_equal(LINE(LINES_310, 0, 4, 0x80, 4, 3), 100);
    assert_int_equal(LINE(LINES_310, 4, 4, 0x80, 4, 3), 103); // the address went on
    assert_int_equal(LINE(LINES_310, 6, 4, 3, 4, 0x80, 4, 2), 103);
    assert_int_equal(LINE(LINES_310, 8, 4, 3, 4, 0x80, 4, 2), 105); // the line did not
}

static void table_310_empty_entries_add_up(void **state)
{
    (void)state;
    assert_int_equal(LINE(LINES_310, 0, 0, 127, 0, 127, 2, 46), 400);
    assert_int_equal(LINE(LINES_310, 0, 0, 0x81, 2, 27), 0);
    // No instruction is on the line of an empty entry, so it is not the nearest earlier one.
    assert_int_equal(LINE(LINES_310, 2, 2, 1, 0, 50, 2, 0x80, 2, 1), 101);
    assert_int_equal(LINE(LINES_310, 4, 2, 1, 0, 50, 2, 0x80, 2, 1), 152);
}

static void table_310_long_ranges_are_split(void **state)
{
    (void)state;
    assert_int_equal(LINE(LINES_310, 400, 254, 1, 254, 0, 2, 1), 101);
    assert_int_equal(LINE(LINES_310, 508, 254, 1, 254, 0, 2, 1), 102);
}

static void table_310_may_end_early(void **state)
{
    (void)state;
    assert_int_equal(LINE(LINES_310, 2, 2, 1, 2), 101);
    assert_int_equal(LINE(LINES_310, 99, 2, 1), 101);
}

// ---- 3.11 and later

#define HEAD(kind, units) (0x80 | (kind) << 3 | ((units)-1))

static void table_311_knows_each_kind(void **state)
{
    (void)state;
    assert_int_equal(LINE(LINES_311, 0, HEAD(0, 1), 0), 100);     // short
    assert_int_equal(LINE(LINES_311, 0, HEAD(9, 1), 0x7f), 100);  // short
    assert_int_equal(LINE(LINES_311, 0, HEAD(10, 1), 1, 2), 100); // one line
    assert_int_equal(LINE(LINES_311, 0, HEAD(11, 1), 1, 2), 101);
    assert_int_equal(LINE(LINES_311, 0, HEAD(12, 1), 1, 2), 102);
    assert_int_equal(LINE(LINES_311, 0, HEAD(13, 1), 6), 103); // no columns
    assert_int_equal(LINE(LINES_311, 0, HEAD(13, 1), 7), 97);
    assert_int_equal(LINE(LINES_311, 0, HEAD(14, 1), 8, 1, 1, 1), 104); // long
    assert_int_equal(LINE(LINES_311, 0, HEAD(15, 1)), 100);             // none
}

static void table_311_line_holds_for_its_code_units(void **state)
{
    (void)state;
    assert_int_equal(LINE(LINES_311, 15, HEAD(13, 8), 2, HEAD(13, 2), 4), 101);
    assert_int_equal(LINE(LINES_311, 16, HEAD(13, 8), 2, HEAD(13, 2), 4), 103);
    assert_int_equal(LINE(LINES_311, 19, HEAD(13, 8), 2, HEAD(13, 2), 4), 103);
    assert_int_equal(LINE(LINES_311, 20, HEAD(13, 8), 2, HEAD(13, 2), 4), 103);
}

static void table_311_without_a_line_takes_the_nearest_earlier_one(void **state)
{
    (void)state;
    assert_int_equal(LINE(LINES_311, 0, HEAD(15, 1), HEAD(13, 1), 2), 100);
    assert_int_equal(LINE(LINES_311, 2, HEAD(13, 1), 2, HEAD(15, 1), HEAD(13, 1), 2), 101);
    assert_int_equal(LINE(LINES_311, 4, HEAD(13, 1), 2, HEAD(15, 1), HEAD(13, 1), 2), 102);
}

static void table_311_reads_long_numbers(void **state)
{
    (void)state;
    // 200000 as a signed varint: 400000 in groups of six bits, 0, 42, 33, 1
    assert_int_equal(LINE(LINES_311, 0, HEAD(13, 1), 0x40, 0x40 | 42, 0x40 | 33, 1), 200100);
    assert_int_equal(LINE(LINES_311, 0, HEAD(13, 1), 0x41, 0x40 | 42, 0x40 | 33, 1), 100 - 200000);
    // and what follows is found again, through numbers of any length
    assert_int_equal(
        LINE(LINES_311, 2, HEAD(14, 1), 2, 0x7f, 0x7f, 3, 1, 0x41, 2, HEAD(11, 1), 0, 0), 102);
}

static void table_311_may_end_anywhere(void **state)
{
    (void)state;
    const uint8_t table[] = {HEAD(13, 1), 2,    HEAD(14, 2), 0x42, 0x40, 1,
                             2,           0x43, HEAD(12, 1), 5,    6};
    for (size_t length = 0; length <= sizeof table; length++)
        for (uint32_t offset = 0; offset < 20; offset++)
            find(LINES_311, table, length, offset);        // for the sanitizers
    assert_int_equal(find(LINES_311, table, 4, 100), 101); // within a number: what was seen before
    assert_int_equal(find(LINES_311, table, 2, 100), 101);
}

static void a_number_without_end_is_nothing(void **state)
{
    (void)state;
    uint8_t table[64] = {HEAD(13, 1)};
    memset(table + 1, 0x7f, sizeof table - 1);
    assert_int_equal(find(LINES_311, table, sizeof table, 0), 100);
}

static void noise_is_survived(void **state)
{
    (void)state;
    uint8_t table[40];
    srand(1);
    for (int round = 0; round < 20000; round++) {
        for (size_t i = 0; i < sizeof table; i++)
            table[i] = (uint8_t)rand();
        size_t length = (size_t)rand() % sizeof table;
        for (int format = LINES_LNOTAB; format <= LINES_311; format++)
            find((enum py_lines)format, table, length, (uint32_t)rand() % 512);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_table_gives_the_first_line),
        cmocka_unit_test(lnotab_line_holds_from_its_address),
        cmocka_unit_test(lnotab_goes_back_and_far),
        cmocka_unit_test(lnotab_may_end_within_a_pair),
        cmocka_unit_test(table_310_line_holds_for_its_length),
        cmocka_unit_test(table_310_without_a_line_takes_the_nearest_earlier_one),
        cmocka_unit_test(table_310_empty_entries_add_up),
        cmocka_unit_test(table_310_long_ranges_are_split),
        cmocka_unit_test(table_310_may_end_early),
        cmocka_unit_test(table_311_knows_each_kind),
        cmocka_unit_test(table_311_line_holds_for_its_code_units),
        cmocka_unit_test(table_311_without_a_line_takes_the_nearest_earlier_one),
        cmocka_unit_test(table_311_reads_long_numbers),
        cmocka_unit_test(table_311_may_end_anywhere),
        cmocka_unit_test(a_number_without_end_is_nothing),
        cmocka_unit_test(noise_is_survived),
    };
    return cmocka_run_group_tests_name("lines", tests, NULL, NULL);
}
