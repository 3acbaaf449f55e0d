// SPDX-License-Identifier: MIT
// mem_guard_aarch64.c - the copy that may fault, for aarch64 (AAPCS64).
#include "mem_guard.h"

#include <ucontext.h>

// As on x86-64: no stack, so the failure exit only has to return.
__asm__(".pushsection .text.mem_guard, \"ax\", %progbits\n"
        ".balign 16\n"
        ".globl mem_guard_copy, mem_guard_begin, mem_guard_end, mem_guard_exit\n"
        ".hidden mem_guard_copy, mem_guard_begin, mem_guard_end, mem_guard_exit\n"
        ".type mem_guard_copy, %function\n"
        "mem_guard_copy:\n"
        "    .cfi_startproc\n"
        "mem_guard_begin:\n"
        "    cmp x2, #8\n"
        "    b.lo 2f\n"
        "1:  ldr x3, [x1], #8\n"
        "    str x3, [x0], #8\n"
        "    sub x2, x2, #8\n"
        "    cmp x2, #8\n"
        "    b.hs 1b\n"
        "2:  cbz x2, 3f\n"
        "    ldrb w3, [x1], #1\n"
        "    strb w3, [x0], #1\n"
        "    sub x2, x2, #1\n"
        "    b 2b\n"
        "3:  mov w0, #0\n"
        "    ret\n"
        "mem_guard_end:\n"
        "mem_guard_exit:\n"
        "    mov w0, #-14\n" // -EFAULT
        "    ret\n"
        "    .cfi_endproc\n"
        ".size mem_guard_copy, . - mem_guard_copy\n"
        ".popsection\n");

uintptr_t mem_guard_pc(const void *ucontext)
{
    return (uintptr_t)((const ucontext_t *)ucontext)->uc_mcontext.pc;
}

void mem_guard_set_pc(void *ucontext, uintptr_t pc)
{
    ((ucontext_t *)ucontext)->uc_mcontext.pc = pc;
}
