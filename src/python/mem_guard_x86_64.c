// SPDX-License-Identifier: MIT
// mem_guard_x86_64.c - the copy that may fault, for x86-64 (System V calling convention).
#include "mem_guard.h"

#include <ucontext.h>

// An interpreter frame is read in one call of 70 to 90 bytes: 16 at a time, then what is left by
// the bits of its size. %rsp is never moved, so the failure exit only has to return.
__asm__(".pushsection .text.mem_guard, \"ax\", @progbits\n"
        ".balign 16\n"
        ".globl mem_guard_copy, mem_guard_begin, mem_guard_end, mem_guard_exit\n"
        ".hidden mem_guard_copy, mem_guard_begin, mem_guard_end, mem_guard_exit\n"
        ".type mem_guard_copy, @function\n"
        "mem_guard_copy:\n"
        "    .cfi_startproc\n"
        "mem_guard_begin:\n"
        "    cmp $16, %rdx\n"
        "    jb 2f\n"
        "1:  movdqu (%rsi), %xmm0\n"
        "    movdqu %xmm0, (%rdi)\n"
        "    add $16, %rsi\n"
        "    add $16, %rdi\n"
        "    sub $16, %rdx\n"
        "    cmp $16, %rdx\n"
        "    jae 1b\n"
        "2:  test $8, %dl\n"
        "    jz 3f\n"
        "    mov (%rsi), %rax\n"
        "    mov %rax, (%rdi)\n"
        "    add $8, %rsi\n"
        "    add $8, %rdi\n"
        "3:  test $4, %dl\n"
        "    jz 4f\n"
        "    mov (%rsi), %eax\n"
        "    mov %eax, (%rdi)\n"
        "    add $4, %rsi\n"
        "    add $4, %rdi\n"
        "4:  test $2, %dl\n"
        "    jz 5f\n"
        "    movzwl (%rsi), %eax\n"
        "    mov %ax, (%rdi)\n"
        "    add $2, %rsi\n"
        "    add $2, %rdi\n"
        "5:  test $1, %dl\n"
        "    jz 6f\n"
        "    movzbl (%rsi), %eax\n"
        "    mov %al, (%rdi)\n"
        "6:  xor %eax, %eax\n"
        "    ret\n"
        "mem_guard_end:\n"
        "mem_guard_exit:\n"
        "    mov $-14, %eax\n" // -EFAULT
        "    ret\n"
        "    .cfi_endproc\n"
        ".size mem_guard_copy, . - mem_guard_copy\n"
        ".popsection\n");

uintptr_t mem_guard_pc(const void *ucontext)
{
    return (uintptr_t)((const ucontext_t *)ucontext)->uc_mcontext.gregs[REG_RIP];
}

void mem_guard_set_pc(void *ucontext, uintptr_t pc)
{
    ((ucontext_t *)ucontext)->uc_mcontext.gregs[REG_RIP] = (greg_t)pc;
}
