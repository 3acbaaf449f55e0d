// SPDX-License-Identifier: MIT
// test_layout.c - the table of rows, and rows made from what a target publishes, honest or not.
#include <errno.h>
#include <string.h>

#include "rows.h"

static struct fake_python py;

// A target that publishes the words of this version; the test may change them before taking them.
struct target {
    uint32_t version;
    target_addr at;
    size_t words;
};

static struct target publish(void **state)
{
    struct target target = {.version = *(const uint32_t *)*state};
    fake_begin(&py, target.version);
    const uint64_t *words = fake_published(target.version, &target.words);
    target.at = fake_alloc(&py, target.words * sizeof *words);
    for (size_t i = 0; i < target.words; i++)
        fake_put_address(&py, target.at + i * sizeof *words, words[i]);
    return target;
}

static int take(const struct target *target, struct py_layout *row)
{
    return layout_from_target(&py.mem, target->at, target->version, row);
}

// Changes one word, takes the row, and puts it back.
static int take_with(const struct target *target, size_t word, uint64_t value)
{
    struct py_layout row;
    target_addr at = target->at + word * sizeof value;
    uint64_t before = fake_get_address(&py, at);
    fake_put_address(&py, at, value);
    int err = take(target, &row);
    fake_put_address(&py, at, before);
    return err;
}

// ---- the table

static void versions_that_publish_have_no_row(void **state)
{
    (void)state;
    assert_null(layout_find(PY(2, 7)));
    assert_null(layout_find(PY(3, 7)));
    assert_null(layout_find(PY(3, 16)));
    assert_null(layout_find(*(const uint32_t *)*state));
}

static void each_row_is_found_by_its_version(void **state)
{
    uint32_t version = *(const uint32_t *)*state;
    assert_non_null(layout_find(version));
    assert_int_equal(layout_find(version)->version, version);
}

// A field that a row forgot would read as offset 0. Few fields are there in truth.
static void no_field_was_forgotten(void **state)
{
    uint32_t version = *(const uint32_t *)*state;
    fake_begin(&py, version);
    const uint32_t *field = &py.row.object_type;
    const uint32_t *end = (const uint32_t *)(&py.row + 1);
    for (; field < end; field++) {
        bool first_member = field == &py.row.frame_code || field == &py.row.cframe_current ||
                            field == &py.row.interp_next;
        bool may_be_zero = field == &py.row.frame_code_mask || field == &py.row.values_array;
        if (!first_member && !may_be_zero)
            assert_int_not_equal(*field, 0);
    }
}

// ---- published offsets

static void a_row_is_made_of_published_offsets(void **state)
{
    struct target target = publish(state);
    struct py_layout row;
    assert_int_equal(take(&target, &row), 0);
    bool first = target.version == PY(3, 13);
    bool last = target.version == PY(3, 15);
    assert_int_equal(row.version, target.version);
    assert_int_equal(row.chain, CHAIN_CURRENT);
    assert_int_equal(row.tstate_frame, 72);
    assert_int_equal(row.tstate_interp, 16);
    assert_int_equal(row.tstate_next, 8);
    assert_int_equal(row.runtime_interpreters, first ? 632 : last ? 936 : 808);
    assert_int_equal(row.interp_threads, last ? 7336 : 7344);
    assert_int_equal(row.tstate_thread_id, last ? 176 : 152);
    assert_int_equal(row.tstate_native_id, last ? 184 : 160);
    assert_int_equal(row.frame_code, 0);
    assert_int_equal(row.frame_previous, 8);
    assert_int_equal(row.frame_instr, 56);
    assert_int_equal(row.frame_owner, first ? 70 : 74);
    assert_int_equal(row.frame_code_mask, first ? 0 : 3);
    assert_int_equal(row.code_firstlineno, 68);
    assert_int_equal(row.code_flags, 48);
    assert_int_equal(row.code_filename, 112);
    assert_int_equal(row.code_qualname, 128);
    assert_int_equal(row.code_linetable, 136);
    assert_int_equal(row.code_bytes, first ? 200 : 208);
    assert_int_equal(row.code_firsttraceable, first ? 184 : 192);
    assert_int_equal(row.bytes_data, 32);
    assert_int_equal(row.str_ascii_data, 40);
    assert_int_equal(row.str_compact_data, 56);
    assert_int_equal(row.frame_locals, first ? 72 : 80);
    assert_int_equal(row.type_flags, 168);
    assert_int_equal(row.type_basicsize, 32);
    assert_int_equal(row.type_dictoffset, 288);
    assert_int_equal(row.type_cached_keys, last ? 888 : 880);
    assert_int_equal(row.dict_keys, 32);
    assert_int_equal(row.dict_values, 40);
}

