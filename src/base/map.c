// SPDX-License-Identifier: MIT
// map.c - see map.h. Linear probing; removal closes the gap, so there are no tombstones.
#include "lineprof/map.h"

#include <errno.h>
#include <stdlib.h>

uint64_t map_hash(uint64_t key) // the finaliser of MurmurHash3
{
    key ^= key >> 33;
    key *= UINT64_C(0xff51afd7ed558ccd);
    key ^= key >> 33;
    key *= UINT64_C(0xc4ceb9fe1a85ec53);
    return key ^ key >> 33;
}

static size_t home(const struct map *map, uint64_t key)
{
    return map_hash(key) & (map->capacity - 1);
}

// The slot of `key`, or the free one where it would go. There is always a free one.
static struct map_slot *find(const struct map *map, uint64_t key)
{
    size_t i = home(map, key);
    while (map->slots[i].value && map->slots[i].key != key)
        i = (i + 1) & (map->capacity - 1);
    return &map->slots[i];
}

void *map_get(const struct map *map, uint64_t key)
{
    return map->capacity ? find(map, key)->value : NULL;
}

static int grow(struct map *map)
{
    struct map bigger = {.capacity = map->capacity ? map->capacity * 2 : 16};
    bigger.slots = calloc(bigger.capacity, sizeof *bigger.slots);
    if (!bigger.slots)
        return -ENOMEM;
    for (size_t i = 0; i < map->capacity; i++)
        if (map->slots[i].value)
            *find(&bigger, map->slots[i].key) = map->slots[i];
    bigger.count = map->count;
    free(map->slots);
    *map = bigger;
    return 0;
}

int map_put(struct map *map, uint64_t key, void *value)
{
    if (map->count * 2 >= map->capacity) {
        int err = grow(map);
        if (err)
            return err;
    }
    struct map_slot *slot = find(map, key);
    map->count += !slot->value;
    *slot = (struct map_slot){key, value};
    return 0;
}

void map_remove(struct map *map, uint64_t key)
{
    struct map_slot *gap = map->capacity ? find(map, key) : NULL;
    if (!gap || !gap->value)
        return;
    size_t mask = map->capacity - 1, hole = (size_t)(gap - map->slots);
    for (size_t i = (hole + 1) & mask; map->slots[i].value; i = (i + 1) & mask) {
        size_t wish = home(map, map->slots[i].key);
        if (((i - wish) & mask) >= ((i - hole) & mask)) { // it may move back into the hole
            map->slots[hole] = map->slots[i];
            hole = i;
        }
    }
    map->slots[hole].value = NULL;
    map->count--;
}

void map_free(struct map *map, void (*free_value)(void *))
{
    for (size_t i = 0; free_value && i < map->capacity; i++)
        if (map->slots[i].value)
            free_value(map->slots[i].value);
    free(map->slots);
    *map = (struct map){0};
}
