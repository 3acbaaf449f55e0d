// SPDX-License-Identifier: MIT
// ring.h - records from a target's signal handlers to the collector, through shared memory.
//
// One file per process in the session's directory: a header, then the data, mapped twice in a row
// so that a record is never cut by the end of the buffer. Many writers (a handler in any thread,
// never two in one), one reader. A writer never waits: when the ring is full it counts the loss.
//
//   reserve: head moves by compare-and-swap; the bytes reserved read as zeros
//   commit:  the record's size is stored with release; until then the reader stops in front of it
//   consume: the reader clears the record and moves tail with release
//
// A process that dies with a record half-written leaves it uncommitted: the reader just ends there.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "lineprof/frames.h"
#include "lineprof/profile.h"

#define RING_MAGIC      0x6c70726e67303031ULL
#define RING_DATA_SIZE  (1u << 20)
#define RING_ALIGN      8u
#define RING_RECORD_MAX (RING_DATA_SIZE / 2)

// A perf signal that is pending when exec resets SIGPROF to its default would kill the new program.
enum ring_hold { HOLD_NONE, HOLD_ASKED /* by the target, near exec */, HOLD_GRANTED };

#define RING_LEFT   64 // slots; two busy threads of one slot cost a verdict now and then
#define RING_RANGES 128

struct ring_range {
    uint64_t start, end;
};

enum ring_status { // what the shim found in this process
    RING_STARTING,
    RING_ACTIVE,      // a supported interpreter, samples follow
    RING_UNSUPPORTED, // a Python that we do not read: `version` says which
    RING_FREE_THREADED,
    RING_LAYOUT_MISMATCH, // its published offsets failed our checks
};

struct ring_header {
    uint64_t magic;
    _Atomic uint32_t status; // enum ring_status; release after all that follows is filled in
    int32_t pid, ppid;       // as the target sees them: its pid namespace may be another
    target_addr self;        // this header, in the target
    uint64_t token;          // random
    uint32_t python;         // PY(major, minor)
    char version[32];        // "3.12.1"
    char executable[1024];
    char cwd[1024];
    char command[4096]; // /proc/self/cmdline: NUL-separated
    uint32_t command_length;
    char image[1024];     // file of the object that holds the interpreter
    uint8_t build_id[32]; // of that object
    uint32_t build_id_length;
    target_addr image_start, image_end; // the interpreter's executable segment
    target_addr runtime, runtime_end;   // _PyRuntime; since 3.12 with the main interpreter's state
    target_addr code_type;              // PyCode_Type
    struct py_layout layout;
    // Executable ranges outside the image that are as ambiguous as the image itself (extension
    // modules of the standard library: built into a static interpreter, files beside a shared one).
    // Written by the collector, which watches the target's maps; read by the handler.
    struct ring_range ambiguous[RING_RANGES];
    _Atomic uint32_t ambiguous_count;
    uint64_t started_ns;        // CLOCK_MONOTONIC at the constructor
    int64_t start_cpu_ns;       // process CPU time spent before (an exec'd shell's, say)
    _Atomic int64_t end_cpu_ns; // process CPU time at its end, 0 when it had no time to say
    _Atomic uint64_t end_ns;    // CLOCK_MONOTONIC then
    _Atomic uint32_t replaced;  // 1 when this process went on by exec: another ring follows it
    _Atomic uint32_t perf_hold; // enum ring_hold
    _Atomic uint64_t lost[LOST_REASONS];
    // When the handler of a thread's last sample was over (CLOCK_MONOTONIC), by tid: until then the
    // thread has not gone on, whatever the collector sees of it.
    _Atomic uint64_t left[RING_LEFT];
    _Alignas(64) _Atomic uint64_t head; // bytes ever reserved
    _Alignas(64) _Atomic uint64_t tail; // bytes ever consumed
};

enum record_type {
    RECORD_NONE,
    RECORD_PAD,
    RECORD_SAMPLE,
    RECORD_CODE,
    RECORD_THREAD_START,
    RECORD_THREAD_END,
    RECORD_THREAD_PAUSE // `cpu_ns` went by without a timer, while SIGPROF was blocked
};

