// SPDX-License-Identifier: MIT
// pen.h - text onto a terminal or a plain file: inks instead of escape codes, untrusted text made
// safe and cut to its columns.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include "highlight.h"
#include "lineprof/report.h"

enum ink {
    INK_PLAIN, // the terminal's own
    INK_DIM,
    INK_FRAME, // rules between columns
    INK_BOLD,
    INK_HOT,
    INK_PYTHON,
    INK_NATIVE,
    INK_SYSTEM,
    INK_WARNING,
    INK_STAND_IN, // what stands for a character that must not be shown
    INK_KEYWORD,
    INK_CONSTANT,
    INK_BUILTIN,
    INK_DEFINITION,
    INK_DECORATOR,
    INK_NUMBER,
    INK_STRING,
    INK_COMMENT,
    INK_COUNT
};

struct pen {
    struct sink *out;
    enum color color;
    bool dark, unicode;
    enum ink ink; // what the terminal is set to
    int column;   // where the next text goes, from 0
    int spaces;   // of that, not written yet: none are at the end of a line
};

struct pen pen_new(struct sink *out, const struct table_options *options);
void pen_set(struct pen *pen, enum ink ink);
void pen_newline(struct pen *pen);
void pen_space(struct pen *pen, int columns);

// Our own text: ASCII, as many columns as bytes.
void pen_puts(struct pen *pen, enum ink ink, const char *text);
void pen_printf(struct pen *pen, enum ink ink, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// A sign of one column, and what stands for it where there is only ASCII.
void pen_sign(struct pen *pen, enum ink ink, const char *sign, const char *ascii);
void pen_rule(struct pen *pen, enum ink ink, const char *sign, const char *ascii, int columns);

// Anyone's text, cut with an ellipsis to `columns`; returns the columns taken.
int pen_text(struct pen *pen, enum ink ink, const char *text, int columns);
int pen_bytes(struct pen *pen, enum ink ink, const char *text, size_t length, int columns);
// The same for a path: its end is kept.
int pen_path(struct pen *pen, enum ink ink, const char *path, int columns);
// A line of Python, coloured from `state` on.
int pen_source(struct pen *pen, struct highlight state, const char *text, size_t length,
               int columns);
