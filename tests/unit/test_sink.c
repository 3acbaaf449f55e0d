// SPDX-License-Identifier: MIT
// test_sink.c - sinks: what arrives, what is left behind, which error is kept.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lineprof/sink.h"

static char directory[] = "/tmp/test_sink.XXXXXX";
static char path[256]; // directory/name of the file under test

static int enter(void **state)
{
    (void)state;
    strcpy(strrchr(directory, '.'), ".XXXXXX");
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof path, "%s/report", directory);
    return 0;
}

static void remove_all(const char *name)
{
    char command[300];
    snprintf(command, sizeof command, "chmod -R u+rwx '%s' && rm -r '%s'", name, name);
    if (system(command))
        fail_msg("%s", command);
}

static int leave(void **state)
{
    (void)state;
    remove_all(directory);
    return 0;
}

static int count_files(void)
{
    int count = 0;
    DIR *dir = opendir(directory);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        count += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
    closedir(dir);
    return count;
}

static void assert_content(const char *file, const char *expected)
{
    char text[256] = "";
    int fd = open(file, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    assert_int_equal(n, strlen(expected));
    assert_string_equal(text, expected);
}

static void put_content(const char *file, const char *text, mode_t mode)
{
    int fd = open(file, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

// ---- memory

static void memory_keeps_every_byte(void **state)
{
    (void)state;
    struct sink *out = sink_memory();
    sink_puts(out, "one ");
    sink_putc(out, '\0');
    sink_printf(out, "%d %s", 2, "three");
    size_t length;
    const char *text = sink_text(out, &length);
    assert_int_equal(length, 12);
    assert_memory_equal(text, "one \0002 three", 13);
    assert_int_equal(sink_close(out), 0);
}

static void memory_is_an_empty_string_at_first(void **state)
{
    (void)state;
    struct sink *out = sink_memory();
    size_t length = 1;
    assert_string_equal(sink_text(out, &length), "");
    assert_int_equal(length, 0);
    sink_discard(out);
}

static void printf_of_any_length(void **state)
{
    (void)state;
    for (int length = 500; length < 530; length++) {
        struct sink *out = sink_memory();
        sink_printf(out, "%*d", length, 7);
        size_t got;
        assert_int_equal(sink_text(out, &got)[length - 1], '7');
        assert_int_equal(got, length);
        sink_discard(out);
    }
}

// ---- files

static void file_appears_whole_at_close(void **state)
{
    (void)state;
    struct sink *out = sink_file(path);
    assert_non_null(out);
    sink_puts(out, "report\n");
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(sink_close(out), 0);
    assert_content(path, "report\n");
    assert_int_equal(count_files(), 1);
}

static void file_longer_than_the_buffer(void **state)
{
    (void)state;
    struct sink *out = sink_file(path);
    for (int i = 0; i < 50000; i++)
        sink_printf(out, "%09d\n", i);
    assert_int_equal(sink_close(out), 0);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 500000);
}

static void file_obeys_the_umask(void **state)
{
    (void)state;
    mode_t before = umask(027);
    struct sink *out = sink_file(path);
    umask(before);
    assert_int_equal(sink_close(out), 0);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
}

static void old_file_stays_until_close_and_keeps_its_mode(void **state)
{
    (void)state;
    put_content(path, "old", 0604);
    struct sink *out = sink_file(path);
    sink_puts(out, "new");
    assert_content(path, "old");
    assert_int_equal(sink_close(out), 0);
    assert_content(path, "new");
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0604);
}

static void discard_leaves_nothing(void **state)
{
    (void)state;
    struct sink *out = sink_file(path);
    sink_puts(out, "half");
    sink_discard(out);
    assert_int_equal(count_files(), 0);
    sink_discard(NULL);
}

static void link_stays_a_link(void **state)
{
    (void)state;
    char link[280];
    snprintf(link, sizeof link, "%s/link", directory);
    put_content(path, "old", 0644);
    assert_int_equal(symlink("report", link), 0);
    struct sink *out = sink_file(link);
    sink_puts(out, "new");
    assert_int_equal(sink_close(out), 0);
    struct stat st;
    assert_int_equal(lstat(link, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_content(path, "new");
}

static void relative_name(void **state)
{
    (void)state;
    assert_int_equal(chdir(directory), 0);
    struct sink *out = sink_file("report");
    sink_puts(out, "here");
    assert_int_equal(sink_close(out), 0);
    assert_int_equal(chdir("/"), 0);
    assert_content(path, "here");
}

static void name_as_long_as_names_can_be(void **state)
{
    (void)state;
    char name[400];
    snprintf(name, sizeof name, "%s/%0255d", directory, 0);
    struct sink *out = sink_file(name);
    assert_non_null(out);
    assert_int_equal(sink_close(out), 0);
    assert_int_equal(access(name, F_OK), 0);
}

// ---- what cannot be opened

static void assert_refused(const char *name, int error)
{
    errno = 0;
    assert_null(sink_file(name));
    assert_int_equal(errno, error);
}

static void names_that_cannot_be_files(void **state)
{
    (void)state;
    char name[300];
    assert_refused(directory, EISDIR);
    assert_refused("", ENOENT);
    snprintf(name, sizeof name, "%s/missing/report", directory);
    assert_refused(name, ENOENT);
    snprintf(name, sizeof name, "%s/missing/", directory);
    assert_refused(name, EISDIR);
    put_content(path, "a file", 0644);
    snprintf(name, sizeof name, "%s/below", path);
    assert_refused(name, ENOTDIR);
}

static void files_that_are_not_ours_to_write(void **state)
{
    (void)state;
    if (geteuid() == 0)
        skip(); // root may write anything
    put_content(path, "old", 0444);
    assert_refused(path, EACCES);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(chmod(directory, 0555), 0);
    assert_refused(path, EACCES);
}

// ---- errors

static void full_device_is_an_error_at_close(void **state)
{
    (void)state;
    struct sink *out = sink_file("/dev/full");
    assert_non_null(out);
    sink_puts(out, "lost");
    assert_int_equal(sink_error(out), 0);
    assert_int_equal(sink_close(out), -ENOSPC);
}

static void first_error_is_kept_and_the_rest_swallowed(void **state)
{
    (void)state;
    struct sink *out = sink_file("/dev/full");
    for (int i = 0; i < 200000; i++)
        sink_puts(out, "lost");
    assert_int_equal(sink_error(out), -ENOSPC);
    assert_int_equal(sink_close(out), -ENOSPC);
}

static void rename_that_fails_leaves_nothing(void **state)
{
    (void)state;
    struct sink *out = sink_file(path);
    sink_puts(out, "report");
    assert_int_equal(mkdir(path, 0755), 0);
    assert_int_equal(sink_close(out), -EISDIR);
    assert_int_equal(count_files(), 1);
}

static void closed_pipe_is_an_error(void **state)
{
    (void)state;
    int ends[2];
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    struct sink *out = sink_fd(ends[1]);
    sink_puts(out, "nobody");
    assert_int_equal(sink_close(out), -EPIPE);
    close(ends[1]);
}

// ---- descriptors and devices

static void descriptor_stays_open(void **state)
{
    (void)state;
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    struct sink *out = sink_fd(fd);
    sink_puts(out, "one");
    assert_int_equal(sink_close(out), 0);
    assert_int_equal(write(fd, "two", 3), 3);
    close(fd);
    assert_content(path, "onetwo");
    assert_null(sink_fd(-1));
}

static void descriptor_that_is_full_is_waited_for(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    pid_t child = fork();
    if (child == 0) {
        char byte[4096];
        close(ends[1]);
        usleep(20000);
        fcntl(ends[0], F_SETFL, 0);
        while (read(ends[0], byte, sizeof byte) > 0)
            continue;
        _exit(0);
    }
    struct sink *out = sink_fd(ends[1]);
    for (int i = 0; i < 300000; i++)
        sink_putc(out, 'x');
    assert_int_equal(sink_close(out), 0);
    close(ends[0]);
    close(ends[1]);
}

// `lineprof -o /dev/stdout ... >>log`: what is in the log already stays.
static void name_of_a_descriptor_is_appended_to(void **state)
{
    (void)state;
    put_content(path, "before ", 0644);
    int fd = open(path, O_WRONLY | O_APPEND);
    char name[32];
    snprintf(name, sizeof name, "/dev/fd/%d", fd);
    struct sink *out = sink_file(name);
    assert_non_null(out);
    sink_puts(out, "after");
    assert_int_equal(sink_close(out), 0);
    close(fd);
    assert_content(path, "before after");
    assert_int_equal(count_files(), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(memory_keeps_every_byte),
        TEST(memory_is_an_empty_string_at_first),
        TEST(printf_of_any_length),
        TEST(file_appears_whole_at_close),
        TEST(file_longer_than_the_buffer),
        TEST(file_obeys_the_umask),
        TEST(old_file_stays_until_close_and_keeps_its_mode),
        TEST(discard_leaves_nothing),
        TEST(link_stays_a_link),
        TEST(relative_name),
        TEST(name_as_long_as_names_can_be),
        TEST(names_that_cannot_be_files),
        TEST(files_that_are_not_ours_to_write),
        TEST(full_device_is_an_error_at_close),
        TEST(first_error_is_kept_and_the_rest_swallowed),
        TEST(rename_that_fails_leaves_nothing),
        TEST(closed_pipe_is_an_error),
        TEST(descriptor_stays_open),
        TEST(descriptor_that_is_full_is_waited_for),
        TEST(name_of_a_descriptor_is_appended_to),
    };
    return cmocka_run_group_tests_name("sink", tests, NULL, NULL);
}
