// SPDX-License-Identifier: MIT
// code_write.c - makes a RECORD_CODE of a code object; prototypes in code_record.h. Signal-safe.
#include "lineprof/code_record.h"

#define STRING_MAX 16384u // characters of a name that are kept
#define TABLE_MAX  (RING_RECORD_MAX / 4)

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

static uint32_t table_bytes(const struct code_info *info)
{
    return info->table_length > TABLE_MAX ? 0 : info->table_length;
}

uint32_t code_record_prepare(struct code_info *info)
{
    clip(&info->filename);
    clip(&info->name);
    return (uint32_t)offsetof(struct record_code, bytes) + padded(string_bytes(&info->filename)) +
           padded(string_bytes(&info->name)) + padded(table_bytes(info));
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
    return mem->read(mem, info->table, at + padded(name), table_bytes(info)) == 0;
}

bool code_record_fill(const struct mem *mem, const struct code_info *info, uint32_t id,
                      struct record_code *record)
{
    record->id = id;
    record->firstlineno = info->firstlineno;
    record->flags = info->flags;
    record->filename_length = info->filename.length;
    record->filename_kind = info->filename.kind;
    record->name_length = info->name.length;
    record->name_kind = info->name.kind;
    record->table_length = table_bytes(info);
    record->table_whole = info->table_length;
    record->table = info->table;
    return copy_parts(mem, info, record);
}
