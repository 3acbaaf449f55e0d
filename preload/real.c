// SPDX-License-Identifier: MIT
// real.c - the definitions that our wrappers stand in front of.
#include "shim.h"

#include <dlfcn.h>

static struct reals reals;
static _Atomic bool found;

// Twice at once does no harm: each thread writes the same.
const struct reals *real_all(void)
{
    if (atomic_load_explicit(&found, memory_order_acquire))
        return &reals;
#define FIND(name) reals.name = (__typeof__(&name))dlsym(RTLD_NEXT, #name);
    REALS(FIND)
#undef FIND
    reals.siginterrupt = (int (*)(int, int))dlsym(RTLD_NEXT, "siginterrupt");
    atomic_store_explicit(&found, true, memory_order_release);
    return &reals;
}
