// SPDX-License-Identifier: MIT
// outline.h - a source file as lines that know what encloses them.
#pragma once

#include "highlight.h"

struct outline_line {
    const char *text; // without its newline
    size_t length;
    struct highlight state; // of the tokenizer at its start
    int parent;             // the line that encloses it: its statement's first line, or its block's
                            // header; 0: none
    int indent;             // columns
};

struct outline {
    struct outline_line *lines; // line n is lines[n - 1]
    int count;
};

// False when memory runs out. `text` must outlive the source. An absent text has no lines.
bool outline_read(struct outline *outline, const char *text, size_t length);
void outline_free(struct outline *outline);

// Line n, NULL when there is none.
const struct outline_line *outline_line(const struct outline *outline, int n);

// The line opens a function, a class or a loop.
bool outline_is_header(const struct outline_line *line);
