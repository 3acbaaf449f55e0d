// SPDX-License-Identifier: MIT
// cases.c - the recordings behind the golden files; see cases.h.
//
// Stacks are tables: a row is one frame, `depth` says how deep it lies under the rows above it.

#include "cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS        INT64_C(1000000)
#define HOME      "/home/ada/cluster"
#define SIMULATE  HOME "/simulate.py"
#define SMOOTHING HOME "/smoothing.py"
#define STORE     HOME "/store.py"
#define SITE      "/usr/lib/python3/dist-packages"

struct frame_row {
    int depth;
    const char *file, *function;
    int first, line;
    int ms[STATE_COUNT]; // time of stacks that end here, in the order of enum state
    const char *reason;  // of I/O, when it is not read
    int beside_ms;       // more waiting of that kind, beside others that run
};

#define ROWS(rows) rows, sizeof rows / sizeof *rows

#define CPU_STATES (1u << STATE_PYTHON | 1u << STATE_NATIVE | 1u << STATE_KERNEL)
#define ALL_STATES ((1u << STATE_COUNT) - 1)

static bool is_wait(int state)
{
    return state >= STATE_IO && state <= STATE_GIL;
}

// A sample stands for 4 ms of CPU time. Waiting is measured, not sampled.
static struct times times_of(const struct frame_row *row)
{
    struct times times = {.samples = 0};
    for (int s = 0; s < STATE_COUNT; s++) {
        times.ns[s] = is_wait(s) ? 0 : row->ms[s] * MS;
        times.samples += s <= STATE_KERNEL ? (uint64_t)(row->ms[s] / 4) : 0;
    }
    return times;
}

static void record_waits_of(struct recording *rec, uint32_t node, uint32_t thread,
                            const struct frame_row *row)
{
    static const char *const reasons[STATE_COUNT] = {
        [STATE_IO] = "read",     [STATE_SLEEP] = "clock_nanosleep",
        [STATE_CHILD] = "wait4", [STATE_LOCK] = "futex",
        [STATE_GIL] = "gil",
    };
    for (int s = STATE_IO; s <= STATE_GIL; s++) {
        bool io = s == STATE_IO && row->reason, column = s <= STATE_CHILD;
        int64_t counted = row->ms[s] * MS;
        const struct wait wait = {(enum state)s, io ? row->reason : reasons[s],
                                  counted + (io ? row->beside_ms * MS : 0), column ? counted : 0};
        if (wait.ns)
            recording_wait(rec, node, thread, &wait);
    }
}

static void record_rows(struct recording *rec, uint32_t thread, const struct frame_row *rows,
                        size_t count)
{
    uint32_t path[64];
    for (size_t i = 0; i < count; i++) {
        const struct frame_row *row = &rows[i];
        uint32_t function = recording_function(rec, row->file, row->function, row->first);
        uint32_t parent = row->depth ? path[row->depth - 1] : NODE_ROOT;
        path[row->depth] = recording_node(rec, parent, function, row->line);
        struct times times = times_of(row);
        if (times.samples || times.ns[STATE_RUNNABLE])
            recording_add(rec, path[row->depth], thread, &times);
        record_waits_of(rec, path[row->depth], thread, row);
    }
}

static struct run_info *describe_run(struct recording *rec, const char *command, int elapsed_ms)
{
    struct run_info *run = recording_run(rec);
    run->command = recording_string(rec, command);
    run->python_version = recording_string(rec, "3.11.2");
    run->python_executable = recording_string(rec, "/usr/bin/python3.11");
    run->cwd = recording_string(rec, HOME);
    run->started_unix_ns = INT64_C(1767225600) * 1000 * MS;
    run->elapsed_ns = elapsed_ms * MS;
    run->rate_hz = 250;
    run->measured = CPU_STATES;
    return run;
}

