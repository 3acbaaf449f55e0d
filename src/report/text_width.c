// SPDX-License-Identifier: MIT
// text_width.c - columns of text, character by character; see text_width.h.
//
// Widths are libc's, asked in the C.UTF-8 locale whatever the locale of the process is.

#include "text_width.h"

#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#define MARKS_MAX 8 // combining characters shown on one base: no honest text has more

// ---- decoding

// Bytes of the sequence that `first` opens and the smallest character it may spell; 0 when it opens
// none. Overlong forms are invalid by that minimum.
static size_t sequence_length(unsigned char first, uint32_t *smallest)
{
    static const uint32_t minimum[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = first < 0x80   ? 1
                    : first < 0xc0 ? 0
                    : first < 0xe0 ? 2
                    : first < 0xf0 ? 3
                    : first < 0xf8 ? 4
                                   : 0;
    *smallest = minimum[length];
    return length;
}

// Length of the character at the start of the text; 0 when that is not UTF-8.
static size_t decode(const char *text, size_t available, uint32_t *character)
{
    unsigned char first = (unsigned char)text[0];
    uint32_t smallest;
    size_t length = sequence_length(first, &smallest);
    if (!length || length > available)
        return 0;
    uint32_t c = length == 1 ? first : first & (0xffu >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        unsigned char next = (unsigned char)text[i];
        if ((next & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (next & 0x3f);
    }
    if (c < smallest || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *character = c;
    return length;
}

// ---- widths

static bool in_range(uint32_t c, uint32_t first, uint32_t last)
{
    return c >= first && c <= last;
}

// Characters that change or hide what stands beside them. The joiners and the variation selectors
// are not among them: emoji and several scripts need those.
static bool is_deceptive(uint32_t c)
{
    return c == 0xad || c == 0x61c || c == 0x180e || c == 0x200b || in_range(c, 0x200e, 0x200f) ||
           in_range(c, 0x2028, 0x202e) || in_range(c, 0x2060, 0x206f) || c == 0xfeff ||
           in_range(c, 0xfff9, 0xfffb) || in_range(c, 0xe0000, 0xe007f);
}

static locale_t utf8_locale(void)
{
    static locale_t locale;
    if (!locale)
        locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    return locale;
}

// -1: has no picture.
static int character_columns(uint32_t c)
{
    if (c < 0x7f)
        return c < 0x20 ? -1 : 1;
    if (is_deceptive(c))
        return -1;
    locale_t locale = utf8_locale();
    if (!locale)
        return 1;
    locale_t before = uselocale(locale);
    int columns = wcwidth((wchar_t)c);
    uselocale(before);
    return columns;
}

// ---- pieces

struct text_reader text_read(const char *text, size_t length, bool ascii)
{
    return (struct text_reader){.at = text, .end = text + length, .ascii = ascii};
}

static void stand_in(struct text_piece *piece, const char *format, unsigned value)
{
    piece->length = (size_t)snprintf(piece->bytes, sizeof piece->bytes, format, value);
    piece->columns = (int)piece->length;
    piece->stand_in = true;
}

static void put_tab(struct text_piece *piece, int column)
{
    piece->columns = TEXT_TAB - column % TEXT_TAB;
    piece->length = (size_t)piece->columns;
    memset(piece->bytes, ' ', piece->length);
}

static void put_character(struct text_piece *piece, const char *text, uint32_t c, int columns)
{
    if (c < 0x20 || c == 0x7f) {
        stand_in(piece, "^%c", c ^ 0x40);
    } else if (columns < 0) {
        stand_in(piece, c > 0xffff ? "\\U%08x" : "\\u%04x", c);
    } else {
        memcpy(piece->bytes, text, piece->source);
        piece->length = piece->source;
        piece->columns = columns;
    }
}

static int allowed_columns(const struct text_reader *reader, uint32_t c)
{
    if (reader->ascii && c > 0x7e)
        return -1;
    int columns = character_columns(c);
    return columns == 0 && reader->marks >= MARKS_MAX ? -1 : columns;
}

bool text_next(struct text_reader *reader, struct text_piece *piece)
{
    if (reader->at == reader->end)
        return false;
    uint32_t c = 0;
    size_t length = decode(reader->at, (size_t)(reader->end - reader->at), &c);
    *piece = (struct text_piece){.source = length ? length : 1};
    if (!length)
        stand_in(piece, "\\x%02x", (unsigned char)*reader->at);
    else if (c == '\t')
        put_tab(piece, reader->column);
    else
        put_character(piece, reader->at, c, allowed_columns(reader, c));
    reader->at += piece->source;
    reader->column += piece->columns;
    reader->marks = piece->columns ? 0 : reader->marks + 1;
    return true;
}

int text_columns(const char *text, size_t length, bool ascii, int limit)
{
    struct text_reader reader = text_read(text, length, ascii);
    struct text_piece piece;
    while (reader.column <= limit && text_next(&reader, &piece))
        ;
    return reader.column <= limit ? reader.column : limit + 1;
}
