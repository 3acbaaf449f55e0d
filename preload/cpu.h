// SPDX-License-Identifier: MIT
// cpu.h - what differs from one CPU to the next, for the handler: one file per CPU behind it.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <ucontext.h>
#include "lineprof/mem.h"

uint64_t cpu_pc(const ucontext_t *context); // the interrupted instruction
uint64_t cpu_sp(const ucontext_t *context); // lowest address in use, red zone left out
// The instruction before `pc` enters the kernel: a signal that finds a thread there came while it
// was inside.
bool cpu_behind_syscall(const struct mem *mem, uint64_t pc);
