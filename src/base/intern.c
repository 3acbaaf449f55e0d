// SPDX-License-Identifier: MIT
// intern.c - see intern.h: two tables over one index, open addressing with linear probing.
//
// The index stores ids, never pointers: eight to twelve bytes an entry, hash included, so that
// growing does not touch the keys.
#include "lineprof/intern.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define EMPTY       UINT32_MAX
#define FIRST_SLOTS 64u
#define CHUNK_BYTES 65536u
#define MOST_IDS    (1u << 30)

// ---- the index

struct index {
    uint32_t *slots;  // ids, EMPTY where free; a power of two, at most three quarters full
    uint32_t *hashes; // by id
    uint32_t mask, count, room; // room: ids that `hashes` can hold
};

static bool index_init(struct index *index)
{
    memset(index, 0, sizeof *index);
    index->slots = malloc(FIRST_SLOTS * sizeof *index->slots);
    if (!index->slots)
        return false;
    memset(index->slots, 0xff, FIRST_SLOTS * sizeof *index->slots);
    index->mask = FIRST_SLOTS - 1;
    return true;
}

static void index_drop(struct index *index)
{
    free(index->slots);
    free(index->hashes);
}

static uint32_t free_slot(const uint32_t *slots, uint32_t mask, uint32_t hash)
{
    uint32_t slot = hash & mask;
    while (slots[slot] != EMPTY)
        slot = (slot + 1) & mask;
    return slot;
}

static bool index_widen(struct index *index)
{
    uint32_t mask = index->mask * 2 + 1;
    uint32_t *slots = malloc(((size_t)mask + 1) * sizeof *slots);
    if (!slots)
        return false;
    memset(slots, 0xff, ((size_t)mask + 1) * sizeof *slots);
    for (uint32_t id = 0; id < index->count; id++)
        slots[free_slot(slots, mask, index->hashes[id])] = id;
    free(index->slots);
    index->slots = slots;
    index->mask = mask;
    return true;
}

// Grows `*array` so that it can hold `count` + 1 items. `room` is shared by arrays that grow alike.
static bool grow(void **array, uint32_t room, size_t size)
{
    void *more = realloc(*array, (size_t)room * size);
    if (more)
        *array = more;
    return more;
}

static uint32_t roomier(uint32_t room)
{
    return room < 32 ? 64 : room + room / 2;
}

// Makes sure that index_put() cannot fail.
static bool index_ready(struct index *index)
{
    if (index->count >= MOST_IDS)
        return false;
    if (index->count == index->room) {
        uint32_t room = roomier(index->room);
        if (!grow((void **)&index->hashes, room, sizeof *index->hashes))
            return false;
        index->room = room;
    }
    return index->count + 1 <= index->mask - index->mask / 4 || index_widen(index);
}

static uint32_t index_put(struct index *index, uint32_t hash)
{
    index->hashes[index->count] = hash;
    index->slots[free_slot(index->slots, index->mask, hash)] = index->count;
    return index->count++;
}

// ---- hashes

static uint64_t mix(uint64_t value) // the finisher of splitmix64
{
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
    return value ^ (value >> 31);
}

static uint32_t hash_bytes(const char *bytes, size_t length)
{
    uint64_t hash = mix(length + 0x9e3779b97f4a7c15ULL), word;
    for (; length >= sizeof word; bytes += sizeof word, length -= sizeof word) {
        memcpy(&word, bytes, sizeof word);
        hash = mix(hash ^ word);
    }
    word = 0;
    memcpy(&word, bytes, length);
    return (uint32_t)mix(hash ^ word);
}

static uint32_t hash_words(const uint32_t *words, uint32_t width)
{
    uint64_t hash = 0x9e3779b97f4a7c15ULL;
    for (uint32_t i = 0; i < width; i++)
        hash = mix(hash + words[i]);
    return (uint32_t)hash;
}

// ---- texts

struct chunk {
    struct chunk *older;
    size_t used, size;
    char bytes[];
};

struct intern {
    struct index index;
    const char **texts; // by id, into the chunks
    uint32_t room;
    struct chunk *chunks;
};

struct intern *intern_new(void)
{
    struct intern *texts = calloc(1, sizeof *texts);
    if (texts && index_init(&texts->index))
        return texts;
    free(texts);
    return NULL;
}

