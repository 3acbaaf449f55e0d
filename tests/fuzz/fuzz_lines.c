// SPDX-License-Identifier: MIT
// fuzz_lines.c - line tables of all formats: whatever they hold, no read beyond them.
#include <stdlib.h>
#include "fuzz.h"
#include "lineprof/lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const enum py_lines formats[] = {LINES_LNOTAB, LINES_310, LINES_311};
    struct input input = {bytes, size};
    enum py_lines format = formats[take_byte(&input) % 3];
    int32_t first;
    uint32_t offset;
    take(&input, &first, sizeof first);
    take(&input, &offset, sizeof offset);
    size_t length = input.left;
    uint8_t *table = malloc(length ? length : 1); // exactly as long, for the sanitizer to watch
    take(&input, table, length);
    int line = lines_find(format, table, length, first, offset);
    if (line != lines_find(format, table, length, first, offset))
        abort();
    lines_find(format, table, length, first & 0xffff, offset & 0xff);
    free(table);
    return 0;
}
