// SPDX-License-Identifier: MIT
// lines.c - instruction to line, one decoder per table format.
//
// Pure: bytes in, line out. The tables come from another process's memory and may be damaged, so
// every byte is taken through span_byte() and sums wrap instead of overflowing.
#include "lineprof/lines.h"

struct span {
    const uint8_t *at, *end;
};

static bool span_byte(struct span *in, uint8_t *byte)
{
    if (in->at == in->end)
        return false;
    *byte = *in->at++;
    return true;
}

static int add(int line, int delta)
{
    return (int)((unsigned)line + (unsigned)delta);
}

// 3.8, 3.9: pairs (address delta, signed line delta). A line holds from the address where its sum
// is reached. CPython 3.8 Objects/lnotab_notes.txt, PyCode_Addr2Line.
static int find_lnotab(struct span table, int line, uint32_t offset)
{
    uint8_t step, delta;
    uint32_t address = 0;
    while (span_byte(&table, &step) && span_byte(&table, &delta)) {
        address += step;
        if (address > offset)
            break;
        line = add(line, (int8_t)delta);
    }
    return line;
}

// 3.10: pairs (length in bytes, signed line delta), -128: these instructions have no line, which
// still count for the address. CPython 3.10 Objects/lnotab_notes.txt, Objects/codeobject.c.
static int find_310(struct span table, int line, uint32_t offset)
{
    uint8_t length, byte;
    uint32_t end = 0;
    int last = line; // line of the latest instruction that has one: an entry may be empty
    while (end <= offset && span_byte(&table, &length) && span_byte(&table, &byte)) {
        int delta = (int8_t)byte;
        end += length;
        if (delta == -128)
            continue;
        line = add(line, delta);
        if (length > 0)
            last = line;
    }
    return last;
}

// Six bits a byte, lowest first, bit 6: more follow. 0 when the table ends within it.
static unsigned read_varint(struct span *in)
{
    unsigned value = 0;
    uint8_t byte;
    for (unsigned shift = 0; span_byte(in, &byte); shift += 6) {
        if (shift < 32)
            value |= (unsigned)(byte & 0x3f) << shift;
        if ((byte & 0x40) == 0)
            return value;
    }
    return 0;
}

// Lowest bit: sign.
static int read_svarint(struct span *in)
{
    unsigned value = read_varint(in);
    return (value & 1) != 0 ? -(int)(value >> 1) : (int)(value >> 1);
}

// Kinds of entries in the table of 3.11 and later, Include/internal/pycore_code.h,
// enum _PyCodeLocationInfoKind.
enum { ONE_LINE0 = 10, ONE_LINE2 = 12, NO_COLUMNS = 13, LONG = 14, NONE = 15 };

static int line_delta(struct span *table, unsigned kind)
{
    if (kind >= ONE_LINE0 && kind <= ONE_LINE2)
        return (int)(kind - ONE_LINE0);
    if (kind == NO_COLUMNS || kind == LONG)
        return read_svarint(table);
    return 0;
}

// An entry begins with the only byte that has bit 7 set.
static bool next_entry(struct span *table, uint8_t *head)
{
    while (span_byte(table, head))
        if ((*head & 0x80) != 0)
            return true;
    return false;
}

// 3.11 and later: entries of (1, kind:4, length - 1:3), then what the kind says; length in code
// units of two bytes. CPython 3.11 Objects/locations.md.
static int find_311(struct span table, int line, uint32_t offset)
{
    uint8_t head;
    uint32_t end = 0;
    int last = line;
    while (end <= offset && next_entry(&table, &head)) {
        unsigned kind = (head >> 3) & 15;
        end += ((head & 7u) + 1) * 2;
        line = add(line, line_delta(&table, kind));
        if (kind != NONE)
            last = line;
    }
    return last;
}

int lines_find(enum py_lines format, const uint8_t *table, size_t length, int firstlineno,
               uint32_t offset)
{
    struct span span = {table, table + length};
    switch (format) {
    case LINES_LNOTAB:
        return find_lnotab(span, firstlineno, offset);
    case LINES_310:
        return find_310(span, firstlineno, offset);
    case LINES_311:
        return find_311(span, firstlineno, offset);
    }
    return firstlineno;
}
