// SPDX-License-Identifier: MIT
// target.h - one profiled process, as the collector knows it.
#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include "lineprof/map.h"
#include "lineprof/profile.h"
#include "lineprof/ring.h"
#include "maps.h"
#include "mem_log.h"
#include "proc.h"
#include "why.h"

#define RECENT 64 // samples of a thread that its next verdict looks back on

struct code {          // a RECORD_CODE, decoded as far as it was needed
    uint32_t function; // of the recording, where the stack begins with it
    uint32_t called;   // and where it has a caller; mostly the same
    int32_t firstlineno;
    uint8_t *table;
    uint32_t table_length;
    bool lines_unknown; // the table was not to be had
    bool used;          // since the last time that codes were forgotten
    int32_t *line_of;   // by offset / 2; 0: not looked up yet
    uint32_t line_count;
};

// Where within the program an instruction is: code id and offset. Keys of the maps below.
static inline uint64_t instr_key(const struct sample_frame *frame)
{
    return (uint64_t)frame->code << 32 | frame->offset;
}

// Time of one stack that ended, ambiguous, at one instruction; shared out at the end between python
// and native. What the progress test found is an estimate: a look comes some time T after the
// sample, and an operation of length D is still seen then with probability 1 - T/D only. So a
// second look at 2 T extrapolates back to T = 0: seen at T but not at 2 T counts twice, and the
// mean is right for any D above 2 T. (Per sample it may exceed 1: hence the sum first.)
struct ambiguous {
    uint64_t key;          // instruction
    uint32_t node, thread; // ids of the recording
    int64_t ns;            // all of it
    int64_t decided_ns;    // of samples that the test decided
    int64_t native_ns;     // of these, what the looks found
    int64_t chance_ns;     // of these, what coincidence makes looks find of a loop
};

struct pending {                 // a sample that was seen not to move, without proof that it ran
    struct ambiguous *ambiguous; // NULL: none
    int64_t ns;
    uint32_t switches;      // at the sample
    double chance;          // of a loop to be found unmoved by so many looks
    unsigned wanted;        // looks that a verdict takes
    unsigned proven, looks; // those that count so far, and all
    struct py_position position;
};

struct stack_entry {
    struct sample_frame frame;
    uint32_t node;
};

#define NO_NODE    UINT32_MAX
#define LOOKED_IDS (1u << 24) // of code objects met from outside; the shim's numbers are below

struct running {   // a look at a thread that runs on meanwhile
    uint32_t node; // as far in as two walks in a row agreed
    bool whole;    // they agreed on every frame
    bool moved;    // it went on between them
};

struct waiting {     // as of the last look at a thread from outside; see wait.c
    int64_t seen_ns; // CLOCK_MONOTONIC of that look; 0: there was none yet
    struct schedstat stat;
    int64_t owed_ns; // blocked time that has no place yet; below 0: too much was placed
    int64_t runnable_owed_ns;
    int64_t busy_ns;  // on CPU and run queues since nobody of the process was seen to run
    bool blocked;     // then the rest holds:
    bool stopped;     // by a signal or a debugger
    bool runs;        // it was on a CPU or a run queue when the look began
    bool in_native;   // the call came from an extension or library, not from the interpreter
    bool in_family;   // it waits for a process that is profiled itself
    int32_t child;    // see why_child()
    uint64_t pipe;    // that it reads from; 0: none
    int64_t since_ns; // when it was first seen at this place
    int64_t held_ns;  // standstill that is not placed yet: its child may turn out to be profiled
    uint32_t node;    // where
    struct why why;
};

struct thread {
    int32_t tid;
    uint32_t id;          // of the recording
    bool folded;          // that row is shared with others
    uint64_t pthread;     // 0: not known
    target_addr tstate;   // 0: not known
    bool python;          // it has had a state
    bool stateless;       // it was seen without one
    int64_t sought_ns;    // when its state was looked for in vain
    struct mem_seen seen; // what showed its stack to be seen_node
    uint32_t seen_node;
    int64_t native_ns;   // CLOCK_MONOTONIC of its last sample in native code
    uint32_t last_node;  // where it was last seen, by a sample or a look; NO_NODE: nowhere yet
    int64_t begun_ns;    // CLOCK_MONOTONIC
    int64_t overhead_ns; // the handler's time
    struct waiting waiting;
    unsigned missed;     // looks in a row that it had moved on from before they were over
    double duty;         // of late, the part of wall time that it was on CPU or a run queue
    struct pot *pot;     // see steps.h; NULL: it never worked in bursts
    bool named;          // by the kernel's name
    int64_t name_due_ns; // CLOCK_MONOTONIC before which Python's name of it is not asked for
    unsigned name_tries;
    bool ended;            // it said so; the kernel may still have it
    bool blocked;          // was seen to run with SIGPROF blocked, since its last sample
    int schedstat;         // descriptor, -1: not open
    int64_t cpu_ns;        // CPU clock at the last sample
    int64_t kernel_credit; // kernel's account of kernel time, less what samples were charged with
    int64_t kernel_ns;     // the account at the last sample
    uint32_t faults;       // at the last sample
    struct pending pending;
    uint64_t recent[RECENT]; // keys of the last samples in the interpreter
    unsigned recent_at, recent_count;
    struct stack_entry *stack; // the last stack, outermost first: the next one mostly shares it
    uint32_t stack_base, stack_depth, stack_room; // base: node below which it stands
    int perf;                                     // descriptor of its perf event, -1: none
};

#define MET_CODES 1024

