// SPDX-License-Identifier: MIT
// interpreter.c - which Python runs the program, and where a command lies.
//
// Nothing is started to find out, and no link is resolved.
#include "interpreter.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "text.h"

#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin" // as execvp has it without PATH

static bool is_executable_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

static bool is_directory(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

// ---- searching

char *path_search(const char *name)
{
    const char *at = getenv("PATH");
    if (!*name)
        return NULL;
    for (at = at ? at : DEFAULT_PATH;; at++) {
        size_t n = strcspn(at, ":");
        char *path = text_format("%.*s%s%s", (int)n, at, n ? "/" : "", name); // empty: where we are
        if (is_executable_file(path))
            return path;
        free(path);
        at += n;
        if (!*at)
            return NULL;
    }
}

char *command_find(const char *name, struct outcome *outcome)
{
    char *found = strchr(name, '/') ? NULL : path_search(name);
    if (found)
        return found;
    if (!strchr(name, '/'))
        fail(outcome, CODE_NOT_FOUND, "no command '%s' on PATH: give its path", name);
    else if (is_directory(name))
        fail(outcome, CODE_NOT_EXECUTABLE, "'%s' is a directory, not a command", name);
    else if (access(name, F_OK) < 0)
        fail(outcome, CODE_NOT_FOUND, "no command '%s': %s", name, strerror(errno));
    else if (!is_executable_file(name))
        fail(outcome, CODE_NOT_EXECUTABLE,
             "'%s' is not executable: chmod +x it, or name what runs it", name);
    else
        return text_format("%s", name);
    return NULL;
}

// ---- Python

static char *python_in(const char *environment)
{
    char *path = text_format("%s/bin/python", environment);
    if (is_executable_file(path))
        return path;
    free(path);
    return NULL;
}

// "3.12", which is a Python of that name and no command.
static bool is_version(const char *text)
{
    static const char digits[] = "0123456789";
    size_t major = strspn(text, digits);
    size_t minor = text[major] == '.' ? strspn(text + major + 1, digits) : 0;
    return major && (minor ? !text[major + 1 + minor] : !text[major]);
}

static char *find_version(const char *version, struct outcome *outcome)
{
    char *name = text_format("python%s", version);
    char *path = path_search(name);
    if (!path)
        fail(outcome, CODE_NOT_FOUND, "--python %s: no %s on PATH: give its path", version, name);
    free(name);
    return path;
}

// A path, a name on PATH, a version, or the directory of a virtual environment.
static char *find_asked(const char *asked, struct outcome *outcome)
{
    if (!is_directory(asked))
        return is_version(asked) ? find_version(asked, outcome) : command_find(asked, outcome);
    char *path = python_in(asked);
    if (!path)
        fail(outcome, CODE_NOT_FOUND, "--python %s: no bin/python in that directory", asked);
    return path;
}

char *interpreter_find(const char *asked, struct outcome *outcome)
{
    if (asked)
        return find_asked(asked, outcome);
    const char *active = getenv("VIRTUAL_ENV");
    char *path = active && *active ? python_in(active) : NULL;
    if (!path)
        path = path_search("python3");
    if (!path)
        path = path_search("python");
    if (!path)
        fail(outcome, CODE_NOT_FOUND,
             "no Python found: neither python3 nor python is on PATH; name one with --python");
    return path;
}

// ---- what kind of file

// The word of a `#!` line that names the program, behind `env` and its options and assignments.
static char *interpreter_word(char *line)
{
    char *rest, *word = strtok_r(line, " \t", &rest);
    if (!word || strcmp(text_basename(word), "env") != 0)
        return word;
    do
        word = strtok_r(NULL, " \t", &rest);
    while (word && (*word == '-' || strchr(word, '=')));
    return word;
}

char *shebang_interpreter(const char *path)
{
    char head[512];
    size_t length;
    if (!text_head(path, head, sizeof head, &length) || strncmp(head, "#!", 2) != 0)
        return NULL;
    head[strcspn(head, "\r\n")] = '\0';
    char *word = interpreter_word(head + 2);
    if (!word)
        return NULL;
    return strchr(word, '/') ? text_format("%s", word) : path_search(word);
}

// A dynamic executable names its loader.
static bool has_loader(const char *bytes, size_t length)
{
    Elf64_Ehdr header;
    memcpy(&header, bytes, sizeof header);
    for (size_t i = 0; i < header.e_phnum; i++) {
        Elf64_Phdr program;
        size_t at = header.e_phoff + i * sizeof program;
        if (at > length || length - at < sizeof program)
            return true; // not the usual place: say nothing about it
        memcpy(&program, bytes + at, sizeof program);
        if (program.p_type == PT_INTERP)
            return true;
    }
    return false;
}

bool is_static_executable(const char *path)
{
    char head[4096];
    size_t length;
    char *runner = shebang_interpreter(path);
    bool read = text_head(runner ? runner : path, head, sizeof head, &length);
    free(runner);
    return read && length > sizeof(Elf64_Ehdr) && memcmp(head, ELFMAG, SELFMAG) == 0 &&
           head[EI_CLASS] == ELFCLASS64 && !has_loader(head, length);
}
