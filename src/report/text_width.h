// SPDX-License-Identifier: MIT
// text_width.h - text of any origin as what a terminal can show safely, and the columns it takes.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define TEXT_TAB 8

struct text_reader {
    const char *at, *end;
    bool ascii; // spell everything beyond ASCII as an escape
    int column; // columns so far, for tabs
    int marks;  // zero-width characters since the last one that takes room
};

struct text_piece { // one character as shown
    char bytes[16];
    size_t length; // of bytes
    size_t source; // bytes of the text it stands for
    int columns;   // 0 for a combining mark
    bool stand_in; // shown in place of something that must not reach a terminal as it is
};

struct text_reader text_read(const char *text, size_t length, bool ascii);

// False at the end. What must not reach a terminal comes as a stand-in: control characters as ^X,
// invalid UTF-8 as \xNN, bidirectional controls and characters without a picture as \uNNNN.
bool text_next(struct text_reader *reader, struct text_piece *piece);

// Columns of the text, counted no further than `limit` + 1.
int text_columns(const char *text, size_t length, bool ascii, int limit);
