// SPDX-License-Identifier: MIT
// fake_session.c - see fake_session.h.
#include "fake_session.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lineprof/layout.h"

int fake_session_open(struct fake_session *fake)
{
    *fake = (struct fake_session){.session.dirfd = -1};
    int err = session_create(&fake->session);
    if (!err)
        err = ring_create(&fake->ring, fake->session.dirfd, SESSION_RING_PREFIX "fake");
    if (err)
        return err;
    const struct collector_options options = {.rate_hz = 0};
    fake->rec = recording_new();
    fake->collector = collector_new(&fake->session, fake->rec, &options);
    struct ring_header *header = fake->ring.header;
    header->status = RING_ACTIVE;
    header->pid = -1;
    header->python = PY(3, 11);
    strcpy(header->version, "3.11.0");
    strcpy(header->cwd, "/nowhere");
    header->layout = *layout_find(PY(3, 11));
    return 0;
}

void fake_session_publish(struct fake_session *fake)
{
    fake->ring.header->magic = RING_MAGIC;
    atomic_fetch_add(&fake->session.header->processes, 1);
    session_wake(&fake->session);
}

void fake_session_finish(struct fake_session *fake, struct collector_summary *summary)
{
    const struct rusage usage = {0};
    collector_finish(fake->collector, getpid(), 0, &usage, 0, summary);
}

void fake_session_close(struct fake_session *fake)
{
    collector_free(fake->collector);
    recording_free(fake->rec);
    ring_close(&fake->ring);
    session_remove(&fake->session);
}

static uint32_t padded(size_t n)
{
    return (uint32_t)(n + 3) & ~3u;
}

void fake_code(struct fake_session *fake, uint32_t id, const char *file, const char *name)
{
    uint32_t size =
        (uint32_t)offsetof(struct record_code, bytes) + padded(strlen(file)) + padded(strlen(name));
    struct record_code *record = (struct record_code *)ring_reserve(&fake->ring, size);
    record->id = id;
    record->firstlineno = 1;
    record->filename_length = (uint32_t)strlen(file);
    record->name_length = (uint32_t)strlen(name);
    record->filename_kind = record->name_kind = 1;
    memcpy(record->bytes, file, strlen(file));
    memcpy(record->bytes + padded(strlen(file)), name, strlen(name));
    ring_commit(&fake->ring, &record->record, size, size, RECORD_CODE);
}
