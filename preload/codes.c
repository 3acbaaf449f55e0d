// SPDX-License-Identifier: MIT
// codes.c - gives each code object a number and sends its names and line table once.
//
// Code objects die and their addresses are reused, so one is known by address and fingerprint. The
// memory is a cache of fixed size: what falls out is announced again under a new number, and the
// collector finds by content that it is the same. Runs in the handler, in any thread at once: an
// entry is one atomic word, so it is either whole or not there.
#include "shim.h"

#include "lineprof/code.h"
#include "lineprof/code_record.h"

#define WAYS    4u
#define SETS    4096u
#define ID_BITS 24
#define ID_MASK ((1u << ID_BITS) - 1)

static _Atomic uint64_t cache[SETS][WAYS]; // upper 40 bits of the fingerprint, id
static _Atomic uint32_t last_id;

void codes_reset(void)
{
    for (size_t set = 0; set < SETS; set++) // reads first: untouched pages stay untouched
        for (size_t way = 0; way < WAYS; way++)
            if (atomic_load_explicit(&cache[set][way], memory_order_relaxed))
                atomic_store_explicit(&cache[set][way], 0, memory_order_relaxed);
}

// Not on the stack, which may be a small one.
static _Thread_local struct code_info the_info __attribute__((tls_model("initial-exec")));

// Apart: codes_id() stands below it on the stack each time, and announces seldom.
__attribute__((noinline)) static bool announce(const struct mem *mem, target_addr code, uint32_t id)
{
    struct code_info *info = &the_info;
    if (code_describe(mem, shim.layout, code, info))
        return false;
    uint32_t size = code_record_prepare(info);
    struct record_code *record = (struct record_code *)ring_reserve(&shim.ring, size);
    if (!record)
        return false;
    bool whole = code_record_fill(mem, info, id, record);
    bool fetch = record->table_length < record->table_whole;
    ring_commit(&shim.ring, &record->record, size, size, whole ? RECORD_CODE : RECORD_PAD);
    if (whole && fetch)
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
