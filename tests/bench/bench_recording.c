// SPDX-License-Identifier: MIT
// bench_recording.c - what a large run costs the collector: a million samples over 50,000 distinct
// stacks in 500 files, then the profile and its JSON. Prints time and memory of each stage.
//
//     bench_recording [SAMPLES [STACKS [FILES [REPORT.json]]]]
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "lineprof/report.h"

#define DEPTH      20
#define THREADS    4
#define NAMED_MOST 1000000 // the collector finds a stack by its names only when it is new

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void tell(const char *what, double since)
{
    struct mallinfo2 heap = mallinfo2();
    printf("%-28s %8.3f s %8.1f MB held\n", what, now() - since,
           (double)(heap.uordblks + heap.hblkhd) / 1e6);
}

static uint64_t next(uint64_t *state)
{
    *state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
    return *state >> 33;
}

// As the collector does it: names and all, from the outermost frame inwards.
static uint32_t make_stack(struct recording *rec, uint32_t number, uint32_t files)
{
    uint32_t node = NODE_ROOT;
    uint64_t state = number;
    for (int depth = 0; depth < DEPTH; depth++) {
        char file[64], name[32];
        uint64_t choice = depth < 12 ? number % 97 + (uint64_t)depth : next(&state);
        snprintf(file, sizeof file, "/home/ada/project/package/module_%03u.py",
                 (unsigned)(choice % files));
        snprintf(name, sizeof name, "function_%u", (unsigned)(choice / files % 40));
        uint32_t function = recording_function(rec, file, name, 10 * (int)(choice / files % 40));
        node = recording_node(rec, node, function, (int)(choice % 400));
    }
    return node;
}

int main(int argc, char **argv)
{
    const uint32_t samples = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000000;
    const uint32_t stacks = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 50000;
    const uint32_t files = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 500;
    static const char *const roots[] = {"/home/ada/project"};
    const struct scope scope = {.roots = roots, .root_count = 1};
    struct recording *rec = recording_new();
    uint32_t *leaves = calloc(stacks, sizeof *leaves);
    if (!rec || !leaves || !stacks || !files)
        return 2;
    const struct process_info info = {.pid = 1};
    uint32_t process = recording_process(rec, &info);
    for (int i = 0; i < THREADS; i++)
        recording_thread(rec, process, i, "worker");
    recording_run(rec)->measured = 7;

    double since = now();
    for (uint32_t i = 0; i < stacks; i++)
        leaves[i] = make_stack(rec, i, files);
    tell("stacks", since);

    since = now();
    uint64_t state = 1;
    for (uint32_t i = 0; i < samples; i++) {
        const struct times times = {.ns = {4000000}, .samples = 1};
        recording_add(rec, leaves[next(&state) % stacks], i % THREADS, &times);
    }
    tell("recording_add", since);

    since = now();
    for (uint32_t i = 0; i < samples && i < NAMED_MOST; i++)
        make_stack(rec, (uint32_t)(next(&state) % stacks), files);
    tell("the same stacks by name", since);

    since = now();
    const struct profile *profile = profile_build(rec, &scope);
    if (!profile)
        return 1;
    tell("profile_build", since);
    printf("%zu nodes, %zu weights, %zu files, %zu functions\n", profile->node_count,
           profile->weight_count, profile->file_count, profile->function_count);

    since = now();
    struct sink *out = sink_file(argc > 4 ? argv[4] : "/dev/null");
    if (!out || report_json(profile, out) || sink_close(out))
        return 1;
    tell("report_json", since);
    profile_free(profile);
    recording_free(rec);
    free(leaves);
    return 0;
}
