// SPDX-License-Identifier: MIT
// test_out_of_memory.c - each allocation in turn fails: an error, no crash, nothing leaked (the
// sanitizers look), and no profile from half a recording.
//
// Linked with --wrap for malloc, calloc and realloc.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "lineprof/report.h"
#include "random_recording.h"

static long left = -1; // allocations until the one that fails; below zero: none does

static bool fails(void)
{
    return left >= 0 && left-- == 0;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

// True when all went well although `nth` was to fail: there is no such allocation.
static bool survives(uint64_t seed, long nth)
{
    struct scope scope = random_scope(seed);
    left = nth;
    struct recording *rec = random_recording(seed);
    errno = 0;
    const struct profile *profile = rec ? profile_build(rec, &scope) : NULL;
    bool failed = left < 0;
    if (rec && !profile)
        assert_int_equal(errno, ENOMEM);
    assert_true(failed ? !profile : profile != NULL);
    left = -1;
    profile_free(profile);
    recording_free(rec);
    return !failed;
}

static void every_allocation_of_a_profile_may_fail(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++)
        for (long nth = 0; !survives(seed, nth); nth++)
            assert_true(nth < 10000);
}

static void every_allocation_of_the_json_may_fail(void **state)
{
    (void)state;
    struct recording *rec = random_recording(3);
    const struct profile *profile = profile_build(rec, &(struct scope){.everything = true});
    int error = -1;
    for (long nth = 0; error; nth++) {
        struct sink *out = sink_memory();
        left = nth;
        error = report_json(profile, out);
        if (left < 0 && !error)
            error = sink_error(out);
        left = -1;
        assert_true(error == 0 || error == -ENOMEM);
        sink_discard(out);
    }
    profile_free(profile);
    recording_free(rec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_of_a_profile_may_fail),
        cmocka_unit_test(every_allocation_of_the_json_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
