// SPDX-License-Identifier: MIT
// cpu_call_aarch64.c - BL and BLR.
#include "cpu_call.h"

bool code_follows_call(const struct mem *mem, target_addr address)
{
    uint32_t before;
    if (mem->read(mem, address - sizeof before, &before, sizeof before))
        return false;
    return (before & 0xfc000000) == 0x94000000 || (before & 0xfffffc1f) == 0xd63f0000;
}

bool code_follows_sigmask(const struct mem *mem, target_addr pc)
{
    uint32_t before[2]; // mov x8, #135; svc #0
    return mem->read(mem, pc - sizeof before, before, sizeof before) == 0 &&
           before[0] == 0xd28010e8 && before[1] == 0xd4000001;
}

void cpu_relax(void)
{
    __asm__ volatile("yield");
}