static uint32_t describe_process(struct recording *rec, int pid, const char *command, int cpu_ms)
{
    const struct process_info info = {
        .pid = pid,
        .ppid = pid == 4100 ? 4000 : 4100,
        .command = command,
        .executable = "/usr/bin/python3.11",
        .version = "3.11.2",
        .cwd = HOME,
        .exit_known = true,
        .cpu_known = true,
        .cpu_ns = cpu_ms * MS,
    };
    return recording_process(rec, &info);
}

static void keep_source(struct recording *rec, const char *path, const char *file)
{
    char name[4096], text[16384];
    snprintf(name, sizeof name, "%s/%s", GOLDEN_SOURCES, file);
    FILE *in = fopen(name, "rb");
    if (!in) {
        perror(name);
        exit(2);
    }
    size_t length = fread(text, 1, sizeof text, in);
    fclose(in);
    recording_source(rec, path, text, length);
}

static void keep_text(struct recording *rec, const char *path, const char *text)
{
    recording_source(rec, path, text, strlen(text));
}

// ---- simulate: a believable program

static const struct frame_row simulate_main[] = {
    {0, SIMULATE, "<module>", 1, 78, {0}},
    {1, SIMULATE, "main", 65, 70, {4}},
    {2, SIMULATE, "load", 14, 17, {88, 508, 36}},
    {2, SIMULATE, "load", 14, 18, {684, 424}},
    {3, "<string>", "Reading.__new__", 1, 1, {160, 28}},
    {2, SIMULATE, "Stations.__init__", 25, 26, {12}},
    {3, SIMULATE, "Stations.__init__.<locals>.<setcomp>", 26, 26, {96}},
    {2, SIMULATE, "Stations.__init__", 25, 28, {0, 12, 44}},
    {2, SIMULATE, "Stations.__init__", 25, 29, {24}},
    {2, SIMULATE, "Stations.__init__", 25, 30, {208, 232}},
    {2, SIMULATE, "Stations.clean", 32, 34, {4, 8}},
    {3, SMOOTHING, "median_filter", 4, 6, {12, 148}},
    {3, SMOOTHING, "median_filter", 4, 7, {28}},
    {4, SMOOTHING, "median_filter.<locals>.<listcomp>", 7, 8, {120, 56}},
    {5, "/usr/lib/python3.11/statistics.py", "median", 400, 412, {212, 1436}},
    {5, "/usr/lib/python3.11/statistics.py", "median", 400, 416, {116}},
    {4, SMOOTHING, "median_filter.<locals>.<listcomp>", 7, 9, {40}},
    {1, SIMULATE, "main", 65, 72, {0}},
    {2, SIMULATE, "distances", 38, 40, {0, 0, 72}},
    {2, SIMULATE, "distances", 38, 42, {420, 8}},
    {2, SIMULATE, "distances", 38, 43, {656, 1364, 20}},
    {2, SIMULATE, "distances", 38, 44, {812, 1728, 60}},
    {3, SITE "/numpy/core/_methods.py", "_sum", 47, 49, {356, 604, 4}},
    {1, SIMULATE, "main", 65, 73, {0}},
    {2, SIMULATE, "label", 48, 56, {20}},
    {2, SIMULATE, "label", 48, 57, {68}},
    {2, SIMULATE, "label", 48, 58, {104}},
    {2, SIMULATE, "label", 48, 59, {36}},
    {2, SIMULATE, "label", 48, 60, {168, 528}},
    {3, SITE "/numpy/core/numeric.py", "flatnonzero", 641, 671, {96, 84}},
    {1, SIMULATE, "main", 65, 69, {8}},
    {2, "/usr/lib/python3.11/argparse.py", "ArgumentParser.parse_args", 1860, 1861, {8}},
};

static const struct frame_row simulate_imports[] = {
    {0, SIMULATE, "<module>", 1, 6, {0}},
    {1, SITE "/numpy/__init__.py", "<module>", 1, 139, {72, 24, 32}},
};

