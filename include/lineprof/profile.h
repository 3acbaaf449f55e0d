// SPDX-License-Identifier: MIT
// profile.h - the model: what was seen, added up.
//
// Two halves. A `struct recording` takes observations while the program runs (collector) or while a
// report is read back: processes, threads, functions, stack nodes and the time found in each.
// profile_build() freezes it under a `struct scope` into a sorted, read-only `struct profile`, the
// only thing that writers see. The same recording and scope give the same profile, byte for byte.
//
// Times are int64 nanoseconds. Strings are interned, UTF-8 as far as the target's were (a writer
// that needs valid UTF-8 cleans them), and live as long as the recording that holds them.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// ---- time by state

enum state { // what a thread was doing; the order is that of the columns
    STATE_PYTHON,
    STATE_NATIVE,
    STATE_KERNEL,
    STATE_IO,
    STATE_SLEEP,
    STATE_CHILD,
    STATE_LOCK,
    STATE_GIL,
    STATE_RUNNABLE,
    STATE_COUNT
};

struct times {
    int64_t ns[STATE_COUNT];
    uint64_t samples;
};

static inline int64_t times_system(const struct times *t) // the third column
{
    return t->ns[STATE_KERNEL] + t->ns[STATE_IO] + t->ns[STATE_SLEEP] + t->ns[STATE_CHILD];
}

static inline int64_t times_shown(const struct times *t) // python + native + system: the 100 %
{
    return t->ns[STATE_PYTHON] + t->ns[STATE_NATIVE] + times_system(t);
}

void times_add(struct times *to, const struct times *from);

// Waiting by its reason. Whoever waits beside a thread that runs does not make the program slower,
// so of all the waiting for I/O, sleep and children only a part, `counted_ns`, stands in the times
// above and is in the 100 %: that of instants in which its whole process stood still. Waiting for
// locks and the GIL is in no column and stands there whole.
struct wait {
    enum state state;
    const char *reason; // the system call's name, or what else it was
    int64_t ns;         // all of it
    int64_t counted_ns;
};

// ---- recording

#define NODE_ROOT UINT32_MAX // parent of an outermost frame
// A program may make new stacks, or run them in new threads, without end.
#define NODES_MOST   1000000u
#define WEIGHTS_MOST 2000000u

// File of the frame that stands for a thread without Python: alone, or as the callee of the line
// that waits for its work, which then is charged with it.
#define NATIVE_THREADS "<native threads>"

struct thread_info {
    uint32_t process;
    int32_t tid;
    const char *name;        // Python's, where it is known; else the kernel's
    const char *kernel_name; // "python3"
    bool native;             // it has never had a Python state
    int64_t wall_ns;         // that it was seen to live
    int64_t cpu_ns;          // its CPU clock's in that time
    int64_t overhead_ns;     // of which lineprof's own handler took; on no line
};

struct process_info {
    int32_t pid, ppid;
    const char *command;    // arguments joined as a shell would take them
    const char *executable; // of the interpreter; "" when unknown
    const char *version;    // "3.12.1"; "" when not a Python that we read
    const char *cwd;
    int exit_code; // valid when exit_known: status, or minus the signal
    bool exit_known;
    bool misread;        // the self-check has found so: nothing of it is in the profile
    bool cpu_known;      // cpu_ns is the kernel's own figure for this process
    int64_t cpu_ns;      // user + system, all threads, without its children
    int64_t overhead_ns; // of which lineprof's own handler took; on no line
};

enum lost_reason { LOST_RING_FULL, LOST_TORN, LOST_BLOCKED, LOST_NO_TIMER, LOST_REASONS };
extern const char *const lost_names[LOST_REASONS]; // "ring_full", ...

struct run_info {
    const char *command;                            // the target's command line
    const char *python_version, *python_executable; // of the first Python process; "" if none
    const char *cwd;
    int64_t started_unix_ns;
    int64_t elapsed_ns;
    double rate_hz;    // samples per CPU second that were asked for
    uint32_t measured; // bit per enum state; an unmeasured one is null in reports, never 0
    uint64_t lost[LOST_REASONS];
    uint64_t undecided_samples; // python or native could not be proven: shared out as the decided
    int64_t undecided_ns;       // samples of the same instruction were
    int64_t in_step_ns;         // work that kept step with the tick: shared out by looks at it
    int exit_code;              // of the command: status, or minus the signal
    int64_t others_ns;          // CPU time of children that are not in `processes`
    uint32_t unprofiled;        // processes without a ring: shared memory was full
    uint64_t folded_frames;     // for which there was no room: their time is their caller's
    uint32_t cleared;           // and those started with an environment of their own
    bool cut_short; // lineprof was killed: this is what was seen in elapsed_ns, exit_code unknown
};

struct recording;
struct recording *recording_new(void);
void recording_free(struct recording *rec);

const char *recording_string(struct recording *rec, const char *text); // interned
struct run_info *recording_run(struct recording *rec);                 // to be filled in

uint32_t recording_process(struct recording *rec,
                           const struct process_info *info); // copies; our id, from 0
struct process_info *recording_process_info(struct recording *rec, uint32_t process);
uint32_t recording_thread(struct recording *rec, uint32_t process, int32_t tid, const char *name);
// To be filled in, valid until the next recording_thread(); strings by recording_string().
struct thread_info *recording_thread_info(struct recording *rec, uint32_t thread);
// Equal arguments give the equal id. `file` is the absolute path, or a name in angle brackets
// ("<string>", "<native threads>", "<interpreter>").
uint32_t recording_function(struct recording *rec, const char *file, const char *name,
                            int firstline);
