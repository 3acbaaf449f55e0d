// SPDX-License-Identifier: MIT
// selfcheck.c - see selfcheck.h: which builds are asked, and what is remembered of them.
//
// A verdict is a file named after the build in ~/.cache/lineprof/checked, two lines: whose verdict
// (lineprof's version, and the shim's size and time, so that a shim that was built anew asks
// again), and "good" or the finding. Where the cache cannot be written, every run asks.
#include "lineprof/selfcheck.h"
#include "selfcheck_run.h"

#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GOOD "good"

struct build {
    char id[96];
    bool lasting;                    // tells it from any other build, so that the cache may have it
    char finding[SELFCHECK_FINDING]; // "": none
};

struct selfcheck {
    char *const *environment;
    char judge[96];       // "" when the shim is not to be found
    char directory[4096]; // of the cache, "" when there is none
    struct build *builds;
    size_t count;
};

// ---- which build

static uint64_t hash(const char *text)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325); // FNV-1a
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return h;
}

static bool file_mark(const char *path, char *out, size_t size)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return false;
    snprintf(out, size, "%jx-%jx.%lx", (uintmax_t)st.st_size, (uintmax_t)st.st_mtim.tv_sec,
             st.st_mtim.tv_nsec);
    return true;
}

static struct build identify(const struct ring_header *header)
{
    struct build build = {.lasting = true};
    char image[sizeof header->image], mark[64];
    size_t n = 0;
    for (uint32_t i = 0; i < header->build_id_length && i < sizeof header->build_id; i++)
        n += (size_t)snprintf(build.id + n, sizeof build.id - n, "%02x", header->build_id[i]);
    if (n)
        return build;
    memcpy(image, header->image, sizeof image); // the target may have scribbled
    image[sizeof image - 1] = '\0';
    build.lasting = image[0] == '/' && file_mark(image, mark, sizeof mark);
    snprintf(build.id, sizeof build.id, "file-%016" PRIx64 "-%s", hash(image),
             build.lasting ? mark : "");
    return build;
}

// Anything else with Python inside is an application, which must not be started again.
static bool is_interpreter(const char *executable)
{
    const char *slash = strrchr(executable, '/');
    if (!slash || strncmp(slash, "/python", 7) != 0)
        return false;
    const char *kind = slash + 7 + strspn(slash + 7, "0123456789.");
    return strspn(kind, "dmtu") == strlen(kind) || strcmp(kind, "-dbg") == 0;
}

// ---- the cache

static void find_directory(char *out, size_t size)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int n = 0;
    if (cache && cache[0] == '/') // others are invalid, says the specification
        n = snprintf(out, size, "%s/lineprof/checked", cache);
    else if (home && home[0] == '/' && access(home, X_OK) == 0)
        n = snprintf(out, size, "%s/.cache/lineprof/checked", home);
    if (n <= 0 || (size_t)n >= size)
        out[0] = '\0';
}

static bool entry_path(const struct selfcheck *check, const struct build *build, const char *suffix,
                       char *out, size_t size)
{
    if (!check->directory[0] || !check->judge[0] || !build->lasting)
        return false;
    int n = snprintf(out, size, "%s/%s%s", check->directory, build->id, suffix);
    return n > 0 && (size_t)n < size;
}

static void take_line(FILE *file, char *out, int size)
{
    if (!fgets(out, size, file))
        out[0] = '\0';
    out[strcspn(out, "\n")] = '\0';
    for (char *at = out; *at; at++)
        if (!isprint((unsigned char)*at)) // it will stand on a terminal
            *at = '?';
}

// True when the cache knows; the build's finding is then filled in.
static bool cache_read(const struct selfcheck *check, struct build *build)
{
    char path[4300], judge[sizeof check->judge], verdict[SELFCHECK_FINDING];
    if (!entry_path(check, build, "", path, sizeof path))
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
    if (!file)
        return false;
    take_line(file, judge, sizeof judge);
    take_line(file, verdict, sizeof verdict);
    fclose(file);
    if (strcmp(judge, check->judge) != 0 || !verdict[0])
        return false;
    strcpy(build->finding, strcmp(verdict, GOOD) == 0 ? "" : verdict);
    return true;
}

