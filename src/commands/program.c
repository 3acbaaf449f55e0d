// SPDX-License-Identifier: MIT
// program.c - turns the options into something to execute, or says why that cannot be.
#include "program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "interpreter.h"
#include "overwrite.h"

// ---- the script

// The script is not there: what may have been meant.
static bool fail_missing(const char *script, int error, struct outcome *outcome)
{
    char *with_suffix = text_format("%s.py", script);
    char *command = strchr(script, '/') ? NULL : path_search(script);
    if (error == ENOENT && access(with_suffix, F_OK) == 0)
        fail(outcome, CODE_NOT_FOUND, "no script '%s': did you mean %s?", script, with_suffix);
    else if (error == ENOENT && command)
        fail(outcome, CODE_NOT_FOUND,
             "no script '%s' here; for the command of that name: lineprof -- %s", script, script);
    else if (error == ENOENT)
        fail(outcome, CODE_NOT_FOUND, "no script '%s': check the name and the directory", script);
    else
        fail(outcome, error == EACCES ? CODE_NOT_EXECUTABLE : CODE_NOT_FOUND,
             "cannot read the script '%s': %s", script, strerror(error));
    free(with_suffix);
    free(command);
    return false;
}

static bool check_directory(const char *script, struct outcome *outcome)
{
    char *code = text_format("%s/__main__.py", script);
    char *compiled = text_format("%s/__main__.pyc", script);
    bool runs = access(code, F_OK) == 0 || access(compiled, F_OK) == 0;
    free(code);
    free(compiled);
    if (runs)
        return true;
    return fail(outcome, CODE_NOT_EXECUTABLE,
                "'%s' is a directory without a __main__.py: name the script in it", script);
}

// A shell's `#!` line. Some Python scripts have one to find their Python, which they then name.
static bool is_shell_script(const char *path, const char *head)
{
    static const char *const shells[] = {"sh", "bash", "dash", "zsh", "ksh", "fish"};
    char *shell = strstr(head, "python") ? NULL : shebang_interpreter(path);
    bool found = false;
    for (size_t i = 0; shell && i < sizeof shells / sizeof *shells; i++)
        found = found || strcmp(text_basename(shell), shells[i]) == 0;
    free(shell);
    return found;
}

// The report that a run has left behind, taken for what opens it.
static bool fail_report(const char *script, struct outcome *outcome)
{
    size_t stem = strlen(script);
    if (stem > 5 && strcmp(script + stem - 5, ".json") == 0)
        stem -= 5;
    char *page = text_format("%.*s.html", (int)stem, script);
    if (is_our_report(script, FORM_PAGE))
        fail(outcome, CODE_NOT_EXECUTABLE, "'%s' is a report of lineprof: open it in a browser",
             script);
    else if (access(page, F_OK) == 0)
        fail(outcome, CODE_NOT_EXECUTABLE, "'%s' is a report of lineprof: open %s", script, page);
    else
        fail(outcome, CODE_NOT_EXECUTABLE,
             "'%s' is a report of lineprof, not a script, and has no page beside it: --html makes "
             "one with the next run",
             script);
    free(page);
    return false;
}

// Python would only say SyntaxError.
static bool check_content(const char *script, struct outcome *outcome)
{
    char head[4096];
    size_t length;
    if (!text_head(script, head, sizeof head, &length))
        return true; // a pipe from the shell's <(...): Python reads it, we cannot
    if (is_our_report(script, FORM_JSON) || is_our_report(script, FORM_PAGE))
        return fail_report(script, outcome);
    if (strncmp(head, ELFMAG, SELFMAG) != 0 && !is_shell_script(script, head))
        return true;
    return fail(outcome, CODE_NOT_EXECUTABLE,
                "'%s' is not a Python script: to profile what it starts, lineprof -- %s%s", script,
                strchr(script, '/') ? "" : "./", script);
}

static bool check_script(const char *script, struct outcome *outcome)
{
    struct stat st;
    if (stat(script, &st) < 0)
        return fail_missing(script, errno, outcome);
    if (S_ISDIR(st.st_mode))
        return check_directory(script, outcome);
    if (access(script, R_OK) < 0)
        return fail(outcome, CODE_NOT_EXECUTABLE, "cannot read the script '%s': %s", script,
                    strerror(errno));
    return check_content(script, outcome);
}

// ---- the script on stdin

static bool fail_stdin(int error, struct outcome *outcome)
{
    return fail(outcome, CODE_NOT_EXECUTABLE, "cannot read the script from stdin: %s",
                strerror(error));
}

// Copies a pipe into memory that can be read twice: by us for the report, by Python as its script.
static bool copy_stdin(int to, struct outcome *outcome)
{
    char buffer[65536];
    for (;;) {
        ssize_t n = read(STDIN_FILENO, buffer, sizeof buffer);
        if (n == 0)
            return true;
        if (n < 0 && errno != EINTR)
            return fail_stdin(errno, outcome);
        if (n > 0 && write(to, buffer, (size_t)n) != n)
            return fail_stdin(ENOSPC, outcome);
    }
}

