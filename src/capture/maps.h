// SPDX-License-Identifier: MIT
// maps.h - what a program counter of another process belongs to.
#pragma once

#include <stdbool.h>
#include "lineprof/ring.h"

enum module_kind {
    MODULE_INTERPRETER, // the interpreter's image, and extension modules of its standard library
    MODULE_NEUTRAL,     // libc, libm, the loader, vdso, our shim: they act for their caller
    MODULE_FOREIGN,
    MODULE_NONE, // no code there
};

struct maps {
    struct module {
        uint64_t start, end;
        enum module_kind kind;
        bool stdlib; // an extension module of the standard library
    } * modules;     // executable mappings, ascending
    size_t count;
    uint64_t read_ns; // CLOCK_MONOTONIC of the last reading
};

// Reads /proc/PID/maps anew, unless the last reading is younger than the patience that its cost
// demands. True when it was read.
bool maps_refresh(struct maps *maps, pid_t pid, const struct ring_header *header, uint64_t now_ns);
enum module_kind maps_kind(const struct maps *maps, uint64_t address);
void maps_free(struct maps *maps);

// Tells the target's handler where the standard library's extension modules are: a static
// interpreter has them built in, and the same program must get the same answer on both.
void maps_publish(const struct maps *maps, struct ring_header *header);

// Who called the libc function that a PC_NEUTRAL sample was in: the first return address of its
// stack outside the neutral modules. MODULE_NONE when none is to be found.
enum module_kind maps_caller(const struct maps *maps, const struct mem *mem, const uint64_t *words,
                             unsigned count);
