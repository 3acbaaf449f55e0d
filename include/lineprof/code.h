// SPDX-License-Identifier: MIT
// code.h - what is read of a code object, and how one is recognised again.
//
// Signal-safe: no allocation; strings and tables are described, not copied, so that the handler can
// copy them straight into the ring.
#pragma once

#include "lineprof/layout.h"

struct py_string { // characters of a str, still in target memory
    target_addr data;
    uint32_t length; // characters
    uint8_t kind;    // bytes per character: 1, 2 or 4
    bool ascii;      // kind 1 only: ASCII, else Latin-1
};

struct code_info {
    struct py_string filename, name; // name: the qualified name where the version has one
    target_addr table;               // line table bytes
    uint32_t table_length;
    int32_t firstlineno;
    uint32_t flags; // co_flags
};

// A code object's identity beyond its address, which is reused as soon as it dies: its pointers and
// first line with the first, middle and last 64 bytes of the line table, and of its name and file
// name (pointers, lengths and first line alone collide for most of 3,000 successive exec()s).
// `code_type`: address of PyCode_Type; -EINVAL when the object is of another type.
int code_fingerprint(const struct mem *mem, const struct py_layout *layout, target_addr code,
                     target_addr code_type, uint64_t *fingerprint);

// 0 or -errno.
int code_describe(const struct mem *mem, const struct py_layout *layout, target_addr code,
                  struct code_info *info);

// Where the characters of a str object are. 0 or -errno; that it is a str is not checked.
int code_string_read(const struct mem *mem, const struct py_layout *layout, target_addr object,
                     struct py_string *string);

// Converts `length` characters of `kind` bytes each to UTF-8 in `out` (NUL-terminated, cut at a
// whole character to fit `size`). Lone surrogates U+DC80..U+DCFF become the bytes they escape
// (PEP 383: that is how Python spells a file name that is not UTF-8), other surrogates U+FFFD.
// Returns the bytes written without the NUL. Not for the handler: plain memory only.
size_t code_string_utf8(const void *data, uint32_t length, uint8_t kind, char *out, size_t size);
