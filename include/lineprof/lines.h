// SPDX-License-Identifier: MIT
// lines.h - instruction to line: one decoder per table format (CPython Objects/lnotab_notes.txt,
// Objects/locations.md, Objects/codeobject.c).
#pragma once

#include <stddef.h>
#include "lineprof/layout.h"

// The line of the instruction at byte `offset`. An instruction without a line takes that of the
// nearest earlier one that has a line, else `firstlineno`. Never reads past table + length; a table
// that ends early gives the last line seen.
int lines_find(enum py_lines format, const uint8_t *table, size_t length, int firstlineno,
               uint32_t offset);