// Makes the directories that are missing, unless in a place of somebody else's: root with a
// person's HOME would leave them a cache that they cannot write.
static void make_directories(char *path)
{
    struct stat st;
    for (char *at = path + 1; (at = strchr(at, '/')) || (at = path + strlen(path)); at++) {
        char kept = *at;
        *at = '\0';
        bool there = stat(path, &st) == 0;
        bool made = !there && mkdir(path, 0700) == 0;
        *at = kept;
        if ((!there && !made) || !kept)
            return;
    }
}

static bool is_own_place(const char *path)
{
    char above[4096];
    struct stat st;
    snprintf(above, sizeof above, "%s", path);
    while (stat(above, &st) < 0) {
        char *slash = strrchr(above, '/');
        if (!slash || slash == above)
            return false;
        *slash = '\0';
    }
    return st.st_uid == geteuid();
}

// Whole or not at all: other runs read it.
static void cache_write(struct selfcheck *check, const struct build *build)
{
    char path[4300], fresh[4300];
    if (!entry_path(check, build, "", path, sizeof path) ||
        !entry_path(check, build, ".XXXXXX", fresh, sizeof fresh) ||
        !is_own_place(check->directory))
        return;
    make_directories(check->directory);
    int fd = mkostemp(fresh, O_CLOEXEC);
    if (fd < 0)
        return;
    bool written =
        dprintf(fd, "%s\n%s\n", check->judge, build->finding[0] ? build->finding : GOOD) > 0;
    if (close(fd) < 0 || !written || rename(fresh, path) < 0)
        unlink(fresh);
}

// ---- verdicts

static void find_verdict(struct selfcheck *check, struct build *build,
                         const struct ring_header *header)
{
    char executable[sizeof header->executable];
    memcpy(executable, header->executable, sizeof executable);
    executable[sizeof executable - 1] = '\0';
    if (!is_interpreter(executable) || cache_read(check, build))
        return;
    enum selfcheck_result result =
        selfcheck_run(executable, check->environment, header, build->finding, SELFCHECK_FINDING);
    if (result != SELFCHECK_WRONG)
        build->finding[0] = '\0';
    if (result != SELFCHECK_UNKNOWN)
        cache_write(check, build);
}

const char *selfcheck_finding(struct selfcheck *check, const struct ring_header *header)
{
    struct build build = identify(header);
    size_t i = 0;
    while (i < check->count && strcmp(check->builds[i].id, build.id) != 0)
        i++;
    if (i == check->count) {
        void *more = realloc(check->builds, (i + 1) * sizeof *check->builds);
        if (!more)
            return NULL;
        check->builds = more;
        find_verdict(check, &build, header);
        check->builds[check->count++] = build;
    }
    return check->builds[i].finding[0] ? check->builds[i].finding : NULL;
}

// ---- one run

static void find_judge(struct selfcheck *check)
{
    static const char preload[] = "LD_PRELOAD=";
    char path[4096], mark[64];
    for (char *const *entry = check->environment; *entry; entry++) {
        if (strncmp(*entry, preload, sizeof preload - 1) != 0)
            continue;
        const char *shim = *entry + sizeof preload - 1; // ours is the first
        snprintf(path, sizeof path, "%.*s", (int)strcspn(shim, ":"), shim);
        if (file_mark(path, mark, sizeof mark))
            snprintf(check->judge, sizeof check->judge, "lineprof " LINEPROF_VERSION " %s", mark);
    }
}

struct selfcheck *selfcheck_new(char *const *environment)
{
    struct selfcheck *check = calloc(1, sizeof *check);
    if (!check)
        return NULL;
    check->environment = environment;
    find_judge(check);
    find_directory(check->directory, sizeof check->directory);
    return check;
}

void selfcheck_free(struct selfcheck *check)
{
    if (!check)
        return;
    free(check->builds);
    free(check);
}
