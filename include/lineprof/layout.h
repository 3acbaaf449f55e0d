// SPDX-License-Identifier: MIT
// layout.h - where each CPython keeps what we read: one row per version.
//
// Rows for 3.8 to 3.12 are a table in src/python/layout.c; from 3.13 on the interpreter publishes
// its own offsets (_Py_DebugOffsets) and layout_from_target() turns them into a row.
// Walkers never ask for a version: behaviour that differs is named here and switched on once.
#pragma once

#include "lineprof/mem.h"

#define PY(major, minor) ((uint32_t)((major) << 8 | (minor)))
#define PY_FIRST         PY(3, 8)
#define PY_LAST          PY(3, 15)

enum py_chain {          // how a thread's frames hang together
    CHAIN_FRAME_OBJECTS, // 3.8 to 3.10: tstate->frame, f_back
    CHAIN_CFRAME_ENTRY,  // 3.11: tstate->cframe->current_frame, is_entry marks each C boundary
    CHAIN_CFRAME_STUB,   // 3.12: the same, a stub frame (owner 3) at each C boundary
    CHAIN_CURRENT,       // 3.13 and later: tstate->current_frame, stub frames at C boundaries
};

enum py_instr {     // what a frame's position field holds
    INSTR_INDEX,    // byte index into the bytecode (3.8, 3.9), int32
    INSTR_UNITS,    // code units of two bytes (3.10), int32
    INSTR_PREVIOUS, // pointer to the executing instruction or its last cache word (3.11, 3.12)
    INSTR_POINTER,  // pointer to the executing instruction (3.13 and later)
};

enum py_lines { LINES_LNOTAB, LINES_310, LINES_311 }; // format of the line table

enum py_attributes {     // where an instance of a class keeps its attributes
    ATTRIBUTES_DICT,     // 3.8 to 3.10: in a dict, a pointer to it at tp_dictoffset
    ATTRIBUTES_POINTERS, // 3.11: pointers to values and to a dict before the object, one is NULL
    ATTRIBUTES_TAGGED,   // 3.12: one word before the object; odd: values, at that number plus one
    ATTRIBUTES_INLINE,   // 3.13 and later: values behind the object; a dict if they are not valid
};

#define PY_FRAME_SPAN 96  // what is read of a frame lies within so many bytes of each other
#define PY_CODE_SPAN  144 // what code.h reads of a code object lies within its first bytes

// Offsets in bytes. A field that a version lacks is ABSENT, never 0.
#define PY_ABSENT UINT32_MAX

struct py_layout {
    uint32_t version; // PY(3, 12)
    enum py_chain chain;
    enum py_instr instr;
    enum py_lines lines;
    enum py_attributes attributes;
    uint32_t object_type;        // PyObject.ob_type
    uint32_t tstate_frame;       // frame, cframe or current_frame, as `chain` says
    uint32_t tstate_thread_id;   // pthread_t
    uint32_t tstate_native_id;   // tid, 3.11 and later
    uint32_t tstate_interp;      // PyInterpreterState *
    uint32_t tstate_root_cframe; // 3.11, 3.12: the chain's last cframe lies within tstate
    uint32_t cframe_current, cframe_previous;
    uint32_t frame_previous, frame_code, frame_instr;
    uint32_t frame_owner, frame_is_entry;
    uint32_t frame_locals;    // the first of its local variables
    uint32_t frame_code_mask; // low bits of frame_code and of a local that are a tag (3.14: 3)
    uint32_t code_firstlineno, code_filename, code_name, code_qualname, code_linetable;
    uint32_t code_flags;
    uint32_t code_bytes;             // co_code_adaptive within the code object (3.11 and later)
    uint32_t code_firsttraceable;    // 3.11 and later: int, in code units
    uint32_t bytes_size, bytes_data; // PyBytes: ob_size, ob_sval
    uint32_t str_length, str_state;  // PyASCIIObject
    uint32_t str_ascii_data, str_compact_data; // where the characters of a compact string begin
    uint32_t str_kind_shift;         // state bits: kind:3 at this bit, compact:1, ascii:1 after it
    uint32_t runtime_tstate_current; // 3.8 to 3.11: _PyRuntime.gilstate.tstate_current
    uint32_t runtime_interpreters;   // _PyRuntime.interpreters.head, then each one's next
    uint32_t interp_next, interp_threads; // and the newest of its thread states, then its next
    uint32_t tstate_next;
    uint32_t type_flags, type_dictoffset;
    uint32_t type_basicsize;       // 3.13 and later: inline values begin behind so many bytes
    uint32_t type_cached_keys;     // 3.11 and later, classes: the keys of all instances' values
    uint32_t object_dict_before;   // 3.11 and later: bytes from the word that has the dict
    uint32_t object_values_before; // 3.11: and from the one that has the values
    uint32_t values_array;         // of PyDictValues; of ma_values itself before 3.11
    uint32_t values_valid;         // 3.13 and later: uint8_t
    uint32_t dict_keys, dict_values;
    uint32_t keys_size;             // 3.8 to 3.10: slots of the hash table
    uint32_t keys_log2_index_bytes; // 3.11 and later: its bytes
    uint32_t keys_kind;             // 3.11 and later: 0 entries with a hash, else without
    uint32_t keys_nentries, keys_indices;
};

// The row of the table for PY(major, minor); NULL when the version publishes its own offsets or
// is not supported.
const struct py_layout *layout_find(uint32_t version);

// Fills `out` from the _Py_DebugOffsets at `runtime` (address of _PyRuntime). Every value is
// checked once. 0; -ENOENT for a wrong cookie; -EINVAL for a version mismatch or a value out of
// bounds; -ENOTSUP for a free-threaded build; else the error of the read.
int layout_from_target(const struct mem *mem, target_addr runtime, uint32_t version,
                       struct py_layout *out);
