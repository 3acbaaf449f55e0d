// SPDX-License-Identifier: MIT
// cpu_call.h - one file per CPU: what certain instructions look like, and how to wait politely.
#pragma once

#include <stdbool.h>
#include "lineprof/mem.h"

// True when the instruction that ends at `address` is a call: `address` may be a return address.
bool code_follows_call(const struct mem *mem, target_addr address);

// True when the system call that ends at `pc` is rt_sigprocmask, as glibc's pthread_sigmask() makes
// it: a signal that finds a thread there may have been blocked until now.
bool code_follows_sigmask(const struct mem *mem, target_addr pc);

// Within a loop that waits for another CPU: leaves the core to the sibling that shares it, which
// may be the very thread that is watched.
void cpu_relax(void);
