// SPDX-License-Identifier: MIT
// fake_python.c - a tiny interpreter in a buffer.
#include "fake_python.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_SIZE 512 // a frame, a thread state or a code object fits
#define ASCII_BIT  16
#define COMPACT    8

// clang-format off
static const uint64_t published_313[] = {
    8750607829840520312, 51188464, 0, 283408, 608, 632, 194984, 7272, 7264, 7344, 7400, 7656,
    7640, 7648, 16, 7752, 0, 7768, 7760, 312, 0, 8, 16, 72, 152, 160, 232, 32, 80, 8, 0, 56, 72,
    70, 208, 112, 120, 128, 136, 68, 52, 96, 104, 200, 16, 8, 416, 24, 88, 168, 32, 24, 16, 40,
    24, 16, 48, 32, 40, 24, 16, 32, 16, 24, 40, 16, 32, 64, 32, 16, 40, 240, 200,
};
static const uint64_t published_314[] = {
    8750607829840520312, 51251952, 0, 316616, 784, 808, 225864, 7280, 7272, 7344, 7360, 7408,
    7688, 7672, 7680, 16, 7784, 0, 7800, 7792, 7992, 0, 832, 0, 8, 16, 72, 152, 160, 232, 32, 88,
    8, 0, 56, 80, 74, 64, 0, 216, 112, 120, 128, 136, 68, 52, 96, 104, 208, 0, 16, 8, 416, 24, 88,
    168, 40, 32, 16, 40, 24, 16, 200, 24, 40, 32, 48, 32, 40, 24, 16, 32, 16, 24, 40, 16, 32, 64,
    32, 16, 40, 264, 192, 160, 24, 72, 67, 0, 8, 24, 304, 8076, 0, 4, 512,
};
static const uint64_t published_315[] = {
    8750607829840520312, 51315440, 0, 346568, 912, 936, 226240, 7272, 7264, 7336, 7352, 7400,
    7592, 7576, 7584, 16, 7736, 0, 7752, 7744, 7944, 0, 888, 0, 8, 16, 72, 80, 88, 96, 176, 184,
    256, 32, 36, 40, 136, 288, 0, 88, 8, 0, 56, 80, 74, 64, 0, 216, 112, 120, 128, 136, 68, 52,
    96, 104, 208, 0, 16, 8, 424, 24, 88, 168, 32, 288, 944, 888, 40, 32, 16, 40, 24, 16, 200, 24,
    40, 32, 48, 32, 40, 24, 16, 32, 16, 24, 40, 16, 32, 64, 32, 16, 40, 56, 176, 112, 120, 1120,
    104, 160, 24, 72, 67, 0, 8, 24, 344, 8028, 0, 4, 512,
};
// clang-format on

const uint64_t *fake_published(uint32_t version, size_t *words)
{
    switch (version) {
    case PY(3, 13):
        *words = sizeof published_313 / sizeof *published_313;
        return published_313;
    case PY(3, 14):
        *words = sizeof published_314 / sizeof *published_314;
        return published_314;
    case PY(3, 15):
        *words = sizeof published_315 / sizeof *published_315;
        return published_315;
    default:
        *words = 0;
        return NULL;
    }
}

// ---- memory

static bool overlaps(target_addr a, size_t n, target_addr b, size_t m)
{
    return a < b + m && b < a + n;
}

static int fake_read(const struct mem *mem, target_addr from, void *to, size_t n)
{
    const struct fake_python *py = (const struct fake_python *)mem;
    if (from < FAKE_BASE || from - FAKE_BASE > py->used || n > py->used - (from - FAKE_BASE))
        return -EFAULT;
    if (py->hole != 0 && overlaps(from, n, py->hole, 8))
        return -EFAULT;
    memcpy(to, py->bytes + (from - FAKE_BASE), n);
    return 0;
}

target_addr fake_alloc(struct fake_python *py, size_t size)
{
    target_addr at = FAKE_BASE + py->used;
    py->used += (size + 15) & ~(size_t)15;
    if (py->used > FAKE_SIZE)
        abort(); // the test needs a larger buffer
    return at;
}

static void put_bytes(struct fake_python *py, target_addr at, const void *from, size_t size)
{
    memcpy(py->bytes + (at - FAKE_BASE), from, size);
}

void fake_put(struct fake_python *py, target_addr at, uint64_t value, size_t size)
{
    put_bytes(py, at, &value, size); // little endian
}

void fake_put_address(struct fake_python *py, target_addr at, target_addr value)
{
    fake_put(py, at, value, sizeof value);
}

target_addr fake_get_address(struct fake_python *py, target_addr at)
{
    target_addr value;
    memcpy(&value, py->bytes + (at - FAKE_BASE), sizeof value);
    return value;
}

// ---- code objects

target_addr fake_string(struct fake_python *py, const void *characters, uint32_t length, int kind,
                        bool ascii)
{
    const struct py_layout *row = &py->row;
    uint32_t data = ascii ? row->str_ascii_data : row->str_compact_data;
    target_addr at = fake_alloc(py, data + (size_t)length * (size_t)kind + 4);
    uint64_t state = (uint64_t)(kind | COMPACT | (ascii ? ASCII_BIT : 0)) << row->str_kind_shift;
    fake_put_address(py, at + row->str_length, length);
    fake_put(py, at + row->str_state, state, 4);
    put_bytes(py, at + data, characters, (size_t)length * (size_t)kind);
    return at;
}

