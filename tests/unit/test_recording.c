// SPDX-License-Identifier: MIT
// test_recording.c - interning, and what a recording makes of what it is told.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "lineprof/intern.h"
#include "lineprof/profile.h"

static int set_up(void **state)
{
    *state = recording_new();
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    recording_free(*state);
    return 0;
}

// ---- interning

static void texts_keep_their_id_and_place(void **state)
{
    (void)state;
    enum { MANY = 5000 };
    struct intern *texts = intern_new();
    const char *first = NULL;
    char text[32];
    for (uint32_t i = 0; i < MANY; i++) {
        snprintf(text, sizeof text, "%u", i);
        assert_int_equal(intern_id(texts, text), i);
        first = i ? first : intern_text(texts, 0);
    }
    for (uint32_t i = 0; i < MANY; i++) {
        snprintf(text, sizeof text, "%u", i);
        assert_int_equal(intern_id(texts, text), i);
        assert_string_equal(intern_text(texts, i), text);
    }
    assert_ptr_equal(intern_text(texts, 0), first);
    assert_int_equal(intern_count(texts), MANY);
    intern_free(texts);
}

static void texts_may_be_long_or_empty(void **state)
{
    (void)state;
    static char text[200001];
    struct intern *texts = intern_new();
    memset(text, 'x', sizeof text - 1);
    assert_int_equal(intern_id(texts, ""), 0);
    assert_int_equal(intern_id(texts, text), 1);
    text[199999] = 'y';
    assert_int_equal(intern_id(texts, text), 2);
    assert_int_equal(intern_id(texts, ""), 0);
    assert_int_equal(strlen(intern_text(texts, 1)), 200000);
    intern_free(texts);
}

static void rows_differ_in_any_word(void **state)
{
    (void)state;
    struct rows *rows = rows_new(3);
    uint32_t id = 0;
    for (uint32_t a = 0; a < 20; a++)
        for (uint32_t b = 0; b < 20; b++)
            for (uint32_t c = 0; c < 20; c++)
                assert_int_equal(rows_id(rows, (const uint32_t[]){a, b, c}), id++);
    assert_int_equal(rows_id(rows, (const uint32_t[]){0, 1, 2}), 22);
    assert_int_equal(rows_at(rows, 22)[1], 1);
    assert_int_equal(rows_count(rows), 8000);
    rows_free(rows);
}

static void nothing_can_be_freed(void **state)
{
    (void)state;
    intern_free(NULL);
    rows_free(NULL);
    recording_free(NULL);
    profile_free(NULL);
}

// ---- recordings

static void equal_strings_are_one(void **state)
{
    struct recording *rec = *state;
    char copy[] = "main.py";
    const char *kept = recording_string(rec, copy);
    assert_ptr_not_equal(kept, copy);
    assert_ptr_equal(recording_string(rec, "main.py"), kept);
    assert_string_equal(recording_string(rec, NULL), "");
}

static void equal_functions_and_nodes_are_one(void **state)
{
    struct recording *rec = *state;
    uint32_t f = recording_function(rec, "/a.py", "f", 1);
    assert_int_equal(recording_function(rec, "/a.py", "f", 1), f);
    assert_int_not_equal(recording_function(rec, "/a.py", "f", 2), f);
    assert_int_not_equal(recording_function(rec, "/a.py", "g", 1), f);
    assert_int_not_equal(recording_function(rec, "/b.py", "f", 1), f);
    uint32_t node = recording_node(rec, NODE_ROOT, f, 3);
    assert_int_equal(recording_node(rec, NODE_ROOT, f, 3), node);
    assert_int_not_equal(recording_node(rec, NODE_ROOT, f, 4), node);
    assert_int_not_equal(recording_node(rec, node, f, 3), node);
}

static void processes_and_threads_are_always_new(void **state)
{
    struct recording *rec = *state;
    const struct process_info info = {.pid = 7};
    assert_int_equal(recording_process(rec, &info), 0);
    assert_int_equal(recording_process(rec, &info), 1);
    assert_int_equal(recording_thread(rec, 1, 7, "a"), 0);
    assert_int_equal(recording_thread(rec, 1, 7, "a"), 1);
}

