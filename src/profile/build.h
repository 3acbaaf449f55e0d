// SPDX-License-Identifier: MIT
// build.h - what profile_build() works with between a recording and a finished profile.
//
// tally.c adds up, waits.c does so by reason, source.c reads sources, profile.c sorts and hands
// out. Indices: a function or a node has its id of the recording; paths, spots and lines are
// numbered here. Behind the recorded functions and paths stand the buckets, which take the time
// that no line may have.
#pragma once

#include "recording.h"

#define NOTHING UINT32_MAX

enum bucket { BUCKET_STDLIB, BUCKET_OTHER, BUCKETS };
#define BUCKET_NAMES                                                                               \
    {                                                                                              \
        "<standard library>", "<other files>"                                                      \
    }

struct path {
    const char *text;
    enum origin origin;
    bool selected;  // --profile-only and --profile-exclude let it have time
    bool generated; // "<...>" without a kept source: made by code at run time, or a lost -c
    bool charged;   // has attributed time, so becomes a file
    uint32_t file;  // its place in the profile
    struct times times;
};

struct spot {                      // a line of a function
    uint32_t function, line;       // `line` is an index into the build's lines
    int64_t attributed, inclusive; // to find whose line it is where two functions share one
};

struct line {
    uint32_t path;
    struct profile_line sum; // its `function` is the best spot until profile.c translates it
};

// Waits added up by a key (a line, a thread): those of key k stand from from[k] to before
// from[k + 1], the longest first.
struct wait_groups {
    struct wait *waits;
    uint32_t *from;
};

struct build {
    struct recording *rec;
    const struct scope *scope;
    uint32_t function_count, path_count, node_count; // without the buckets
    struct path *paths;
    uint32_t *path_of;                  // by function
    struct profile_function *functions; // in the recording's order
    uint32_t *charged;              // by node: whose line gets the time; or BUCKET(), see tally.c
    struct profile_weight *weights; // by node, then thread
    size_t weight_count;
    struct times *threads, *processes, all;
    struct rows *spot_rows, *line_rows; // (function, line), (path, line); of charged paths only
    uint32_t *spot_of;                  // by node
    struct spot *spots;
    struct line *lines;
    struct profile_wait *waits; // by node, thread, state, reason
    size_t wait_count;
    struct wait_groups line_waits, thread_waits, total_waits; // the last has one key, 0
    int error;
};

// Each adds one stage; all set `error` and return when memory ends.
void tally_init(struct build *build);   // paths, functions, weights
void tally_charge(struct build *build); // whose line gets the time of each stack
void tally_sums(struct build *build);   // threads, processes, functions, paths; self and attributed
void tally_lines(struct build *build);  // the same for the lines of charged paths
void tally_totals(struct build *build); // inclusive times of functions and lines
void waits_init(struct build *build);   // all there are
void waits_lines(struct build *build);  // by line, thread and in all; after tally_lines()
void waits_free(struct build *build);
uint32_t tally_line_of(struct build *build, uint32_t node); // that is charged with this stack
struct path *tally_path_of(struct build *build, uint32_t node);
void tally_free(struct build *build);
void *build_array(struct build *build, size_t count, size_t size); // zeroed; NULL sets error

bool scope_selects(const struct scope *scope, const char *path); // only and exclude, nothing else

// The source of `path` in UTF-8 where its encoding can be known, else its bytes. The caller frees
// it. NULL: not to be had. *modified_ns is the file's time of change, 0 when there is no file.
char *source_read(const char *path, size_t *length, int64_t *modified_ns);
char *source_decode(const char *bytes, size_t length, size_t *decoded); // NULL: fine as it is