// The stack `parent` (NODE_ROOT or a node) with one more callee at `line` of `function`. Beyond
// NODES_MOST a new stack is that of its caller.
uint32_t recording_node(struct recording *rec, uint32_t parent, uint32_t function, int line);
uint32_t recording_parent(const struct recording *rec, uint32_t node); // NODE_ROOT of an outermost
void recording_add(struct recording *rec, uint32_t node, uint32_t thread,
                   const struct times *times);
// Waiting is added to the times as well: see struct wait.
void recording_wait(struct recording *rec, uint32_t node, uint32_t thread, const struct wait *wait);
// Takes back the threads, functions and times of processes that are `misread`. Ids of threads,
// functions and nodes change: nothing can be added after.
void recording_discard(struct recording *rec);
// Keeps a source that is in no file (-c, stdin). `path` as in recording_function.
void recording_source(struct recording *rec, const char *path, const char *text, size_t length);
// The source kept for `path`; NULL when there is none.
const char *recording_kept_source(const struct recording *rec, const char *path, size_t *length);

// ---- scope: whose line gets the time

// Filled by commands from the options, see src/profile/scope.c for the rules.
struct scope {
    bool everything;          // --profile-all: the innermost frame, whatever file it is in
    const char *const *roots; // directories of own code (program's directory, cwd, editable
    size_t root_count;        // installs, --program-path), absolute, no trailing slash
    const char *const *only;  // --profile-only: path must contain one of these
    size_t only_count;
    const char *const *exclude; // --profile-exclude: path must contain none of these
    size_t exclude_count;
    bool virtual_time; // --use-virtual-time: blocked states are left out
};

enum origin { ORIGIN_OWN, ORIGIN_LIBRARY, ORIGIN_STDLIB, ORIGIN_NONE }; // NONE: no file ("<...>")
enum origin scope_origin(const struct scope *scope, const char *path);

// ---- the finished profile

struct profile_line {
    int line;                 // from 1; 0: no line known
    const char *source;       // without newline, NULL when the source is not to be had
    size_t source_length;     // bytes; may hold anything but newlines
    uint32_t function;        // index into profile.functions, UINT32_MAX if unknown
    struct times times;       // attributed: innermost line of the person's own code
    struct times self;        // samples whose innermost frame is this line
    struct times total;       // samples with this line anywhere in the stack, counted once
    int64_t helpers_ns;       // of `times`: work of native threads that this line waited for
    const struct wait *waits; // attributed, the longest first
    size_t wait_count;
};

struct profile_function {
    const char *name;
    int line;      // its first line
    uint32_t file; // index into profile.files; UINT32_MAX: not in a reported file
    const char *path;
    enum origin origin;
    struct times times;       // attributed to its lines
    struct times self, total; // over all frames; recursion counted once
};

struct profile_file {
    const char *path;  // as Python names it, absolute
    const char *shown; // relative to the working directory where that is shorter
    enum origin origin;
    const char *text; // whole source, NULL when it is not to be had
    size_t text_length;
    bool changed;                     // the file was modified after the run began
    struct times times;               // attributed
    const struct profile_line *lines; // with time (attributed, self or total), by line number
    size_t line_count;
    const uint32_t *functions; // indices into profile.functions, by attributed time
    size_t function_count;
};

struct profile_node {
    uint32_t parent, function;
    int line;
};

struct profile_weight { // time of stacks that end exactly at `node`, in `thread`
    uint32_t node, thread;
    struct times times;
};

struct profile_wait { // waiting in stacks that end exactly at `node`, in `thread`
    uint32_t node, thread;
    struct wait wait;
};

struct profile_thread {
    struct thread_info info;
    struct times times;
    int64_t unsampled_ns;     // CPU time of its clock that no sample saw
    const struct wait *waits; // the longest first
    size_t wait_count;
};

struct profile_process {
    struct process_info info;
    struct times times;
    int64_t unsampled_ns; // CPU time of the kernel's account that no sample saw
};

// Sorted: files by attributed time, then path; functions by attributed time, then self, then total,
// then path, line, name; nodes in order of first appearance (a parent before its children).
struct profile {
    struct run_info run;
    struct times times; // the report's total
    int64_t unsampled_ns;
    int64_t overhead_ns; // of all processes: what taking the samples cost them
    const struct profile_process *processes;
    size_t process_count;
    const struct profile_thread *threads;
    size_t thread_count;
    const struct profile_file *files;
    size_t file_count; // with attributed time
    const struct profile_function *functions;
    size_t function_count; // every one seen
    const struct profile_node *nodes;
    size_t node_count;
    const struct profile_weight *weights;
    size_t weight_count; // by node, then thread
    const struct profile_wait *waits;
    size_t wait_count;              // by node, then thread, then state and reason
    const struct wait *total_waits; // of all threads, the longest first
    size_t total_wait_count;
};

// Reads source files. NULL and errno on failure (memory only). Free before the recording.
const struct profile *profile_build(struct recording *rec, const struct scope *scope);
void profile_free(const struct profile *profile);

// Share of the report's total in per cent; 0 of an empty total.
double profile_percent(const struct profile *profile, int64_t ns);
