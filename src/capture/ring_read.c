// SPDX-License-Identifier: MIT
// ring_read.c - the collector's side of a ring.
//
// The other side is a program that may have gone wild over its memory: a record is believed only
// after its size has been checked against what was reserved.
#include "lineprof/ring.h"

#include <string.h>

static bool is_size(uint32_t size)
{
    return size >= sizeof(struct record) && size % RING_ALIGN == 0 && size <= RING_RECORD_MAX;
}

const struct record *ring_peek(struct ring *ring)
{
    uint64_t tail = atomic_load_explicit(&ring->header->tail, memory_order_relaxed);
    uint64_t head = atomic_load_explicit(&ring->header->head, memory_order_acquire);
    if (head == tail || head - tail > RING_DATA_SIZE || tail % RING_ALIGN)
        return NULL;
    const struct record *record = (const struct record *)(ring->data + tail % RING_DATA_SIZE);
    uint32_t size = atomic_load_explicit(&record->size, memory_order_acquire);
    return is_size(size) && size <= head - tail ? record : NULL;
}

void ring_consume(struct ring *ring, const struct record *record)
{
    uint32_t size = atomic_load_explicit(&record->size, memory_order_relaxed);
    if (!is_size(size))
        return; // overwritten since: the ring ends here
    uint64_t tail = atomic_load_explicit(&ring->header->tail, memory_order_relaxed);
    memset((void *)record, 0, size); // the next writer here must find zeros
    atomic_store_explicit(&ring->header->tail, tail + size, memory_order_release);
}
