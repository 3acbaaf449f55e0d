// SPDX-License-Identifier: MIT
// layout_target.c - a row from the offsets that CPython 3.13 and later publish.
//
// _Py_DebugOffsets is the first member of _PyRuntime: a cookie, then 64-bit words, the sections in
// a fixed order and each section's size as its first word. Later versions insert words in the
// middle, so where a word lies depends on the version: it is data here, taken from pycore_runtime.h
// (3.13) and pycore_debug_offsets.h (3.14, 3.15). The target is not trusted: each value is checked
// here, once, and the walkers then rely on it.
#include "lineprof/layout.h"

#include <errno.h>
#include <string.h>

enum { WORD_COOKIE, WORD_VERSION, WORD_FREE_THREADED, HEAD_WORDS }; // the same in every version
enum { V313, V314, V315, VERSIONS };

#define WORDS_MAX   94         // words up to the last one used, in the longest version
#define SECTION_MAX (1u << 20) // bytes of a structure: 3.15's _PyRuntime has 346,568
#define FIELD_MAX   16384      // and where in it a field of ours is

static const struct version {
    uint32_t version;
    uint32_t words;           // words up to the last one used
    uint32_t frame_code_mask; // _PyStackRef tags its pointers, 3.14 pycore_stackref.h
} versions[VERSIONS] = {
    [V313] = {PY(3, 13), 71, 0},
    [V314] = {PY(3, 14), 81, 3},
    [V315] = {PY(3, 15), 93, 3},
};

// Which word holds a field's offset, and which one the size of the structure it lies in. Word 0,
// the cookie: this version does not publish it.
static const struct field {
    uint8_t bytes; // width of the field, also its alignment
    uint16_t to;   // where in struct py_layout
    struct {
        uint8_t at, size;
    } word[VERSIONS];
} fields[] = {
#define TO(field) offsetof(struct py_layout, field)
    {8, TO(runtime_interpreters), {{5, 3}, {5, 3}, {5, 3}}},
    {8, TO(interp_next), {{8, 6}, {8, 6}, {8, 6}}},
    {8, TO(interp_threads), {{9, 6}, {9, 6}, {9, 6}}},
    {8, TO(tstate_next), {{21, 19}, {24, 22}, {24, 22}}},
    {8, TO(tstate_interp), {{22, 19}, {25, 22}, {25, 22}}},
    {8, TO(tstate_frame), {{23, 19}, {26, 22}, {26, 22}}},
    {8, TO(tstate_thread_id), {{24, 19}, {27, 22}, {30, 22}}},
    {8, TO(tstate_native_id), {{25, 19}, {28, 22}, {31, 22}}},
    {8, TO(frame_previous), {{29, 28}, {32, 31}, {40, 39}}},
    {8, TO(frame_code), {{30, 28}, {33, 31}, {41, 39}}},
    {8, TO(frame_instr), {{31, 28}, {34, 31}, {42, 39}}},
    {8, TO(frame_locals), {{32, 28}, {35, 31}, {43, 39}}},
    {1, TO(frame_owner), {{33, 28}, {36, 31}, {44, 39}}},
    {8, TO(code_filename), {{35, 34}, {40, 39}, {48, 47}}},
    {8, TO(code_name), {{36, 34}, {41, 39}, {49, 47}}},
    {8, TO(code_qualname), {{37, 34}, {42, 39}, {50, 47}}},
    {8, TO(code_linetable), {{38, 34}, {43, 39}, {51, 47}}},
    {4, TO(code_firstlineno), {{39, 34}, {44, 39}, {52, 47}}},
    {8, TO(code_bytes), {{43, 34}, {48, 39}, {56, 47}}},
    {8, TO(object_type), {{45, 44}, {51, 50}, {59, 58}}},
    {8, TO(type_flags), {{49, 46}, {55, 52}, {63, 60}}},
    {8, TO(type_basicsize), {{0, 0}, {0, 0}, {64, 60}}},
    {8, TO(type_dictoffset), {{0, 0}, {0, 0}, {65, 60}}},
    {8, TO(type_cached_keys), {{0, 0}, {0, 0}, {67, 66}}},
    {8, TO(dict_keys), {{57, 56}, {67, 66}, {79, 78}}},
    {8, TO(dict_values), {{58, 56}, {68, 66}, {80, 78}}},
    {8, TO(bytes_size), {{65, 64}, {75, 74}, {87, 86}}},
    {1, TO(bytes_data), {{66, 64}, {76, 74}, {88, 86}}},
    {4, TO(str_state), {{68, 67}, {78, 77}, {90, 89}}},
    {8, TO(str_length), {{69, 67}, {79, 77}, {91, 89}}},
    {8, TO(str_ascii_data), {{70, 67}, {80, 77}, {92, 89}}}, // sizeof(PyASCIIObject)
#undef TO
};

static const struct version *version_find(uint32_t version)
{
    for (size_t i = 0; i < VERSIONS; i++)
        if (versions[i].version == version)
            return &versions[i];
    return NULL;
}