void intern_free(struct intern *texts)
{
    if (!texts)
        return;
    while (texts->chunks) {
        struct chunk *older = texts->chunks->older;
        free(texts->chunks);
        texts->chunks = older;
    }
    index_drop(&texts->index);
    free(texts->texts);
    free(texts);
}

static struct chunk *chunk_for(struct intern *texts, size_t size)
{
    struct chunk *chunk = texts->chunks;
    if (chunk && chunk->size - chunk->used >= size)
        return chunk;
    size_t bytes = size > CHUNK_BYTES ? size : CHUNK_BYTES;
    chunk = malloc(sizeof *chunk + bytes);
    if (!chunk)
        return NULL;
    *chunk = (struct chunk){.older = texts->chunks, .size = bytes};
    return texts->chunks = chunk;
}

static const char *keep(struct intern *texts, const char *text, size_t size)
{
    struct chunk *chunk = chunk_for(texts, size);
    if (!chunk)
        return NULL;
    char *copy = memcpy(chunk->bytes + chunk->used, text, size);
    chunk->used += size;
    return copy;
}

static uint32_t intern_add(struct intern *texts, const char *text, size_t length, uint32_t hash)
{
    if (!index_ready(&texts->index))
        return INTERN_NONE;
    if (texts->room != texts->index.room) {
        if (!grow((void **)&texts->texts, texts->index.room, sizeof *texts->texts))
            return INTERN_NONE;
        texts->room = texts->index.room;
    }
    const char *copy = keep(texts, text, length + 1);
    if (!copy)
        return INTERN_NONE;
    texts->texts[texts->index.count] = copy;
    return index_put(&texts->index, hash);
}

uint32_t intern_id(struct intern *texts, const char *text)
{
    const struct index *index = &texts->index;
    size_t length = strlen(text);
    uint32_t hash = hash_bytes(text, length), id;
    for (uint32_t slot = hash & index->mask; (id = index->slots[slot]) != EMPTY;
         slot = (slot + 1) & index->mask)
        if (index->hashes[id] == hash && strcmp(texts->texts[id], text) == 0)
            return id;
    return intern_add(texts, text, length, hash);
}

const char *intern_text(const struct intern *texts, uint32_t id)
{
    return texts->texts[id];
}

uint32_t intern_count(const struct intern *texts)
{
    return texts->index.count;
}

// ---- rows

struct rows {
    struct index index;
    uint32_t width, room;
    uint32_t *words; // `width` of them by id
};

struct rows *rows_new(uint32_t width)
{
    struct rows *rows = calloc(1, sizeof *rows);
    if (!rows || !index_init(&rows->index)) {
        free(rows);
        return NULL;
    }
    rows->width = width;
    return rows;
}

void rows_free(struct rows *rows)
{
    if (!rows)
        return;
    index_drop(&rows->index);
    free(rows->words);
    free(rows);
}

static uint32_t rows_add(struct rows *rows, const uint32_t *words, uint32_t hash)
{
    size_t size = rows->width * sizeof *words;
    if (!index_ready(&rows->index))
        return INTERN_NONE;
    if (rows->room != rows->index.room) {
        if (!grow((void **)&rows->words, rows->index.room, size))
            return INTERN_NONE;
        rows->room = rows->index.room;
    }
    memcpy(rows->words + (size_t)rows->index.count * rows->width, words, size);
    return index_put(&rows->index, hash);
}

static uint32_t rows_search(const struct rows *rows, const uint32_t *words, uint32_t hash)
{
    const struct index *index = &rows->index;
    size_t size = rows->width * sizeof *words;
    uint32_t id;
    for (uint32_t slot = hash & index->mask; (id = index->slots[slot]) != EMPTY;
         slot = (slot + 1) & index->mask)
        if (index->hashes[id] == hash && memcmp(rows_at(rows, id), words, size) == 0)
            return id;
    return INTERN_NONE;
}

uint32_t rows_find(const struct rows *rows, const uint32_t *words)
{
    return rows_search(rows, words, hash_words(words, rows->width));
}

uint32_t rows_id(struct rows *rows, const uint32_t *words)
{
    uint32_t hash = hash_words(words, rows->width), id = rows_search(rows, words, hash);
    return id == INTERN_NONE ? rows_add(rows, words, hash) : id;
}

const uint32_t *rows_at(const struct rows *rows, uint32_t id)
{
    return rows->words + (size_t)id * rows->width;
}

uint32_t rows_count(const struct rows *rows)
{
    return rows->index.count;
}
