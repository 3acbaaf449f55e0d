// SPDX-License-Identifier: MIT
// test_profile.c - whose line gets the time, what adds up, what a source is.
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "lineprof/profile.h"
#include "random_recording.h"

#define APP   "/home/ada/app"
#define MAIN  APP "/main.py"
#define PART  APP "/part.py"
#define NUMPY "/usr/lib/python3/dist-packages/numpy/core.py"
#define TOOL  "/srv/tool.py"
#define OS    "/usr/lib/python3.11/os.py"

static const char *const app_roots[] = {APP};
static const struct scope app = {.roots = app_roots, .root_count = 1};

// ---- small recordings

struct fixture {
    struct recording *rec;
    const struct profile *profile;
    uint32_t thread;
    char directory[32];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (!f || !(f->rec = recording_new()))
        return -1;
    const struct process_info info = {.pid = 7};
    f->thread = recording_thread(f->rec, recording_process(f->rec, &info), 7, "MainThread");
    recording_run(f->rec)->measured = (1u << STATE_COUNT) - 1;
    strcpy(f->directory, "/tmp/lineprof-test-XXXXXX");
    *state = f;
    return mkdtemp(f->directory) ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", f->directory);
    profile_free(f->profile);
    recording_free(f->rec);
    free(f);
    return system(command);
}

struct at { // a frame: where, in what function, on which line
    const char *file, *name;
    int line;
};

static uint32_t stack(struct fixture *f, const struct at *frames, size_t count)
{
    uint32_t node = NODE_ROOT;
    for (size_t i = 0; i < count; i++)
        node = recording_node(f->rec, node,
                              recording_function(f->rec, frames[i].file, frames[i].name, 1),
                              frames[i].line);
    return node;
}

static void add(struct fixture *f, uint32_t node, int64_t ns)
{
    const struct times times = {.ns = {[STATE_PYTHON] = ns}, .samples = 1};
    recording_add(f->rec, node, f->thread, &times);
}

#define FRAMES(...) ((const struct at[]){__VA_ARGS__})
#define SAMPLE(f, ns, ...)                                                                         \
    add(f, stack(f, FRAMES(__VA_ARGS__), sizeof FRAMES(__VA_ARGS__) / sizeof(struct at)), ns)

static const struct profile *build(struct fixture *f, const struct scope *scope)
{
    profile_free(f->profile);
    f->profile = profile_build(f->rec, scope);
    assert_non_null(f->profile);
    return f->profile;
}

static const struct profile_file *file_of(const struct profile *profile, const char *path)
{
    for (size_t i = 0; i < profile->file_count; i++)
        if (strcmp(profile->files[i].path, path) == 0)
            return &profile->files[i];
    return NULL;
}

static const struct profile_line *line_of(const struct profile *profile, const char *path, int line)
{
    const struct profile_file *file = file_of(profile, path);
    for (size_t i = 0; file && i < file->line_count; i++)
        if (file->lines[i].line == line)
            return &file->lines[i];
    return NULL;
}

static int64_t attributed(const struct profile *profile, const char *path, int line)
{
    const struct profile_line *found = line_of(profile, path, line);
    return found ? times_shown(&found->times) : 0;
}

static const struct profile_function *function_of(const struct profile *profile, const char *name)
{
    for (size_t i = 0; i < profile->function_count; i++)
        if (strcmp(profile->functions[i].name, name) == 0)
            return &profile->functions[i];
    fail_msg("no function %s", name);
    return NULL;
}

// ---- whose line

static void the_innermost_own_line_has_the_time(void **state)
{
    struct fixture *f = *state;
    SAMPLE(f, 5, {MAIN, "main", 3}, {PART, "work", 8});
    SAMPLE(f, 7, {MAIN, "main", 3}, {PART, "work", 9}, {NUMPY, "dot", 100}, {OS, "read", 50});
    SAMPLE(f, 9, {OS, "run", 2}, {MAIN, "main", 4}, {NUMPY, "dot", 101});
    const struct profile *profile = build(f, &app);
    assert_int_equal(profile->file_count, 2);
    assert_int_equal(attributed(profile, PART, 8), 5);
    assert_int_equal(attributed(profile, PART, 9), 7);
    assert_int_equal(attributed(profile, MAIN, 4), 9);
    assert_int_equal(line_of(profile, PART, 9)->self.ns[STATE_PYTHON], 0);
    assert_int_equal(line_of(profile, PART, 8)->self.ns[STATE_PYTHON], 5);
    assert_int_equal(line_of(profile, MAIN, 3)->total.ns[STATE_PYTHON], 12);
}

