// SPDX-License-Identifier: MIT
// own_code.c - where the person's own code lies.
//
//   script           its directory, as it was named and as it is with links resolved: Python has
//   the
//                    one in __main__'s frames and the other in sys.path
//   directory, zip   itself
//   -m, -c, stdin    the current directory
//   command          the current directory, and that of a Python or shell script it names
//   all of them      editable installs (editable.c)
//
// --program-path takes the place of all that.
#include "own_code.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "editable.h"
#include "interpreter.h"

static void add_root(struct texts *roots, const char *path)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    char *root = text_format("%.*s", (int)n, path);
    texts_add_new(roots, root);
    free(root);
}

static void add_with_real(struct texts *roots, const char *path)
{
    char *real = realpath(path, NULL);
    add_root(roots, path);
    if (real)
        add_root(roots, real);
    free(real);
}

static bool is_regular(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

// A zip archive is its own directory to Python: its files are archive.pyz/__main__.py.
static bool is_zip(const char *path)
{
    char head[512];
    size_t length;
    if (!text_head(path, head, sizeof head, &length))
        return false;
    const char *archive = head; // zipapp puts a `#!` line in front
    if (strncmp(head, "#!", 2) == 0)
        archive = head + strcspn(head, "\n") + 1;
    return archive < head + length && strncmp(archive, "PK\3\4", 4) == 0;
}

static void add_script(struct texts *roots, const char *cwd, const char *script)
{
    char *path = text_absolute(cwd, script);
    if (!is_regular(path) || is_zip(path)) {
        add_with_real(roots, path);
        free(path);
        return;
    }
    char *real = realpath(path, NULL);
    char *named = text_directory(path), *resolved = real ? text_directory(real) : NULL;
    add_with_real(roots, named);
    if (resolved)
        add_root(roots, resolved);
    free(named);
    free(resolved);
    free(real);
    free(path);
}

static bool ends_with_py(const char *word)
{
    size_t n = strlen(word);
    return n > 3 && strcmp(word + n - 3, ".py") == 0;
}

// `env python3 tools/x.py`, `./run-all.sh`: the directory of the first script that is named. Not
// that of a console script, which lies among all the others.
static void add_command(struct texts *roots, const char *cwd, const struct program *program)
{
    char *shell = strchr(program->path, '/') ? shebang_interpreter(program->path) : NULL;
    if (shell && strncmp(text_basename(shell), "python", strlen("python")) != 0 &&
        strchr(program->name, '/'))
        add_script(roots, cwd, program->path);
    free(shell);
    for (size_t i = 1; i < program->argv.count; i++)
        if (ends_with_py(program->argv.at[i]) && is_regular(program->argv.at[i])) {
            add_script(roots, cwd, program->argv.at[i]);
            return;
        }
}

static void add_program(struct texts *roots, const char *cwd, const struct program *program,
                        const struct run_info *run)
{
    if (program->kind == PROGRAM_SCRIPT) {
        add_script(roots, cwd, program->name);
        return;
    }
    add_with_real(roots, cwd);
    if (program->kind != PROGRAM_COMMAND)
        return;
    if (run->cwd && *run->cwd) // a shell script may have gone elsewhere
        add_with_real(roots, run->cwd);
    add_command(roots, cwd, program);
}

// Every path by which the interpreter is known: the one we started, the one a script names (both
// tell of a virtual environment), and the one that ran in the end (behind a pyenv shim, say).
static void add_editable(struct texts *roots, const struct program *program,
                         const struct run_info *run)
{
    char *runner = program->kind == PROGRAM_COMMAND ? shebang_interpreter(program->path) : NULL;
    const char *active = getenv("VIRTUAL_ENV");
    char *environment = active && *active ? text_format("%s/bin/python", active) : NULL;
    editable_find(roots, program->path, run->python_version);
    if (runner)
        editable_find(roots, runner, run->python_version);
    if (environment)
        editable_find(roots, environment, run->python_version);
    if (run->python_executable && *run->python_executable)
        editable_find(roots, run->python_executable, run->python_version);
    editable_find_user(roots, run->python_version);
    free(runner);
    free(environment);
}

void own_code_find(struct texts *roots, const struct options *options,
                   const struct program *program, const struct run_info *run)
{
    char *cwd = getcwd(NULL, 0);
    const char *here = cwd ? cwd : "";
    if (options->program_path) {
        char *path = text_absolute(here, options->program_path);
        add_with_real(roots, path);
        free(path);
    } else {
        add_program(roots, here, program, run);
        add_editable(roots, program, run);
    }
    free(cwd);
}
