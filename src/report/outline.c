// SPDX-License-Identifier: MIT
// outline.c - one pass over a source: lines, tokenizer states, what encloses what by indentation.

#include "outline.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define INDENT_TAB 8       // as Python's own tokenizer counts
#define LINES_MAX  1000000 // what lies behind is left out: no one reads that far

// ---- lines

static const char *line_end(const char *at, const char *end)
{
    while (at < end && *at != '\n' && *at != '\r')
        at++;
    return at;
}

static const char *behind_newline(const char *at, const char *end)
{
    if (at < end && *at == '\r' && at + 1 < end && at[1] == '\n')
        return at + 2;
    return at < end ? at + 1 : at;
}

static int count_lines(const char *text, const char *end)
{
    int count = 0;
    while (text < end && count < LINES_MAX) {
        text = behind_newline(line_end(text, end), end);
        count++;
    }
    return count;
}

static void split(struct outline *outline, const char *at, const char *end)
{
    for (int i = 0; i < outline->count; i++) {
        const char *stop = line_end(at, end);
        outline->lines[i].text = at;
        outline->lines[i].length = (size_t)(stop - at);
        at = behind_newline(stop, end);
    }
}

// ---- tokenizer states

static void tokenize(struct outline *outline)
{
    struct highlight state = {0};
    for (int i = 0; i < outline->count; i++) {
        struct outline_line *line = &outline->lines[i];
        line->state = state;
        enum token kind;
        for (size_t at = 0; at < line->length;)
            at += highlight_next(&state, line->text + at, line->length - at, &kind);
        highlight_end_line(&state, line->text, line->length);
    }
}

// ---- outline

static size_t indent_of(const struct outline_line *line, int *columns)
{
    size_t i = 0;
    *columns = 0;
    for (; i < line->length && (line->text[i] == ' ' || line->text[i] == '\t'); i++)
        *columns += line->text[i] == ' ' ? 1 : INDENT_TAB - *columns % INDENT_TAB;
    return i;
}

static bool is_empty_or_comment(const struct outline_line *line)
{
    int columns;
    size_t i = indent_of(line, &columns);
    return i == line->length || line->text[i] == '#' || line->text[i] == '\f';
}

// `before`: the last statement's first line. Climbs to the nearest with less indentation.
static int enclosing(const struct outline *outline, int before, int indent)
{
    while (before && outline->lines[before - 1].indent >= indent)
        before = outline->lines[before - 1].parent;
    return before;
}

static void enclose(struct outline *outline)
{
    int statement = 0;
    for (int i = 0; i < outline->count; i++) {
        struct outline_line *line = &outline->lines[i];
        indent_of(line, &line->indent);
        if (!highlight_at_statement(&line->state)) {
            line->parent = statement;
            line->indent = INT_MAX; // never anyone's header
        } else if (is_empty_or_comment(line)) {
            line->parent = enclosing(outline, statement, line->indent);
        } else {
            line->parent = enclosing(outline, statement, line->indent);
            statement = i + 1;
        }
    }
}

// ---- the whole

bool outline_read(struct outline *outline, const char *text, size_t length)
{
    *outline = (struct outline){0};
    if (!text || !length)
        return true;
    const char *end = text + length;
    int count = count_lines(text, end);
    outline->lines = calloc((size_t)count, sizeof *outline->lines);
    if (!outline->lines)
        return false;
    outline->count = count;
    split(outline, text, end);
    tokenize(outline);
    enclose(outline);
    return true;
}

void outline_free(struct outline *outline)
{
    free(outline->lines);
    *outline = (struct outline){0};
}

const struct outline_line *outline_line(const struct outline *outline, int n)
{
    return n >= 1 && n <= outline->count ? &outline->lines[n - 1] : NULL;
}

static bool starts_with_word(const char *text, size_t length, const char *word)
{
    size_t n = strlen(word);
    return length > n && memcmp(text, word, n) == 0 &&
           (text[n] == ' ' || text[n] == '\t' || text[n] == ':');
}

bool outline_is_header(const struct outline_line *line)
{
    static const char *const words[] = {"def", "class", "async", "for", "while"};
    int columns;
    size_t at = indent_of(line, &columns);
    if (!highlight_at_statement(&line->state))
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (starts_with_word(line->text + at, line->length - at, words[i]))
            return true;
    return false;
}
