// SPDX-License-Identifier: MIT
// pen.c - inks, safe text and cutting; see pen.h.

#include "pen.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "text_width.h"

// ---- inks

#define BOLD   1u
#define FAINT  2u
#define ITALIC 4u

// `dark` and `light` are the colours for such a background; each is legible (3:1 or better) on the
// other one too, because the background is often a guess. 0: the terminal's own colour. `basic`
// are codes of the sixteen colours, which follow the terminal's theme.
struct pigment {
    unsigned dark, light;
    unsigned char basic_dark, basic_light;
    unsigned attributes;
};

static const struct pigment pigments[INK_COUNT] = {
    [INK_PLAIN] = {0},
    [INK_DIM] = {0x8b949e, 0x6e7781, .attributes = FAINT},
    [INK_FRAME] = {0x767c85, 0x8c959f, .attributes = FAINT},
    [INK_BOLD] = {.attributes = BOLD},
    [INK_HOT] = {0xf0605a, 0xd02828, 91, 31, BOLD},
    [INK_PYTHON] = {0x5a94ea, 0x2f6fce, 94, 34},
    [INK_NATIVE] = {0xd0812c, 0xb8640f, 33, 33},
    [INK_SYSTEM] = {0xa97fdb, 0x8250c4, 95, 35},
    [INK_WARNING] = {0xd0812c, 0xb8640f, 33, 33, BOLD},
    [INK_STAND_IN] = {0x8b949e, 0x6e7781, 36, 36, ITALIC},
    [INK_KEYWORD] = {0xcc78c8, 0xa83f98, 35, 35},
    [INK_CONSTANT] = {0x3f9fb5, 0x0f7285, 36, 36},
    [INK_BUILTIN] = {0x3f9fb5, 0x0f7285, 36, 36},
    [INK_DEFINITION] = {.attributes = BOLD},
    [INK_DECORATOR] = {0xcc78c8, 0xa83f98, 35, 35},
    [INK_NUMBER] = {0x3f9fb5, 0x0f7285, 36, 36},
    [INK_STRING] = {0x5ea55a, 0x2f7d32, 32, 32},
    [INK_COMMENT] = {0x8b949e, 0x6e7781, .attributes = FAINT | ITALIC},
};

// The nearest of the 256 colours: its cube of six steps each way, or its grey ramp.
static unsigned cube_step(unsigned value)
{
    return value < 48 ? 0 : value < 115 ? 1 : (value - 35) / 40;
}

static unsigned palette_index(unsigned rgb)
{
    unsigned r = rgb >> 16, g = rgb >> 8 & 0xff, b = rgb & 0xff;
    unsigned high = r > g ? r : g, low = r < g ? r : g;
    high = high > b ? high : b;
    low = low < b ? low : b;
    if (high - low < 24)
        return 232 + ((r + g + b) / 3 > 8 ? ((r + g + b) / 3 - 8) / 10 : 0);
    return 16 + 36 * cube_step(r) + 6 * cube_step(g) + cube_step(b);
}

static void write_rgb(struct pen *pen, unsigned rgb)
{
    if (pen->color == COLOR_TRUE)
        sink_printf(pen->out, ";38;2;%u;%u;%u", rgb >> 16, rgb >> 8 & 0xff, rgb & 0xff);
    else
        sink_printf(pen->out, ";38;5;%u", palette_index(rgb));
}

static void write_color(struct pen *pen, const struct pigment *pigment)
{
    unsigned rgb = pen->dark ? pigment->dark : pigment->light;
    unsigned basic = pen->dark ? pigment->basic_dark : pigment->basic_light;
    if (pen->color >= COLOR_256 && rgb)
        write_rgb(pen, rgb);
    else if (basic)
        sink_printf(pen->out, ";%u", basic);
}

// Faint is for those who have no grey of their own: both together would vanish.
static void write_attributes(struct pen *pen, const struct pigment *pigment)
{
    bool has_grey = pen->color >= COLOR_256 && pigment->dark;
    if (pigment->attributes & BOLD)
        sink_puts(pen->out, ";1");
    if (pigment->attributes & FAINT && !has_grey)
        sink_puts(pen->out, ";2");
    if (pigment->attributes & ITALIC)
        sink_puts(pen->out, ";3");
}

void pen_set(struct pen *pen, enum ink ink)
{
    if (ink == pen->ink || pen->color == COLOR_NONE)
        return;
    pen->ink = ink;
    sink_puts(pen->out, "\033[0");
    write_attributes(pen, &pigments[ink]);
    write_color(pen, &pigments[ink]);
    sink_putc(pen->out, 'm');
}

struct pen pen_new(struct sink *out, const struct table_options *options)
{
    return (struct pen){
        .out = out, .color = options->color, .dark = options->dark, .unicode = options->unicode};
}

// ---- our own text

void pen_newline(struct pen *pen)
{
    pen_set(pen, INK_PLAIN);
    sink_putc(pen->out, '\n');
    pen->column = pen->spaces = 0;
}

void pen_space(struct pen *pen, int columns)
{
    if (columns <= 0)
        return;
    pen->spaces += columns;
    pen->column += columns;
}

