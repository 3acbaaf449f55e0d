// SPDX-License-Identifier: MIT
// cpu_call_x86_64.c - call rel32 and the forms of call r/m64 (FF /2), by their length.
#include "cpu_call.h"

#include <string.h>

#define WINDOW 7 // bytes of the longest form

// FF /2 at `at`, `length` bytes up to the return address.
static bool is_indirect(const uint8_t *at, int length)
{
    if (at[0] != 0xff || (at[1] & 0x38) != 0x10)
        return false;
    int mod = at[1] >> 6, rm = at[1] & 7;
    bool sib = mod != 3 && rm == 4;
    int displacement = mod == 1 ? 1 : mod == 2 || (mod == 0 && rm == 5) ? 4 : 0;
    return length == 2 + sib + displacement;
}

bool code_follows_call(const struct mem *mem, target_addr address)
{
    uint8_t before[WINDOW];
    if (mem->read(mem, address - WINDOW, before, WINDOW))
        return false;
    if (before[WINDOW - 5] == 0xe8)
        return true;
    for (int length = 2; length <= WINDOW; length++)
        if (is_indirect(before + WINDOW - length, length))
            return true;
    return false;
}

bool code_follows_sigmask(const struct mem *mem, target_addr pc)
{
    static const uint8_t code[] = {0xb8, 0x0e, 0, 0, 0, 0x0f, 0x05}; // mov $14,%eax; syscall
    uint8_t before[sizeof code];
    return mem->read(mem, pc - sizeof code, before, sizeof code) == 0 &&
           memcmp(before, code, sizeof code) == 0;
}

void cpu_relax(void)
{
    __builtin_ia32_pause();
}
