// SPDX-License-Identifier: MIT
// thread_name.c - from a thread's outermost frame to the Thread object that started it.
//
// Lib/threading.py starts every thread in Thread._bootstrap(self), in each version from 3.8 to
// 3.15: the outermost frame's first local variable is the Thread.
#include "lineprof/thread_name.h"

#include <errno.h>
#include <string.h>

#include "lineprof/frames.h"
#include "lineprof/object.h"

static bool string_is(const struct mem *mem, const struct py_string *string, const char *text)
{
    return string->length == strlen(text) && object_string_ends(mem, string, text);
}

// The file may have come from anywhere: a library folder, a zip file, the folder of the program.
static bool is_threading(const struct mem *mem, const struct py_string *file)
{
    return string_is(mem, file, "threading.py") || object_string_ends(mem, file, "/threading.py");
}

static int check_bootstrap(const struct mem *mem, const struct py_layout *layout, target_addr code)
{
    struct code_info info;
    bool qualified = layout->code_qualname != PY_ABSENT;
    int err = code_describe(mem, layout, code, &info);
    if (err < 0)
        return err;
    return string_is(mem, &info.name, qualified ? "Thread._bootstrap" : "_bootstrap") &&
                   is_threading(mem, &info.filename)
               ? 0
               : -ENOENT;
}

static int first_local(const struct mem *mem, const struct py_layout *layout, target_addr frame,
                       target_addr *object)
{
    int err = MEM_GET(mem, frame, layout->frame_locals, object);
    *object &= ~(target_addr)layout->frame_code_mask;
    return err == 0 && *object == 0 ? -ENOENT : err;
}

int thread_name_read(const struct mem *mem, const struct py_layout *layout, target_addr tstate,
                     char *out, size_t size)
{
    target_addr frame, code, thread = 0, name;
    int err = frames_outermost(mem, layout, tstate, &frame, &code);
    if (err == 0)
        err = check_bootstrap(mem, layout, code);
    if (err == 0)
        err = first_local(mem, layout, frame, &thread);
    if (err == 0)
        err = object_attribute(mem, layout, thread, "_name", &name);
    return err < 0 ? err : object_text(mem, layout, name, out, size);
}
