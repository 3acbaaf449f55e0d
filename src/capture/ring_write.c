// SPDX-License-Identifier: MIT
// ring_write.c - the writer's side of a ring, called from signal handlers.
//
// No locks, no system calls, nothing but atomics on the shared header.
#include "lineprof/ring.h"

#include <stddef.h>

static uint32_t aligned(uint32_t size)
{
    return (size + RING_ALIGN - 1) & ~(RING_ALIGN - 1);
}

struct record *ring_reserve(struct ring *ring, uint32_t size)
{
    struct ring_header *header = ring->header;
    size = aligned(size);
    uint64_t head = atomic_load_explicit(&header->head, memory_order_relaxed);
    do {
        // Acquire: the reader's clearing of what it consumed must be seen before we write there.
        uint64_t tail = atomic_load_explicit(&header->tail, memory_order_acquire);
        if (size > RING_RECORD_MAX || head + size - tail > RING_DATA_SIZE)
            return NULL;
        // Acquire: so must what another writer has left there and given back.
    } while (!atomic_compare_exchange_weak_explicit(&header->head, &head, head + size,
                                                    memory_order_acquire, memory_order_relaxed));
    return (struct record *)(ring->data + head % RING_DATA_SIZE);
}

// Moves head back from the end of `reserved` bytes to the end of `size`, if nobody reserved behind
// us. An uncommitted record keeps tail where it is, so head can be at only one such place.
static bool give_back(struct ring *ring, const struct record *record, uint32_t reserved,
                      uint32_t size)
{
    uint64_t head = atomic_load_explicit(&ring->header->head, memory_order_relaxed);
    uint64_t at = (uint64_t)((const uint8_t *)record - ring->data);
    if ((head - reserved) % RING_DATA_SIZE != at)
        return false;
    return atomic_compare_exchange_strong_explicit(&ring->header->head, &head,
                                                   head - reserved + size, memory_order_release,
                                                   memory_order_relaxed);
}

void ring_commit(struct ring *ring, struct record *record, uint32_t reserved, uint32_t size,
                 enum record_type type)
{
    reserved = aligned(reserved);
    size = aligned(size);
    if (size < reserved && !give_back(ring, record, reserved, size))
        size = reserved;
    record->type = type;
    atomic_store_explicit(&record->size, size, memory_order_release);
}

bool ring_is_filling(const struct ring *ring)
{
    uint64_t head = atomic_load_explicit(&ring->header->head, memory_order_relaxed);
    uint64_t tail = atomic_load_explicit(&ring->header->tail, memory_order_relaxed);
    return head - tail > RING_DATA_SIZE / 2;
}
