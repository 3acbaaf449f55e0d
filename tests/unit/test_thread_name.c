// SPDX-License-Identifier: MIT
// test_thread_name.c - the name of a thread, its Thread kept in each way that a version has, and
// what comes of it when memory is damaged. Real interpreters: thread_names.py.
#include <errno.h>
#include <string.h>

#include "lineprof/object.h"
#include "lineprof/thread_name.h"
#include "rows.h"

#define NAME      "worker-3"
#define TYPE_SIZE 1024
#define BEFORE    32 // what 3.11 has before an instance
#define STR_FLAG  (1u << 28)

static struct fake_python py;
static target_addr str_type;

enum kept { AS_VALUES, AS_SPLIT_DICT, AS_GENERAL_DICT, AS_UNICODE_DICT, WAYS };

static void put_field(target_addr base, uint32_t field, uint64_t value, size_t size)
{
    if (field != PY_ABSENT)
        fake_put(&py, base + field, value, size);
}

static target_addr str_new(const char *text)
{
    target_addr at = fake_string(&py, text, (uint32_t)strlen(text), 1, true);
    fake_put_address(&py, at + py.row.object_type, str_type);
    return at;
}

static target_addr type_new(uint64_t flags)
{
    target_addr type = fake_alloc(&py, TYPE_SIZE);
    fake_put_address(&py, type + py.row.type_flags, flags);
    fake_put_address(&py, type + py.row.type_dictoffset, 16);
    put_field(type, py.row.type_basicsize, 16, 8);
    return type;
}

// Eight slots; three entries, the first one deleted, and room for more. Returns the keys object.
static target_addr keys_new(bool general, target_addr value, size_t room)
{
    bool hashed = general || py.row.keys_kind == PY_ABSENT;
    uint32_t entry = hashed ? 24 : 16;
    target_addr keys = fake_alloc(&py, py.row.keys_indices + 8 + room * entry);
    put_field(keys, py.row.keys_size, 8, 8);
    put_field(keys, py.row.keys_log2_index_bytes, 3, 1);
    put_field(keys, py.row.keys_kind, hashed ? 0 : 1, 1);
    put_field(keys, py.row.keys_nentries, 3, 8);
    target_addr at = keys + py.row.keys_indices + 8 + (hashed ? 8 : 0);
    fake_put_address(&py, at + entry, str_new("_args"));
    fake_put_address(&py, at + 2 * (target_addr)entry, str_new("_name"));
    fake_put_address(&py, at + 2 * (target_addr)entry + 8, value);
    return keys;
}

// The array that a dict or an instance points to: what is before it is the version's.
static void put_values(target_addr values, target_addr name)
{
    put_field(values, py.row.values_valid, 1, 1);
    fake_put_address(&py, values + py.row.values_array + 16, name);
}

static target_addr values_new(target_addr name)
{
    target_addr values = fake_alloc(&py, 64);
    put_values(values, name);
    return values;
}

static target_addr dict_new(enum kept kept, target_addr name)
{
    target_addr dict = fake_alloc(&py, 64);
    bool split = kept == AS_SPLIT_DICT;
    fake_put_address(&py, dict + py.row.dict_keys,
                     keys_new(kept == AS_GENERAL_DICT, split ? 0 : name, 5));
    fake_put_address(&py, dict + py.row.dict_values, split ? values_new(name) : 0);
    return dict;
}

static void put_instance_values(target_addr object, target_addr type, target_addr name)
{
    fake_put_address(&py, type + py.row.type_cached_keys, keys_new(false, 0, 5));
    if (py.row.attributes == ATTRIBUTES_POINTERS)
        fake_put_address(&py, object - py.row.object_values_before, values_new(name));
    else if (py.row.attributes == ATTRIBUTES_TAGGED)
        fake_put_address(&py, object - py.row.object_dict_before, values_new(name) - 1);
    else
        put_values(object + 16, name);
}

// A Thread that keeps its attributes so.
static target_addr thread_new(enum kept kept, target_addr name)
{
    bool managed = py.row.attributes != ATTRIBUTES_DICT;
    target_addr type = type_new(managed ? 1 << 4 | 1 << 2 : 0);
    target_addr object = fake_alloc(&py, BEFORE + 64) + BEFORE;
    fake_put_address(&py, object + py.row.object_type, type);
    if (managed && kept == AS_VALUES)
        put_instance_values(object, type, name);
    else
        fake_put_address(&py, managed ? object - py.row.object_dict_before : object + 16,
                         dict_new(kept == AS_VALUES ? AS_SPLIT_DICT : kept, name));
    return object;
}

