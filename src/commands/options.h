// SPDX-License-Identifier: MIT
// options.h - the command lines of `lineprof run` and `lineprof recover`, parsed.
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include "lineprof/commands.h"
#include "text.h"

enum program_kind {
    PROGRAM_NONE,
    PROGRAM_SCRIPT,  // lineprof script.py
    PROGRAM_MODULE,  // lineprof -m module
    PROGRAM_CODE,    // lineprof -c code
    PROGRAM_STDIN,   // lineprof -
    PROGRAM_COMMAND, // lineprof -- command
};

enum color_choice { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER }; // in the order of the option's values

#define DEFAULT_OUTFILE "lineprof-profile.json"

struct options {
    enum program_kind kind;
    bool separated; // by Scalene's ---: what stands behind is the program's on purpose
    char **program; // script, module, code, "-" or command, then the program's arguments

    bool recover, list; // the command; its --list

    bool help, version;
    const char *help_format; // NULL or "markdown"

    const char *outfile; // NULL when not given
    bool html, json, no_browser;
    const char *cli; // NULL: no table; "": to stdout; else the file it goes to

    bool cpu_only; // all that there is, so far
    const char *python;
    double rate_hz;          // 0: not given
    double sampling_seconds; // 0: not given
    bool virtual_time;
    bool no_children;

    bool profile_all;
    struct texts only, exclude; // parts of paths
    const char *program_path;

    double threshold_pct;
    bool reduced, all_lines;
    double column_width; // 0: as the terminal says
    int color;           // enum color_choice
};

// False and a message when the command line makes no sense.
bool options_parse(struct options *options, char **argv, struct outcome *outcome);
// Those of Report, and --list. There is no program: options->program is empty.
bool options_parse_recover(struct options *options, char **argv, struct outcome *outcome);
void options_free(struct options *options);
// The first word behind the program that is an option of ours, where no report was asked for before
// it: the order may be a mistake. NULL when there is none.
const char *options_misplaced(const struct options *options);
// What an error before the run meant for it: "the program was not started".
const char *options_consequence(const struct options *options);
void options_help(FILE *to);
void options_markdown(FILE *to); // the same table for README.md
