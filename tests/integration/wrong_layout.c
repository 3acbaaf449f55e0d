// SPDX-License-Identifier: MIT
// wrong_layout.c - makes a shim that reads at the wrong place, for test_selfcheck.py.
//
// Linked into a shim of its own with --wrap, so that the real one has no such door. LINEPROF_WRONG
// names what is wrong, LINEPROF_WRONG_PYTHON ("3.8") in which version alone.
#include "lineprof/layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct py_layout *__real_layout_find(uint32_t version);
const struct py_layout *__wrap_layout_find(uint32_t version);
int __real_layout_from_target(const struct mem *mem, target_addr runtime, uint32_t version,
                              struct py_layout *out);
int __wrap_layout_from_target(const struct mem *mem, target_addr runtime, uint32_t version,
                              struct py_layout *out);

static bool is_meant(const struct py_layout *layout)
{
    const char *version = getenv("LINEPROF_WRONG_PYTHON");
    unsigned major, minor;
    return !version ||
           (sscanf(version, "%u.%u", &major, &minor) == 2 && layout->version == PY(major, minor));
}

static void spoil(struct py_layout *layout)
{
    const char *what = getenv("LINEPROF_WRONG");
    if (!what || !is_meant(layout))
        return;
    if (strcmp(what, "function") == 0)
        layout->code_name = layout->code_qualname = layout->code_filename;
    if (strcmp(what, "file") == 0)
        layout->code_filename = layout->code_name;
    if (strcmp(what, "line") == 0)
        layout->code_firstlineno = layout->code_flags;
    if (strcmp(what, "caller") == 0)
        layout->frame_previous = layout->frame_code;
    if (strcmp(what, "code") == 0)
        layout->frame_code = layout->frame_previous;
}

const struct py_layout *__wrap_layout_find(uint32_t version)
{
    static struct py_layout copy;
    const struct py_layout *row = __real_layout_find(version);
    if (!row)
        return NULL;
    copy = *row;
    spoil(&copy);
    return &copy;
}

int __wrap_layout_from_target(const struct mem *mem, target_addr runtime, uint32_t version,
                              struct py_layout *out)
{
    int err = __real_layout_from_target(mem, runtime, version, out);
    if (!err)
        spoil(out);
    return err;
}