static void start(target_addr code, target_addr object)
{
    target_addr frame = fake_call_by_c(&py, code, 4);
    fake_put_address(&py, frame + py.row.frame_locals, object | (py.row.frame_code_mask & 1));
    fake_call(&py, fake_code(&py, "run", "threading.py", 1), 4);
    fake_call_by_c(&py, fake_code(&py, "work", "work.py", 1), 4);
}

static target_addr bootstrap_code(const char *file)
{
    bool qualified = py.row.code_qualname != PY_ABSENT;
    return fake_code(&py, qualified ? "Thread._bootstrap" : "_bootstrap", file, 1);
}

static void begin(void **state)
{
    fake_begin(&py, *(const uint32_t *)*state);
    str_type = type_new(STR_FLAG);
}

static target_addr begin_thread(void **state, enum kept kept)
{
    begin(state);
    target_addr object = thread_new(kept, str_new(NAME));
    start(bootstrap_code("/usr/lib/python3/threading.py"), object);
    return object;
}

static int name_read(char *out, size_t size)
{
    return thread_name_read(&py.mem, &py.row, py.tstate, out, size);
}

static void assert_name(const char *expected)
{
    char out[64];
    assert_int_equal(name_read(out, sizeof out), 0);
    assert_string_equal(out, expected);
}

static void assert_no_name(int expected)
{
    char out[64];
    assert_int_equal(name_read(out, sizeof out), expected);
}

// ---- as it should be

static void a_name_is_found_however_it_is_kept(void **state)
{
    for (int kept = 0; kept < WAYS; kept++) {
        begin_thread(state, kept);
        assert_name(NAME);
    }
}

static void the_file_may_be_anywhere(void **state)
{
    static const char *const files[] = {"threading.py", "/x/python38.zip/threading.py"};
    for (size_t i = 0; i < 2; i++) {
        begin(state);
        start(bootstrap_code(files[i]), thread_new(AS_VALUES, str_new(NAME)));
        assert_name(NAME);
    }
}

static void other_functions_have_no_name(void **state)
{
    begin(state);
    start(bootstrap_code("/x/my_threading.py"), thread_new(AS_VALUES, str_new(NAME)));
    assert_no_name(-ENOENT);
    begin(state);
    start(fake_code(&py, "<module>", "/x/threading.py", 1), thread_new(AS_VALUES, str_new(NAME)));
    assert_no_name(-ENOENT);
    begin(state);
    assert_no_name(-ENOENT);
}

static void a_cleared_variable_has_no_name(void **state)
{
    begin(state);
    start(bootstrap_code("/x/threading.py"), 0);
    assert_no_name(-ENOENT);
}

static void a_name_is_cut_to_fit(void **state)
{
    char out[4] = "xxx";
    begin_thread(state, AS_VALUES);
    assert_int_equal(name_read(out, sizeof out), 0);
    assert_string_equal(out, "wor");
    assert_int_equal(name_read(out, 1), 0);
    assert_string_equal(out, "");
}

// ---- damaged

static void a_name_that_is_no_string_is_invalid(void **state)
{
    begin(state);
    target_addr number = fake_alloc(&py, 32);
    fake_put_address(&py, number + py.row.object_type, type_new(0));
    start(bootstrap_code("/x/threading.py"), thread_new(AS_VALUES, number));
    assert_no_name(-EINVAL);
}

static void a_chain_without_end_is_tried_again(void **state)
{
    begin_thread(state, AS_VALUES);
    target_addr newest = py.newest;
    for (target_addr frame = newest; frame != 0;) {
        target_addr previous = fake_get_address(&py, frame + py.row.frame_previous);
        fake_put_address(&py, frame + py.row.frame_previous, newest);
        assert_no_name(-EAGAIN);
        fake_put_address(&py, frame + py.row.frame_previous, previous);
        frame = previous;
    }
    assert_name(NAME);
}

static void values_that_are_no_longer_valid_are_not_read(void **state)
{
    target_addr object = begin_thread(state, AS_VALUES);
    fake_put(&py, object + 16 + py.row.values_valid, 0, 1);
    assert_no_name(-ENOENT);
    fake_put_address(&py, object - py.row.object_dict_before,
                     dict_new(AS_UNICODE_DICT, str_new("from the dict")));
    assert_name("from the dict");
}

