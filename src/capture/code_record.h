// SPDX-License-Identifier: MIT
// code_record.h - the parts of a RECORD_CODE.
#pragma once

#include "lineprof/ring.h"

struct code_parts {
    const uint8_t *filename, *name, *table; // lengths and kinds are the record's
};

// False when the record's lengths do not fit its size: its writer may have gone wild.
bool code_record_parts(const struct record_code *record, struct code_parts *parts);
