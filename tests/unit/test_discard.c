// SPDX-License-Identifier: MIT
// test_discard.c - a report from which misread processes were taken is that of the others.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "random_recording.h"

enum { PROCESSES = 4, THREADS = 3, SAMPLES = 400, DEEPEST = 6 };

static const struct scope everything = {.everything = true};

struct pair { // the same program: with the misread processes' samples, and without
    struct recording *rec[2];
    uint32_t threads[2][PROCESSES][THREADS];
    bool misread[PROCESSES];
};

static void add_processes(struct pair *pair, uint64_t *random)
{
    for (int p = 0; p < PROCESSES; p++) {
        const struct process_info info = {.pid = 100 + p, .cpu_known = true, .cpu_ns = 1 << 30};
        pair->misread[p] = random_below(random, 2);
        for (int r = 0; r < 2; r++) {
            uint32_t process = recording_process(pair->rec[r], &info);
            recording_process_info(pair->rec[r], process)->misread = pair->misread[p];
            for (int t = 0; t < THREADS && !(r == 1 && pair->misread[p]); t++)
                pair->threads[r][p][t] = recording_thread(pair->rec[r], process, t, "worker");
        }
    }
}

static uint32_t add_stack(struct recording *rec, uint64_t random)
{
    uint32_t node = NODE_ROOT, depth = 1 + random_below(&random, DEEPEST);
    for (uint32_t i = 0; i < depth; i++) {
        char file[16], name[16];
        snprintf(file, sizeof file, "/%u.py", random_below(&random, 3));
        snprintf(name, sizeof name, "f%u", random_below(&random, 5));
        uint32_t function = recording_function(rec, file, name, 1);
        node = recording_node(rec, node, function, 1 + (int)random_below(&random, 4));
    }
    return node;
}

static struct wait some_wait(uint64_t *random)
{
    static const char *const reasons[] = {"poll", "futex"};
    enum state state = random_below(random, 2) ? STATE_IO : STATE_LOCK;
    int64_t ns = random_below(random, 1000);
    return (struct wait){state, reasons[random_below(random, 2)], ns,
                         state == STATE_IO ? ns / 2 : 0};
}

static void add_samples(struct pair *pair, uint64_t *random)
{
    for (int i = 0; i < SAMPLES; i++) {
        const struct times times = {.ns = {random_below(random, 1000)}, .samples = 1};
        const struct wait wait = some_wait(random);
        bool waits = random_below(random, 3) == 0;
        uint32_t p = random_below(random, PROCESSES), t = random_below(random, THREADS);
        for (int r = 0; r < 2; r++) {
            if (r == 1 && pair->misread[p])
                continue;
            uint32_t node = add_stack(pair->rec[r], *random);
            if (waits)
                recording_wait(pair->rec[r], node, pair->threads[r][p][t], &wait);
            else
                recording_add(pair->rec[r], node, pair->threads[r][p][t], &times);
        }
        random_below(random, 2);
    }
}

#define SAME(field) assert_memory_equal(&a->field, &b->field, sizeof a->field)

static void compare_waits(const struct wait *x, size_t x_count, const struct wait *y,
                          size_t y_count)
{
    assert_int_equal(x_count, y_count);
    for (size_t i = 0; i < x_count; i++) {
        assert_int_equal(x[i].state, y[i].state);
        assert_string_equal(x[i].reason, y[i].reason);
        assert_int_equal(x[i].ns, y[i].ns);
        assert_int_equal(x[i].counted_ns, y[i].counted_ns);
    }
}

static void compare_lines(const struct profile_file *x, const struct profile_file *y)
{
    assert_int_equal(x->line_count, y->line_count);
    for (size_t i = 0; i < x->line_count; i++) {
        const struct profile_line *a = &x->lines[i], *b = &y->lines[i];
        assert_int_equal(a->line, b->line);
        SAME(times);
        SAME(self);
        SAME(total);
        compare_waits(a->waits, a->wait_count, b->waits, b->wait_count);
    }
}

static void compare_functions(const struct profile *x, const struct profile *y)
{
    assert_int_equal(x->function_count, y->function_count);
    for (size_t i = 0; i < x->function_count; i++) {
        const struct profile_function *a = &x->functions[i], *b = &y->functions[i];
        assert_string_equal(a->name, b->name);
        assert_string_equal(a->path, b->path);
        SAME(times);
        SAME(self);
        SAME(total);
    }
}

static void compare(const struct profile *a, const struct profile *b)
{
    SAME(times);
    SAME(process_count);
    SAME(thread_count);
    SAME(node_count);
    SAME(weight_count);
    SAME(file_count);
    SAME(wait_count);
    compare_waits(a->total_waits, a->total_wait_count, b->total_waits, b->total_wait_count);
    for (size_t i = 0; i < a->thread_count; i++)
        compare_waits(a->threads[i].waits, a->threads[i].wait_count, b->threads[i].waits,
                      b->threads[i].wait_count);
    compare_functions(a, b);
    for (size_t i = 0; i < a->file_count; i++) {
        assert_string_equal(a->files[i].path, b->files[i].path);
        compare_lines(&a->files[i], &b->files[i]);
    }
}

static void what_is_left_is_the_others(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        uint64_t random = seed;
        struct pair pair = {.rec = {recording_new(), recording_new()}};
        add_processes(&pair, &random);
        add_samples(&pair, &random);
        recording_discard(pair.rec[0]);
        const struct profile *left = profile_build(pair.rec[0], &everything);
        const struct profile *others = profile_build(pair.rec[1], &everything);
        assert_non_null(left);
        assert_non_null(others);
        compare(left, others);
        profile_free(left);
        profile_free(others);
        recording_free(pair.rec[0]);
        recording_free(pair.rec[1]);
    }
}

static void nothing_recorded_is_nothing_left(void **state)
{
    (void)state;
    struct recording *rec = recording_new();
    recording_discard(rec);
    const struct profile *profile = profile_build(rec, &everything);
    assert_non_null(profile);
    assert_int_equal(profile->function_count, 0);
    profile_free(profile);
    recording_free(rec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_left_is_the_others),
        cmocka_unit_test(nothing_recorded_is_nothing_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
