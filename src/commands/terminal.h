// SPDX-License-Identifier: MIT
// terminal.h - what the place where text goes can show.
#pragma once

#include "lineprof/report.h"
#include "options.h"

// How the table looks on `fd` (-1: a file), by the options, the environment and the terminal.
struct table_options terminal_table(const struct options *options, int fd);
