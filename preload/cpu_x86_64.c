// SPDX-License-Identifier: MIT
// cpu_x86_64.c - registers and instructions of x86-64.
#include "cpu.h"

uint64_t cpu_pc(const ucontext_t *context)
{
    return (uint64_t)context->uc_mcontext.gregs[REG_RIP];
}

uint64_t cpu_sp(const ucontext_t *context)
{
    return (uint64_t)context->uc_mcontext.gregs[REG_RSP];
}

bool cpu_behind_syscall(const struct mem *mem, uint64_t pc)
{
    uint8_t before[2];
    return mem->read(mem, pc - sizeof before, before, sizeof before) == 0 && before[0] == 0x0f &&
           before[1] == 0x05;
}