struct met_code { // see look.c
    target_addr code;
    uint64_t hash;
    int64_t until_ns;
    uint32_t id;
};

struct busy { // of a process's threads since nobody was seen to run, nanoseconds
    int64_t sum, most;
    unsigned movers;
};

// It leaves its CPU again and again, so that the tick may see it always in the same part of its
// work.
static inline bool works_in_bursts(const struct thread *thread)
{
    return thread->duty < 0.75 && thread->duty > 0.002;
}

// How many rows the recording has. Programs that start others for hours must not fill our memory:
// beyond a limit processes share a row, and threads one of their process.
#define PROCESSES_MOST 10000
#define THREADS_MOST   10000
#define NO_ROW         UINT32_MAX
#define RECENT_PIDS    64
#define ANCESTORS      6

struct census {
    uint32_t processes, threads;
    uint32_t more_process;     // the shared one; NO_ROW: none yet
    pid_t recent[RECENT_PIDS]; // of processes that have ended, the last ones
    unsigned recent_at;
};

struct target {
    struct ring ring;
    struct recording *rec;
    struct census *census;
    bool folded;          // its row is the shared one
    uint32_t more_thread; // of threads that share a row; NO_ROW: none yet
    struct mem mem;
    struct py_layout layout;
    pid_t pid;
    uint32_t process;  // of the recording
    bool samples;      // a Python that we read
    int64_t period_ns; // between two samples of a thread
    bool came_by_exec; // its pid was another program's before, and so was part of its CPU time
    bool perf;         // its samples come from perf events
    bool held;         // its perf events are stopped, an exec is near
    bool unreadable;   // process_vm_readv refused
    pid_t reach;       // the pid by which we reach it; -1: we do not
    int watch;         // descriptor that tells when it ends, -1: none
    bool retired;      // it has ended, what is needed of its ring is the header
    bool misread;      // the self-check has found its interpreter to be: its samples go
    struct maps maps;
    struct map codes;                  // id -> struct code
    size_t codes_most;                 // before those that are not in use are forgotten
    uint32_t codes_high, unknown_code; // the latest of the shim; the one that a sample lacks
    int64_t stuck_ns;                  // CLOCK_MONOTONIC since a sample waits for a code object
    struct map threads;                // tid -> struct thread
    struct map ambiguous;              // hash of key, node and thread -> struct ambiguous
    uint64_t undecided_samples;
    int64_t undecided_ns;
    int64_t sampled_ns;  // sum of weights
    int64_t overhead_ns; // the handler's own time, which is in no weight
    uint64_t lost_blocked;
    struct map looked; // fingerprint -> id of a code object that was met from outside
    uint32_t looked_count;
    struct met_code met[MET_CODES]; // by address
    int64_t ended_cpu_ns;           // CPU time of threads that have ended
    int64_t ticked_ns;              // CLOCK_MONOTONIC of the last wall tick
    int64_t unsettled_ns;           // wall time since nobody was seen to run
    struct busy ended_busy;         // of threads that have ended since
    int64_t still_owed_ns;          // that the process stood still, not placed yet
    int64_t still_carried_ns;
    struct pot **pots; // of all threads that ever worked in bursts
    size_t pot_count;
    int64_t in_step_ns; // shared out by looks
    bool in_family;     // at the last tick, all that it did was to wait for others of the session
    pid_t ancestors[ANCESTORS]; // parent, its parent and so on, when it began
    struct family_pipes *pipes; // see family.h; NULL: never asked for
    int64_t helpers_ns;  // when a thread without Python was last seen to work for nobody; 0: never
    bool reason_unknown; // we may not see what it waits for
};

// Takes the ring; NULL: no memory.
struct target *target_open(struct recording *rec, struct census *census, struct ring ring);
void target_free(struct target *target);
// A text of the header's, of at most `size` bytes, ended within them: the target may have
// scribbled.
const char *target_text(const char *text, size_t size, char *out);

uint32_t target_unseen_node(struct target *target);    // of a thread that was gone before any look
uint32_t target_forgotten_node(struct target *target); // where a code object will never be known

struct thread *target_thread(struct target *target, int32_t tid);
// The kernel's name of it.
void target_name_thread(struct target *target, struct thread *thread, const char *name);
// Python's name of it, read from its memory; asked for now and then, since it may change.
void target_ask_name(struct target *target, struct thread *thread, int64_t now_ns);
void target_describe_thread(struct target *target, const struct thread *thread); // as of now
void target_note_tail(const struct thread *thread); // CPU time behind its last sample, for steps.h
void target_thread_end(struct target *target, struct thread *thread);
// Forgets threads that the kernel no longer has, and takes up those that nothing has announced.
void target_list_threads(struct target *target);

#define CODES_MOST 50000 // code objects, more than the shim knows at a time: see target_codes.c

void target_free_codes(struct target *target);
void target_add_code(struct target *target, const struct record_code *record);
// The recording's node of a sample's stack; false when a code object is not known yet.
bool target_node(struct target *target, struct thread *thread, const struct record_sample *sample,
                 uint32_t *node);
// The node of a native thread's sample that stands at `node`: below the line of Python that waits
// for native code at this moment, where there is one.
uint32_t target_helper_node(struct target *target, uint32_t node, int64_t now_ns);
void target_add(struct target *target, struct thread *thread, uint32_t node, enum state state,
                int64_t ns, unsigned samples);
// The entry that an ambiguous sample of `ns` belongs to, `ns` added. NULL: no memory, counted as
// python.
struct ambiguous *target_ambiguous(struct target *target, struct thread *thread, uint64_t key,
                                   uint32_t node, int64_t ns);
