// SPDX-License-Identifier: MIT
// walk_live.c - our walk of the calling thread inside a real interpreter, as text.
//
// A shared object that test_walk_live.py loads with ctypes (PyDLL: the GIL stays held, so that the
// interpreter stands still) and compares with what sys._getframe() says.
#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lineprof/code.h"
#include "lineprof/frames.h"
#include "lineprof/lines.h"
#include "lineprof/object.h"
#include "lineprof/thread_name.h"
#include "lineprof/threads.h"

enum { BY_LOADS, BY_KERNEL, BY_PROCESS }; // the readers

struct live {
    const struct mem *mem;
    const struct py_layout *layout;
    target_addr code_type;
    char *out;
    size_t size, used;
};

int live_layout(uint32_t version, struct py_layout *layout);
int live_walk(uint32_t version, int reader, char *out, size_t size);
int live_fingerprint(uint32_t version, void *code, uint64_t *fingerprint);
double live_cost(uint32_t version, int reader, int rounds);
int live_thread_name(uint32_t version, int reader, uint64_t pthread, char *out, size_t size);
int live_attribute(uint32_t version, int reader, void *object, const char *name, uint64_t *value);
int live_text(uint32_t version, int reader, void *object, char *out, size_t size);
const char *live_row(uint32_t version);
int live_line(uint32_t version, const uint8_t *table, size_t length, int first, uint32_t offset);
void live_lines(uint32_t version, const uint8_t *table, size_t length, int first, uint32_t units,
                int *lines);
void live_storm_begin(uint32_t version, int microseconds);
size_t live_storm_end(void);
const char *live_storm_stack(size_t i);

static target_addr symbol(const char *name)
{
    return (target_addr)(uintptr_t)dlsym(RTLD_DEFAULT, name);
}

static target_addr this_thread(void)
{
    void *(*get)(void) = (void *(*)(void))(uintptr_t)symbol("PyGILState_GetThisThreadState");
    return (target_addr)(uintptr_t)get();
}

static struct sigaction before;

static void on_fault(int number, siginfo_t *info, void *ucontext)
{
    (void)info;
    if (!mem_guard_step(ucontext))
        sigaction(number, &before, NULL); // returns to the same fault, now with its old answer
}

__attribute__((constructor)) static void guard(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaction(SIGSEGV, &action, &before);
}

int live_layout(uint32_t version, struct py_layout *layout)
{
    const struct py_layout *row = layout_find(version);
    if (row == NULL)
        return layout_from_target(&mem_self, symbol("_PyRuntime"), version, layout);
    *layout = *row;
    return 0;
}

static struct mem reader_of(int reader)
{
    switch (reader) {
    case BY_KERNEL:
        return mem_self_kernel;
    case BY_PROCESS:
        return mem_process(getpid());
    default:
        return mem_self;
    }
}

static int line_of(const struct live *live, const struct code_info *info, uint32_t offset)
{
    static uint8_t table[1 << 20];
    if (info->table_length > sizeof table ||
        live->mem->read(live->mem, info->table, table, info->table_length) < 0)
        return -1;
    return lines_find(live->layout->lines, table, info->table_length, info->firstlineno, offset);
}

static void text(const struct live *live, const struct py_string *string, char *out, size_t size)
{
    char raw[4096];
    size_t bytes = (size_t)string->length * string->kind;
    out[0] = '\0';
    if (bytes <= sizeof raw && live->mem->read(live->mem, string->data, raw, bytes) == 0)
        code_string_utf8(raw, string->length, string->kind, out, size);
}

// One line of text a frame: name, file, line, offset.
static bool visit(void *context, target_addr code, uint32_t offset)
{
    struct live *live = context;
    struct code_info info;
    uint64_t fingerprint;
    char name[1024], file[4096];
    if (code_fingerprint(live->mem, live->layout, code, live->code_type, &fingerprint) < 0 ||
        code_describe(live->mem, live->layout, code, &info) < 0)
        return false;
    text(live, &info.name, name, sizeof name);
    text(live, &info.filename, file, sizeof file);
    int n = snprintf(live->out + live->used, live->size - live->used, "%s\t%s\t%d\t%u\n", name,
                     file, line_of(live, &info, offset), offset);
    live->used += (size_t)n;
    return live->used < live->size;
}