static const struct frame_row simulate_writer[] = {
    {0, "/usr/lib/python3.11/threading.py", "Thread._bootstrap", 980, 995, {0}},
    {1, "/usr/lib/python3.11/threading.py", "Thread.run", 963, 975, {0}},
    {2, STORE, "Store.flush", 25, 26, {28}},
    {2, STORE, "Store.flush", 25, 27, {20, 416, 8}},
    {2, STORE, "Store.flush", 25, 29, {0, 0, 16}},
    {2, STORE, "Store.flush", 25, 30, {0, 0, 420}},
};

static void record_simulate(struct recording *rec)
{
    struct run_info *run = describe_run(rec, "python3 simulate.py readings.csv --eps 40", 12704);
    run->undecided_samples = 31;
    run->undecided_ns = 124 * MS;
    uint32_t process = describe_process(rec, 4100, run->command, 13006);
    uint32_t main_thread = recording_thread(rec, process, 4100, "MainThread");
    record_rows(rec, main_thread, ROWS(simulate_imports));
    record_rows(rec, main_thread, ROWS(simulate_main));
    record_rows(rec, recording_thread(rec, process, 4107, "store-writer"), ROWS(simulate_writer));
    keep_source(rec, SIMULATE, "simulate.py");
    keep_source(rec, SMOOTHING, "smoothing.py");
    keep_source(rec, STORE, "store.py");
}

// ---- empty: a program too short for a sample

static void record_empty(struct recording *rec)
{
    struct run_info *run = describe_run(rec, "python3 -c pass", 14);
    uint32_t process = describe_process(rec, 4100, run->command, 3);
    recording_thread(rec, process, 4100, "MainThread");
}

// ---- waits: every state measured, every loss counted

#define FETCH HOME "/fetch.py"

static const char fetch_text[] = "import json, subprocess, time, urllib.request\n"
                                 "\n"
                                 "def fetch(url):\n"
                                 "    with urllib.request.urlopen(url) as answer:\n"
                                 "        return json.load(answer)\n"
                                 "\n"
                                 "def main(urls):\n"
                                 "    for url in urls:\n"
                                 "        fetch(url)\n"
                                 "        time.sleep(0.1)  # be polite\n"
                                 "    subprocess.run(['sort', 'answers.txt'])\n"
                                 "    with lock:\n"
                                 "        pass\n"
                                 "\n"
                                 "main(URLS)\n";

static const struct frame_row waits_rows[] = {
    {0, FETCH, "<module>", 1, 15, {0}},
    {1, FETCH, "main", 7, 9, {0}},
    {2, FETCH, "fetch", 3, 4, {120, 40, 60, 900, 0, 0, 0, 0, 12}, "connect"},
    {3,
     "/usr/lib/python3.11/socket.py",
     "SocketIO.readinto",
     692,
     706,
     {4, 0, 8, 3200},
     "recvfrom"},
    {2, FETCH, "fetch", 3, 5, {40, 360, 12, 300, 0, 0, 0, 150, 4}, "recvfrom", 30},
    {1, FETCH, "main", 7, 10, {4, 0, 0, 0, 2010}},
    {1, FETCH, "main", 7, 11, {0, 0, 8, 0, 0, 930}},
    {1, FETCH, "main", 7, 12, {0, 0, 0, 0, 0, 0, 640}},
};

static void record_waits(struct recording *rec)
{
    struct run_info *run = describe_run(rec, "python3 fetch.py", 8900);
    run->measured = ALL_STATES;
    run->lost[LOST_RING_FULL] = 12;
    run->lost[LOST_BLOCKED] = 3;
    run->undecided_samples = 7;
    run->undecided_ns = 28 * MS;
    run->exit_code = 3;
    uint32_t process = describe_process(rec, 4100, run->command, 655);
    record_rows(rec, recording_thread(rec, process, 4100, "MainThread"), ROWS(waits_rows));
    keep_text(rec, FETCH, fetch_text);
}

