// SPDX-License-Identifier: MIT
// code_record.c - see code_record.h.
#include "lineprof/code_record.h"

static uint64_t padded(uint64_t n)
{
    return (n + 3) & ~UINT64_C(3);
}

static bool is_kind(uint8_t kind) // bytes of a character, as Python has them
{
    return kind == 1 || kind == 2 || kind == 4;
}

bool code_record_parts(const struct record_code *record, struct code_parts *parts)
{
    uint64_t filename = padded(record->filename_length * (uint64_t)record->filename_kind);
    uint64_t name = padded(record->name_length * (uint64_t)record->name_kind);
    if (!is_kind(record->filename_kind) || !is_kind(record->name_kind) ||
        record->filename_length >= RING_DATA_SIZE || record->name_length >= RING_DATA_SIZE ||
        record->record.size < sizeof *record + filename + name + record->table_length)
        return false;
    parts->filename = record->bytes;
    parts->name = parts->filename + filename;
    parts->table = parts->name + name;
    return true;
}
