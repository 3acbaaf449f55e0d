// SPDX-License-Identifier: MIT
// mem.h - the one way to read a target's memory.
//
// A target address is a number, so that the compiler stops anyone from following it.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef uint64_t target_addr;

struct mem {
    // Copies n bytes at `from` to `to`. 0, or -errno; `to` is undefined after an error.
    int (*read)(const struct mem *mem, target_addr from, void *to, size_t n);
    pid_t pid; // whose memory; 0 for our own
};

// Our own memory by plain loads that may fault: mem_guard_step() must be called from the
// process's SIGSEGV and SIGBUS handlers. Signal-safe, 5 ns a read.
extern const struct mem mem_self;

// Our own memory through the kernel, for a thread that blocks SIGSEGV. Signal-safe, 2 us a read.
extern const struct mem mem_self_kernel;

// Another process's memory by process_vm_readv.
struct mem mem_process(pid_t pid);

#define MEM_WORDS_MAX 4

// Up to MEM_WORDS_MAX words of 8 bytes from as many places of another process, in one system call.
// 0 or -errno.
int mem_process_words(pid_t pid, const target_addr *from, uint64_t *to, unsigned count);

// True when the fault that `ucontext` describes happened inside a read of mem_self: the context
// has then been moved so that returning from the handler makes that read fail with -EFAULT.
bool mem_guard_step(void *ucontext);

// One field of `type` at `base + offset`.
#define MEM_GET(mem, base, offset, out)                                                            \
    ((mem)->read((mem), (base) + (offset), (out), sizeof *(out)))
