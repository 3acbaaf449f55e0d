// SPDX-License-Identifier: MIT
// random_recording.c - see random_recording.h. Names are few, so that functions, lines and files
// meet each other in every way: recursion, two functions on a line, own code below a library's.
#include "random_recording.h"

#include <stdio.h>

#define MOST_NODES 300

uint32_t random_below(uint64_t *state, uint32_t limit)
{
    *state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)((*state >> 33) % limit);
}

static const char *const files[] = {
    "/home/ada/app/main.py",
    "/home/ada/app/part.py",
    "/home/ada/app/venv/lib/python3.12/site-packages/numpy/core.py",
    "/usr/lib/python3.12/json/decoder.py",
    "/usr/lib/python3.12/threading.py",
    "/usr/lib/python3/dist-packages/yaml.py",
    "/srv/other/tool.py",
    "<string>",
    "<frozen importlib._bootstrap>",
    "<native threads>",
    "<attrs generated init Point>",
    "/home/ada/app/b\xff.py",
    "/home/ada/app/b\xfe.py",
};

static uint32_t random_function(struct recording *rec, uint64_t *state)
{
    static const char *const names[] = {"<module>", "f", "g", "Class.method", "<lambda>"};
    const char *file = files[random_below(state, sizeof files / sizeof *files)];
    const char *name = names[random_below(state, sizeof names / sizeof *names)];
    return recording_function(rec, file, name, 1 + (int)random_below(state, 3));
}

static struct times random_times(uint64_t *state)
{
    struct times times = {.samples = random_below(state, 4)};
    for (int i = 0; i < STATE_COUNT; i++) // waiting: random_wait()
        if ((i < STATE_IO || i == STATE_RUNNABLE) && random_below(state, 3) == 0)
            times.ns[i] = (int64_t)random_below(state, 2000000000) * random_below(state, 5);
    return times;
}

static struct wait random_wait(uint64_t *state)
{
    static const char *const reasons[] = {"poll", "futex", "page fault"};
    struct wait wait = {.state =
                            STATE_IO + (enum state)random_below(state, STATE_GIL - STATE_IO + 1),
                        .reason = reasons[random_below(state, 3)],
                        .ns = (int64_t)random_below(state, 2000000000) * random_below(state, 5)};
    if (wait.state <= STATE_CHILD && random_below(state, 2))
        wait.counted_ns = wait.ns / (1 + random_below(state, 3));
    return wait;
}

static void random_run(struct recording *rec, uint64_t *state)
{
    struct run_info *run = recording_run(rec);
    run->command = recording_string(rec, "python3 main.py \"quoted\" \x01 \xc3");
    run->python_version = "3.12.1";
    run->cwd = "/home/ada/app";
    run->started_unix_ns = INT64_C(1767225600123456789);
    run->elapsed_ns = random_below(state, 2000000000);
    run->rate_hz = 250;
    run->measured = random_below(state, 2) ? (1u << STATE_COUNT) - 1 : 7;
    run->undecided_samples = random_below(state, 9);
    run->lost[LOST_TORN] = random_below(state, 3);
}

static uint32_t random_threads(struct recording *rec, uint64_t *state)
{
    uint32_t threads = 0, processes = 1 + random_below(state, 3);
    for (uint32_t p = 0; p < processes; p++) {
        struct process_info info = {.pid = 100 + (int)random_below(state, 3), .ppid = 1};
        info.cpu_known = random_below(state, 2);
        info.cpu_ns = (int64_t)random_below(state, 2000000000) * 300;
        info.overhead_ns = random_below(state, 1000);
        info.exit_known = random_below(state, 2);
        uint32_t process = recording_process(rec, &info);
        for (uint32_t t = 0; t < 1 + random_below(state, 4); t++, threads++) {
            uint32_t id = recording_thread(rec, process, (int32_t)random_below(state, 9), "worker");
            struct thread_info *thread = recording_thread_info(rec, id);
            thread->native = random_below(state, 3) == 0;
            thread->wall_ns = (int64_t)random_below(state, 2000000000) * random_below(state, 3);
            thread->cpu_ns = (int64_t)random_below(state, 2000000000) * random_below(state, 3);
            thread->overhead_ns = random_below(state, 1000);
        }
    }
    return threads;
}

struct recording *random_recording(uint64_t seed)
{
    uint64_t state = seed;
    struct recording *rec = recording_new();
    if (!rec)
        return NULL;
    random_run(rec, &state);
    uint32_t threads = random_threads(rec, &state);
    uint32_t nodes[MOST_NODES], count = random_below(&state, MOST_NODES + 1);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t parent = i && random_below(&state, 8) ? nodes[random_below(&state, i)] : NODE_ROOT;
        nodes[i] =
            recording_node(rec, parent, random_function(rec, &state), (int)random_below(&state, 5));
        struct times times = random_times(&state);
        if (random_below(&state, 3))
            recording_add(rec, nodes[random_below(&state, i + 1)], random_below(&state, threads),
                          &times);
        struct wait wait = random_wait(&state);
        if (random_below(&state, 2))
            recording_wait(rec,
                           random_below(&state, 9) ? nodes[random_below(&state, i + 1)] : NODE_ROOT,
                           random_below(&state, threads), &wait);
    }
    if (random_below(&state, 3) == 0)
        recording_source(rec, "<string>", "f()\r\nlambda: 0\rx = 1\n\n", 21);
    return rec;
}

struct scope random_scope(uint64_t seed)
{
    static const char *const roots[] = {"/home/ada/app", "/usr/lib/python3/dist-packages/yaml.py"};
    static const char *const only[] = {"numpy", "part"};
    static const char *const exclude[] = {"main", "<string>"};
    uint64_t state = seed;
    return (struct scope){
        .everything = random_below(&state, 4) == 0,
        .roots = roots,
        .root_count = random_below(&state, 3),
        .only = only,
        .only_count = random_below(&state, 4) ? 0 : 2,
        .exclude = exclude,
        .exclude_count = random_below(&state, 4) ? 0 : 2,
        .virtual_time = random_below(&state, 4) == 0,
    };
}
