// SPDX-License-Identifier: MIT
// code.c - what is read of a code object, and how one is recognised again.
//
// The first two functions run in the signal handler: no allocation, no libc but memcpy, small
// buffers. A code object may die between two reads; a nonsensical value is then an error here and
// never a length that a caller trusts.
#include "lineprof/code.h"

#include <errno.h>
#include <string.h>

#define PIECE 64 // bytes of the beginning, middle and end of a table or string that are hashed

// ---- reading

// The head of a code object in one read, and its fields.
struct code_head {
    unsigned char raw[PY_CODE_SPAN];
};

static int head_read(const struct mem *mem, const struct py_layout *layout, target_addr code,
                     struct code_head *head)
{
    // The line table is the last of the fields wanted, in every version.
    uint32_t size = layout->code_linetable + (uint32_t)sizeof(target_addr);
    return size <= sizeof head->raw ? mem->read(mem, code, head->raw, size) : -EINVAL;
}

static target_addr head_address(const struct code_head *head, uint32_t offset)
{
    target_addr value;
    memcpy(&value, head->raw + offset, sizeof value);
    return value;
}

static uint32_t head_u32(const struct code_head *head, uint32_t offset)
{
    uint32_t value;
    memcpy(&value, head->raw + offset, sizeof value);
    return value;
}

static target_addr head_name(const struct code_head *head, const struct py_layout *layout)
{
    return head_address(head, layout->code_qualname != PY_ABSENT ? layout->code_qualname
                                                                 : layout->code_name);
}

static int read_length(const struct mem *mem, target_addr at, uint32_t *length)
{
    uint64_t value;
    int err = MEM_GET(mem, at, 0, &value);
    if (err < 0)
        return err;
    *length = (uint32_t)value;
    return value <= INT32_MAX ? 0 : -EINVAL;
}

// Where the characters are: PyASCIIObject and PyCompactUnicodeObject have them behind the head, any
// other str (of a subclass) points to them. CPython Include/cpython/unicodeobject.h.
static int string_data(const struct mem *mem, const struct py_layout *layout, target_addr object,
                       bool compact, struct py_string *string)
{
    if (!compact)
        return MEM_GET(mem, object, layout->str_compact_data, &string->data);
    string->data = object + (string->ascii ? layout->str_ascii_data : layout->str_compact_data);
    return 0;
}

int code_string_read(const struct mem *mem, const struct py_layout *layout, target_addr object,
                     struct py_string *string)
{
    uint32_t state;
    int err = read_length(mem, object + layout->str_length, &string->length);
    if (err == 0)
        err = MEM_GET(mem, object, layout->str_state, &state);
    if (err < 0)
        return err;
    state >>= layout->str_kind_shift;
    string->kind = state & 7;
    string->ascii = (state & 16) != 0;
    if (string->kind != 1 && string->kind != 2 && string->kind != 4)
        return -EINVAL;
    return string_data(mem, layout, object, (state & 8) != 0, string);
}

static int table_read(const struct mem *mem, const struct py_layout *layout,
                      const struct code_head *head, struct code_info *info)
{
    target_addr bytes = head_address(head, layout->code_linetable);
    info->table = bytes + layout->bytes_data;
    return read_length(mem, bytes + layout->bytes_size, &info->table_length);
}

static int info_read(const struct mem *mem, const struct py_layout *layout,
                     const struct code_head *head, struct code_info *info)
{
    info->firstlineno = (int32_t)head_u32(head, layout->code_firstlineno);
    info->flags = head_u32(head, layout->code_flags);
    int err = table_read(mem, layout, head, info);
    if (err == 0)
        err = code_string_read(mem, layout, head_address(head, layout->code_filename),
                               &info->filename);
    if (err == 0)
        err = code_string_read(mem, layout, head_name(head, layout), &info->name);
    return err;
}

int code_describe(const struct mem *mem, const struct py_layout *layout, target_addr code,
                  struct code_info *info)
{
    struct code_head head;
    int err = head_read(mem, layout, code, &head);
    return err < 0 ? err : info_read(mem, layout, &head, info);
}

// ---- recognising

// One multiplication and one fold a word: a fingerprint, where nobody chooses the input.
static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u; // 2^64 / golden ratio
    return hash ^ hash >> 32;
}