static void without_own_code_the_outermost_library_line_has_it(void **state)
{
    struct fixture *f = *state;
    SAMPLE(f, 5, {OS, "run", 2}, {TOOL, "main", 3}, {NUMPY, "dot", 100});
    SAMPLE(f, 6, {"<native threads>", "<native threads>", 0});
    const struct profile *profile = build(f, &app);
    assert_int_equal(attributed(profile, TOOL, 3), 5);
    assert_int_equal(attributed(profile, "<native threads>", 0), 6);
    assert_int_equal(file_of(profile, TOOL)->origin, ORIGIN_LIBRARY);
    assert_int_equal(file_of(profile, "<native threads>")->origin, ORIGIN_NONE);
}

static void the_standard_library_alone_is_a_bucket(void **state)
{
    struct fixture *f = *state;
    SAMPLE(f, 5, {"<frozen runpy>", "run", 2}, {OS, "main", 3});
    SAMPLE(f, 6, {OS, "main", 4});
    const struct profile *profile = build(f, &app);
    assert_int_equal(profile->file_count, 1);
    assert_int_equal(attributed(profile, "<standard library>", 0), 11);
    assert_int_equal(line_of(profile, "<standard library>", 0)->total.ns[STATE_PYTHON], 11);
    const struct profile_function *bucket = function_of(profile, "<standard library>");
    assert_int_equal(bucket->times.ns[STATE_PYTHON], 11);
    assert_int_equal(bucket->file, 0);
    assert_int_equal(profile->functions[profile->files[0].lines[0].function].times.samples, 2);
}

static void generated_code_is_its_callers(void **state)
{
    struct fixture *f = *state;
    SAMPLE(f, 5, {MAIN, "main", 3}, {"<string>", "__init__", 2});
    const struct profile *profile = build(f, &app);
    assert_int_equal(attributed(profile, MAIN, 3), 5);
    assert_null(file_of(profile, "<string>"));
}

static void the_program_itself_may_have_no_file(void **state)
{
    struct fixture *f = *state;
    SAMPLE(f, 5, {"<string>", "<module>", 1}, {"<string>", "g", 2}, {OS, "read", 9});
    SAMPLE(f, 6, {"<string>", "<module>", 1}, {MAIN, "main", 3}, {"<string>", "__init__", 2});
    const struct profile *profile = build(f, &app);
    assert_int_equal(attributed(profile, "<string>", 2), 5);
    assert_int_equal(attributed(profile, MAIN, 3), 6);
    recording_source(f->rec, "<string>", "a\nb", 3);
    profile = build(f, &app);
    assert_int_equal(attributed(profile, "<string>", 2), 11);
    assert_memory_equal(line_of(profile, "<string>", 2)->source, "b", 1);
}

static void a_string_that_site_executes_is_start_up(void **state)
{
    struct fixture *f = *state;
    SAMPLE(f, 5, {"<frozen site>", "addpackage", 9}, {"<string>", "<module>", 2});
    SAMPLE(f, 7, {"<frozen site>", "main", 4}, {"<string>", "<module>", 2}, {NUMPY, "hook", 100});
    const struct profile *profile = build(f, &app);
    assert_int_equal(attributed(profile, "<standard library>", 0), 5);
    assert_int_equal(attributed(profile, NUMPY, 100), 7);
    assert_null(file_of(profile, "<string>"));
}

static void everything_means_the_innermost_line(void **state)
{
    struct fixture *f = *state;
    const struct scope all = {.roots = app_roots, .root_count = 1, .everything = true};
    SAMPLE(f, 5, {MAIN, "main", 3}, {NUMPY, "dot", 100}, {OS, "read", 50});
    SAMPLE(f, 6, {MAIN, "main", 3}, {"<string>", "__init__", 2});
    const struct profile *profile = build(f, &all);
    assert_int_equal(attributed(profile, OS, 50), 5);
    assert_int_equal(attributed(profile, "<string>", 2), 6);
}