struct record {            // every record begins with this
    _Atomic uint32_t size; // bytes with this header, multiple of RING_ALIGN; 0: uncommitted
    uint32_t type;
};

enum pc_class {     // where the program counter was, as far as the handler can tell
    PC_KERNEL,      // right behind a syscall instruction
    PC_EVAL,        // inside the interpreter's loop
    PC_INTERPRETER, // elsewhere inside the interpreter's image: ambiguous
    PC_NEUTRAL,     // libc, libm, the loader, vdso: the first caller outside them decides
    PC_FOREIGN,     // anywhere else
};

struct sample_frame {
    uint32_t code;   // id of a RECORD_CODE of this ring
    uint32_t offset; // byte offset of the instruction
};

#define SAMPLE_STACK_WORDS 96 // of the C stack, for PC_NEUTRAL

struct record_sample {
    struct record record;
    int32_t tid;
    uint8_t pc_class;
    uint8_t source;       // enum sample_source
    uint16_t stack_words; // words of C stack behind the frames
    uint32_t frame_count;
    uint32_t flags;       // SAMPLE_*
    uint32_t switches;    // context switches of the thread so far (RUSAGE_THREAD)
    uint32_t faults;      // page faults of the thread so far (RUSAGE_THREAD)
    uint64_t time_ns;     // CLOCK_MONOTONIC
    int64_t start_cpu_ns; // the thread's CPU clock when the handler began
    int64_t cpu_ns;       // and when it had written this sample: what lies between is its own time
    int64_t kernel_ns;    // of which kernel, as the kernel rounds it (RUSAGE_THREAD)
    uint64_t pc;
    target_addr tstate;
    struct py_position position;  // innermost, raw
    struct sample_frame frames[]; // newest first; then stack_words of uint64_t
};

enum sample_source { SOURCE_TICK, SOURCE_PERF };
#define SAMPLE_TRUNCATED 1u // the outermost frames did not fit
#define SAMPLE_NO_STATE  2u // not a Python thread
#define SAMPLE_LOOK      4u // the collector was called to look at the thread

struct record_code { // a code object's names and lines, once, at first sight
    struct record record;
    uint32_t id;
    int32_t firstlineno;
    uint32_t flags;
    uint32_t filename_length, name_length; // characters
    uint32_t table_length;                 // bytes present
    uint32_t table_whole; // bytes that the table has: more, where the reader is to fetch it
    uint8_t filename_kind, name_kind;
    uint8_t padding[6];
    target_addr table; // where it is in the target
    uint8_t bytes[];   // file name, name, line table, each from a multiple of 4
};

struct record_thread { // THREAD_START, THREAD_END, THREAD_PAUSE
    struct record record;
    int32_t tid;
    int32_t padding;
    uint64_t time_ns; // CLOCK_MONOTONIC
    int64_t cpu_ns;   // the thread's CPU clock
    uint64_t pthread; // pthread_self()
    char name[16];    // the kernel's name for it
};

struct ring {
    struct ring_header *header;
    uint8_t *data; // RING_DATA_SIZE bytes, twice
};

// Writer: signal-safe, no errno of their own (the caller keeps it).
struct record *ring_reserve(struct ring *ring, uint32_t size); // NULL when full; not counted here
// `size` <= what was reserved; what is left over is given back when nobody reserved behind it.
void ring_commit(struct ring *ring, struct record *record, uint32_t reserved, uint32_t size,
                 enum record_type type);
bool ring_is_filling(const struct ring *ring); // more than half full: the collector should come

// Reader.
const struct record *ring_peek(struct ring *ring); // the oldest committed record, NULL when none
void ring_consume(struct ring *ring, const struct record *record);

// Creates the file `name` in directory `dirfd`, all its memory reserved (a full /dev/shm must show
// here and not as SIGBUS in the target). 0 or -errno.
int ring_create(struct ring *ring, int dirfd, const char *name);
int ring_open(struct ring *ring, int dirfd, const char *name); // the collector's side
// The collector's, of a process that has ended: frees the data, keeps the header to read from.
void ring_drop_data(struct ring *ring);
void ring_close(struct ring *ring);
