// SPDX-License-Identifier: MIT
// scope.c - whose code a file is, from its path and the person's options alone; reads no file.
//
// The rules:
// - `lib/pythonX.Y/` (or lib64), `pythonXY.zip` and "<frozen ...>" are the standard library;
//   `site-packages/`, `dist-packages/` and `NAME.egg/` are libraries. The last such part of a path
//   decides, because libraries lie inside lib/pythonX.Y.
// - A file under a root is own, unless it is a library's or the standard library's: a virtual
//   environment in the project's directory stays foreign. A root that itself points into a library
//   (an editable install, --program-path) makes what is below it own all the same. A root may be a
//   single file.
// - "<string>" and "<stdin>" are the program itself, so own; any other "<...>" is in no file.
// - --profile-exclude takes files away. --profile-only takes all others away, and makes those own
//   that it names: the person who asks for `numpy` wants numpy's lines. A text that occurs only
//   before the library part of a path (the project's name above its virtual environment) does not
//   name the library.
#include "build.h"

#include <string.h>

struct foreign { // the last part of a path that makes it somebody else's
    enum origin origin;
    size_t end; // offset behind that part, its slash not counted; 0: none
};

static bool part_is(const char *part, size_t length, const char *text)
{
    return length == strlen(text) && memcmp(part, text, length) == 0;
}

static size_t digits(const char *text, size_t length)
{
    size_t n = 0;
    while (n < length && text[n] >= '0' && text[n] <= '9')
        n++;
    return n;
}

static bool is_library(const char *part, size_t length)
{
    return part_is(part, length, "site-packages") || part_is(part, length, "dist-packages") ||
           (length > 4 && memcmp(part + length - 4, ".egg", 4) == 0);
}

// python3.12, python3.13t (free-threaded)
static bool is_python_version(const char *part, size_t length)
{
    if (length < 9 || memcmp(part, "python", 6) != 0)
        return false;
    size_t major = digits(part + 6, length - 6), at = 6 + major;
    if (!major || at == length || part[at++] != '.')
        return false;
    size_t minor = digits(part + at, length - at);
    at += minor;
    return minor && (at == length || (at + 1 == length && part[at] == 't'));
}

// python312.zip
static bool is_python_zip(const char *part, size_t length)
{
    if (length < 11 || memcmp(part, "python", 6) != 0)
        return false;
    size_t version = digits(part + 6, length - 6);
    return version && part_is(part + 6 + version, length - 6 - version, ".zip");
}

static struct foreign foreign_part(const char *path)
{
    struct foreign found = {ORIGIN_OWN, 0};
    bool in_lib = false;
    const char *part = path;
    for (const char *slash; (slash = strchr(part, '/')); part = slash + 1) {
        size_t length = (size_t)(slash - part), end = (size_t)(slash - path);
        if (is_library(part, length))
            found = (struct foreign){ORIGIN_LIBRARY, end};
        else if ((in_lib && is_python_version(part, length)) || is_python_zip(part, length))
            found = (struct foreign){ORIGIN_STDLIB, end};
        in_lib = part_is(part, length, "lib") || part_is(part, length, "lib64");
    }
    return found;
}

static bool is_under(const char *path, const char *root, size_t length)
{
    return strncmp(path, root, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

// A root makes a foreign file own when it points into the foreign part: for the standard library
// deeper than its top, where a program that lies there would make all of it own.
static bool root_reaches(struct foreign foreign, size_t length)
{
    return foreign.end == 0 || foreign.end + (foreign.origin == ORIGIN_STDLIB) <= length;
}

static bool under_roots(const struct scope *scope, const char *path, struct foreign foreign)
{
    for (size_t i = 0; i < scope->root_count; i++) {
        const char *root = scope->roots[i];
        size_t length = strlen(root);
        while (length && root[length - 1] == '/')
            length--;
        if (is_under(path, root, length) && root_reaches(foreign, length))
            return true;
    }
    return false;
}

// True when `text` occurs in `path` so that it ends at `from` or behind.
static bool occurs(const char *path, const char *text, size_t from)
{
    size_t length = strlen(text);
    if (!length)
        return from == 0;
    for (const char *at = path; (at = strstr(at, text)); at++)
        if ((size_t)(at - path) + length >= from)
            return true;
    return false;
}

static bool names(const char *const *texts, size_t count, const char *path, size_t from)
{
    for (size_t i = 0; i < count; i++)
        if (occurs(path, texts[i], from))
            return true;
    return false;
}

bool scope_selects(const struct scope *scope, const char *path)
{
    if (names(scope->exclude, scope->exclude_count, path, 0))
        return false;
    return !scope->only_count || names(scope->only, scope->only_count, path, 0);
}

static enum origin unfiled_origin(const char *path)
{
    if (strncmp(path, "<frozen ", 8) == 0)
        return ORIGIN_STDLIB;
    if (strcmp(path, "<string>") == 0 || strcmp(path, "<stdin>") == 0)
        return ORIGIN_OWN;
    return ORIGIN_NONE;
}

static enum origin filed_origin(const struct scope *scope, const char *path)
{
    struct foreign foreign = foreign_part(path);
    if (scope->only_count && names(scope->only, scope->only_count, path, foreign.end))
        return ORIGIN_OWN;
    if (under_roots(scope, path, foreign))
        return ORIGIN_OWN;
    return foreign.end ? foreign.origin : ORIGIN_LIBRARY;
}

enum origin scope_origin(const struct scope *scope, const char *path)
{
    enum origin origin = path[0] == '/' ? filed_origin(scope, path) : unfiled_origin(path);
    if (origin == ORIGIN_OWN && !scope_selects(scope, path))
        return ORIGIN_LIBRARY;
    return origin;
}