// ---- tasks: threads that wait beside others, helpers, children, too few cores

#define SERVER HOME "/server.py"

static const char server_text[] = "import numpy as np, queue, socket, threading\n"
                                  "\n"
                                  "def client(connection):\n"
                                  "    while data := connection.recv(4096):\n"
                                  "        requests.put(data)\n"
                                  "\n"
                                  "def work():\n"
                                  "    while request := requests.get():\n"
                                  "        answer(request)\n"
                                  "\n"
                                  "def answer(request):\n"
                                  "    return model @ np.frombuffer(request)\n"
                                  "\n"
                                  "for worker in workers:\n"
                                  "    worker.join()\n";

static const struct frame_row tasks_main[] = {
    {0, SERVER, "<module>", 1, 1, {60, 20, 20, 40}, "page fault"},
    {0, SERVER, "<module>", 1, 15, {0, 0, 0, 0, 0, 0, 8800}},
};
static const struct frame_row tasks_client[] = {
    {0, SERVER, "client", 3, 4, {0, 0, 0, 20}, "recvfrom", 9000},
};
static const struct frame_row tasks_worker[] = {
    {0, SERVER, "work", 7, 9, {0}},
    {1, SERVER, "answer", 11, 12, {80, 1600, 20, 0, 0, 0, 700, 900, 1300}},
};
static const struct frame_row tasks_helper[] = {
    {0, SERVER, "work", 7, 9, {0}},
    {1, SERVER, "answer", 11, 12, {0}},
    {2, NATIVE_THREADS, NATIVE_THREADS, 0, 0, {0, 1200, 0, 0, 0, 0, 0, 0, 700}},
};
static const struct frame_row tasks_idle[] = {
    {0, SERVER, "work", 7, 8, {0, 0, 0, 0, 0, 0, 9000}},
};
static const struct frame_row tasks_child[] = {
    {0, "<string>", "<module>", 1, 1, {300, 40, 8}},
};

static uint32_t task(struct recording *rec, uint32_t process, int tid, const char *name, int cpu_ms)
{
    uint32_t thread = recording_thread(rec, process, tid, name);
    struct thread_info *info = recording_thread_info(rec, thread);
    info->kernel_name = recording_string(rec, "python3");
    info->native = strncmp(name, "blas", 4) == 0;
    info->wall_ns = 9100 * MS;
    info->cpu_ns = cpu_ms * MS;
    info->overhead_ns = cpu_ms * MS / 200;
    return thread;
}

static void record_tasks(struct recording *rec)
{
    struct run_info *run = describe_run(rec, "/usr/bin/python3.11 server.py --workers 12", 9200);
    run->measured = ALL_STATES;
    uint32_t server = describe_process(rec, 4100, run->command, 4730);
    uint32_t child = describe_process(rec, 4190, "/usr/bin/python3.11 -c 'import this\n'", 360);
    recording_process_info(rec, child)->exit_code = 1;
    char name[32];
    record_rows(rec, task(rec, server, 4100, "MainThread", 110), ROWS(tasks_main));
    for (int i = 0; i < 12; i++) {
        snprintf(name, sizeof name, "worker-%d", i);
        uint32_t thread = task(rec, server, 4110 + i, name, i < 2 ? 1715 : 1);
        if (i < 2)
            record_rows(rec, thread, ROWS(tasks_worker));
        record_rows(rec, thread, ROWS(tasks_idle));
    }
    for (int i = 0; i < 47; i++) {
        snprintf(name, sizeof name, "client-%d", i);
        record_rows(rec, task(rec, server, 4130 + i, name, 0), ROWS(tasks_client));
    }
    record_rows(rec, task(rec, server, 4180, "blas", 1210), ROWS(tasks_helper));
    record_rows(rec, task(rec, child, 4190, "MainThread", 352), ROWS(tasks_child));
    keep_text(rec, SERVER, server_text);
}

