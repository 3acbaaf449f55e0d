// SPDX-License-Identifier: MIT
// cpu_aarch64.c - registers and instructions of 64-bit Arm.
#include "cpu.h"

uint64_t cpu_pc(const ucontext_t *context)
{
    return context->uc_mcontext.pc;
}

uint64_t cpu_sp(const ucontext_t *context)
{
    return context->uc_mcontext.sp;
}

bool cpu_behind_syscall(const struct mem *mem, uint64_t pc)
{
    uint32_t before; // svc #0
    return mem->read(mem, pc - sizeof before, &before, sizeof before) == 0 && before == 0xd4000001;
}
