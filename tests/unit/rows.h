// SPDX-License-Identifier: MIT
// rows.h - one cmocka test for each fact and each Python version.
//
//     static void empty_without_frames(void **state) { ... *(const uint32_t *)*state is the version
//     static const struct row_test tests[] = {ROW(empty_without_frames), ...};
//     return rows_run("frames", tests, sizeof tests / sizeof *tests);
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fake_python.h"

struct row_test {
    const char *name;
    CMUnitTestFunction function;
    uint32_t from, to; // versions, both included
};

#define ROW(function)                                                                              \
    {                                                                                              \
#function, function, PY_FIRST, PY_LAST                                                     \
    }
#define ROW_OF(function, first, last)                                                              \
    {                                                                                              \
#function, function, first, last                                                           \
    }

static inline int rows_run(const char *group, const struct row_test *tests, size_t count)
{
    struct CMUnitTest *all = calloc(count * FAKE_VERSIONS, sizeof *all);
    size_t used = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t v = 0; v < FAKE_VERSIONS; v++) {
            if (fake_versions[v] < tests[i].from || fake_versions[v] > tests[i].to)
                continue;
            char *name = malloc(200);
            snprintf(name, 200, "%s 3.%u", tests[i].name, fake_versions[v] & 0xff);
            all[used++] = (struct CMUnitTest){.name = name,
                                              .test_func = tests[i].function,
                                              .initial_state = (void *)&fake_versions[v]};
        }
    int failed = _cmocka_run_group_tests(group, all, used, NULL, NULL);
    for (size_t i = 0; i < used; i++)
        free((char *)all[i].name);
    free(all);
    return failed;
}
