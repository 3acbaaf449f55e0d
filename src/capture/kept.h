// SPDX-License-Identifier: MIT
// kept.h - which functions of "<string>" are in the source that -c gave.
//
// A program given by -c is in a file called "<string>", and so is all that anyone exec()utes: a
// dataclass's __init__, the lines of a .pth file. Only the source itself tells them apart.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define KEPT_FILE     "<string>"
#define KEPT_NOT_FILE "<exec>" // what the others are called in a report

// True when a function of this qualified name may begin at `line` (from 1) of the source.
bool kept_defines(const char *source, size_t length, const char *name, int line);
