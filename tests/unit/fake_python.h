// SPDX-License-Identifier: MIT
// fake_python.h - a tiny interpreter in a buffer, laid out by any row: one thread, its frames, code
// objects, strings and line tables. Tests then damage what they like.
//
//     struct fake_python py;
//     fake_begin(&py, PY(3, 12));
//     target_addr code = fake_code(&py, "f", "f.py", 10);
//     fake_call_by_c(&py, code, 4);       // the thread's first frame, at byte offset 4
//     fake_call(&py, code, 0);            // called by Python: the newest frame
#pragma once

#include "lineprof/code.h"
#include "lineprof/frames.h"

#define FAKE_SIZE (1 << 20)
#define FAKE_BASE 0x7f0000100000u // first address of the buffer

static const uint32_t fake_versions[] = {PY(3, 8),  PY(3, 9),  PY(3, 10), PY(3, 11),
                                         PY(3, 12), PY(3, 13), PY(3, 14), PY(3, 15)};
#define FAKE_VERSIONS (sizeof fake_versions / sizeof *fake_versions)

enum fake_owner { FAKE_BY_THREAD, FAKE_BY_GENERATOR, FAKE_BY_FRAME_OBJECT, FAKE_BY_C };

struct fake_python {
    struct mem mem; // first: the reader finds the rest by it
    struct py_layout row;
    target_addr tstate, code_type;
    target_addr newest; // frame on top
    target_addr cframe; // newest cframe (3.11, 3.12)
    size_t used;        // bytes handed out; nothing beyond them can be read
    target_addr hole;   // nor can these eight bytes, when not 0
    unsigned char bytes[FAKE_SIZE];
};

void fake_begin(struct fake_python *py, uint32_t version);

// A frame on top, called by Python code or by C; at the byte offset of its executing instruction,
// -2: before the first one. Returns its address.
target_addr fake_call(struct fake_python *py, target_addr code, int offset);
target_addr fake_call_by_c(struct fake_python *py, target_addr code, int offset);

// A code object, and one with everything chosen.
target_addr fake_code(struct fake_python *py, const char *name, const char *file, int firstlineno);
target_addr fake_code_of(struct fake_python *py, target_addr name, target_addr file,
                         int firstlineno, const void *table, size_t length);
target_addr fake_string(struct fake_python *py, const void *characters, uint32_t length, int kind,
                        bool ascii);

// Changes to what is there.
void fake_put(struct fake_python *py, target_addr at, uint64_t value, size_t size);
void fake_put_address(struct fake_python *py, target_addr at, target_addr value);
target_addr fake_get_address(struct fake_python *py, target_addr at);
void fake_set_offset(struct fake_python *py, target_addr frame, target_addr code, int offset);
void fake_set_owner(struct fake_python *py, target_addr frame, enum fake_owner owner);
void fake_set_firsttraceable(struct fake_python *py, target_addr code, int units);
target_addr fake_alloc(struct fake_python *py, size_t size); // zeroed, aligned to 16 bytes

// 3.11, 3.12: enters the eval function as the C compiler orders it: the new cframe is published,
// and its current frame is still `garbage`.
target_addr fake_publish_cframe(struct fake_python *py, target_addr garbage);

// What a real interpreter of this version publishes, copied from 3.13.18, 3.14.10 and 3.15.2 of
// Debian. NULL for a version that publishes nothing.
const uint64_t *fake_published(uint32_t version, size_t *words);
