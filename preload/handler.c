// SPDX-License-Identifier: MIT
// handler.c - the signal handler: one look at the interrupted thread, written straight into the
// ring.
//
// No locks, no allocation, no stdio; errno is kept; SIGPROF is blocked while it runs, so it cannot
// nest; under 1 kB of stack, because it may run on a small alternate stack below a signal frame
// with AVX-512 state. Read it top-down from handler_on_signal().
#include "shim.h"
#include "cpu.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define FRAMES_FIRST 64u    // room that a thread's first sample reserves
#define FRAMES_LIMIT 16384u // deeper stacks keep their innermost frames
#define MEMO         16u

// One walk's state. Within one sample no code object can die, so an address is looked up once.
struct visit {
    const struct mem *mem;
    struct record_sample *sample;
    uint32_t count, capacity; // not read back from the ring: the program may scribble over it
    bool full;                // more frames than room
    bool lost;                // a code object could not be announced: the ring is full
    target_addr memo_code[MEMO];
    uint32_t memo_id[MEMO];
};

// Not on the stack, which may be a small one. Each thread has its own, and the handler cannot nest.
static _Thread_local struct visit the_visit __attribute__((tls_model("initial-exec")));

// Room that the next sample of this thread reserves: what the last one needed, and some.
static _Thread_local uint32_t frames_expected __attribute__((tls_model("initial-exec")));

static void count_lost(enum lost_reason reason)
{
    atomic_fetch_add_explicit(&shim.ring.header->lost[reason], 1, memory_order_relaxed);
}

static uint32_t visit_code(struct visit *visit, target_addr code)
{
    unsigned slot = (unsigned)(code >> 5) % MEMO;
    if (visit->memo_code[slot] == code)
        return visit->memo_id[slot];
    uint32_t id = codes_id(visit->mem, code);
    visit->memo_code[slot] = code;
    visit->memo_id[slot] = id;
    return id;
}

static bool visit_frame(void *context, target_addr code, uint32_t offset)
{
    struct visit *visit = context;
    struct record_sample *sample = visit->sample;
    if (visit->count == visit->capacity) {
        visit->full = true;
        return false;
    }
    uint32_t id = visit_code(visit, code);
    if (!id) {
        visit->lost = true;
        return false;
    }
    sample->frames[visit->count++] = (struct sample_frame){id, offset};
    return true;
}

