// SPDX-License-Identifier: MIT
// test_code.c - code objects read and recognised, strings of every kind turned into UTF-8.
#include <errno.h>
#include <string.h>

#include "rows.h"

static struct fake_python py;

static void begin(void **state)
{
    fake_begin(&py, *(const uint32_t *)*state);
}

static void assert_text(const struct py_string *string, const char *expected)
{
    char raw[256], out[256];
    assert_true((size_t)string->length * string->kind <= sizeof raw);
    assert_int_equal(py.mem.read(&py.mem, string->data, raw, (size_t)string->length * string->kind),
                     0);
    code_string_utf8(raw, string->length, string->kind, out, sizeof out);
    assert_string_equal(out, expected);
}

static target_addr ascii(const char *text)
{
    return fake_string(&py, text, (uint32_t)strlen(text), 1, true);
}

// ---- describing

static void a_code_object_is_described(void **state)
{
    begin(state);
    struct code_info info;
    target_addr code = fake_code_of(&py, ascii("C.method"), ascii("/x/f.py"), 42, "table", 5);
    fake_put(&py, code + py.row.code_flags, 0x23, 4);
    assert_int_equal(code_describe(&py.mem, &py.row, code, &info), 0);
    assert_text(&info.name, "C.method");
    assert_text(&info.filename, "/x/f.py");
    assert_true(info.name.ascii);
    assert_int_equal(info.firstlineno, 42);
    assert_int_equal(info.flags, 0x23);
    assert_int_equal(info.table_length, 5);
    char table[5];
    assert_int_equal(py.mem.read(&py.mem, info.table, table, 5), 0);
    assert_memory_equal(table, "table", 5);
}

static void strings_of_every_width_are_found(void **state)
{
    begin(state);
    struct code_info info;
    target_addr latin = fake_string(&py, "gr\xf6\xdf", 4, 1, false);
    const uint16_t two[] = {0x5927, 'x'};
    const uint32_t four[] = {0x1f40d, 'y', 0xe4};
    target_addr code = fake_code_of(&py, latin, fake_string(&py, two, 2, 2, false), 1, "", 0);
    assert_int_equal(code_describe(&py.mem, &py.row, code, &info), 0);
    assert_false(info.name.ascii);
    assert_text(&info.name, "gr\xc3\xb6\xc3\x9f");
    assert_text(&info.filename, "\xe5\xa4\xa7x");
    code = fake_code_of(&py, fake_string(&py, four, 3, 4, false), latin, 1, "", 0);
    assert_int_equal(code_describe(&py.mem, &py.row, code, &info), 0);
    assert_text(&info.name, "\xf0\x9f\x90\x8dy\xc3\xa4");
}

// A str of a subclass is not compact: it points to its characters.
static void a_string_elsewhere_is_found(void **state)
{
    begin(state);
    struct code_info info;
    target_addr name = ascii("replaced"), elsewhere = ascii("elsewhere");
    fake_put(&py, name + py.row.str_state, 1u << py.row.str_kind_shift, 4);
    fake_put_address(&py, name + py.row.str_compact_data, elsewhere + py.row.str_ascii_data);
    fake_put_address(&py, name + py.row.str_length, 9);
    target_addr code = fake_code_of(&py, name, elsewhere, 1, "", 0);
    assert_int_equal(code_describe(&py.mem, &py.row, code, &info), 0);
    assert_text(&info.name, "elsewhere");
}

static void nonsense_is_an_error(void **state)
{
    begin(state);
    struct code_info info;
    target_addr name = ascii("name"), file = ascii("file");
    target_addr code = fake_code_of(&py, name, file, 1, "", 0);
    target_addr table = fake_get_address(&py, code + py.row.code_linetable);
    assert_int_equal(code_describe(&py.mem, &py.row, 8, &info), -EFAULT);
    fake_put_address(&py, table + py.row.bytes_size, UINT64_MAX);
    assert_int_equal(code_describe(&py.mem, &py.row, code, &info), -EINVAL);
    fake_put_address(&py, table + py.row.bytes_size, 0);
    fake_put_address(&py, name + py.row.str_length, (uint64_t)1 << 40);
    assert_int_equal(code_describe(&py.mem, &py.row, code, &info), -EINVAL);
    fake_put_address(&py, name + py.row.str_length, 4);
    fake_put(&py, name + py.row.str_state, 3u << py.row.str_kind_shift, 4);
    assert_int_equal(code_describe(&py.mem, &py.row, code, &info), -EINVAL);
    fake_put_address(&py, code + py.row.code_filename, 0);
    assert_int_equal(code_describe(&py.mem, &py.row, code, &info), -EFAULT);
}

// ---- recognising

static uint64_t fingerprint(target_addr code)
{
    uint64_t print = 0;
    assert_int_equal(code_fingerprint(&py.mem, &py.row, code, py.code_type, &print), 0);
    return print;
}