// ---- locked: nobody stands still for anything but a lock

static const struct frame_row locked_rows[] = {
    {0, FETCH, "main", 7, 9, {60, 40, 20}},
    {0, FETCH, "main", 7, 12, {0, 0, 0, 0, 0, 0, 4900}},
};

static void record_locked(struct recording *rec)
{
    struct run_info *run = describe_run(rec, "python3 fetch.py", 5100);
    run->measured = ALL_STATES;
    uint32_t process = describe_process(rec, 4100, run->command, 130);
    record_rows(rec, recording_thread(rec, process, 4100, "MainThread"), ROWS(locked_rows));
    keep_text(rec, FETCH, fetch_text);
}

// ---- text: wide, combining, right-to-left, tabs, invalid

#define TEXT HOME "/\u6587\u5b57.py"

static const char text_text[] =
    "def \u8a08\u7b97(\u5024):\n"
    "\tfor i in range(9):\n"
    "\t\ttotal = '\u65e5\u672c\u8a9e\u306e\u30c6\u30ad\u30b9\u30c8' * i\t# tab\there\n"
    "    cafe\u0301 = 'e\u0301' + '\U0001F468\u200d\U0001F469\u200d\U0001F467' + 'n\u0303'\n"
    "    wide = "
    "'\u5168\u89d2\u6587\u5b57\u304c\u7d9a\u304f\u9577\u3044\u884c\u306f\u3069\u3053\u304b"
    "\u3067\u5207\u3089\u308c\u308b\u3051\u308c\u3069\u3082\u5e45\u306f\u6b63\u3057\u3044\u307e"
    "\u307e"
    "\u3067\u306a\u3051\u308c\u3070\u306a\u3089\u306a\u3044' # \u5168\u89d2\u6587\u5b57\u304c\u7d9a"
    "\u304f\u9577\u3044\u884c\u306f\u3069\u3053\u304b\u3067\u5207\u3089\u308c\u308b\n"
    "    arabic = '\u0645\u0631\u062d\u0628\u0627', '\u202eevil\u202c', '\u2066iso\u2069'\n"
    "    bad = '\xff\xfe \xc3 \xe2\x82 \xf8 \xed\xa0\x80 ok'\n"
    "    control = '\x1b[31mred\x1b[0m \a\b\v\f \x7f \xc2\x9b'\r\n"
    "    nothing = '\u200b|\ufeff|\u00ad|'\n";

static const struct frame_row text_rows[] = {
    {0, TEXT, "\u8a08\u7b97", 1, 3, {40, 60}},    {0, TEXT, "\u8a08\u7b97", 1, 4, {100}},
    {0, TEXT, "\u8a08\u7b97", 1, 5, {100}},       {0, TEXT, "\u8a08\u7b97", 1, 6, {100}},
    {0, TEXT, "\u8a08\u7b97", 1, 7, {100}},       {0, TEXT, "\u8a08\u7b97", 1, 8, {0, 100}},
    {0, TEXT, "\u8a08\u7b97", 1, 9, {0, 0, 100}},
};

static void record_text(struct recording *rec)
{
    struct run_info *run = describe_run(rec, "python3 \u6587\u5b57.py", 702);
    uint32_t process = describe_process(rec, 4100, run->command, 700);
    record_rows(rec, recording_thread(rec, process, 4100, "MainThread"), ROWS(text_rows));
    keep_text(rec, TEXT, text_text);
}

// ---- hostile: names that try to break out

#define HOSTILE HOME "/evil\x1b]0;owned\a\n<script>alert(1)</script>\xff.py"

static const char hostile_text[] =
    "</script><script>alert('source')</script>\n"
    "'''unterminated \x1b[2J\x1b[H &amp; \"quotes\" \\u2028:\u2028 \\u2029:\u2029\n"
    "still inside %s %n {} \\";