static target_addr fake_bytes(struct fake_python *py, const void *bytes, size_t length)
{
    target_addr at = fake_alloc(py, py->row.bytes_data + length + 1);
    fake_put_address(py, at + py->row.bytes_size, length);
    put_bytes(py, at + py->row.bytes_data, bytes, length);
    return at;
}

target_addr fake_code_of(struct fake_python *py, target_addr name, target_addr file,
                         int firstlineno, const void *table, size_t length)
{
    const struct py_layout *row = &py->row;
    target_addr code = fake_alloc(py, FRAME_SIZE);
    fake_put_address(py, code + row->object_type, py->code_type);
    fake_put_address(py, code + row->code_name, name);
    if (row->code_qualname != PY_ABSENT)
        fake_put_address(py, code + row->code_qualname, name);
    fake_put_address(py, code + row->code_filename, file);
    fake_put_address(py, code + row->code_linetable, fake_bytes(py, table, length));
    fake_put(py, code + row->code_firstlineno, (uint32_t)firstlineno, 4);
    return code;
}

target_addr fake_code(struct fake_python *py, const char *name, const char *file, int firstlineno)
{
    return fake_code_of(py, fake_string(py, name, (uint32_t)strlen(name), 1, true),
                        fake_string(py, file, (uint32_t)strlen(file), 1, true), firstlineno, "", 0);
}

void fake_set_firsttraceable(struct fake_python *py, target_addr code, int units)
{
    fake_put(py, code + py->row.code_firsttraceable, (uint32_t)units, 4);
}

// ---- frames

void fake_set_offset(struct fake_python *py, target_addr frame, target_addr code, int offset)
{
    target_addr at = frame + py->row.frame_instr;
    switch (py->row.instr) {
    case INSTR_INDEX:
        fake_put(py, at, (uint32_t)(offset < 0 ? -1 : offset), 4);
        break;
    case INSTR_UNITS:
        fake_put(py, at, (uint32_t)(offset / 2), 4);
        break;
    case INSTR_PREVIOUS:
    case INSTR_POINTER:
        fake_put_address(py, at, code + py->row.code_bytes + (uint64_t)(int64_t)offset);
        break;
    }
}

void fake_set_owner(struct fake_python *py, target_addr frame, enum fake_owner owner)
{
    if (py->row.frame_owner != PY_ABSENT)
        fake_put(py, frame + py->row.frame_owner, owner, 1);
}

static target_addr frame_new(struct fake_python *py, target_addr code, int offset)
{
    target_addr frame = fake_alloc(py, FRAME_SIZE);
    // The tag says "borrowed": 1 is the lowest bit of it, 3.14 pycore_stackref.h.
    fake_put_address(py, frame + py->row.frame_code, code | (py->row.frame_code_mask & 1));
    fake_put_address(py, frame + py->row.frame_previous, py->newest);
    fake_set_offset(py, frame, code, offset);
    return frame;
}

static bool has_cframes(const struct fake_python *py)
{
    return py->row.cframe_current != PY_ABSENT;
}

static void set_newest(struct fake_python *py, target_addr frame)
{
    target_addr at =
        has_cframes(py) ? py->cframe + py->row.cframe_current : py->tstate + py->row.tstate_frame;
    fake_put_address(py, at, frame);
    py->newest = frame;
}

target_addr fake_call(struct fake_python *py, target_addr code, int offset)
{
    target_addr frame = frame_new(py, code, offset);
    set_newest(py, frame);
    return frame;
}

target_addr fake_publish_cframe(struct fake_python *py, target_addr garbage)
{
    target_addr cframe = fake_alloc(py, 64);
    fake_put_address(py, cframe + py->row.cframe_previous, py->cframe);
    fake_put_address(py, cframe + py->row.cframe_current, garbage);
    fake_put_address(py, py->tstate + py->row.tstate_frame, cframe);
    py->cframe = cframe;
    return cframe;
}

static void push_stub(struct fake_python *py)
{
    target_addr stub = frame_new(py, 0, 0);
    fake_set_owner(py, stub, FAKE_BY_C);
    py->newest = stub;
}

target_addr fake_call_by_c(struct fake_python *py, target_addr code, int offset)
{
    if (has_cframes(py))
        fake_publish_cframe(py, 0);
    if (py->row.chain == CHAIN_CFRAME_STUB || py->row.chain == CHAIN_CURRENT)
        push_stub(py);
    target_addr frame = fake_call(py, code, offset);
    if (py->row.chain == CHAIN_CFRAME_ENTRY)
        fake_put(py, frame + py->row.frame_is_entry, 1, 1);
    return frame;
}

// ---- the whole

static void take_row(struct fake_python *py, uint32_t version)
{
    const struct py_layout *row = layout_find(version);
    if (row != NULL) {
        py->row = *row;
        return;
    }
    size_t words;
    const uint64_t *published = fake_published(version, &words);
    target_addr at = fake_alloc(py, words * sizeof *published);
    put_bytes(py, at, published, words * sizeof *published);
    if (layout_from_target(&py->mem, at, version, &py->row) < 0)
        abort();
}

void fake_begin(struct fake_python *py, uint32_t version)
{
    memset(py, 0, sizeof *py);
    py->mem.read = fake_read;
    fake_alloc(py, 16); // so that nothing lies at the very beginning
    take_row(py, version);
    py->code_type = fake_alloc(py, 16);
    py->tstate = fake_alloc(py, 1024);
    if (has_cframes(py)) {
        py->cframe = py->tstate + py->row.tstate_root_cframe;
        fake_put_address(py, py->tstate + py->row.tstate_frame, py->cframe);
    }
}