static void a_fingerprint_does_not_change_by_itself(void **state)
{
    begin(state);
    target_addr code = fake_code(&py, "f", "f.py", 1);
    uint64_t print = fingerprint(code);
    fake_set_offset(&py, fake_call_by_c(&py, code, 0), code, 4);
    assert_int_equal(fingerprint(code), print);
}

static void another_type_is_invalid(void **state)
{
    begin(state);
    uint64_t print;
    target_addr code = fake_code(&py, "f", "f.py", 1);
    fake_put_address(&py, code + py.row.object_type, py.code_type + 16);
    assert_int_equal(code_fingerprint(&py.mem, &py.row, code, py.code_type, &print), -EINVAL);
    assert_int_equal(code_fingerprint(&py.mem, &py.row, 16, py.code_type, &print), -EFAULT);
}

// The object at an address dies and another one takes its place: same pointers, same lengths, same
// first line, other bytes.
static void assert_seen(target_addr at, uint64_t *print)
{
    uint8_t byte;
    assert_int_equal(py.mem.read(&py.mem, at, &byte, 1), 0);
    fake_put(&py, at, byte ^ 1u, 1);
    assert_int_not_equal(fingerprint(fake_get_address(&py, py.newest + py.row.frame_code) & ~7ull),
                         *print);
    fake_put(&py, at, byte, 1);
}

static void other_bytes_give_another_fingerprint(void **state)
{
    begin(state);
    static const size_t lengths[] = {1, 7, 8, 63, 64, 65, 192, 193, 1000, 100000};
    static char table[100000];
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        size_t length = lengths[i];
        target_addr code = fake_code_of(&py, ascii("name"), ascii("file"), 1, table, length);
        fake_call_by_c(&py, code, 0);
        uint64_t print = fingerprint(code);
        target_addr bytes = fake_get_address(&py, code + py.row.code_linetable) + py.row.bytes_data;
        assert_seen(bytes, &print);
        assert_seen(bytes + length / 2, &print);
        assert_seen(bytes + length - 1, &print);
        target_addr name = fake_get_address(&py, code + py.row.code_name);
        assert_seen(name + py.row.str_ascii_data + 3, &print);
        target_addr file = fake_get_address(&py, code + py.row.code_filename);
        assert_seen(file + py.row.str_ascii_data, &print);
        assert_seen(code + py.row.code_firstlineno, &print);
    }
}

static void no_two_of_many_collide(void **state)
{
    begin(state);
    uint64_t prints[3000];
    char table[80] = {0};
    for (size_t i = 0; i < 3000; i++) {
        size_t used = py.used;
        memcpy(table + 40, &i, sizeof i);
        target_addr code = fake_code_of(&py, ascii("f"), ascii("<string>"), 1, table, sizeof table);
        prints[i] = fingerprint(code);
        py.used = used; // it dies, and the next one lies at its address
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(prints[k], prints[i]);
    }
}

// ---- text

#define SNAKE "\xf0\x9f\x90\x8d"

static void text_is_cut_at_a_whole_character(void **state)
{
    (void)state;
    const uint32_t text[] = {'a', 0x1f40d, 'b'};
    static const char *const expected[] = {"", "", "a", "a", "a", "a", "a" SNAKE, ("a" SNAKE "b")};
    char out[8];
    for (size_t size = 1; size < 8; size++) {
        memset(out, '?', sizeof out);
        assert_int_equal(code_string_utf8(text, 3, 4, out, size), strlen(expected[size]));
        assert_string_equal(out, expected[size]);
    }
    memset(out, '?', sizeof out);
    assert_int_equal(code_string_utf8(text, 3, 4, out, 0), 0);
    assert_int_equal(out[0], '?');
}

static void lone_surrogates_become_bytes_or_a_mark(void **state)
{
    (void)state;
    const uint16_t text[] = {'a', 0xdcff, 0xdc80, 0xd800, 0xdc7f, 0xdfff};
    char out[32];
    code_string_utf8(text, 6, 2, out, sizeof out);
    assert_string_equal(out, "a\xff\x80\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    const uint32_t beyond[] = {0x110000, UINT32_MAX};
    code_string_utf8(beyond, 2, 4, out, sizeof out);
    assert_string_equal(out, "\xef\xbf\xbd\xef\xbf\xbd");
}

int main(void)
{
    static const struct row_test tests[] = {
        ROW(a_code_object_is_described),
        ROW(strings_of_every_width_are_found),
        ROW(a_string_elsewhere_is_found),
        ROW(nonsense_is_an_error),
        ROW(a_fingerprint_does_not_change_by_itself),
        ROW(another_type_is_invalid),
        ROW(other_bytes_give_another_fingerprint),
        ROW(no_two_of_many_collide),
        ROW_OF(text_is_cut_at_a_whole_character, PY_FIRST, PY_FIRST),
        ROW_OF(lone_surrogates_become_bytes_or_a_mark, PY_FIRST, PY_FIRST),
    };
    return rows_run("code", tests, sizeof tests / sizeof *tests);
}