__attribute__((noinline)) static int64_t nanoseconds(clockid_t clock)
{
    struct timespec ts;
    clock_gettime(clock, &ts);
    return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

// This thread's state. Up to 3.11 PyGILState knows only the main interpreter's: while a
// sub-interpreter runs, the current state is the right one if it is this thread's.
static target_addr thread_state(const struct mem *mem)
{
    target_addr own = (target_addr)(uintptr_t)shim.image.this_thread();
    uint32_t at = shim.layout->runtime_tstate_current;
    target_addr current;
    uint64_t thread;
    if (at == PY_ABSENT || MEM_GET(mem, shim.image.runtime.start, at, &current) || !current ||
        current == own)
        return own;
    if (MEM_GET(mem, current, shim.layout->tstate_thread_id, &thread) ||
        thread != (uint64_t)pthread_self())
        return own;
    return current;
}

// Words of the C stack, from which the collector finds who called libc: behind the frames. How
// many.
static uint16_t copy_stack(const struct mem *mem, struct sample_frame *behind, uint64_t sp)
{
    uint64_t *words = (uint64_t *)behind;
    for (unsigned n = SAMPLE_STACK_WORDS; n >= 12; n /= 2) { // near the stack's end there is less
        if (mem->read(mem, sp, words, n * sizeof *words) == 0)
            return (uint16_t)n;
        // What a failed read has left is beyond the record: given back, it must read as zeros.
        memset(words, 0, n * sizeof *words);
    }
    return 0;
}

// Apart: its room on the stack is not held while the frames are walked.
__attribute__((noinline)) static void fill_clocks(struct record_sample *sample)
{
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    sample->kernel_ns = usage.ru_stime.tv_sec * INT64_C(1000000000) + usage.ru_stime.tv_usec * 1000;
    sample->switches = (uint32_t)(usage.ru_nvcsw + usage.ru_nivcsw);
    sample->faults = (uint32_t)(usage.ru_minflt + usage.ru_majflt);
    sample->time_ns = (uint64_t)nanoseconds(CLOCK_MONOTONIC);
    // Last: it brings the thread's schedstat up to this moment, which is how the collector proves
    // that the thread has not left its CPU since.
    sample->cpu_ns = nanoseconds(CLOCK_THREAD_CPUTIME_ID);
}

static void visit_begin(struct visit *visit, const struct mem *mem, struct record_sample *sample,
                        uint32_t capacity)
{
    visit->mem = mem;
    visit->sample = sample;
    visit->count = 0;
    visit->capacity = capacity;
    visit->full = visit->lost = false;
    for (unsigned i = 0; i < MEMO; i++)
        visit->memo_code[i] = 0;
}

static enum pc_class classify(const ucontext_t *context, const struct mem *mem)
{
    uint64_t pc = cpu_pc(context);
    enum pc_class pc_class = image_class(&shim.image, shim.ring.header, pc);
    return cpu_behind_syscall(mem, pc) ? PC_KERNEL : pc_class;
}

// Whether the collector is to look: at the first ambiguous samples of a process each time, then at
// one of three. That is enough to know an instruction by, and a call costs the thread 10 to 20 us.
#define LOOKS_ALL 64

static bool wants_look(enum pc_class pc_class, uint64_t time_ns)
{
    static _Atomic uint32_t asked;
    if (pc_class != PC_INTERPRETER && pc_class != PC_NEUTRAL)
        return false;
    if (atomic_load_explicit(&asked, memory_order_relaxed) < LOOKS_ALL) {
        atomic_fetch_add_explicit(&asked, 1, memory_order_relaxed);
        return true;
    }
    return time_ns / 64 % 3 == 0; // by chance: every third might keep step with the program
}

static uint32_t sample_size(uint32_t frames, uint32_t words)
{
    return (uint32_t)(offsetof(struct record_sample, frames) +
                      frames * sizeof(struct sample_frame) + words * sizeof(uint64_t));
}

// Everything but the frames, every field: what the ring holds may be another's scribbles. Whose
// frames to walk.
static target_addr fill_state(struct record_sample *sample, const siginfo_t *info,
                              enum pc_class pc_class, uint64_t pc, const struct mem *mem)
{
    sample->start_cpu_ns = nanoseconds(CLOCK_THREAD_CPUTIME_ID);
    sample->tid = (int32_t)syscall(SYS_gettid);
    sample->source = info->si_code == SI_TIMER ? SOURCE_TICK : SOURCE_PERF;
    sample->pc_class = (uint8_t)pc_class;
    sample->pc = pc;
    sample->position = (struct py_position){0, 0};
    target_addr tstate = thread_state(mem);
    sample->tstate = tstate;
    sample->flags = tstate ? 0 : SAMPLE_NO_STATE;
    if (tstate && frames_position(mem, shim.layout, tstate, &sample->position))
        sample->position = (struct py_position){0, 0};
    return tstate;
}

static void finish_sample(struct record_sample *sample, uint32_t reserved,
                          const struct visit *visit, enum pc_class pc_class, uint64_t sp)
{
    uint16_t words = 0;
    if (pc_class == PC_NEUTRAL)
        words = copy_stack(visit->mem, &sample->frames[visit->count], sp);
    sample->frame_count = visit->count;
    sample->stack_words = words;
    if (visit->full)
        sample->flags |= SAMPLE_TRUNCATED;
    _Atomic uint64_t *left = &shim.ring.header->left[(uint32_t)sample->tid % RING_LEFT];
    fill_clocks(sample);
    bool look = wants_look(pc_class, sample->time_ns);
    if (look)
        sample->flags |= SAMPLE_LOOK;
    ring_commit(&shim.ring, &sample->record, reserved, sample_size(visit->count, words),
                RECORD_SAMPLE);
    if (look || ring_is_filling(&shim.ring))
        session_wake(&shim.session);
    atomic_store_explicit(left, (uint64_t)nanoseconds(CLOCK_MONOTONIC), memory_order_release);
}

static void drop_sample(struct record_sample *sample, uint32_t reserved, const struct visit *visit)
{
    frames_expected = visit->count;
    count_lost(visit->lost ? LOST_RING_FULL
                           : LOST_TORN); // its time goes to the thread's next sample
    ring_commit(&shim.ring, &sample->record, reserved, sample_size(visit->count, 0), RECORD_PAD);
}

// One try with room for `capacity` frames. False when there were more and a larger try may help.
static bool try_sample(const siginfo_t *info, const ucontext_t *context, const struct mem *mem,
                       uint32_t capacity)
{
    uint32_t reserved = sample_size(capacity, SAMPLE_STACK_WORDS);
    struct record_sample *sample = (struct record_sample *)ring_reserve(&shim.ring, reserved);
    if (!sample) {
        count_lost(LOST_RING_FULL);
        return true;
    }
    enum pc_class pc_class = classify(context, mem);
    target_addr tstate = fill_state(sample, info, pc_class, cpu_pc(context), mem);
    struct visit *visit = &the_visit;
    visit_begin(visit, mem, sample, capacity);
    enum walk_end end =
        tstate ? frames_walk(mem, shim.layout, tstate, visit_frame, visit) : WALK_EMPTY;
    if (visit->full && capacity < FRAMES_LIMIT) {
        ring_commit(&shim.ring, &sample->record, reserved, reserved, RECORD_PAD);
        return false;
    }
    if (visit->lost || end == WALK_TORN) {
        drop_sample(sample, reserved, visit);
        return true;
    }
    frames_expected = visit->count;
    finish_sample(sample, reserved, visit, pc_class, cpu_sp(context));
    return true;
}

static void take_sample(const siginfo_t *info, const ucontext_t *context)
{
    // A fault with SIGSEGV blocked kills the process: such a thread reads through the kernel.
    bool blocked = sigismember(&context->uc_sigmask, SIGSEGV) == 1;
    const struct mem *mem = blocked ? &mem_self_kernel : &mem_self;
    uint32_t capacity = frames_expected + frames_expected / 4 + FRAMES_FIRST;
    while (!try_sample(info, context, mem, capacity < FRAMES_LIMIT ? capacity : FRAMES_LIMIT))
        capacity *= 2;
}

// What the kernel says of a perf event's SIGTRAP, which glibc's siginfo_t has no names for.
#define CODE_TRAP_PERF 6
#define OFFSET_COOKIE  24

static bool is_trap_of_ours(const siginfo_t *info)
{
    uint64_t cookie;
    memcpy(&cookie, (const char *)info + OFFSET_COOKIE, sizeof cookie);
    return info->si_code == CODE_TRAP_PERF && cookie == SESSION_COOKIE;
}

// Our timers carry a cookie and are directed at a thread; perf events belong to the collector; in a
// self-check, what the script sends to its own thread is the only signal there is.
bool handler_owns(const siginfo_t *info)
{
    if (info->si_signo == SIGTRAP)
        return is_trap_of_ours(info);
    if (info->si_code == SI_TIMER)
        return info->si_value.sival_ptr == (void *)(uintptr_t)SESSION_COOKIE;
    uint32_t flags = shim.session.header ? shim.session.header->flags : 0;
    if (info->si_code == SI_TKILL)
        return flags & SESSION_CHECK;
    return (info->si_code == POLL_IN || info->si_code == POLL_HUP) && (flags & SESSION_PERF);
}

// Apart, so that the handler itself needs no frame where it only forwards.
__attribute__((noinline)) static void on_tick(const siginfo_t *info, const ucontext_t *context)
{
    int saved_errno = errno;
    if (!shim_enter())
        return;
    if (!atomic_load_explicit(&shim.active, memory_order_acquire) || threads_ended() ||
        atomic_load_explicit(&shim.session.header->closed, memory_order_relaxed))
        timers_stop(); // this thread or the run is over, or it never began here
    else
        take_sample(info, context);
    shim_leave();
    errno = saved_errno;
}

void handler_on_signal(int sig, siginfo_t *info, void *context)
{
    if (handler_owns(info))
        on_tick(info, context);
    else
        signals_forward(sig, info, context);
}