static void only_and_exclude_leave_a_rest(void **state)
{
    struct fixture *f = *state;
    static const char *const texts[] = {"part.py"};
    const struct scope only = {.roots = app_roots, .root_count = 1, .only = texts, .only_count = 1};
    const struct scope exclude = {
        .roots = app_roots, .root_count = 1, .exclude = texts, .exclude_count = 1};
    SAMPLE(f, 5, {MAIN, "main", 3}, {PART, "work", 8}, {NUMPY, "dot", 100});
    SAMPLE(f, 6, {MAIN, "main", 4});
    SAMPLE(f, 7, {OS, "run", 4}, {PART, "work", 9}, {OS, "read", 50});
    const struct profile *profile = build(f, &only);
    assert_int_equal(attributed(profile, PART, 8), 5);
    assert_int_equal(attributed(profile, "<other files>", 0), 6);
    assert_int_equal(attributed(profile, PART, 9), 7);
    profile = build(f, &exclude);
    assert_int_equal(attributed(profile, MAIN, 3), 5);
    assert_int_equal(attributed(profile, MAIN, 4), 6);
    assert_int_equal(attributed(profile, "<other files>", 0), 7);
}

static void everything_may_be_narrowed(void **state)
{
    struct fixture *f = *state;
    static const char *const texts[] = {"numpy"};
    const struct scope scope = {.everything = true, .exclude = texts, .exclude_count = 1};
    SAMPLE(f, 5, {MAIN, "main", 3}, {OS, "x", 9}, {NUMPY, "dot", 100});
    SAMPLE(f, 6, {NUMPY, "dot", 100});
    const struct profile *profile = build(f, &scope);
    assert_int_equal(attributed(profile, OS, 9), 5);
    assert_int_equal(attributed(profile, "<other files>", 0), 6);
}

static void virtual_time_leaves_waiting_out(void **state)
{
    struct fixture *f = *state;
    const struct scope scope = {.roots = app_roots, .root_count = 1, .virtual_time = true};
    const struct times waiting = {.ns = {[STATE_IO] = 50, [STATE_LOCK] = 7}, .samples = 1};
    const struct times both = {.ns = {[STATE_KERNEL] = 5, [STATE_SLEEP] = 7}, .samples = 1};
    recording_add(f->rec, stack(f, FRAMES({MAIN, "main", 3}), 1), f->thread, &waiting);
    recording_add(f->rec, stack(f, FRAMES({MAIN, "main", 4}), 1), f->thread, &both);
    assert_int_equal(times_shown(&build(f, &app)->times), 62);
    const struct profile *profile = build(f, &scope);
    assert_int_equal(times_shown(&profile->times), 5);
    assert_int_equal(profile->times.samples, 1);
    assert_int_equal(profile->run.measured, 7);
    assert_int_equal(profile->weight_count, 1);
}

// ---- waits

static void wait_on(struct fixture *f, uint32_t node, enum state state, int64_t ns, int64_t counted)
{
    const struct wait wait = {state, "poll", ns, counted};
    recording_wait(f->rec, node, f->thread, &wait);
}

static void only_counted_waiting_is_in_the_columns(void **state)
{
    struct fixture *f = *state;
    uint32_t node = stack(f, FRAMES({MAIN, "main", 3}, {OS, "read", 8}), 2);
    wait_on(f, node, STATE_IO, 70, 50);
    wait_on(f, node, STATE_IO, 5, 0);
    wait_on(f, node, STATE_LOCK, 9, 0);
    const struct profile_line *line = line_of(build(f, &app), MAIN, 3);
    assert_int_equal(times_shown(&line->times), 50);
    assert_int_equal(line->times.ns[STATE_LOCK], 9);
    assert_int_equal(line->wait_count, 2);
    assert_int_equal(line->waits[0].ns, 75);
    assert_int_equal(line->waits[0].counted_ns, 50);
    assert_int_equal(f->profile->wait_count, 2);
}

static void a_line_that_only_waited_beside_others_is_kept(void **state)
{
    struct fixture *f = *state;
    SAMPLE(f, 5, {MAIN, "main", 4});
    wait_on(f, stack(f, FRAMES({MAIN, "main", 3}), 1), STATE_IO, 70, 0);
    assert_int_equal(line_of(build(f, &app), MAIN, 3)->waits[0].ns, 70);
    const struct scope scope = {.roots = app_roots, .root_count = 1, .virtual_time = true};
    assert_null(line_of(build(f, &scope), MAIN, 3));
    assert_int_equal(f->profile->total_wait_count, 0);
    assert_int_equal(f->profile->threads[0].wait_count, 0);
}

