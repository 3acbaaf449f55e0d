// SPDX-License-Identifier: MIT
// codes.c - gives each code object a number and sends its names and line table once.
//
// Code objects die and their addresses are reused, so one is known by address and fingerprint. The
// memory is a cache of fixed size: what falls out is announced again under a new number, and the
// collector finds by content that it is the same. Runs in the handler, in any thread at once: an
// entry is one atomic word, so it is either whole or not there.
#include "shim.h"

#include <stddef.h>
#include <string.h>

#include "lineprof/code.h"

#define WAYS       4u
#define SETS       4096u
#define ID_BITS    24
#define ID_MASK    ((1u << ID_BITS) - 1)
#define STRING_MAX 16384u // characters of a name that are kept
#define TABLE_MAX  (RING_RECORD_MAX / 4)

static _Atomic uint64_t cache[SETS][WAYS]; // upper 40 bits of the fingerprint, id
static _Atomic uint32_t last_id;

void codes_reset(void)
{
    for (size_t set = 0; set < SETS; set++) // reads first: untouched pages stay untouched
        for (size_t way = 0; way < WAYS; way++)
            if (atomic_load_explicit(&cache[set][way], memory_order_relaxed))
                atomic_store_explicit(&cache[set][way], 0, memory_order_relaxed);
}

static uint32_t padded(uint32_t n)
{
    return (n + 3) & ~3u;
}

static uint32_t string_bytes(const struct py_string *string)
{
    return string->length * string->kind;
}

static void clip(struct py_string *string)
{
    if (string->length > STRING_MAX)
        string->length = STRING_MAX;
}

static bool copy_parts(const struct mem *mem, const struct code_info *info,
                       struct record_code *record)
{
    uint8_t *at = record->bytes;
    uint32_t filename = string_bytes(&info->filename), name = string_bytes(&info->name);
    if (mem->read(mem, info->filename.data, at, filename))
        return false;
    at += padded(filename);
    if (mem->read(mem, info->name.data, at, name))
        return false;
    return mem->read(mem, info->table, at + padded(name), info->table_length) == 0;
}

// Not on the stack, which may be a small one.
static _Thread_local struct code_info the_info __attribute__((tls_model("initial-exec")));

// Apart: codes_id() stands below it on the stack each time, and announces seldom.
__attribute__((noinline)) static bool announce(const struct mem *mem, target_addr code, uint32_t id)
{
    struct code_info *info = &the_info;
    if (code_describe(mem, shim.layout, code, info))
        return false;
    clip(&info->filename);
    clip(&info->name);
    uint32_t whole_table = info->table_length;
    if (whole_table > TABLE_MAX) // a module's, which runs for long: the collector fetches it
        info->table_length = 0;
    uint32_t size = (uint32_t)offsetof(struct record_code, bytes) +
                    padded(string_bytes(&info->filename)) + padded(string_bytes(&info->name)) +
                    padded(info->table_length);
    struct record_code *record = (struct record_code *)ring_reserve(&shim.ring, size);
    if (!record)
        return false;
    record->id = id;
    record->firstlineno = info->firstlineno;
    record->flags = info->flags;
    record->filename_length = info->filename.length;
    record->filename_kind = info->filename.kind;
    record->name_length = info->name.length;
    record->name_kind = info->name.kind;
    record->table_length = info->table_length;
    record->table_whole = whole_table;
    record->table = info->table;
    bool whole = copy_parts(mem, info, record);
    ring_commit(&shim.ring, &record->record, size, size, whole ? RECORD_CODE : RECORD_PAD);
    if (whole && whole_table > TABLE_MAX)
        session_wake(&shim.session);
    return whole;
}

static uint32_t next_id(void)
{
    uint32_t id;
    do
        id = (atomic_fetch_add_explicit(&last_id, 1, memory_order_relaxed) + 1) & ID_MASK;
    while (id == 0);
    return id;
}

uint32_t codes_id(const struct mem *mem, target_addr code)
{
    uint64_t fingerprint;
    if (code_fingerprint(mem, shim.layout, code, shim.image.code_type, &fingerprint))
        return 0;
    uint64_t tag = fingerprint & ~(uint64_t)ID_MASK;
    _Atomic uint64_t *set = cache[fingerprint % SETS]; // from the bits that the tag leaves out
    for (unsigned way = 0; way < WAYS; way++) {
        uint64_t entry = atomic_load_explicit(&set[way], memory_order_relaxed);
        if ((entry & ~(uint64_t)ID_MASK) == tag && (entry & ID_MASK))
            return entry & ID_MASK;
    }
    uint32_t id = next_id();
    if (!announce(mem, code, id))
        return 0;
    for (unsigned way = WAYS - 1; way > 0; way--) // the oldest falls out
        atomic_store_explicit(&set[way], atomic_load_explicit(&set[way - 1], memory_order_relaxed),
                              memory_order_relaxed);
    atomic_store_explicit(&set[0], tag | id, memory_order_relaxed);
    return id;
}
