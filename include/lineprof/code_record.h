// SPDX-License-Identifier: MIT
// code_record.h - a RECORD_CODE: made where a code object is met (signal-safe), taken apart by the
// collector.
#pragma once

#include "lineprof/code.h"
#include "lineprof/ring.h"

// Bounds what a record keeps of the names, and of the line table what is not to be had otherwise (a
// longer one is a module's, which runs for long: the reader fetches it where it lies). The record's
// size, for code_record_fill().
uint32_t code_record_prepare(struct code_info *info);
// Every field but the ring's own. False when the target's memory could not be read.
bool code_record_fill(const struct mem *mem, const struct code_info *info, uint32_t id,
                      struct record_code *record);

struct code_parts {
    const uint8_t *filename, *name, *table; // lengths and kinds are the record's
};

// False when the record's lengths do not fit its size: its writer may have gone wild.
bool code_record_parts(const struct record_code *record, struct code_parts *parts);