static void work_of_native_threads_is_told_apart(void **state)
{
    struct fixture *f = *state;
    SAMPLE(f, 30, {MAIN, "main", 3}, {NATIVE_THREADS, NATIVE_THREADS, 0});
    SAMPLE(f, 5, {MAIN, "main", 3});
    SAMPLE(f, 7, {NATIVE_THREADS, NATIVE_THREADS, 0});
    const struct profile *profile = build(f, &app);
    assert_int_equal(line_of(profile, MAIN, 3)->helpers_ns, 30);
    assert_int_equal(attributed(profile, MAIN, 3), 35);
    assert_int_equal(line_of(profile, NATIVE_THREADS, 0)->helpers_ns, 0);
}

// ---- totals

static void recursion_counts_once(void **state)
{
    struct fixture *f = *state;
    SAMPLE(f, 5, {MAIN, "f", 3}, {MAIN, "f", 3}, {MAIN, "f", 4}, {MAIN, "f", 3});
    SAMPLE(f, 7, {MAIN, "f", 3}, {MAIN, "g", 9}, {MAIN, "f", 4});
    const struct profile *profile = build(f, &app);
    assert_int_equal(function_of(profile, "f")->total.ns[STATE_PYTHON], 12);
    assert_int_equal(function_of(profile, "f")->self.ns[STATE_PYTHON], 12);
    assert_int_equal(function_of(profile, "g")->total.ns[STATE_PYTHON], 7);
    assert_int_equal(line_of(profile, MAIN, 3)->total.ns[STATE_PYTHON], 12);
    assert_int_equal(line_of(profile, MAIN, 4)->total.ns[STATE_PYTHON], 12);
    assert_int_equal(line_of(profile, MAIN, 9)->total.ns[STATE_PYTHON], 7);
}

static void deep_recursion_is_no_matter(void **state)
{
    struct fixture *f = *state;
    uint32_t function = recording_function(f->rec, MAIN, "f", 1), node = NODE_ROOT;
    for (int i = 0; i < 100000; i++)
        node = recording_node(f->rec, node, function, 2 + i % 2);
    add(f, node, 5);
    const struct profile *profile = build(f, &app);
    assert_int_equal(function_of(profile, "f")->total.ns[STATE_PYTHON], 5);
    assert_int_equal(line_of(profile, MAIN, 2)->total.ns[STATE_PYTHON], 5);
}

static void a_line_of_two_functions_counts_once(void **state)
{
    struct fixture *f = *state;
    SAMPLE(f, 5, {MAIN, "f", 3}, {MAIN, "<lambda>", 3});
    SAMPLE(f, 4, {MAIN, "f", 3});
    const struct profile *profile = build(f, &app);
    const struct profile_line *line = line_of(profile, MAIN, 3);
    assert_int_equal(line->total.ns[STATE_PYTHON], 9);
    assert_int_equal(line->times.ns[STATE_PYTHON], 9);
    assert_string_equal(profile->functions[line->function].name, "<lambda>");
    SAMPLE(f, 3, {MAIN, "f", 3});
    profile = build(f, &app);
    assert_string_equal(profile->functions[line_of(profile, MAIN, 3)->function].name, "f");
}

static void unsampled_time_is_the_kernels_less_ours(void **state)
{
    struct fixture *f = *state;
    const struct process_info quick = {.pid = 8, .cpu_known = true, .cpu_ns = 30};
    const struct times all = {.ns = {1, 2, 3, 4, 5, 6, 7, 8, 9}, .samples = 1};
    recording_process(f->rec, &quick);
    struct process_info *info = recording_process_info(f->rec, 0);
    recording_add(f->rec, stack(f, FRAMES({MAIN, "main", 3}), 1), f->thread, &all);
    assert_int_equal(build(f, &app)->unsampled_ns, 30);
    info->cpu_known = true;
    info->cpu_ns = 16;
    assert_int_equal(build(f, &app)->unsampled_ns, 40);
    info->overhead_ns = 4;
    assert_int_equal(build(f, &app)->unsampled_ns, 36);
    assert_int_equal(f->profile->overhead_ns, 4);
    info->cpu_ns = 5;
    assert_int_equal(build(f, &app)->unsampled_ns, 30);
}

