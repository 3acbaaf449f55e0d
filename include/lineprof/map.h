// SPDX-License-Identifier: MIT
// map.h - from a 64-bit key to a pointer: open addressing, grows by doubling.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct map {
    struct map_slot {
        uint64_t key;
        void *value; // NULL: free
    } * slots;
    size_t capacity, count; // capacity: a power of two, or 0
};

void *map_get(const struct map *map, uint64_t key);      // NULL when absent
int map_put(struct map *map, uint64_t key, void *value); // value not NULL; 0 or -ENOMEM
void map_remove(struct map *map, uint64_t key);
void map_free(struct map *map, void (*free_value)(void *)); // NULL: values are not ours
uint64_t map_hash(uint64_t key);