// The head: is this the structure, of this version, of a build that we can read? Layouts still
// change between pre-releases (3.15 b1 and b4 did), so only final releases are taken (0xf0 in
// PY_VERSION_HEX).
static int head_check(const uint64_t *words, uint32_t version)
{
    if (memcmp(&words[WORD_COOKIE], "xdebugpy", 8) != 0)
        return -ENOENT;
    if (words[WORD_VERSION] >> 16 != version || (words[WORD_VERSION] & 0xf0) != 0xf0)
        return -EINVAL;
    return words[WORD_FREE_THREADED] == 0 ? 0 : -ENOTSUP;
}

static bool field_holds(const struct field *field, uint64_t offset, uint64_t size)
{
    return size <= SECTION_MAX && offset < FIELD_MAX && offset % field->bytes == 0 &&
           offset < size && size - offset >= field->bytes;
}

static int fields_take(const uint64_t *words, size_t which, struct py_layout *out)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (fields[i].word[which].at == WORD_COOKIE)
            continue;
        uint64_t offset = words[fields[i].word[which].at];
        uint64_t size = words[fields[i].word[which].size];
        if (!field_holds(&fields[i], offset, size))
            return -EINVAL;
        uint32_t value = (uint32_t)offset;
        memcpy((char *)out + fields[i].to, &value, sizeof value);
    }
    return 0;
}

// What is not published follows from its neighbours; the same in 3.13, 3.14 and 3.15
// (Include/cpython/code.h, unicodeobject.h). tests/unit/check_rows.py compares it with the headers.
static void derive(struct py_layout *out)
{
    out->code_firsttraceable = out->code_bytes - 16;  // int, void *co_extra, then the bytecode
    out->code_flags = out->code_firstlineno - 20;     // five ints before it
    out->str_compact_data = out->str_ascii_data + 16; // Py_ssize_t utf8_length, char *utf8
}

// 3.13 and 3.14 publish of a type only what comes to 168 here, its flags. The public part of
// PyTypeObject has not moved since 3.8 (Include/cpython/object.h); ht_cached_keys follows what is
// behind it, 248 bytes, and the 464 bytes of a heap type's methods and names.
static void derive_type(struct py_layout *out)
{
    if (out->type_basicsize != PY_ABSENT)
        return;
    out->type_basicsize = out->type_flags - 136;
    out->type_dictoffset = out->type_flags + 120;
    out->type_cached_keys = out->type_flags + 712;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t most(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

// Readers copy the part of a frame or code object that they need in one go, into this much space.
static bool spans_hold(const struct py_layout *out)
{
    uint32_t first = least(out->frame_code, least(out->frame_previous, out->frame_instr));
    uint32_t last = most(out->frame_code, most(out->frame_previous, out->frame_instr));
    if (most(last + 8, out->frame_owner + 1) - least(first, out->frame_owner) > PY_FRAME_SPAN)
        return false;
    last = most(out->code_filename, most(out->code_name, out->code_qualname));
    last = most(last, most(out->code_linetable, out->code_firstlineno));
    return out->code_firstlineno >= 20 && out->type_flags >= 136 && out->code_bytes >= 16 &&
           last + 8 <= PY_CODE_SPAN;
}

static void fill_constants(const struct version *version, struct py_layout *out)
{
    *out = (struct py_layout){
        .version = version->version,
        .chain = CHAIN_CURRENT,
        .instr = INSTR_POINTER,
        .lines = LINES_311,
        .attributes = ATTRIBUTES_INLINE,
        .tstate_root_cframe = PY_ABSENT,
        .cframe_current = PY_ABSENT,
        .cframe_previous = PY_ABSENT,
        .frame_is_entry = PY_ABSENT,
        .frame_code_mask = version->frame_code_mask,
        .str_kind_shift = 2, // after interned:2, unicodeobject.h; a GIL build
        .runtime_tstate_current = PY_ABSENT,
        .type_basicsize = PY_ABSENT, // until taken or derived
        // Of instances and dicts only dict_keys and dict_values are published. The rest is the same
        // in 3.13, 3.14 and 3.15, a GIL build: pycore_object.h, pycore_dict.h.
        .object_dict_before = 24,
        .object_values_before = PY_ABSENT,
        .values_array = 8,
        .values_valid = 3,
        .keys_size = PY_ABSENT,
        .keys_log2_index_bytes = 9,
        .keys_kind = 10,
        .keys_nentries = 24,
        .keys_indices = 32,
    };
}

int layout_from_target(const struct mem *mem, target_addr runtime, uint32_t version,
                       struct py_layout *out)
{
    uint64_t words[WORDS_MAX];
    const struct version *known = version_find(version);
    if (known == NULL)
        return -EINVAL;
    int err = mem->read(mem, runtime, words, HEAD_WORDS * sizeof *words);
    if (err == 0)
        err = head_check(words, version);
    if (err == 0)
        err = mem->read(mem, runtime, words, known->words * sizeof *words);
    if (err < 0)
        return err;
    fill_constants(known, out);
    err = fields_take(words, (size_t)(known - versions), out);
    if (err < 0)
        return err;
    derive(out);
    derive_type(out);
    return spans_hold(out) ? 0 : -EINVAL;
}