static void percentages_are_of_the_total(void **state)
{
    struct fixture *f = *state;
    assert_true(profile_percent(build(f, &app), 5) == 0.0);
    SAMPLE(f, 8, {MAIN, "main", 3});
    assert_true(profile_percent(build(f, &app), 2) == 25.0);
}

static void an_empty_recording_is_a_profile(void **state)
{
    const struct profile *profile = build(*state, &app);
    assert_int_equal(profile->file_count + profile->function_count + profile->weight_count, 0);
    assert_int_equal(profile->thread_count, 1);
}

// ---- sources

static const char *write_file(struct fixture *f, const char *bytes, size_t length)
{
    static char path[64];
    snprintf(path, sizeof path, "%s/x.py", f->directory);
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, length, out), length);
    assert_int_equal(fclose(out), 0);
    return path;
}

static void expect_source(struct fixture *f, const char *path, int line, const char *expected)
{
    SAMPLE(f, 5, {path, "f", line});
    const struct profile_line *found = line_of(build(f, &app), path, line);
    assert_non_null(found);
    if (!expected) {
        assert_null(found->source);
        return;
    }
    assert_non_null(found->source);
    assert_int_equal(found->source_length, strlen(expected));
    assert_memory_equal(found->source, expected, strlen(expected));
}

#define EXPECT_SOURCE(f, text, line, expected)                                                     \
    expect_source(f, write_file(f, text, sizeof text - 1), line, expected)

static void lines_end_as_python_ends_them(void **state)
{
    EXPECT_SOURCE(*state, "a\r\n\r\nb\rc\n\rd", 1, "a");
    EXPECT_SOURCE(*state, "a\r\n\r\nb\rc\n\rd", 2, "");
    EXPECT_SOURCE(*state, "a\r\n\r\nb\rc\n\rd", 3, "b");
    EXPECT_SOURCE(*state, "a\r\n\r\nb\rc\n\rd", 4, "c");
    EXPECT_SOURCE(*state, "a\r\n\r\nb\rc\n\rd", 5, "");
    EXPECT_SOURCE(*state, "a\r\n\r\nb\rc\n\rd", 6, "d");
    EXPECT_SOURCE(*state, "a\n", 2, NULL);
    EXPECT_SOURCE(*state, "a\n", 2000000000, NULL);
    EXPECT_SOURCE(*state, "", 1, NULL);
    EXPECT_SOURCE(*state, "a\n", 0, NULL);
}

static void encodings_are_read(void **state)
{
    EXPECT_SOURCE(*state, "\xef\xbb\xbfs = '\xc3\xa9'", 1, "s = '\xc3\xa9'");
    EXPECT_SOURCE(*state, "# coding: latin-1\ns = '\xe9'", 2, "s = '\xc3\xa9'");
    EXPECT_SOURCE(*state, "#!/x\r\n# -*- coding:iso-8859-15 -*-\ns = '\xa4'", 3,
                  "s = '\xe2\x82\xac'");
    EXPECT_SOURCE(*state, "# vim: set fileencoding=cp1252 :\ns = '\x80'", 2, "s = '\xe2\x82\xac'");
}

static void bytes_stay_where_no_encoding_holds(void **state)
{
    EXPECT_SOURCE(*state, "s = '\xe9'", 1, "s = '\xe9'");
    EXPECT_SOURCE(*state, "import x\n# coding: latin-1\ns = '\xe9'", 3, "s = '\xe9'");
    EXPECT_SOURCE(*state, "# coding: utf-8\ns = '\xe9'", 2, "s = '\xe9'");
    EXPECT_SOURCE(*state, "# coding: no-such\ns = '\xe9'", 2, "s = '\xe9'");
    EXPECT_SOURCE(*state, "# coding: euc-jp\ns = '\xff'", 2, "s = '\xff'");
    EXPECT_SOURCE(*state, "s = 1 # coding: latin-1\n'\xe9'", 2, "'\xe9'");
    EXPECT_SOURCE(*state, "# coding", 1, "# coding");
    EXPECT_SOURCE(*state, "# coding:", 1, "# coding:");
    EXPECT_SOURCE(*state, "#\r", 1, "#");
}