static int mix_piece(const struct mem *mem, target_addr at, uint32_t size, uint64_t *hash)
{
    uint64_t words[PIECE / sizeof(uint64_t)] = {0};
    int err = mem->read(mem, at, words, size);
    for (size_t i = 0; err == 0 && i * sizeof *words < size; i++)
        *hash = mix(*hash, words[i]);
    return err;
}

static int mix_run(const struct mem *mem, target_addr at, uint32_t size, uint64_t *hash)
{
    int err = 0;
    for (uint32_t done = 0; err == 0 && done < size; done += PIECE)
        err = mix_piece(mem, at + done, size - done < PIECE ? size - done : PIECE, hash);
    return err;
}

// All of a short run of bytes; of a long one the first, middle and last piece.
static int mix_bytes(const struct mem *mem, target_addr at, uint64_t size, uint64_t *hash)
{
    *hash = mix(*hash, size);
    if (size <= 3 * PIECE)
        return mix_run(mem, at, (uint32_t)size, hash);
    int err = mix_run(mem, at, PIECE, hash);
    if (err == 0)
        err = mix_run(mem, at + (size - PIECE) / 2, PIECE, hash);
    if (err == 0)
        err = mix_run(mem, at + size - PIECE, PIECE, hash);
    return err;
}

static int mix_string(const struct mem *mem, const struct py_string *string, uint64_t *hash)
{
    return mix_bytes(mem, string->data, (uint64_t)string->length * string->kind, hash);
}

// Not inlined: the head need not stay on the signal stack while tables and strings are hashed.
__attribute__((noinline)) static int identity_read(const struct mem *mem,
                                                   const struct py_layout *layout, target_addr code,
                                                   target_addr code_type, struct code_info *info,
                                                   uint64_t *hash)
{
    struct code_head head;
    int err = head_read(mem, layout, code, &head);
    if (err < 0)
        return err;
    if (head_address(&head, layout->object_type) != code_type)
        return -EINVAL;
    *hash = mix(head_address(&head, layout->code_linetable), head_name(&head, layout));
    *hash = mix(*hash, head_address(&head, layout->code_filename));
    *hash = mix(*hash, head_u32(&head, layout->code_firstlineno));
    return info_read(mem, layout, &head, info);
}

int code_fingerprint(const struct mem *mem, const struct py_layout *layout, target_addr code,
                     target_addr code_type, uint64_t *fingerprint)
{
    struct code_info info;
    int err = identity_read(mem, layout, code, code_type, &info, fingerprint);
    if (err == 0)
        err = mix_bytes(mem, info.table, info.table_length, fingerprint);
    if (err == 0)
        err = mix_string(mem, &info.name, fingerprint);
    if (err == 0)
        err = mix_string(mem, &info.filename, fingerprint);
    return err;
}

// ---- text

static uint32_t character_at(const void *data, uint32_t index, uint8_t kind)
{
    uint16_t two;
    uint32_t four;
    switch (kind) {
    case 1:
        return ((const uint8_t *)data)[index];
    case 2:
        memcpy(&two, (const char *)data + index * sizeof two, sizeof two);
        return two;
    default:
        memcpy(&four, (const char *)data + index * sizeof four, sizeof four);
        return four;
    }
}

static size_t utf8_encode(uint32_t c, unsigned char *out)
{
    if (c >= 0xdc80 && c <= 0xdcff) { // PEP 383: a byte that was not UTF-8
        out[0] = (unsigned char)(c - 0xdc00);
        return 1;
    }
    if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        c = 0xfffd;
    if (c < 0x80) {
        out[0] = (unsigned char)c;
        return 1;
    }
    size_t length = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = length - 1; i > 0; i--, c >>= 6)
        out[i] = (unsigned char)(0x80 | (c & 0x3f));
    out[0] = (unsigned char)(lead[length] | c);
    return length;
}

size_t code_string_utf8(const void *data, uint32_t length, uint8_t kind, char *out, size_t size)
{
    size_t used = 0;
    for (uint32_t i = 0; i < length; i++) {
        unsigned char encoded[4];
        size_t n = utf8_encode(character_at(data, i, kind), encoded);
        if (used + n >= size)
            break;
        memcpy(out + used, encoded, n);
        used += n;
    }
    if (size > 0)
        out[used] = '\0';
    return used;
}
