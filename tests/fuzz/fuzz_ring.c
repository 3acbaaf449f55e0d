// SPDX-License-Identifier: MIT
// fuzz_ring.c - a ring of records by a program gone wild, drained by a real collector.
//
// The input is a list of records, built with sizes that fit so that they are looked at, and then
// of bytes that are changed anywhere in the ring. Nothing is looked at from outside: the target has
// no pid.
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "fake_session.h"
#include "fuzz.h"
#include "lineprof/layout.h"

#define KEPT "kept" // a second link to the ring's file, which the collector unlinks

static struct session session;
static struct ring ring;

static void end(void)
{
    ring_close(&ring);
    session_remove(&session);
}

static void begin(void)
{
    if (session_create(&session) || ring_create(&ring, session.dirfd, KEPT)) {
        fprintf(stderr, "fuzz_ring: no shared memory\n");
        exit(1);
    }
    atexit(end);
}

static void reset(void)
{
    struct ring_header *header = ring.header;
    memset(header, 0, sizeof *header);
    header->magic = RING_MAGIC;
    header->status = RING_ACTIVE;
    header->pid = -1;
    header->python = PY(3, 11);
    header->layout = *layout_find(PY(3, 11));
    atomic_store(&session.header->processes, 1);
}

static uint32_t padded(uint32_t n)
{
    return (n + 3) & ~3u;
}

static void write_code(struct input *input)
{
    uint8_t filename = take_byte(input) % 32, name = take_byte(input) % 32;
    uint8_t table = take_byte(input) % 64, kinds = take_byte(input);
    struct record_code code = {
        .id = take_byte(input) % 8,
        .firstlineno = take_byte(input),
        .filename_length = filename,
        .name_length = name,
        .table_length = table,
        .table_whole = table,
        .filename_kind = kinds % 5,
        .name_kind = kinds / 5 % 5,
    };
    uint32_t bytes = padded(filename * code.filename_kind) + padded(name * code.name_kind) + table;
    uint32_t size = (uint32_t)sizeof code + bytes;
    struct record_code *record = (struct record_code *)ring_reserve(&ring, size);
    if (!record)
        return;
    memcpy((char *)record + sizeof record->record, (char *)&code + sizeof code.record,
           sizeof code - sizeof code.record);
    take(input, record->bytes, bytes);
    ring_commit(&ring, &record->record, size, size, RECORD_CODE);
}

static void write_sample(struct input *input)
{
    uint8_t frames = take_byte(input) % 8, words = take_byte(input) % 12;
    uint32_t size = (uint32_t)(sizeof(struct record_sample) + frames * sizeof(struct sample_frame) +
                               words * sizeof(uint64_t));
    struct record_sample *sample = (struct record_sample *)ring_reserve(&ring, size);
    if (!sample)
        return;
    take(input, (char *)sample + sizeof sample->record, sizeof *sample - sizeof sample->record);
    sample->tid = take_byte(input) % 4;
    sample->frame_count = frames;
    sample->stack_words = words;
    for (unsigned i = 0; i < frames; i++)
        sample->frames[i] = (struct sample_frame){take_byte(input) % 8, take_byte(input) * 2u};
    take(input, &sample->frames[frames], words * sizeof(uint64_t));
    ring_commit(&ring, &sample->record, size, size, RECORD_SAMPLE);
}

static void write_anything(struct input *input, enum record_type type)
{
    uint32_t size = 8 + take_byte(input);
    struct record *record = ring_reserve(&ring, size);
    if (!record)
        return;
    take(input, record + 1, size - sizeof *record);
    ring_commit(&ring, record, size, size, type);
}

static void write_record(struct input *input)
{
    uint8_t type = take_byte(input) % 8;
    if (type == RECORD_CODE)
        write_code(input);
    else if (type == RECORD_SAMPLE)
        write_sample(input);
    else
        write_anything(input, (enum record_type)type);
}

static void scribble(struct input *input, unsigned changes)
{
    while (changes--) {
        uint16_t at;
        take(input, &at, sizeof at);
        ring.data[at] = take_byte(input);
    }
}

// ---- the collector's side

static void drain(void)
{
    const struct collector_options options = {.rate_hz = 0};
    const struct rusage usage = {0};
    struct collector_summary summary;
    struct recording *rec = recording_new();
    struct collector *collector = collector_new(&session, rec, &options);
    if (linkat(session.dirfd, KEPT, session.dirfd, SESSION_RING_PREFIX "fuzz", 0) < 0)
        abort();
    session_wake(&session);
    collector_step(collector, 0);
    collector_finish(collector, getpid(), 0, &usage, 0, &summary);
    collector_free(collector);
    recording_free(rec);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct input input = {bytes, size};
    if (!ring.header)
        begin();
    reset();
    unsigned changes = take_byte(&input) % 16;
    for (unsigned n = take_byte(&input) % 64; n-- && input.left;)
        write_record(&input);
    scribble(&input, changes);
    drain(); // gives the ring's memory back: it is zeros again
    return 0;
}
