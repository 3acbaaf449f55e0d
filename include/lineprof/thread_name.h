// SPDX-License-Identifier: MIT
// thread_name.h - the name that Python code gave a thread.
#pragma once

#include "lineprof/layout.h"

// Name of the threading.Thread whose thread has state `tstate`, UTF-8, NUL-terminated, cut at a
// whole character. 0, or -errno, `out` is then undefined. -ENOENT: it has no such frame or object:
// the main thread, one that Python did not start by threading, one that is just starting or ending,
// one within a greenlet. -EAGAIN: its frames were changing.
int thread_name_read(const struct mem *mem, const struct py_layout *layout, target_addr tstate,
                     char *out, size_t size);