static void a_kept_source_is_decoded_too(void **state)
{
    struct fixture *f = *state;
    recording_source(f->rec, "<stdin>", "# coding: latin-1\n'\xe9'", 21);
    expect_source(f, "<stdin>", 2, "'\xc3\xa9'");
}

static void only_sane_files_are_sources(void **state)
{
    struct fixture *f = *state;
    char path[64];
    snprintf(path, sizeof path, "%s/pipe.py", f->directory);
    assert_int_equal(mkfifo(path, 0600), 0);
    expect_source(f, path, 1, NULL);
    snprintf(path, sizeof path, "%s/big.py", f->directory);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    assert_int_equal(ftruncate(fd, (16 << 20) + 1), 0);
    close(fd);
    expect_source(f, path, 1, NULL);
    expect_source(f, f->directory, 1, NULL);
    expect_source(f, "/dev/zero", 1, NULL);
    expect_source(f, "relative.py", 1, NULL);
    expect_source(f, "/no/such/file.py", 1, NULL);
}

static void a_file_changed_since_the_start_is_marked(void **state)
{
    struct fixture *f = *state;
    const char *path = write_file(f, "a", 1);
    SAMPLE(f, 5, {path, "f", 1});
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    int64_t modified = st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec;
    assert_false(build(f, &app)->files[0].changed);
    recording_run(f->rec)->started_unix_ns = modified;
    assert_false(build(f, &app)->files[0].changed);
    recording_run(f->rec)->started_unix_ns = modified - 1;
    assert_true(build(f, &app)->files[0].changed);
}

// ---- what is shown

static void expect_shown(struct fixture *f, const char *cwd, const char *path, const char *shown)
{
    recording_run(f->rec)->cwd = cwd;
    SAMPLE(f, 5, {path, "f", 1});
    const struct profile *profile = build(f, &app);
    assert_string_equal(file_of(profile, path)->shown, shown);
}

static void paths_are_relative_where_that_is_shorter(void **state)
{
    expect_shown(*state, "/a/b", "/a/b/c.py", "c.py");
    expect_shown(*state, "/a/b/", "/a/b/d/c.py", "d/c.py");
    expect_shown(*state, "/a/b/long", "/a/b/c.py", "../c.py");
    expect_shown(*state, "/aa/bb/cc/d", "/aa/bb/c.py", "../../c.py");
    expect_shown(*state, "/a/b", "/a/bc/c.py", "/a/bc/c.py");
    expect_shown(*state, "/abc/bcd", "/abc/bcdef/c.py", "../bcdef/c.py");
    expect_shown(*state, "/a/b", "/x/c.py", "/x/c.py");
    expect_shown(*state, "/", "/x/c.py", "x/c.py");
    expect_shown(*state, "", "/x/c.py", "/x/c.py");
    expect_shown(*state, "/a", "<string>", "<string>");
}

// ---- any recording

static void expect_equal(const struct times *a, const struct times *b)
{
    assert_memory_equal(a->ns, b->ns, sizeof a->ns);
    assert_int_equal(a->samples, b->samples);
}

#define EXPECT_SUM(items, count, expected)                                                         \
    do {                                                                                           \
        struct times sum_ = {0};                                                                   \
        for (size_t i_ = 0; i_ < (count); i_++)                                                    \
            times_add(&sum_, &(items)[i_].times);                                                  \
        expect_equal(&sum_, expected);                                                             \
    } while (0)

static void sums_agree(const struct profile *profile)
{
    EXPECT_SUM(profile->weights, profile->weight_count, &profile->times);
    EXPECT_SUM(profile->threads, profile->thread_count, &profile->times);
    EXPECT_SUM(profile->processes, profile->process_count, &profile->times);
    EXPECT_SUM(profile->files, profile->file_count, &profile->times);
    EXPECT_SUM(profile->functions, profile->function_count, &profile->times);
    for (size_t i = 0; i < profile->file_count; i++) {
        const struct profile_file *file = &profile->files[i];
        struct times functions = {0};
        EXPECT_SUM(file->lines, file->line_count, &file->times);
        for (size_t j = 0; j < file->function_count; j++)
            times_add(&functions, &profile->functions[file->functions[j]].times);
        expect_equal(&functions, &file->times);
    }
}

