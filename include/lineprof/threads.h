// SPDX-License-Identifier: MIT
// threads.h - which of an interpreter's thread states belongs to a thread of the kernel.
#pragma once

#include "lineprof/layout.h"

#define THREADS_MAX 100000 // bound of the search: no list, however damaged, is followed further

// A thread as the kernel and the C library name it; what is not known is 0.
struct thread_names {
    int32_t tid;      // as the target's pid namespace has it
    uint64_t pthread; // pthread_self()
};

// The newest state of that thread, of whichever interpreter of the process; `runtime` is the
// address of _PyRuntime. 0: it has none, or the list could not be read.
target_addr threads_find(const struct mem *mem, const struct py_layout *layout, target_addr runtime,
                         const struct thread_names *names);

// Whether `tstate` is still that thread's: a state dies with its thread's last call from Python.
bool threads_owns(const struct mem *mem, const struct py_layout *layout, target_addr tstate,
                  const struct thread_names *names);