static const struct frame_row hostile_rows[] = {
    {0, HOSTILE, "f\nMode\x1b[7m<b>\"&'", 1, 1, {400}},
    {0, HOSTILE, "\u202egnol\u202c\xf0\x28\x8c\x28", 2, 2, {0, 300}},
    {0, HOSTILE, "", -7, 3, {100}},
    {0, HOSTILE, "f\nMode\x1b[7m<b>\"&'", 1, 2000000000, {50}},
    {0, HOSTILE, "f\nMode\x1b[7m<b>\"&'", 1, 0, {50}},
    {0, "", "", 0, 0, {20}},
};

static void record_hostile(struct recording *rec)
{
    struct run_info *run =
        describe_run(rec, "python3 'evil\x1b]0;owned\a\n.py' \xff --x=\"</script>\"", 930);
    uint32_t process = describe_process(rec, 4100, run->command, 920);
    record_rows(rec, recording_thread(rec, process, 4100, "Main\x1b[31m\nThread"),
                ROWS(hostile_rows));
    record_rows(rec, recording_thread(rec, process, -1, ""), ROWS(hostile_rows));
    keep_text(rec, HOSTILE, hostile_text);
}

// ---- huge: lines that are far too long

#define HUGE                                                                                       \
    HOME "/generated_tables_with_a_name_that_is_itself_much_too_long_for_a_terminal_column.py"
#define HUGE_LINE 100000

static const struct frame_row huge_rows[] = {
    {0, HUGE, "<module>", 1, 2, {900, 100}},
    {0,
     HUGE,
     "a_function_whose_qualified_name.<locals>.is_longer.<locals>.than_any_column",
     3,
     4,
     {300}},
};

static void record_huge(struct recording *rec)
{
    struct run_info *run = describe_run(rec, "python3 " HUGE, 1302);
    uint32_t process = describe_process(rec, 4100, run->command, 1300);
    record_rows(rec, recording_thread(rec, process, 4100, "MainThread"), ROWS(huge_rows));
    char *text = malloc(HUGE_LINE + 200);
    if (!text)
        exit(2);
    strcpy(text, "# tables\nTABLE = [");
    for (size_t i = strlen(text); i < HUGE_LINE; i += 7)
        memcpy(text + i, "12345, \0", 8);
    strcat(text, "]\ndef f():\n    return TABLE\n");
    keep_text(rec, HUGE, text);
    free(text);
}

// ---- bare: no source, no line, no file

static const struct frame_row bare_rows[] = {
    {0, "/srv/lost/gone.py", "work", 10, 12, {300, 100}},
    {0, "/srv/lost/gone.py", "work", 10, 15, {0, 200}},
    {0, "/srv/lost/gone.py", "rest", 20, 0, {40}},
    {0, "<string>", "<module>", 1, 1, {150}},
    {0, "<native threads>", "<native threads>", 0, 0, {0, 500, 20}},
    {0, "<interpreter>", "<interpreter>", 0, 0, {60, 20, 40}},
};

static void record_bare(struct recording *rec)
{
    struct run_info *run = describe_run(rec, "python3 /srv/lost/gone.py", 1500);
    run->lost[LOST_NO_TIMER] = 2;
    run->exit_code = -9;
    uint32_t process = describe_process(rec, 4100, run->command, 1480);
    record_rows(rec, recording_thread(rec, process, 4100, "MainThread"), ROWS(bare_rows));
}

// ---- short: samples, but too few to tell

static const struct frame_row short_rows[] = {
    {0, "/usr/lib/python3.11/site.py", "main", 600, 610, {12}},
    {0, "<interpreter>", "<start-up and shut-down>", 0, 0, {8, 8}},
};

static void record_short(struct recording *rec)
{
    struct run_info *run = describe_run(rec, "python3 hello.py", 34);
    uint32_t process = describe_process(rec, 4100, run->command, 28);
    record_rows(rec, recording_thread(rec, process, 4100, "MainThread"), ROWS(short_rows));
}