static void write_text(struct pen *pen, enum ink ink, const char *bytes, size_t length, int columns)
{
    if (pen->spaces)
        sink_printf(pen->out, "%*s", pen->spaces, "");
    pen->spaces = 0;
    pen_set(pen, ink);
    sink_write(pen->out, bytes, length);
    pen->column += columns;
}

void pen_puts(struct pen *pen, enum ink ink, const char *text)
{
    size_t length = strlen(text);
    if (length)
        write_text(pen, ink, text, length, (int)length);
}

void pen_printf(struct pen *pen, enum ink ink, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    pen_puts(pen, ink, text);
}

void pen_sign(struct pen *pen, enum ink ink, const char *sign, const char *ascii)
{
    const char *text = pen->unicode ? sign : ascii;
    write_text(pen, ink, text, strlen(text), 1);
}

void pen_rule(struct pen *pen, enum ink ink, const char *sign, const char *ascii, int columns)
{
    for (int i = 0; i < columns; i++)
        pen_sign(pen, ink, sign, ascii);
}

// ---- anyone's text

static int ellipsis_columns(const struct pen *pen)
{
    return pen->unicode ? 1 : 2;
}

static void put_ellipsis(struct pen *pen, int columns)
{
    const char *text = pen->unicode ? "\u2026" : "..";
    if (columns >= ellipsis_columns(pen))
        write_text(pen, INK_DIM, text, strlen(text), ellipsis_columns(pen));
}

static void put_piece(struct pen *pen, enum ink ink, const struct text_piece *piece)
{
    if (piece->bytes[0] == ' ')
        pen_space(pen, piece->columns); // a tab too
    else
        write_text(pen, piece->stand_in ? INK_STAND_IN : ink, piece->bytes, piece->length,
                   piece->columns);
}

// Columns that text may take when it has `columns` and is cut if it needs more.
static int cut_columns(const struct pen *pen, const char *text, size_t length, int columns)
{
    bool fits = text_columns(text, length, !pen->unicode, columns) <= columns;
    return fits ? columns : columns - ellipsis_columns(pen);
}

static bool put_next(struct pen *pen, enum ink ink, struct text_reader *reader, int limit)
{
    struct text_piece piece;
    struct text_reader before = *reader;
    if (!text_next(reader, &piece))
        return false;
    if (reader->column > limit) {
        *reader = before;
        return false;
    }
    put_piece(pen, ink, &piece);
    return true;
}

static int finish_cut(struct pen *pen, const struct text_reader *reader, int columns)
{
    int start = pen->column - reader->column;
    if (reader->at != reader->end)
        put_ellipsis(pen, columns - reader->column);
    return pen->column - start;
}

int pen_bytes(struct pen *pen, enum ink ink, const char *text, size_t length, int columns)
{
    struct text_reader reader = text_read(text, length, !pen->unicode);
    int limit = cut_columns(pen, text, length, columns);
    while (put_next(pen, ink, &reader, limit))
        ;
    return finish_cut(pen, &reader, columns);
}

int pen_text(struct pen *pen, enum ink ink, const char *text, int columns)
{
    return pen_bytes(pen, ink, text, strlen(text), columns);
}

int pen_path(struct pen *pen, enum ink ink, const char *path, int columns)
{
    size_t length = strlen(path);
    int start = pen->column;
    struct text_reader reader = text_read(path, length, !pen->unicode);
    struct text_piece piece;
    int excess = text_columns(path, length, !pen->unicode, INT_MAX / 2) - columns;
    if (excess > 0) {
        put_ellipsis(pen, columns);
        excess += ellipsis_columns(pen);
    }
    while (reader.column < excess && text_next(&reader, &piece))
        ;
    while (put_next(pen, ink, &reader, INT_MAX))
        ;
    return pen->column - start;
}

static enum ink token_ink(enum token kind)
{
    static const enum ink inks[TOKEN_COUNT] = {
        [TOKEN_PLAIN] = INK_PLAIN,           [TOKEN_KEYWORD] = INK_KEYWORD,
        [TOKEN_CONSTANT] = INK_CONSTANT,     [TOKEN_BUILTIN] = INK_BUILTIN,
        [TOKEN_DEFINITION] = INK_DEFINITION, [TOKEN_DECORATOR] = INK_DECORATOR,
        [TOKEN_NUMBER] = INK_NUMBER,         [TOKEN_STRING] = INK_STRING,
        [TOKEN_COMMENT] = INK_COMMENT,
    };
    return inks[kind];
}

// The token's characters, as far as they fit; a character cut in two by a token's end is finished.
static bool put_token(struct pen *pen, enum ink ink, struct text_reader *reader, const char *end,
                      int limit)
{
    while (reader->at < end)
        if (!put_next(pen, ink, reader, limit))
            return false;
    return true;
}

int pen_source(struct pen *pen, struct highlight state, const char *text, size_t length,
               int columns)
{
    struct text_reader reader = text_read(text, length, !pen->unicode);
    int limit = cut_columns(pen, text, length, columns);
    const char *at = text, *end = text + length;
    enum token kind;
    do {
        if (at < end)
            at += highlight_next(&state, at, (size_t)(end - at), &kind);
    } while (at > reader.at && put_token(pen, token_ink(kind), &reader, at, limit));
    return finish_cut(pen, &reader, columns);
}
