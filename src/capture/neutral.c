// SPDX-License-Identifier: MIT
// neutral.c - see neutral.h. By name: they have the same ones in every distribution with glibc.
#include "lineprof/neutral.h"

#include <stddef.h>
#include <string.h>

bool neutral_module(const char *path)
{
    static const char *const names[] = {"libc.so",    "libc-",      "libm.so",    "libm-",
                                        "ld-linux",   "ld-2",       "libpthread", "[vdso]",
                                        "linux-vdso", "liblineprof"};
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strncmp(base, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}