// The bytes of `fd` from `from` on, without moving its position.
static bool keep_source(struct program *program, int fd, off_t from, struct outcome *outcome)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return fail_stdin(errno, outcome);
    size_t size = st.st_size > from ? (size_t)(st.st_size - from) : 0;
    program->source = malloc(size + 1);
    ssize_t n = program->source ? pread(fd, program->source, size, from) : -1;
    if (n < 0)
        return fail_stdin(program->source ? errno : ENOMEM, outcome);
    program->source[n] = '\0';
    program->source_length = (size_t)n;
    program->source_name = "<stdin>";
    return true;
}

static bool prepare_stdin(struct program *program, struct outcome *outcome)
{
    struct stat st;
    if (isatty(STDIN_FILENO))
        return true; // a person types: Python reads line by line, and there is nothing to keep
    if (fstat(STDIN_FILENO, &st) < 0)
        return fail_stdin(errno, outcome);
    if (S_ISDIR(st.st_mode))
        return fail_stdin(EISDIR, outcome);
    off_t at = S_ISREG(st.st_mode) ? lseek(STDIN_FILENO, 0, SEEK_CUR) : -1;
    if (at >= 0)
        return keep_source(program, STDIN_FILENO, at, outcome);
    program->stdin_fd = memfd_create("stdin", MFD_CLOEXEC);
    if (program->stdin_fd < 0)
        return fail_stdin(errno, outcome);
    return copy_stdin(program->stdin_fd, outcome) &&
           keep_source(program, program->stdin_fd, 0, outcome) &&
           lseek(program->stdin_fd, 0, SEEK_SET) == 0;
}

// ---- all kinds

static void keep_code(struct program *program, const char *code)
{
    program->source = text_format("%s\n", code); // as Python compiles it
    program->source_length = strlen(program->source);
    program->source_name = "<string>";
}

// The code in `python3 -X dev -c CODE`; NULL when the command is another one.
static const char *code_of_command(char *const *argv)
{
    if (strncmp(text_basename(argv[0]), "python", strlen("python")) != 0)
        return NULL;
    for (argv++; *argv && **argv == '-' && strcmp(*argv, "-m") != 0; argv++) {
        if (strcmp(*argv, "-c") == 0)
            return argv[1];
        if ((strcmp(*argv, "-X") == 0 || strcmp(*argv, "-W") == 0) && argv[1])
            argv++;
    }
    return NULL;
}

static void check_command(struct program *program)
{
    const char *code = code_of_command(program->argv.at);
    if (code)
        keep_code(program, code);
}

static bool check_kind(struct program *program, struct outcome *outcome)
{
    switch (program->kind) {
    case PROGRAM_SCRIPT:
        return check_script(program->name, outcome);
    case PROGRAM_STDIN:
        return prepare_stdin(program, outcome);
    case PROGRAM_CODE:
        keep_code(program, program->name);
        return true;
    case PROGRAM_COMMAND:
        check_command(program);
        return true;
    default:
        return true;
    }
}

// In the report the interpreter is a name: which one it was stands there as well.
static char *shown_command_line(const struct program *program)
{
    char *const *argv = program->argv.at;
    struct texts shown = {0};
    texts_add(&shown, program->kind == PROGRAM_COMMAND ? argv[0] : text_basename(argv[0]));
    for (size_t i = 1; argv[i]; i++)
        texts_add(&shown, argv[i]);
    char *line = text_command_line(shown.at);
    texts_free(&shown);
    return line;
}

static void fill_arguments(struct program *program, const struct options *options)
{
    if (program->kind == PROGRAM_MODULE || program->kind == PROGRAM_CODE) {
        texts_add(&program->argv, program->path);
        texts_add(&program->argv, program->kind == PROGRAM_MODULE ? "-m" : "-c");
    } else if (program->kind != PROGRAM_COMMAND) {
        texts_add(&program->argv, program->path);
    }
    // A script whose name begins with a dash would be an option of Python's.
    bool dashed = program->kind == PROGRAM_SCRIPT && program->name[0] == '-';
    char *first = text_format("%s%s", dashed ? "./" : "", program->name);
    texts_add(&program->argv, first);
    free(first);
    for (char **word = options->program + 1; *word; word++)
        texts_add(&program->argv, *word);
    program->command_line = shown_command_line(program);
}

bool program_prepare(struct program *program, const struct options *options,
                     struct outcome *outcome)
{
    *program = (struct program){.kind = options->kind, .name = options->program[0], .stdin_fd = -1};
    program->path = program->kind == PROGRAM_COMMAND ? command_find(program->name, outcome)
                                                     : interpreter_find(options->python, outcome);
    if (!program->path)
        return false;
    if (program->kind == PROGRAM_COMMAND && options->python)
        return fail(outcome, CODE_USAGE,
                    "--python chooses the interpreter of a script; behind -- write it yourself");
    fill_arguments(program, options);
    return check_kind(program, outcome);
}

void program_free(struct program *program)
{
    if (program->stdin_fd >= 0)
        close(program->stdin_fd);
    texts_free(&program->argv);
    free(program->path);
    free(program->command_line);
    free(program->source);
}