static void a_process_stays_where_it_is(void **state)
{
    struct recording *rec = *state;
    const struct process_info info = {.pid = 7, .command = "python3"};
    struct process_info *first = recording_process_info(rec, recording_process(rec, &info));
    for (int i = 0; i < 100; i++)
        recording_process(rec, &info);
    assert_ptr_equal(recording_process_info(rec, 0), first);
    assert_string_equal(first->command, "python3");
    assert_string_equal(first->cwd, "");
}

static uint32_t one_thread(struct recording *rec)
{
    const struct process_info info = {.pid = 7};
    return recording_thread(rec, recording_process(rec, &info), 7, "MainThread");
}

static void times_of_one_stack_and_thread_are_added(void **state)
{
    struct recording *rec = *state;
    uint32_t thread = one_thread(rec);
    uint32_t node = recording_node(rec, NODE_ROOT, recording_function(rec, "/a.py", "f", 1), 3);
    const struct times times = {.ns = {[STATE_PYTHON] = 5, [STATE_GIL] = 1}, .samples = 2};
    for (int i = 0; i < 10; i++)
        recording_add(rec, node, thread, &times);
    const struct profile *profile = profile_build(rec, &(struct scope){0});
    assert_int_equal(profile->weight_count, 1);
    assert_int_equal(profile->weights[0].times.ns[STATE_PYTHON], 50);
    assert_int_equal(profile->weights[0].times.ns[STATE_GIL], 10);
    assert_int_equal(profile->weights[0].times.samples, 20);
    profile_free(profile);
}

static void waits_of_one_stack_thread_and_reason_are_added(void **state)
{
    struct recording *rec = *state;
    uint32_t thread = one_thread(rec);
    uint32_t node = recording_node(rec, NODE_ROOT, recording_function(rec, "/a.py", "f", 1), 3);
    const struct wait read = {STATE_IO, "read", 5, 2}, poll = {STATE_IO, "poll", 1, 1};
    for (int i = 0; i < 10; i++) {
        recording_wait(rec, node, thread, &read);
        recording_wait(rec, node, thread, &poll);
    }
    const struct profile *profile = profile_build(rec, &(struct scope){0});
    assert_int_equal(profile->wait_count, 2);
    assert_string_equal(profile->waits[0].wait.reason, "poll");  // by name
    assert_string_equal(profile->total_waits[0].reason, "read"); // the longest
    assert_int_equal(profile->waits[1].wait.ns, 50);
    assert_int_equal(profile->waits[1].wait.counted_ns, 20);
    assert_int_equal(profile->times.ns[STATE_IO], 30);
    assert_int_equal(profile->times.samples, 0);
    profile_free(profile);
}

static void a_wait_without_frames_is_the_interpreters(void **state)
{
    struct recording *rec = *state;
    const struct wait wait = {STATE_SLEEP, "pause", 5, 5};
    recording_wait(rec, NODE_ROOT, one_thread(rec), &wait);
    const struct profile *profile = profile_build(rec, &(struct scope){0});
    assert_string_equal(profile->files[0].path, "<interpreter>");
    assert_int_equal(profile->files[0].lines[0].waits[0].ns, 5);
    profile_free(profile);
}

static void a_sample_without_frames_is_the_interpreters(void **state)
{
    struct recording *rec = *state;
    const struct times times = {.ns = {5}, .samples = 1};
    recording_add(rec, NODE_ROOT, one_thread(rec), &times);
    const struct profile *profile = profile_build(rec, &(struct scope){0});
    assert_int_equal(profile->file_count, 1);
    assert_string_equal(profile->files[0].path, "<interpreter>");
    assert_int_equal(profile->files[0].times.ns[STATE_PYTHON], 5);
    profile_free(profile);
}

static void a_thread_can_be_named_later(void **state)
{
    struct recording *rec = *state;
    recording_thread_info(rec, one_thread(rec))->name = recording_string(rec, "renamed");
    const struct profile *profile = profile_build(rec, &(struct scope){0});
    assert_string_equal(profile->threads[0].info.name, "renamed");
    profile_free(profile);
}

static void no_line_is_below_zero(void **state)
{
    struct recording *rec = *state;
    recording_node(rec, NODE_ROOT, recording_function(rec, "/a.py", "f", -5), -7);
    const struct profile *profile = profile_build(rec, &(struct scope){0});
    assert_int_equal(profile->functions[0].line, 0);
    assert_int_equal(profile->nodes[0].line, 0);
    profile_free(profile);
}

