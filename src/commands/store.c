// SPDX-License-Identifier: MIT
// store.c - folders of reports on disk; see store.h.
#include "store.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "lineprof/sink.h"
#include "output.h"
#include "overwrite.h"
#include "text.h"

#define KEEP_FOLDERS 10
#define KEEP_NS      (INT64_C(30) * 24 * 3600 * 1000000000)
#define ABOUT_LIMIT  (4u << 20)

// ---- where

static bool is_own_directory(const char *path)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return false;
    errno = S_ISDIR(st.st_mode) ? EPERM : ENOTDIR;
    return S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

// Under `sudo` HOME may still be the other person's: nothing of ours belongs there. NULL and errno.
static char *base_path(void)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (state && state[0] == '/') // what is relative is to be ignored
        return is_own_directory(state) || errno == ENOENT ? text_format("%s/lineprof", state)
                                                          : NULL;
    errno = ENOENT;
    return home && home[0] == '/' && is_own_directory(home)
               ? text_format("%s/.local/state/lineprof", home)
               : NULL;
}

static void make_directories(char *path)
{
    for (char *at = path + 1; (at = strchr(at, '/')); *at++ = '/') {
        *at = '\0';
        mkdir(path, 0700);
    }
    mkdir(path, 0700);
}

// ---- removing

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st, (void)type, (void)walk;
    remove(path);
    return 0;
}

