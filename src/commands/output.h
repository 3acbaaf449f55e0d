// SPDX-License-Identifier: MIT
// output.h - which files a run writes, and writing them.
#pragma once

#include <stdbool.h>
#include "lineprof/profile.h"
#include "options.h"

struct output {
    char *json, *html, *table; // paths, NULL when not wanted
    bool json_on_stdout, table_on_stdout;
};

// Creates and removes each file once, so that a path that cannot be written is known before a long
// run and not behind it; so is a file of somebody's that would be lost. False and a message then.
bool output_plan(struct output *output, const struct options *options, struct outcome *outcome);
// False and a message when one could not be written; the others are there then.
bool output_write(const struct output *output, const struct options *options,
                  const struct profile *profile, struct outcome *outcome);
// "lineprof-profile.html and lineprof-profile.json"; NULL when no file is written. The caller
// frees.
char *output_names(const struct output *output);
void output_free(struct output *output);
