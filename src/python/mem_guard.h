// SPDX-License-Identifier: MIT
// mem_guard.h - a copy that may fault, one file per processor (mem_guard_<processor>.c).
//
// The copy is written in assembly, so that its extent is known to the byte, it keeps nothing on the
// stack and a fault in it can be answered by going to its failure exit. Private to src/python.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Copies n bytes; 0, or -EFAULT when a load or store faulted and mem_guard_step() was called.
int mem_guard_copy(void *to, uint64_t from, size_t n);

extern const char mem_guard_begin[]; // first instruction of the copy
extern const char mem_guard_end[];   // one past its last one
extern const char mem_guard_exit[];  // continues here after a fault: returns -EFAULT

// The interrupted program counter within a ucontext_t.
uintptr_t mem_guard_pc(const void *ucontext);
void mem_guard_set_pc(void *ucontext, uintptr_t pc);