static void remove_tree(const char *path)
{
    nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

// ---- a run's own folder

bool store_open(struct store *store, int64_t started_unix_ns)
{
    struct stored_list others;
    char *base = base_path();
    *store = (struct store){.lock = -1};
    if (!base)
        return false;
    make_directories(base);
    char *path = text_format("%s/%" PRId64 "-%d", base, started_unix_ns, (int)getpid());
    bool made = is_own_directory(base) && mkdir(path, 0700) == 0;
    free(base);
    if (!made) {
        free(path);
        return false;
    }
    char *lock = text_format("%s/lock", path);
    *store = (struct store){path, open(lock, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
    free(lock);
    if (store->lock < 0 || flock(store->lock, LOCK_EX | LOCK_NB) < 0) {
        int error = errno;
        store_close(store, true);
        errno = error;
        return false;
    }
    if (store_list(&others)) // tidies up
        store_list_free(&others);
    return true;
}

void store_close(struct store *store, bool remove)
{
    if (store->path && remove)
        remove_tree(store->path);
    if (store->lock >= 0)
        close(store->lock);
    free(store->path);
    *store = (struct store){.lock = -1};
}

// NUL behind each: command lines and paths hold anything else.
static bool write_about(const char *directory, const struct run_info *run)
{
    char *path = text_format("%s/about", directory);
    struct sink *out = sink_file(path);
    free(path);
    if (!out)
        return false;
    sink_printf(out, "%" PRId64 "%c%" PRId64 "%c%d%c", run->started_unix_ns, 0, run->elapsed_ns, 0,
                run->cut_short, 0);
    sink_puts(out, run->command);
    sink_putc(out, '\0');
    sink_puts(out, run->cwd);
    sink_putc(out, '\0');
    return sink_close(out) == 0;
}

// The table apart from the others, so that it does not name them: they will be elsewhere.
static bool write_reports(const char *directory, const struct profile *profile,
                          const struct options *options)
{
    struct outcome trouble = {0};
    struct output files = {.json = text_format("%s/report.json", directory),
                           .html = text_format("%s/report.html", directory)};
    struct output table = {.table = text_format("%s/report.txt", directory)};
    bool done = output_write(&files, options, profile, &trouble) &&
                output_write(&table, options, profile, &trouble);
    output_free(&files);
    output_free(&table);
    return done;
}

// The number that a complete report's folder is named by; 0: it is something else.
static unsigned report_number(const char *name)
{
    char *end;
    unsigned long number = isdigit((unsigned char)name[0]) ? strtoul(name, &end, 10) : 0;
    return number && !*end ? (unsigned)number : 0;
}

static void remove_before(const char *folder, unsigned number)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return;
    for (struct dirent *entry; (entry = readdir(dir));) {
        unsigned other = report_number(entry->d_name);
        if (!other || other >= number)
            continue;
        char *path = text_format("%s/%s", folder, entry->d_name);
        remove_tree(path);
        free(path);
    }
    closedir(dir);
}

bool store_put(const struct store *store, unsigned number, const struct profile *profile,
               const struct options *options)
{
    char *new = text_format("%s/new", store->path);
    char *whole = text_format("%s/%u", store->path, number);
    remove_tree(new);
    bool done = mkdir(new, 0700) == 0 && write_reports(new, profile, options) &&
                write_about(new, &profile->run) && rename(new, whole) == 0;
    if (done)
        remove_before(store->path, number);
    else
        remove_tree(new);
    free(new);
    free(whole);
    return done;
}

// ---- folders of those who have died

static char *newest_report(const char *folder)
{
    unsigned newest = 0;
    DIR *dir = opendir(folder);
    if (!dir)
        return NULL;
    for (struct dirent *entry; (entry = readdir(dir));) {
        unsigned number = report_number(entry->d_name);
        newest = number > newest ? number : newest;
    }
    closedir(dir);
    return newest ? text_format("%s/%u", folder, newest) : NULL;
}

static const char *next_field(const char **at, const char *end)
{
    const char *field = *at;
    const char *zero = field < end ? memchr(field, '\0', (size_t)(end - field)) : NULL;
    *at = zero ? zero + 1 : end;
    return zero ? field : "";
}

static bool read_about(struct stored *stored)
{
    size_t length;
    char *path = text_format("%s/about", stored->report);
    stored->about = text_file(path, ABOUT_LIMIT, &length);
    free(path);
    if (!stored->about || !length)
        return false;
    const char *at = stored->about, *end = at + length;
    stored->started_unix_ns = strtoll(next_field(&at, end), NULL, 10);
    stored->elapsed_ns = strtoll(next_field(&at, end), NULL, 10);
    stored->cut_short = strtol(next_field(&at, end), NULL, 10);
    stored->command = next_field(&at, end);
    stored->cwd = next_field(&at, end);
    return *stored->command;
}

// After a power cut it may be empty.
static bool has_report(const struct stored *stored)
{
    char *path = text_format("%s/report.json", stored->report);
    bool whole = is_our_report(path, FORM_JSON);
    free(path);
    return whole;
}

static void stored_free(struct stored *stored)
{
    if (stored->lock >= 0)
        close(stored->lock);
    free(stored->path);
    free(stored->report);
    free(stored->about);
}

// False when its lineprof lives, or it is none of ours.
static bool open_stored(struct stored *stored, const char *base, const char *name)
{
    if (!isdigit((unsigned char)name[0]))
        return false;
    *stored = (struct stored){.path = text_format("%s/%s", base, name)};
    char *lock = text_format("%s/lock", stored->path);
    char *hinted = text_format("%s/hinted", stored->path);
    stored->lock = open(lock, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    stored->hinted = access(hinted, F_OK) == 0;
    free(lock);
    free(hinted);
    if (stored->lock >= 0 && flock(stored->lock, LOCK_EX | LOCK_NB) == 0)
        return true;
    stored_free(stored);
    return false;
}

static int newest_first(const void *a, const void *b)
{
    const struct stored *x = a, *y = b;
    return (x->started_unix_ns < y->started_unix_ns) - (x->started_unix_ns > y->started_unix_ns);
}

static int64_t now_unix_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void drop_old(struct stored_list *list)
{
    int64_t oldest = now_unix_ns() - KEEP_NS;
    while (list->count &&
           (list->count > KEEP_FOLDERS || list->at[list->count - 1].started_unix_ns < oldest)) {
        struct stored *last = &list->at[--list->count];
        store_remove(last);
        stored_free(last);
    }
}

static void add_stored(struct stored_list *list, const char *base, const char *name)
{
    struct stored stored;
    if (!open_stored(&stored, base, name))
        return;
    stored.report = newest_report(stored.path);
    struct stored *more = NULL;
    if (!stored.report || !read_about(&stored) || !has_report(&stored))
        store_remove(&stored);
    else
        more = realloc(list->at, (list->count + 1) * sizeof *more);
    if (!more) {
        stored_free(&stored);
        return;
    }
    list->at = more;
    list->at[list->count++] = stored;
}

bool store_list(struct stored_list *list)
{
    *list = (struct stored_list){0};
    char *base = base_path();
    DIR *dir = base ? opendir(base) : NULL;
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        add_stored(list, base, entry->d_name);
    bool found = dir || (base && errno == ENOENT);
    if (dir)
        closedir(dir);
    free(base);
    if (list->count)
        qsort(list->at, list->count, sizeof *list->at, newest_first);
    drop_old(list);
    return found;
}

bool store_hint(const struct stored *stored)
{
    if (stored->hinted)
        return false;
    char *path = text_format("%s/hinted", stored->path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    free(path);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

void store_remove(const struct stored *stored)
{
    remove_tree(stored->path);
}

void store_list_free(struct stored_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        stored_free(&list->at[i]);
    free(list->at);
}