// An enum walk_end, or -errno where there is no layout for this interpreter.
int live_walk(uint32_t version, int reader, char *out, size_t size)
{
    struct py_layout layout;
    struct mem mem = reader_of(reader);
    int err = live_layout(version, &layout);
    if (err < 0)
        return err;
    struct live live = {&mem, &layout, symbol("PyCode_Type"), out, size, 0};
    out[0] = '\0';
    return frames_walk(&mem, &layout, this_thread(), visit, &live);
}

int live_fingerprint(uint32_t version, void *code, uint64_t *fingerprint)
{
    struct py_layout layout;
    int err = live_layout(version, &layout);
    if (err < 0)
        return err;
    return code_fingerprint(&mem_self, &layout, (target_addr)(uintptr_t)code, symbol("PyCode_Type"),
                            fingerprint);
}

// ---- objects

// The name of the thread that threading.get_ident() calls `pthread`; -ESRCH: there is none.
int live_thread_name(uint32_t version, int reader, uint64_t pthread, char *out, size_t size)
{
    struct py_layout layout;
    struct mem mem = reader_of(reader);
    struct thread_names names = {.pthread = pthread};
    int err = live_layout(version, &layout);
    if (err < 0)
        return err;
    target_addr tstate = threads_find(&mem, &layout, symbol("_PyRuntime"), &names);
    return tstate == 0 ? -ESRCH : thread_name_read(&mem, &layout, tstate, out, size);
}

int live_attribute(uint32_t version, int reader, void *object, const char *name, uint64_t *value)
{
    struct py_layout layout;
    struct mem mem = reader_of(reader);
    int err = live_layout(version, &layout);
    if (err < 0)
        return err;
    return object_attribute(&mem, &layout, (target_addr)(uintptr_t)object, name, value);
}

int live_text(uint32_t version, int reader, void *object, char *out, size_t size)
{
    struct py_layout layout;
    struct mem mem = reader_of(reader);
    int err = live_layout(version, &layout);
    return err < 0 ? err : object_text(&mem, &layout, (target_addr)(uintptr_t)object, out, size);
}

// ---- cost

static bool count(void *context, target_addr code, uint32_t offset)
{
    (void)code, (void)offset;
    ++*(long *)context;
    return true;
}

// Nanoseconds a frame.
double live_cost(uint32_t version, int reader, int rounds)
{
    struct py_layout layout;
    struct mem mem = reader_of(reader);
    struct timespec begin, end;
    long frames = 0;
    if (live_layout(version, &layout) < 0)
        return -1;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (int i = 0; i < rounds; i++)
        frames_walk(&mem, &layout, this_thread(), count, &frames);
    clock_gettime(CLOCK_MONOTONIC, &end);
    double ns = (double)(end.tv_sec - begin.tv_sec) * 1e9 + (double)(end.tv_nsec - begin.tv_nsec);
    return ns / (double)frames;
}

// ---- for check_lines.py and check_rows.py

int live_line(uint32_t version, const uint8_t *table, size_t length, int first, uint32_t offset)
{
    static struct py_layout layout;
    if (layout.version != version && live_layout(version, &layout) < 0)
        return -1;
    return lines_find(layout.lines, table, length, first, offset);
}

// The line of each code unit of a bytecode.
void live_lines(uint32_t version, const uint8_t *table, size_t length, int first, uint32_t units,
                int *lines)
{
    for (uint32_t i = 0; i < units; i++)
        lines[i] = live_line(version, table, length, first, i * 2);
}

