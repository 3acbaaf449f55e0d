// SPDX-License-Identifier: MIT
// program.h - what is to be run: the file to execute, its arguments, its stdin, and its source
// where that is in no file.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include "lineprof/commands.h"
#include "options.h"
#include "text.h"

struct program {
    enum program_kind kind;
    char *path; // what execve gets
    struct texts argv;
    const char *name;        // script, module, code or command, as it was given
    char *command_line;      // for the report
    const char *source_name; // "<string>" or "<stdin>"; NULL when the source is in a file
    char *source;
    size_t source_length;
    int stdin_fd; // to be the program's stdin; -1: ours
};

// Checks all that can be known before the program runs. False and a message otherwise.
bool program_prepare(struct program *program, const struct options *options,
                     struct outcome *outcome);
void program_free(struct program *program);
