// SPDX-License-Identifier: MIT
// chains.c - see chains.h.
#include "chains.h"
#include "lineprof/code_record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lineprof/code.h"
#include "lineprof/lines.h"

// ---- as Python told them

static bool told_case(struct chains *told, const char *line)
{
    if (told->count == CHAINS_MAX)
        return false;
    struct chain *chain = &told->at[told->count++];
    chain->count = 0;
    return sscanf(line, "=\t%" SCNu64 "\t%31[^\n]", &chain->time_ns, chain->name) == 2;
}

static bool told_frame(struct chains *told, const char *line)
{
    struct chain *chain = told->count ? &told->at[told->count - 1] : NULL;
    if (!chain || chain->count == CHAIN_MAX)
        return false;
    struct chain_frame *frame = &chain->frames[chain->count++];
    return sscanf(line, "%63[^\t]\t%d\t%31[^\n]", frame->function, &frame->line, frame->file) == 3;
}

bool chains_told(struct chains *told, char *text)
{
    char *rest = text;
    told->count = 0;
    for (char *line; (line = strsep(&rest, "\n"));) {
        if (strcmp(line, ".") == 0)
            return told->count > 0;
        if (!(line[0] == '=' ? told_case(told, line) : told_frame(told, line)))
            return false;
    }
    return false;
}

// ---- as our walk saw them

static bool is_sized(const struct ring *ring, const struct record *record)
{
    const uint8_t *end = ring->data + 2 * (size_t)RING_DATA_SIZE;
    return (const uint8_t *)record + sizeof *record <= end && record->size >= sizeof *record &&
           record->size % RING_ALIGN == 0 && record->size <= RING_RECORD_MAX &&
           (const uint8_t *)record + record->size <= end;
}

// The record behind this one, the first behind NULL; NULL at the end.
static const struct record *next_record(struct ring *ring, const struct record *record)
{
    const struct record *first = ring_peek(ring);
    if (!record)
        return first;
    uint64_t used = atomic_load(&ring->header->head) - atomic_load(&ring->header->tail);
    const uint8_t *at = (const uint8_t *)record + record->size;
    if ((uint64_t)(at - (const uint8_t *)first) >= used)
        return NULL;
    return is_sized(ring, (const struct record *)at) ? (const struct record *)at : NULL;
}

static const struct record_code *find_code(struct ring *ring, uint32_t id)
{
    for (const struct record *record = NULL; (record = next_record(ring, record));)
        if (record->type == RECORD_CODE && ((const struct record_code *)record)->id == id)
            return (const struct record_code *)record;
    return NULL;
}

static struct chain_frame resolve(struct ring *ring, const struct sample_frame *from)
{
    struct chain_frame frame = {.function = "?", .file = "?"};
    const struct record_code *code = find_code(ring, from->code);
    struct code_parts parts;
    if (!code || !code_record_parts(code, &parts))
        return frame;
    code_string_utf8(parts.name, code->name_length, code->name_kind, frame.function,
                     sizeof frame.function);
    code_string_utf8(parts.filename, code->filename_length, code->filename_kind, frame.file,
                     sizeof frame.file);
    frame.line = lines_find(ring->header->layout.lines, parts.table, code->table_length,
                            code->firstlineno, from->offset);
    return frame;
}

static void see(struct chains *seen, struct ring *ring, const struct record_sample *sample)
{
    if (seen->count == CHAINS_MAX ||
        sample->record.size <
            sizeof *sample + sample->frame_count * (uint64_t)sizeof sample->frames[0])
        return;
    struct chain *chain = &seen->at[seen->count++];
    chain->time_ns = sample->time_ns;
    chain->count = sample->frame_count < CHAIN_MAX ? sample->frame_count : CHAIN_MAX;
    for (unsigned i = 0; i < chain->count; i++)
        chain->frames[i] = resolve(ring, &sample->frames[i]);
}

void chains_seen(struct chains *seen, struct ring *ring, int32_t tid)
{
    seen->count = 0;
    for (const struct record *record = NULL; (record = next_record(ring, record));) {
        const struct record_sample *sample = (const struct record_sample *)record;
        if (record->type == RECORD_SAMPLE && record->size >= sizeof *sample && sample->tid == tid)
            see(seen, ring, sample);
    }
}

// ---- the difference

// What was read in the wrong place may be anything: only ASCII gets into the finding as it is.
static const char *clean(const char *text, char *out, size_t size)
{
    size_t n = 0;
    for (const unsigned char *at = (const unsigned char *)text; *at && n + 5 < size; at++)
        if (*at >= ' ' && *at < 127)
            out[n++] = (char)*at;
        else
            n += (size_t)snprintf(out + n, size - n, "\\x%02x", *at);
    out[n] = '\0';
    return out;
}

static void find_text(const struct chain *chain, const char *field, unsigned depth,
                      const char *expected, const char *seen, char *finding, size_t size)
{
    char a[sizeof chain->frames[0].function * 4], b[sizeof chain->frames[0].function * 4];
    snprintf(finding, size, "%s: %s of frame %u: expected %s, seen %s", chain->name, field, depth,
             clean(expected, a, sizeof a), clean(seen, b, sizeof b));
}

static bool frames_agree(const struct chain *told, unsigned depth,
                         const struct chain_frame *expected, const struct chain_frame *seen,
                         char *finding, size_t size)
{
    char name[sizeof expected->function * 4];
    if (strcmp(expected->function, seen->function) != 0)
        find_text(told, "function", depth, expected->function, seen->function, finding, size);
    else if (expected->line != seen->line)
        snprintf(finding, size, "%s: line in %s: expected %d, seen %d", told->name,
                 clean(expected->function, name, sizeof name), expected->line, seen->line);
    else if (strcmp(expected->file, seen->file) != 0)
        find_text(told, "file", depth, expected->file, seen->file, finding, size);
    else
        return true;
    return false;
}

static bool chain_agrees(const struct chain *told, const struct chain *seen, char *finding,
                         size_t size)
{
    for (unsigned i = 0; i < told->count && i < seen->count; i++)
        if (!frames_agree(told, i, &told->frames[i], &seen->frames[i], finding, size))
            return false;
    if (told->count == seen->count)
        return true;
    snprintf(finding, size, "%s: frames: expected %u, seen %u", told->name, told->count,
             seen->count);
    return false;
}

static const struct chain *find_seen(const struct chains *seen, uint64_t from, uint64_t to)
{
    for (unsigned i = 0; i < seen->count; i++)
        if (seen->at[i].time_ns >= from && seen->at[i].time_ns < to)
            return &seen->at[i];
    return NULL;
}

enum chains_verdict chains_compare(const struct chains *told, const struct chains *seen,
                                   char *finding, size_t size)
{
    for (unsigned i = 0; i < told->count; i++) {
        const struct chain *chain = &told->at[i];
        uint64_t end = i + 1 < told->count ? chain[1].time_ns : UINT64_MAX;
        const struct chain *its = find_seen(seen, chain->time_ns, end);
        if (!its) {
            snprintf(finding, size, "%s: the frames cannot be followed", chain->name);
            return CHAINS_MISSING;
        }
        if (!chain_agrees(chain, its, finding, size))
            return CHAINS_DIFFER;
    }
    return CHAINS_AGREE;
}
