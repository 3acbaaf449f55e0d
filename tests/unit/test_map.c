// SPDX-License-Identifier: MIT
// test_map.c - the map against a naive model.
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "lineprof/map.h"

#define KEYS 400

static uint64_t key_at(unsigned i) // neighbours, multiples of a page, and both ends
{
    switch (i % 4) {
    case 0:
        return i;
    case 1:
        return (uint64_t)i * 4096;
    case 2:
        return UINT64_MAX - i;
    default:
        return (uint64_t)i << 32 | i;
    }
}

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static void check_all(const struct map *map, int *const model[KEYS])
{
    size_t count = 0;
    for (unsigned i = 0; i < KEYS; i++) {
        assert_ptr_equal(map_get(map, key_at(i)), model[i]);
        count += model[i] != NULL;
    }
    assert_int_equal(map->count, count);
    size_t seen = 0;
    for (size_t i = 0; i < map->capacity; i++)
        seen += map->slots[i].value != NULL;
    assert_int_equal(seen, count);
}

static void agrees_with_a_table(void **state)
{
    (void)state;
    static int values[KEYS];
    int *model[KEYS] = {NULL};
    struct map map = {0};
    uint32_t random = 1;
    for (unsigned step = 0; step < 200000; step++) {
        // Long rises and falls, so that it is full of gaps as well as of neighbours.
        bool rising = step / 5000 % 2 == 0;
        unsigned i = next_random(&random) % KEYS;
        if (next_random(&random) % 4 ? rising : !rising) {
            model[i] = &values[next_random(&random) % KEYS];
            assert_int_equal(map_put(&map, key_at(i), model[i]), 0);
        } else {
            model[i] = NULL;
            map_remove(&map, key_at(i));
        }
        if (step % 997 == 0)
            check_all(&map, model);
    }
    check_all(&map, model);
    map_free(&map, NULL);
}

static void an_empty_map_answers(void **state)
{
    (void)state;
    struct map map = {0};
    assert_null(map_get(&map, 0));
    assert_null(map_get(&map, 7));
    map_remove(&map, 7);
    map_free(&map, free);
    assert_int_equal(map.count, 0);
}

static void holds_many(void **state)
{
    (void)state;
    enum { MANY = 100000 };
    struct map map = {0};
    for (uint64_t i = 0; i < MANY; i++)
        assert_int_equal(map_put(&map, i * 16, &map), 0);
    assert_int_equal(map.count, MANY);
    for (uint64_t i = 0; i < MANY; i++) {
        assert_ptr_equal(map_get(&map, i * 16), &map);
        assert_null(map_get(&map, i * 16 + 1));
    }
    map_free(&map, NULL);
}

static unsigned freed;

static void count_free(void *value)
{
    freed++;
    free(value);
}

static void frees_each_value_once(void **state)
{
    (void)state;
    struct map map = {0};
    for (uint64_t i = 0; i < 100; i++)
        map_put(&map, i, malloc(1));
    freed = 0;
    map_free(&map, count_free);
    assert_int_equal(freed, 100);
    assert_int_equal(map.capacity, 0);
    assert_null(map_get(&map, 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_a_table),
        cmocka_unit_test(an_empty_map_answers),
        cmocka_unit_test(holds_many),
        cmocka_unit_test(frees_each_value_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