static bool on_stack(const struct profile *profile, uint32_t node, const char *path, int line,
                     uint32_t function)
{
    for (; node != NODE_ROOT; node = profile->nodes[node].parent) {
        const struct profile_node *frame = &profile->nodes[node];
        if (function != UINT32_MAX
                ? frame->function == function
                : frame->line == line && !strcmp(profile->functions[frame->function].path, path))
            return true;
    }
    return false;
}

static bool is_bucket(const char *path)
{
    return strcmp(path, "<standard library>") == 0 || strcmp(path, "<other files>") == 0;
}

// The slow way, from the definition: the time of all stacks that hold it.
static void totals_are_those_of_stacks(const struct profile *profile)
{
    for (uint32_t i = 0; i < profile->function_count; i++) {
        struct times total = {0};
        for (size_t j = 0; j < profile->weight_count; j++)
            if (on_stack(profile, profile->weights[j].node, "", 0, i))
                times_add(&total, &profile->weights[j].times);
        if (!is_bucket(profile->functions[i].path))
            expect_equal(&profile->functions[i].total, &total);
    }
    for (size_t i = 0; i < profile->file_count; i++) {
        const struct profile_file *file = &profile->files[i];
        for (size_t k = 0; k < file->line_count; k++) {
            struct times total = {0};
            for (size_t j = 0; j < profile->weight_count; j++)
                if (on_stack(profile, profile->weights[j].node, file->path, file->lines[k].line,
                             UINT32_MAX))
                    times_add(&total, &profile->weights[j].times);
            if (!is_bucket(file->path))
                expect_equal(&file->lines[k].total, &total);
        }
    }
}

static void parts_are_sorted(const struct profile *profile)
{
    for (size_t i = 1; i < profile->file_count; i++) {
        const struct profile_file *a = &profile->files[i - 1], *b = a + 1;
        int64_t more = times_shown(&a->times) - times_shown(&b->times);
        assert_true(more > 0 || (more == 0 && strcmp(a->path, b->path) < 0));
    }
    for (size_t i = 1; i < profile->function_count; i++)
        assert_true(times_shown(&profile->functions[i - 1].times) >=
                    times_shown(&profile->functions[i].times));
    for (size_t i = 1; i < profile->weight_count; i++) {
        const struct profile_weight *a = &profile->weights[i - 1], *b = a + 1;
        assert_true(a->node < b->node || (a->node == b->node && a->thread < b->thread));
    }
    for (size_t i = 0; i < profile->node_count; i++)
        assert_true(profile->nodes[i].parent == NODE_ROOT || profile->nodes[i].parent < i);
    for (size_t i = 0; i < profile->file_count; i++)
        for (size_t j = 1; j < profile->files[i].line_count; j++)
            assert_true(profile->files[i].lines[j - 1].line < profile->files[i].lines[j].line);
}

// ---- waits

static void add_wait(struct wait *sum, const struct wait *wait)
{
    sum->ns += wait->ns;
    sum->counted_ns += wait->counted_ns;
}

// Of `waits` what has this state and reason; every reason when it is NULL.
static struct wait wait_sum(const struct wait *waits, size_t count, enum state state,
                            const char *reason)
{
    struct wait sum = {.state = state};
    for (size_t i = 0; i < count; i++)
        if (waits[i].state == state && (!reason || strcmp(waits[i].reason, reason) == 0))
            add_wait(&sum, &waits[i]);
    return sum;
}

static void expect_waits(const struct wait *a, const struct wait *b)
{
    assert_int_equal(a->ns, b->ns);
    assert_int_equal(a->counted_ns, b->counted_ns);
}

// The longest first, each state and reason once, and what is in the times of the same thing.
static void waits_are_sane(const struct wait *waits, size_t count, const struct times *times)
{
    for (size_t i = 0; i < count; i++) {
        struct wait same = wait_sum(waits, count, waits[i].state, waits[i].reason);
        expect_waits(&same, &waits[i]);
        assert_true(waits[i].counted_ns <= waits[i].ns);
        assert_true(!i || waits[i - 1].ns >= waits[i].ns);
    }
    for (enum state state = STATE_IO; state <= STATE_GIL; state++) {
        struct wait sum = wait_sum(waits, count, state, NULL);
        assert_int_equal(times->ns[state], state <= STATE_CHILD ? sum.counted_ns : sum.ns);
    }
}