// A program that makes new stacks for hours: memory has an end, the sum of its time has not.
static void stacks_without_end_become_their_callers(void **state)
{
    struct recording *rec = *state;
    uint32_t thread = one_thread(rec), function = recording_function(rec, "/a.py", "f", 1);
    const struct times times = {.ns = {1}, .samples = 1};
    uint32_t root = recording_node(rec, NODE_ROOT, function, 1), leaf = root;
    for (uint32_t i = 0; i < NODES_MOST + 1000; i++) {
        leaf = recording_node(rec, root, function, (int)i + 2);
        recording_add(rec, leaf, thread, &times);
    }
    assert_int_equal(leaf, root);
    assert_int_not_equal(recording_node(rec, root, function, 2), root); // what is there is found
    assert_true(recording_run(rec)->folded_frames >= 1000);
    uint32_t other = recording_node(rec, NODE_ROOT, function, 99);
    assert_int_equal(recording_node(rec, NODE_ROOT, function, 98), other);
    uint32_t process = recording_thread_info(rec, thread)->process, last = 0;
    for (uint32_t i = 0; i < 2; i++) { // the same stacks in other threads
        last = recording_thread(rec, process, (int32_t)i, "another");
        for (uint32_t node = 0; node < NODES_MOST; node++)
            recording_add(rec, node, last, &times);
    }
    const struct profile *profile = profile_build(rec, &(struct scope){0});
    assert_non_null(profile);
    assert_int_equal(profile->times.ns[STATE_PYTHON], 3 * (int64_t)NODES_MOST + 1000);
    assert_true(profile->weight_count <= WEIGHTS_MOST + 3);
    assert_int_equal(profile->threads[last].times.ns[STATE_PYTHON], NODES_MOST);
    profile_free(profile);
}

// An id that nobody gave out is a mistake of ours: it must not be lost, and must not crash.
static void an_unknown_id_is_an_error(void **state)
{
    struct recording *rec = *state;
    const struct times times = {.ns = {5}, .samples = 1};
    assert_int_equal(recording_node(rec, 3, 0, 1), UINT32_MAX);
    assert_int_equal(recording_thread(rec, 5, 1, ""), UINT32_MAX);
    recording_thread_info(rec, 9)->tid = 1;
    recording_add(rec, 9, 9, &times);
    recording_wait(rec, 9, 9, &(const struct wait){STATE_IO, "read", 1, 1});
    assert_string_equal(recording_process_info(rec, 9)->command, "");
    assert_null(profile_build(rec, &(struct scope){0}));
    assert_int_equal(errno, EINVAL);
}

static void the_last_source_of_a_path_is_kept(void **state)
{
    struct recording *rec = *state;
    const struct times times = {.ns = {5}, .samples = 1};
    uint32_t function = recording_function(rec, "<string>", "<module>", 1);
    recording_add(rec, recording_node(rec, NODE_ROOT, function, 1), one_thread(rec), &times);
    recording_source(rec, "<string>", "old", 3);
    recording_source(rec, "<other>", NULL, 0);
    recording_source(rec, "<string>", "new\0x", 5);
    const struct profile *profile = profile_build(rec, &(struct scope){0});
    assert_int_equal(profile->files[0].text_length, 5);
    assert_memory_equal(profile->files[0].text, "new\0x", 5);
    profile_free(profile);
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_keep_their_id_and_place),
        cmocka_unit_test(texts_may_be_long_or_empty),
        cmocka_unit_test(rows_differ_in_any_word),
        cmocka_unit_test(nothing_can_be_freed),
        FACT(equal_strings_are_one),
        FACT(equal_functions_and_nodes_are_one),
        FACT(processes_and_threads_are_always_new),
        FACT(a_process_stays_where_it_is),
        FACT(times_of_one_stack_and_thread_are_added),
        FACT(waits_of_one_stack_thread_and_reason_are_added),
        FACT(a_wait_without_frames_is_the_interpreters),
        FACT(a_sample_without_frames_is_the_interpreters),
        FACT(a_thread_can_be_named_later),
        FACT(no_line_is_below_zero),
        FACT(stacks_without_end_become_their_callers),
        FACT(an_unknown_id_is_an_error),
        FACT(the_last_source_of_a_path_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
