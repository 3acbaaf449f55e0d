// SPDX-License-Identifier: MIT
// highlight.h - Python source as coloured spans, line by line.
//
// Knows strings, comments, numbers, keywords and definitions; what it cannot know stays plain. Any
// bytes are fine. The inside of an f-string is string.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum token {
    TOKEN_PLAIN,
    TOKEN_KEYWORD,
    TOKEN_CONSTANT, // None, True, False
    TOKEN_BUILTIN,
    TOKEN_DEFINITION, // the name behind def or class
    TOKEN_DECORATOR,
    TOKEN_NUMBER,
    TOKEN_STRING,
    TOKEN_COMMENT,
    TOKEN_COUNT
};

struct highlight { // what a line must know of those before it; all zero at the start of a file
    uint8_t quote; // ' or " inside a string, else 0
    bool triple;
    bool continued;   // the line before ended with a backslash
    bool naming;      // def or class has just been read
    uint8_t previous; // last character that was neither blank nor comment; 0 at a statement's start
    uint32_t depth;   // open brackets
};

// The line is a statement's first: neither inside a string or brackets nor continued.
bool highlight_at_statement(const struct highlight *state);

// Length (>= 1) and kind of the token at the start of text[0..length), the rest of a line without
// its newline; length >= 1.
size_t highlight_next(struct highlight *state, const char *text, size_t length, enum token *kind);

// To be called at the end of each line, with its whole text.
void highlight_end_line(struct highlight *state, const char *line, size_t length);