enum { COOKIE, VERSION_WORD, FREE_THREADED };

static void a_wrong_cookie_is_no_entry(void **state)
{
    struct target target = publish(state);
    assert_int_equal(take_with(&target, COOKIE, 0), -ENOENT);
}

static void another_version_is_invalid(void **state)
{
    struct target target = publish(state);
    struct py_layout row;
    assert_int_equal(take_with(&target, VERSION_WORD, 0x03100000), -EINVAL);
    target.version = target.version == PY_LAST ? PY(3, 14) : target.version + 1;
    assert_int_equal(take(&target, &row), -EINVAL);
    target.version = PY(3, 12);
    assert_int_equal(take(&target, &row), -EINVAL);
}

static void a_pre_release_is_invalid(void **state)
{
    struct target target = publish(state);
    uint64_t beta = (uint64_t)target.version << 16 | 0xb1;
    assert_int_equal(take_with(&target, VERSION_WORD, beta), -EINVAL);
}

static void a_free_threaded_build_is_not_supported(void **state)
{
    struct target target = publish(state);
    assert_int_equal(take_with(&target, FREE_THREADED, 1), -ENOTSUP);
}

static void memory_that_cannot_be_read_is_reported(void **state)
{
    struct target target = publish(state);
    struct py_layout row;
    py.hole = target.at + 200;
    assert_int_equal(take(&target, &row), -EFAULT);
}

// Whatever one word says, the row is refused or every offset in it is usable.
static void no_word_can_make_an_offset_wild(void **state)
{
    struct target target = publish(state);
    static const uint64_t wild[] = {1,          3,       7,          100000,
                                    UINT32_MAX, 1 << 31, UINT64_MAX, UINT64_MAX - 7};
    for (size_t word = FREE_THREADED + 1; word < target.words; word++)
        for (size_t i = 0; i < sizeof wild / sizeof *wild; i++) {
            struct py_layout row;
            target_addr at = target.at + word * 8;
            uint64_t before = fake_get_address(&py, at);
            fake_put_address(&py, at, wild[i]);
            if (take(&target, &row) == 0) {
                for (const uint32_t *field = &row.object_type; field < (const uint32_t *)(&row + 1);
                     field++)
                    assert_true(*field == PY_ABSENT || *field < 16384);
                assert_true(row.code_linetable + 8 <= PY_CODE_SPAN);
                assert_true(row.frame_instr % 8 == 0 && row.frame_previous % 8 == 0);
            }
            fake_put_address(&py, at, before);
        }
}

static void each_offset_that_is_used_is_checked(void **state)
{
    struct target target = publish(state);
    // interp, thread_id, previous, executable, owner, filename, linetable, co_code_adaptive,
    // ob_type
    static const uint8_t words[3][9] = {{22, 24, 29, 30, 33, 35, 38, 43, 45},
                                        {25, 27, 32, 33, 36, 40, 43, 48, 51},
                                        {25, 30, 40, 41, 44, 48, 51, 56, 59}};
    for (size_t i = 0; i < 9; i++) {
        size_t word = words[target.version - PY(3, 13)][i];
        assert_int_equal(take_with(&target, word, 1 << 20), -EINVAL);
        assert_int_equal(take_with(&target, word, UINT64_MAX), -EINVAL);
    }
}

int main(void)
{
    static const struct row_test tests[] = {
        ROW_OF(versions_that_publish_have_no_row, PY(3, 13), PY_LAST),
        ROW_OF(each_row_is_found_by_its_version, PY_FIRST, PY(3, 12)),
        ROW(no_field_was_forgotten),
        ROW_OF(a_row_is_made_of_published_offsets, PY(3, 13), PY_LAST),
        ROW_OF(a_wrong_cookie_is_no_entry, PY(3, 13), PY_LAST),
        ROW_OF(another_version_is_invalid, PY(3, 13), PY_LAST),
        ROW_OF(a_pre_release_is_invalid, PY(3, 13), PY_LAST),
        ROW_OF(a_free_threaded_build_is_not_supported, PY(3, 13), PY_LAST),
        ROW_OF(memory_that_cannot_be_read_is_reported, PY(3, 13), PY_LAST),
        ROW_OF(no_word_can_make_an_offset_wild, PY(3, 13), PY_LAST),
        ROW_OF(each_offset_that_is_used_is_checked, PY(3, 13), PY_LAST),
    };
    return rows_run("layout", tests, sizeof tests / sizeof *tests);
}