// By brute force: what stands at the stacks, seen by thread, by line and in all.
static void waits_agree(const struct profile *profile)
{
    waits_are_sane(profile->total_waits, profile->total_wait_count, &profile->times);
    for (size_t t = 0; t < profile->thread_count; t++)
        waits_are_sane(profile->threads[t].waits, profile->threads[t].wait_count,
                       &profile->threads[t].times);
    for (size_t f = 0; f < profile->file_count; f++)
        for (size_t l = 0; l < profile->files[f].line_count; l++)
            waits_are_sane(profile->files[f].lines[l].waits, profile->files[f].lines[l].wait_count,
                           &profile->files[f].lines[l].times);
    for (size_t i = 0; i < profile->total_wait_count; i++) {
        const struct wait *whole = &profile->total_waits[i];
        struct wait stacks = {0}, threads = {0}, lines = {0};
        for (size_t w = 0; w < profile->wait_count; w++) {
            struct wait one = wait_sum(&profile->waits[w].wait, 1, whole->state, whole->reason);
            add_wait(&stacks, &one);
        }
        for (size_t t = 0; t < profile->thread_count; t++) {
            const struct profile_thread *thread = &profile->threads[t];
            struct wait one =
                wait_sum(thread->waits, thread->wait_count, whole->state, whole->reason);
            add_wait(&threads, &one);
        }
        for (size_t f = 0; f < profile->file_count; f++)
            for (size_t l = 0; l < profile->files[f].line_count; l++) {
                const struct profile_line *line = &profile->files[f].lines[l];
                struct wait one =
                    wait_sum(line->waits, line->wait_count, whole->state, whole->reason);
                add_wait(&lines, &one);
            }
        expect_waits(&stacks, whole);
        expect_waits(&threads, whole);
        expect_waits(&lines, whole);
    }
}

static void indices_agree(const struct profile *profile)
{
    for (uint32_t i = 0; i < profile->file_count; i++) {
        const struct profile_file *file = &profile->files[i];
        for (size_t j = 0; j < file->function_count; j++)
            assert_int_equal(profile->functions[file->functions[j]].file, i);
        for (size_t j = 0; j < file->line_count; j++)
            assert_int_equal(profile->functions[file->lines[j].function].file, i);
    }
}

static void any_recording_adds_up(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 400; seed++) {
        struct recording *rec = random_recording(seed);
        struct scope scope = random_scope(seed * 77);
        const struct profile *profile = profile_build(rec, &scope);
        assert_non_null(profile);
        sums_agree(profile);
        waits_agree(profile);
        parts_are_sorted(profile);
        indices_agree(profile);
        if (seed % 8 == 0)
            totals_are_those_of_stacks(profile);
        profile_free(profile);
        recording_free(rec);
    }
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FACT(the_innermost_own_line_has_the_time),
        FACT(without_own_code_the_outermost_library_line_has_it),
        FACT(the_standard_library_alone_is_a_bucket),
        FACT(generated_code_is_its_callers),
        FACT(a_string_that_site_executes_is_start_up),
        FACT(the_program_itself_may_have_no_file),
        FACT(everything_means_the_innermost_line),
        FACT(only_and_exclude_leave_a_rest),
        FACT(everything_may_be_narrowed),
        FACT(virtual_time_leaves_waiting_out),
        FACT(only_counted_waiting_is_in_the_columns),
        FACT(a_line_that_only_waited_beside_others_is_kept),
        FACT(work_of_native_threads_is_told_apart),
        FACT(recursion_counts_once),
        FACT(deep_recursion_is_no_matter),
        FACT(a_line_of_two_functions_counts_once),
        FACT(unsampled_time_is_the_kernels_less_ours),
        FACT(percentages_are_of_the_total),
        FACT(an_empty_recording_is_a_profile),
        FACT(lines_end_as_python_ends_them),
        FACT(encodings_are_read),
        FACT(bytes_stay_where_no_encoding_holds),
        FACT(a_kept_source_is_decoded_too),
        FACT(only_sane_files_are_sources),
        FACT(a_file_changed_since_the_start_is_marked),
        FACT(paths_are_relative_where_that_is_shorter),
        cmocka_unit_test(any_recording_adds_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
