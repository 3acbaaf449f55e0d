// SPDX-License-Identifier: MIT
// threads.c - see threads.h. The lists are read while the interpreter changes them: what is found
// counts only because it names its thread.
#include "lineprof/threads.h"

static target_addr address_at(const struct mem *mem, target_addr base, uint32_t offset)
{
    target_addr value;
    return MEM_GET(mem, base, offset, &value) == 0 ? value : 0;
}

// 3.11 and later write the thread's number down themselves; before, pthread_t is the only name.
bool threads_owns(const struct mem *mem, const struct py_layout *layout, target_addr tstate,
                  const struct thread_names *names)
{
    uint64_t found;
    bool by_pthread = names->pthread != 0;
    uint32_t at = by_pthread ? layout->tstate_thread_id : layout->tstate_native_id;
    if (at == PY_ABSENT || MEM_GET(mem, tstate, at, &found))
        return false;
    return found == (by_pthread ? names->pthread : (uint64_t)names->tid);
}

target_addr threads_find(const struct mem *mem, const struct py_layout *layout, target_addr runtime,
                         const struct thread_names *names)
{
    unsigned followed = 0;
    target_addr interp = address_at(mem, runtime, layout->runtime_interpreters);
    for (; interp; interp = address_at(mem, interp, layout->interp_next)) {
        target_addr tstate = address_at(mem, interp, layout->interp_threads);
        for (; tstate; tstate = address_at(mem, tstate, layout->tstate_next)) {
            if (threads_owns(mem, layout, tstate, names))
                return tstate;
            if (++followed == THREADS_MAX)
                return 0;
        }
        if (++followed == THREADS_MAX)
            return 0;
    }
    return 0;
}
