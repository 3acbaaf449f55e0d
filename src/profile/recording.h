// SPDX-License-Identifier: MIT
// recording.h - the inside of a recording, for the files of src/profile only.
//
// Everything seen has an id that counts from 0. A recording keeps its first failure (no memory, an
// id that does not exist) and profile_build() reports it, so that a collector tests nothing.
#pragma once

#include "lineprof/intern.h"
#include "lineprof/profile.h"

#define BUCKET_INTERPRETER "<interpreter>" // samples without a single Python frame

#define BUCKET_OTHERS "<other stacks>"

enum { FUNCTION_FILE, FUNCTION_NAME, FUNCTION_LINE, FUNCTION_WORDS }; // texts, texts, int
enum { NODE_PARENT, NODE_FUNCTION, NODE_LINE, NODE_WORDS };
enum { WEIGHT_NODE, WEIGHT_THREAD, WEIGHT_WORDS };
enum { WAIT_NODE, WAIT_THREAD, WAIT_STATE, WAIT_REASON, WAIT_WORDS }; // reason: texts

struct waited {
    int64_t ns, counted_ns;
};

struct recorded_source {
    const char *path; // interned: compare the pointers
    char *text;
    size_t length;
};

struct recording {
    struct run_info run;
    struct intern *texts;
    struct rows *functions, *nodes, *weights, *waits;
    struct times *times; // by weight
    size_t times_room;
    struct waited *waited; // by wait
    size_t waited_room;
    struct process_info **processes; // each on its own: callers hold on to them
    size_t process_count;
    struct thread_info *threads;
    size_t thread_count;
    struct recorded_source *sources;
    size_t source_count;
    struct process_info nobody; // answers for a process that does not exist
    struct thread_info no_thread;
    int error; // first errno, 0 while all went well
};