// Sizes that would lead far away are refused, those of a dict with many entries are cut short.
static void sizes_are_bounded(void **state)
{
    begin(state);
    target_addr keys = keys_new(true, 0, OBJECT_KEYS_MAX), name = str_new(NAME),
                dict = fake_alloc(&py, 64);
    target_addr object = thread_new(AS_VALUES, name);
    target_addr type = fake_get_address(&py, object + py.row.object_type), value;
    fake_put_address(&py, type + py.row.type_flags, 0);
    fake_put_address(&py, object + 16, dict);
    fake_put_address(&py, dict + py.row.dict_keys, keys);
    fake_put_address(&py, keys + py.row.keys_nentries, 100000); // deleted all but two
    assert_int_equal(object_attribute(&py.mem, &py.row, object, "x", &value), -ENOENT);
    fake_put_address(&py, keys + py.row.keys_nentries, UINT64_MAX);
    assert_int_equal(object_attribute(&py.mem, &py.row, object, "x", &value), -EINVAL);
    fake_put_address(&py, keys + py.row.keys_nentries, 3);
    put_field(keys, py.row.keys_size, 9, 8);
    put_field(keys, py.row.keys_log2_index_bytes, 200, 1);
    assert_int_equal(object_attribute(&py.mem, &py.row, object, "x", &value), -EINVAL);
    put_field(keys, py.row.keys_size, UINT64_C(1) << 63, 8);
    put_field(keys, py.row.keys_log2_index_bytes, 63, 1);
    assert_int_equal(object_attribute(&py.mem, &py.row, object, "x", &value), -EINVAL);
    fake_put_address(&py, type + py.row.type_dictoffset, UINT64_C(1) << 40);
    assert_int_equal(object_attribute(&py.mem, &py.row, object, "x", &value), -EINVAL);
    fake_put_address(&py, type + py.row.type_dictoffset, (uint64_t)-8);
    assert_int_equal(object_attribute(&py.mem, &py.row, object, "x", &value), -ENOTSUP);
}

static void memory_that_cannot_be_read_is_an_error(void **state)
{
    for (int kept = 0; kept < WAYS; kept++) {
        begin_thread(state, kept);
        unsigned failed = 0;
        for (target_addr at = FAKE_BASE; at < FAKE_BASE + py.used; at += 8) {
            char out[64] = "";
            py.hole = at;
            int err = name_read(out, sizeof out);
            assert_true(err == 0 ? strcmp(out, NAME) == 0 : err < 0);
            failed += err < 0;
        }
        assert_true(failed > 10);
    }
}

static uint64_t random_word(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

// An address of the fake, odd ones too: cycles, objects of another kind, halves of fields.
static uint64_t bad_word(uint64_t *seed)
{
    uint64_t random = random_word(seed);
    switch (random >> 60) {
    case 0:
        return random;
    case 1:
        return random & 0xff;
    case 2:
        return UINT64_MAX - (random & 0xff);
    case 3:
        return UINT64_C(1) << (random & 63);
    default:
        return FAKE_BASE + random % py.used;
    }
}

// Up to 32 words at a time: it ends, and leaves a string. The sanitizers see the rest.
static void damaged_memory_does_no_harm(void **state)
{
    static unsigned char whole[FAKE_SIZE];
    uint64_t seed = 88172645463325252u;
    for (int kept = 0; kept < WAYS; kept++) {
        begin_thread(state, kept);
        memcpy(whole, py.bytes, py.used);
        for (int round = 0; round < 5000; round++) {
            char out[24];
            for (uint64_t n = random_word(&seed) % 32 + 1; n > 0; n--)
                fake_put_address(&py, FAKE_BASE + random_word(&seed) % (py.used / 8) * 8,
                                 bad_word(&seed));
            if (name_read(out, sizeof out) == 0)
                assert_true(strnlen(out, sizeof out) < sizeof out);
            memcpy(py.bytes, whole, py.used);
        }
    }
}

int main(void)
{
    static const struct row_test tests[] = {
        ROW(a_name_is_found_however_it_is_kept),
        ROW(the_file_may_be_anywhere),
        ROW(other_functions_have_no_name),
        ROW(a_cleared_variable_has_no_name),
        ROW(a_name_is_cut_to_fit),
        ROW(a_name_that_is_no_string_is_invalid),
        ROW(a_chain_without_end_is_tried_again),
        ROW_OF(values_that_are_no_longer_valid_are_not_read, PY(3, 13), PY_LAST),
        ROW(sizes_are_bounded),
        ROW(memory_that_cannot_be_read_is_an_error),
        ROW(damaged_memory_does_no_harm),
    };
    return rows_run("thread_name", tests, sizeof tests / sizeof *tests);
}
