// SPDX-License-Identifier: MIT
// real.c - the definitions that our wrappers stand in front of.
#include "shim.h"

#include <dlfcn.h>

void *real_symbol(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}
