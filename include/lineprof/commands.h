// SPDX-License-Identifier: MIT
// commands.h - what a person can ask lineprof to do, and how it ends.
//
// A command returns an outcome; only main.c prints its message and ends the process with it.
#pragma once

#include <stdbool.h>

enum exit_code {       // lineprof's own; anything else is the program's
    CODE_NOTHING = 1,  // recover, which runs no program: there is nothing
    CODE_USAGE = 2,    // the command line makes no sense
    CODE_FAILED = 125, // lineprof failed before the program ran, or could not write its report
    CODE_NOT_EXECUTABLE = 126, // program, script or interpreter cannot be run or read
    CODE_NOT_FOUND = 127,      // program, script or interpreter is not there
};

struct outcome {
    int code;           // for exit()
    int signal;         // not 0: the program died by this signal, and so shall we
    char message[1500]; // one line that says what is wrong and what to do; "" when all is well
};

// Fills in code and message. Returns false, so that `return fail(...)` reads well.
bool fail(struct outcome *outcome, enum exit_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// `argv` without the program's and the command's name, NULL-terminated; lives as long as the
// process.
void command_run(char **argv, struct outcome *outcome);
void command_recover(char **argv, struct outcome *outcome);