const char *live_row(uint32_t version)
{
    static char out[4096];
    struct py_layout row;
    if (live_layout(version, &row) < 0)
        return "";
    size_t used = 0;
#define FIELD(name)                                                                                \
    used +=                                                                                        \
        (size_t)snprintf(out + used, sizeof out - used, #name " %" PRId32 "\n", (int32_t)row.name)
    FIELD(object_type), FIELD(tstate_frame), FIELD(tstate_thread_id), FIELD(tstate_native_id);
    FIELD(tstate_interp), FIELD(tstate_root_cframe), FIELD(cframe_current), FIELD(cframe_previous);
    FIELD(frame_previous), FIELD(frame_code), FIELD(frame_instr), FIELD(frame_owner);
    FIELD(frame_is_entry), FIELD(code_firstlineno), FIELD(code_filename), FIELD(code_name);
    FIELD(code_qualname), FIELD(code_linetable), FIELD(code_flags), FIELD(code_bytes);
    FIELD(code_firsttraceable), FIELD(bytes_size), FIELD(bytes_data), FIELD(str_length);
    FIELD(str_state), FIELD(str_ascii_data), FIELD(str_compact_data), FIELD(str_kind_shift);
    FIELD(frame_code_mask);
    FIELD(runtime_tstate_current), FIELD(runtime_interpreters), FIELD(interp_next);
    FIELD(interp_threads), FIELD(tstate_next), FIELD(frame_locals);
    FIELD(type_flags), FIELD(type_dictoffset), FIELD(type_basicsize), FIELD(type_cached_keys);
    FIELD(object_dict_before), FIELD(object_values_before), FIELD(values_array);
    FIELD(values_valid), FIELD(dict_keys), FIELD(dict_values), FIELD(keys_size);
    FIELD(keys_log2_index_bytes), FIELD(keys_kind), FIELD(keys_nentries), FIELD(keys_indices);
#undef FIELD
    return out;
}

// ---- a storm of signals, to meet the interpreter in torn states

#define STORM_STACKS 40000
#define STORM_DEPTH  40

struct storm_stack {
    enum walk_end end;
    int depth;
    struct storm_frame {
        target_addr code;
        uint32_t offset;
    } frames[STORM_DEPTH];
};

static struct {
    struct py_layout layout;
    target_addr tstate, code_type;
    timer_t timer;
    size_t used;
    struct storm_stack stacks[STORM_STACKS];
} storm;

static bool keep(void *context, target_addr code, uint32_t offset)
{
    struct storm_stack *stack = context;
    target_addr type;
    if (MEM_GET(&mem_self, code, storm.layout.object_type, &type) < 0 || type != storm.code_type)
        return false;
    if (stack->depth < STORM_DEPTH)
        stack->frames[stack->depth++] = (struct storm_frame){code, offset};
    return true;
}

static void on_tick(int number, siginfo_t *info, void *ucontext)
{
    (void)number, (void)info, (void)ucontext;
    if (storm.used == STORM_STACKS)
        return;
    struct storm_stack *stack = &storm.stacks[storm.used++];
    stack->depth = 0;
    stack->end = frames_walk(&mem_self, &storm.layout, storm.tstate, keep, stack);
}

void live_storm_begin(uint32_t version, int microseconds)
{
    struct sigaction action = {.sa_sigaction = on_tick, .sa_flags = SA_SIGINFO | SA_RESTART};
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGPROF};
    struct itimerspec spec = {.it_interval.tv_nsec = microseconds * 1000L,
                              .it_value.tv_nsec = microseconds * 1000L};
    event._sigev_un._tid = gettid();
    live_layout(version, &storm.layout);
    storm.tstate = this_thread();
    storm.code_type = symbol("PyCode_Type");
    storm.used = 0;
    sigaction(SIGPROF, &action, NULL);
    timer_create(CLOCK_MONOTONIC, &event, &storm.timer);
    timer_settime(storm.timer, 0, &spec, NULL);
}

size_t live_storm_end(void)
{
    timer_delete(storm.timer);
    signal(SIGPROF, SIG_IGN);
    return storm.used;
}

// "end depth" and a line a frame: the address of the code object, still alive or not, and the
// offset.
const char *live_storm_stack(size_t i)
{
    static char out[STORM_DEPTH * 40 + 40];
    const struct storm_stack *stack = &storm.stacks[i];
    int used = snprintf(out, sizeof out, "%d\n", stack->end);
    for (int k = 0; k < stack->depth; k++)
        used += snprintf(out + used, sizeof out - (size_t)used, "%" PRIu64 " %u\n",
                         stack->frames[k].code, stack->frames[k].offset);
    return out;
}
