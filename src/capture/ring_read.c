// SPDX-License-Identifier: MIT
// ring_read.c - the collector's side of a ring.
//
// The other side is a program that may have gone wild over its memory: a record is believed only
// after its size has been checked against what was reserved.
#include "lineprof/ring.h"

#include <string.h>

const struct record *ring_peek(struct ring *ring)
{
    uint64_t tail = atomic_load_explicit(&ring->header->tail, memory_order_relaxed);
    uint64_t head = atomic_load_explicit(&ring->header->head, memory_order_acquire);
    if (head == tail || head - tail > RING_DATA_SIZE)
        return NULL;
    const struct record *record = (const struct record *)(ring->data + tail % RING_DATA_SIZE);
    uint32_t size = atomic_load_explicit(&record->size, memory_order_acquire);
    if (size < sizeof *record || size % RING_ALIGN || size > RING_RECORD_MAX)
        return NULL;
    return record;
}

void ring_consume(struct ring *ring, const struct record *record)
{
    uint32_t size = atomic_load_explicit(&record->size, memory_order_relaxed);
    uint64_t tail = atomic_load_explicit(&ring->header->tail, memory_order_relaxed);
    memset((void *)record, 0, size); // the next writer here must find zeros
    atomic_store_explicit(&ring->header->tail, tail + size, memory_order_release);
}
