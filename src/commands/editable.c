// SPDX-License-Identifier: MIT
// editable.c - reads from site-packages which projects are installed editable.
//
//   *.dist-info/direct_url.json   PEP 610: {"url": "file:///home/me/x", "dir_info": {"editable":
//   true}}
//   __editable__*.pth             setuptools' and others': a line with the directory
//   *.egg-link, easy-install.pth  `setup.py develop`: likewise
//
// Where site-packages lie is known from the interpreter's path, as Python itself knows it: a
// pyvenv.cfg beside it or above, else PREFIX/bin/python.
#include "editable.h"

#include <dirent.h>
#include <glob.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_LIMIT (1u << 20) // of the small files here

static bool is_directory(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

// A path read from a file: an existing directory, as it is named and resolved, and no library of
// its own.
static void add_project(struct texts *roots, const char *path)
{
    char *real = realpath(path, NULL);
    if (real && path[0] == '/' && is_directory(real) && strcmp(real, "/") != 0 &&
        !strstr(real, "site-packages") && !strstr(real, "dist-packages")) {
        texts_add_new(roots, path);
        texts_add_new(roots, real);
    }
    free(real);
}

// ---- direct_url.json

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20; // lower case
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// %20 and the like, in place.
static void decode_url(char *text)
{
    char *to = text;
    for (; *text; text++) {
        int high = *text == '%' ? hex_digit(text[1]) : -1;
        int low = high >= 0 ? hex_digit(text[2]) : -1;
        *to++ = low >= 0 ? (char)(high * 16 + low) : *text;
        if (low >= 0)
            text += 2;
    }
    *to = '\0';
}

static void add_direct_url(struct texts *roots, const json_t *description)
{
    const char *url = json_string_value(json_object_get(description, "url"));
    const json_t *editable = json_object_get(json_object_get(description, "dir_info"), "editable");
    if (!json_is_true(editable) || !url || strncmp(url, "file://", 7) != 0)
        return;
    const char *path = strchr(url + 7, '/'); // behind an empty host or "localhost"
    if (!path)
        return;
    char *decoded = text_format("%s", path);
    decode_url(decoded);
    add_project(roots, decoded);
    free(decoded);
}

static void read_direct_url(struct texts *roots, const char *path)
{
    size_t length;
    char *text = text_file(path, FILE_LIMIT, &length);
    json_t *description = text ? json_loadb(text, length, 0, NULL) : NULL;
    add_direct_url(roots, description);
    json_decref(description);
    free(text);
}

// ---- files with a path on a line

static void read_lines(struct texts *roots, const char *path)
{
    size_t length;
    char *text = text_file(path, FILE_LIMIT, &length), *rest;
    if (!text)
        return;
    for (char *line = strtok_r(text, "\r\n", &rest); line; line = strtok_r(NULL, "\r\n", &rest))
        add_project(roots, line); // what is no directory, `import ...`, is none
    free(text);
}

// ---- site-packages

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n > m && strcmp(text + n - m, end) == 0;
}

static bool lists_projects(const char *name)
{
    return ends_with(name, ".egg-link") || strcmp(name, "easy-install.pth") == 0 ||
           (name[0] == '_' && ends_with(name, ".pth")); // __editable__NAME.pth, hatch's _NAME.pth
}

static void read_entry(struct texts *roots, const char *directory, const char *name)
{
    char *path = NULL;
    if (ends_with(name, ".dist-info")) {
        path = text_format("%s/%s/direct_url.json", directory, name);
        read_direct_url(roots, path);
    } else if (lists_projects(name)) {
        path = text_format("%s/%s", directory, name);
        read_lines(roots, path);
    }
    free(path);
}

static void read_site(struct texts *roots, const char *directory)
{
    DIR *entries = opendir(directory);
    if (!entries)
        return;
    for (struct dirent *entry; (entry = readdir(entries));)
        read_entry(roots, directory, entry->d_name);
    closedir(entries);
}

static void read_sites(struct texts *roots, char *pattern)
{
    glob_t matches;
    if (glob(pattern, GLOB_NOESCAPE, NULL, &matches) == 0) {
        for (size_t i = 0; i < matches.gl_pathc; i++)
            read_site(roots, matches.gl_pathv[i]);
        globfree(&matches);
    }
    free(pattern);
}

// Every site-packages under a prefix, and Debian's dist-packages, for "3.12" or for any version.
static void read_prefix(struct texts *roots, const char *prefix, const char *version)
{
    int minor = version && *version ? (int)strcspn(version, ".") + 1 : 0;
    if (minor)
        minor += (int)strcspn(version + minor, ".");
    const char *any = minor ? "" : "3*";
    read_sites(roots, text_format("%s/lib*/python%.*s%s/[sd]i[ts]*-packages", prefix, minor,
                                  version ? version : "", any));
    read_sites(roots, text_format("%s/local/lib/python%.*s%s/dist-packages", prefix, minor,
                                  version ? version : "", any));
    if (minor)
        read_sites(roots, text_format("%s/lib/python3/dist-packages", prefix));
}

// ---- from the interpreter to its prefixes

// The value of `key = value` in pyvenv.cfg, as a copy.
static char *setting(const char *text, const char *key)
{
    size_t n = strlen(key);
    for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        const char *at = line + strspn(line, " \t");
        if (strncasecmp(at, key, n) != 0 || strspn(at + n, " \t=") == 0)
            continue;
        at += n + strspn(at + n, " \t=");
        return text_format("%.*s", (int)strcspn(at, "\r\n"), at);
    }
    return NULL;
}

static void read_base(struct texts *roots, const char *config, const char *version)
{
    char *shares = setting(config, "include-system-site-packages");
    char *home = setting(config, "home");
    if (shares && strcasecmp(shares, "true") == 0 && home) {
        char *prefix = text_directory(home);
        read_prefix(roots, prefix, version);
        free(prefix);
    }
    free(shares);
    free(home);
}

static bool read_environment(struct texts *roots, const char *prefix, const char *version)
{
    size_t length;
    char *path = text_format("%s/pyvenv.cfg", prefix);
    char *config = text_file(path, FILE_LIMIT, &length);
    free(path);
    if (!config)
        return false;
    read_prefix(roots, prefix, version);
    read_base(roots, config, version);
    free(config);
    return true;
}

static void read_installation(struct texts *roots, const char *interpreter, const char *version)
{
    char *real = realpath(interpreter, NULL);
    char *bin = real ? text_directory(real) : NULL;
    char *prefix = bin ? text_directory(bin) : NULL;
    if (prefix && strcmp(prefix, ".") != 0)
        read_prefix(roots, prefix, version);
    free(real);
    free(bin);
    free(prefix);
}

void editable_find(struct texts *roots, const char *interpreter, const char *version)
{
    char *bin = text_directory(interpreter);
    char *prefix = text_format("%s/..", bin);
    if (!read_environment(roots, prefix, version) && !read_environment(roots, bin, version))
        read_installation(roots, interpreter, version);
    free(prefix);
    free(bin);
}

void editable_find_user(struct texts *roots, const char *version)
{
    const char *base = getenv("PYTHONUSERBASE"), *home = getenv("HOME"),
               *no = getenv("PYTHONNOUSERSITE");
    if (no && *no)
        return;
    char *prefix =
        base && *base ? text_format("%s", base) : text_format("%s/.local", home ? home : "");
    read_prefix(roots, prefix, version);
    free(prefix);
}
