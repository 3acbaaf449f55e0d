// SPDX-License-Identifier: MIT
// fuzz_code_string.c - names as Python keeps them, into UTF-8 of a given room.
#include <stdlib.h>
#include "fuzz.h"
#include "lineprof/code.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct input input = {bytes, size};
    uint8_t kind = (uint8_t)(1u << take_byte(&input) % 3);
    size_t room = take_byte(&input);
    uint32_t length = (uint32_t)(input.left / kind);
    void *text = malloc(length ? length * kind : 1);
    char *out = malloc(room ? room : 1);
    take(&input, text, length * kind);
    size_t n = code_string_utf8(text, length, kind, out, room);
    if (room && (n >= room || out[n] != '\0'))
        abort();
    if (!room && n)
        abort();
    free(text);
    free(out);
    return 0;
}
