// SPDX-License-Identifier: MIT
// interpreter.h - which file is executed: the Python of a script, or a command as a shell finds it.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include "lineprof/commands.h"

// Both give the path to execute, nothing resolved: a virtual environment and a pyenv shim know what
// they are by the path they are started with. The caller frees; NULL and a message when there is
// none.
char *interpreter_find(const char *asked, struct outcome *outcome);
char *command_find(const char *name, struct outcome *outcome);

char *path_search(const char *name); // NULL when no directory of PATH has such an executable

// The interpreter in the first line of the script at `path`, searched on PATH where it goes through
// env; NULL when it is not a script. The caller frees.
char *shebang_interpreter(const char *path);
// Is this, or the interpreter of this script, an executable into which nothing can be preloaded?
bool is_static_executable(const char *path);