// ---- sleepy: waits that are left out (--use-virtual-time), and time that is on no line

#define POLL HOME "/poll.py"

static const char poll_text[] = "import time\n"
                                "while busy():\n"
                                "    time.sleep(0.1)\n";

static const struct frame_row sleepy_rows[] = {
    {0, POLL, "<module>", 1, 2, {52, 40}},
    {0, POLL, "<module>", 1, 3, {8, 0, 12}},
    {0, "<interpreter>", "<start-up and shut-down>", 0, 0, {300, 8}},
};

static void record_sleepy(struct recording *rec)
{
    struct run_info *run = describe_run(rec, "python3 poll.py", 61000);
    uint32_t process = describe_process(rec, 4100, run->command, 420);
    record_rows(rec, recording_thread(rec, process, 4100, "MainThread"), ROWS(sleepy_rows));
    keep_text(rec, POLL, poll_text);
}

// ---- cut: lineprof was killed, and the program went on

static void record_cut(struct recording *rec)
{
    struct run_info *run = describe_run(rec, "python3 poll.py", 12300);
    run->cut_short = true;
    run->unprofiled = 2;
    uint32_t process = describe_process(rec, 4100, run->command, 9480);
    recording_process_info(rec, process)->exit_known = false;
    static const struct frame_row rows[] = {{0, POLL, "<module>", 1, 2, {9000, 400, 40}}};
    record_rows(rec, recording_thread(rec, process, 4100, "MainThread"), ROWS(rows));
    keep_text(rec, POLL, poll_text);
}

// ---- many: nothing stands out

#define MANY_FILES     40
#define MANY_THREADS   9
#define MANY_PROCESSES 7

static void record_many(struct recording *rec)
{
    struct run_info *run = describe_run(rec, "python3 -m app --workers 7", 61000);
    for (int p = 0; p < MANY_PROCESSES; p++) {
        char command[64], name[32], path[64];
        snprintf(command, sizeof command, p ? "python3 -c 'worker(%d)'" : "python3 -m app", p);
        uint32_t process = describe_process(rec, 4100 + p, command, 40000 - p * 3000);
        for (int t = 0; t < MANY_THREADS; t++) {
            snprintf(name, sizeof name, t ? "pool-%d" : "MainThread", t);
            uint32_t thread = recording_thread(rec, process, 4100 + p + 10 * t, name);
            for (int f = 0; f < MANY_FILES; f++) {
                snprintf(path, sizeof path, HOME "/app/module_%02d.py", f);
                int ms = 20 * (1 + (p * 31 + t * 17 + f * 7) % 40);
                const struct frame_row row = {
                    0, path, "handle", 10, 11 + f % 5, {ms, f % 3 ? ms / 2 : 0, f % 7 ? 0 : ms}};
                record_rows(rec, thread, &row, 1);
            }
        }
    }
    run->lost[LOST_TORN] = 1;
}

const struct golden_case golden_cases[] = {
    {"simulate", record_simulate}, {"empty", record_empty},     {"waits", record_waits},
    {"text", record_text},         {"hostile", record_hostile}, {"huge", record_huge},
    {"bare", record_bare},         {"many", record_many},       {"short", record_short},
    {"sleepy", record_sleepy},     {"tasks", record_tasks},     {"locked", record_locked},
    {"cut", record_cut},
};
const size_t golden_case_count = sizeof golden_cases / sizeof *golden_cases;

const struct profile *golden_build(const struct golden_case *test, struct recording **rec)
{
    static const char *const roots[] = {HOME, "/srv/lost"};
    const struct scope scope = {.roots = roots, .root_count = 2};
    *rec = recording_new();
    if (!*rec)
        return NULL;
    test->record(*rec);
    return profile_build(*rec, &scope);
}
