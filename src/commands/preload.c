// SPDX-License-Identifier: MIT
// preload.c - finds the shim beside the program and writes the target's environment.
#include "preload.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>
#include "text.h"

#define SHIM        "liblineprof.so"
#define PRELOAD_ENV "LD_PRELOAD"

#ifndef LINEPROF_LIBDIR
#define LINEPROF_LIBDIR "lib" // CMAKE_INSTALL_LIBDIR
#endif

// ---- finding

static char *own_directory(void)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    path[n < 0 ? 0 : n] = '\0';
    if (n >= 0)
        return text_directory(path);
    const char *executed = (const char *)getauxval(AT_EXECFN); // there may be no /proc
    char *real = executed ? realpath(executed, NULL) : NULL;
    char *directory = real ? text_directory(real) : NULL;
    free(real);
    return directory;
}

static char *readable(char *path)
{
    if (access(path, R_OK) == 0)
        return path;
    free(path);
    return NULL;
}

// Another library directory than the one that was configured: a package moved, lib beside lib64.
static char *find_in_any_library(const char *directory)
{
    static const char *const patterns[] = {"lib*/lineprof", "lib/*/lineprof"};
    char *found = NULL;
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns && !found; i++) {
        char *pattern = text_format("%s/../%s/" SHIM, directory, patterns[i]);
        glob_t matches;
        if (glob(pattern, 0, NULL, &matches) == 0) {
            found = readable(text_format("%s", matches.gl_pathv[0]));
            globfree(&matches);
        }
        free(pattern);
    }
    return found;
}

char *shim_find(struct outcome *outcome)
{
    char *directory = own_directory();
    char *found = NULL;
    if (directory) {
        found = readable(text_format("%s/" SHIM, directory)); // the build directory
        if (!found)
            found = readable(text_format("%s/../" LINEPROF_LIBDIR "/lineprof/" SHIM, directory));
        if (!found)
            found = find_in_any_library(directory);
    }
    if (!found)
        fail(outcome, CODE_FAILED,
             SHIM " is neither beside lineprof nor in ../" LINEPROF_LIBDIR
                  "/lineprof of %s: install it again",
             directory ? directory : "its directory");
    free(directory);
    return found;
}

// ---- environment

// The loader splits its list at spaces and colons, and expands what begins with a dollar.
static bool loader_takes(const char *path)
{
    return !strpbrk(path, " \t\n:;$");
}

// A name for the shim that the loader takes: its own, or a link in the session's directory.
static char *preloadable(const struct session *session, const char *shim, struct outcome *outcome)
{
    char *real = realpath(shim, NULL);
    if (real && loader_takes(real))
        return real;
    char *link = text_format("%s/" SHIM, session->path);
    if (real && loader_takes(link) && symlink(real, link) == 0) {
        free(real);
        return link;
    }
    fail(outcome, CODE_FAILED, "cannot link %s into %s: %s", shim, session->path, strerror(errno));
    free(real);
    free(link);
    return NULL;
}

static bool is_variable(const char *entry, const char *name)
{
    size_t n = strlen(name);
    return strncmp(entry, name, n) == 0 && entry[n] == '=';
}

char **environment_make(const struct session *session, const char *shim, struct outcome *outcome)
{
    struct texts list = {0};
    char *path = preloadable(session, shim, outcome);
    if (!path)
        return NULL;
    for (char **entry = environ; *entry; entry++)
        if (!is_variable(*entry, PRELOAD_ENV) && !is_variable(*entry, SESSION_ENV))
            texts_add(&list, *entry);
    const char *theirs = getenv(PRELOAD_ENV); // kept, behind ours
    bool any = theirs && *theirs;
    char *preload = text_format(PRELOAD_ENV "=%s%s%s", path, any ? ":" : "", any ? theirs : "");
    char *where = text_format(SESSION_ENV "=%s", session->path);
    texts_add(&list, preload);
    texts_add(&list, where);
    free(preload);
    free(where);
    free(path);
    return list.at;
}

void environment_free(char **environment)
{
    for (char **entry = environment; entry && *entry; entry++)
        free(*entry);
    free(environment);
}
