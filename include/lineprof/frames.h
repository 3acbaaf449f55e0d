// SPDX-License-Identifier: MIT
// frames.h - one thread's Python frames, newest first.
//
// One walker over a memory seam serves three hosts: the signal handler (mem_self), the collector
// (mem_process) and unit tests (a fake interpreter in a buffer). Nothing here allocates, logs or
// touches errno.
#pragma once

#include "lineprof/layout.h"

// The thread's raw innermost position, for the progress test: same values mean the interpreter has
// not moved on. `frame` 0: no Python frame.
struct py_position {
    target_addr frame; // innermost frame, stub frames included
    uint64_t instr;    // its raw position field
};

enum walk_end {
    WALK_WHOLE,   // the chain ended where a chain of this version ends
    WALK_STOPPED, // the visitor had enough
    WALK_EMPTY,   // the thread has no Python frame
    WALK_TORN,    // the chain was being changed or is damaged: what was visited is not to be used
};

// Called for each frame that Python itself would show (stub and incomplete frames are left out),
// newest first. `offset`: byte offset of the executing instruction in the bytecode; for a caller it
// lies on its call (within its cache words up to 3.12); 0 before the first instruction.
// Return false to stop the walk.
typedef bool frame_visitor(void *context, target_addr code, uint32_t offset);

#define FRAMES_MAX 100000 // bound of the walk: no chain, however damaged, is followed further

enum walk_end frames_walk(const struct mem *mem, const struct py_layout *layout, target_addr tstate,
                          frame_visitor *visit, void *context);

// The oldest frame of the thread that Python would show, and its code object: what the thread was
// started with. 0; -ENOENT: it has no frame; -EAGAIN: the chain was being changed or is damaged;
// else the error of the read.
int frames_outermost(const struct mem *mem, const struct py_layout *layout, target_addr tstate,
                     target_addr *outermost, target_addr *code);

// The words of memory that are the same as long as the thread stands at one position.
struct py_watch {
    unsigned count;
    target_addr at[3];
    uint64_t value[3], mask[3]; // *at & mask == value
};

// What to watch so as to see the thread leave `position`. 0 or -errno of the read.
int frames_watch(const struct mem *mem, const struct py_layout *layout, target_addr tstate,
                 const struct py_position *position, struct py_watch *watch);

// 0 or -errno of the read.
int frames_position(const struct mem *mem, const struct py_layout *layout, target_addr tstate,
                    struct py_position *position);
