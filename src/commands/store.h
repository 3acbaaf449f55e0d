// SPDX-License-Identifier: MIT
// store.h - reports on disk that outlive a lineprof which could not finish its own: one folder a
// run.
//
//   ~/.local/state/lineprof/           or $XDG_STATE_HOME/lineprof
//     1763650000123456789-4711/        start in ns since 1970, pid of lineprof
//       lock                           held (flock) while that lineprof lives
//       hinted                         a later run has told of it
//       3/                             the third report: about, report.json, .html, .txt
//       new/                           the fourth, not complete
//
// Everything is the person's own: folders 0700, in a home that is theirs. What is older than
// 30 days, beyond the newest ten, or without a complete report goes when somebody looks.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "options.h"
#include "lineprof/profile.h"

// ---- a run's own folder

struct store {
    char *path;
    int lock; // descriptor; the copies in forked processes count
};

// Makes the folder. False and errno: no home, read-only, full.
bool store_open(struct store *store, int64_t started_unix_ns);
// Writes the report number `number`; those before it go. False: they stay, and nothing is left.
bool store_put(const struct store *store, unsigned number, const struct profile *profile,
               const struct options *options);
void store_close(struct store *store, bool remove); // a folder that is kept can be recovered then

// ---- folders of those who have died

struct stored {
    char *path;
    int lock;     // we hold it: nobody else recovers it meanwhile
    char *report; // its newest complete report
    bool hinted;
    char *about; // what the following lie in
    int64_t started_unix_ns, elapsed_ns;
    bool cut_short; // lineprof was killed; else its report could not be written
    const char *command, *cwd;
};

struct stored_list {
    struct stored *at; // newest first
    size_t count;
};

// False and errno when there can be none: no home, or a place that cannot be read.
bool store_list(struct stored_list *list);
bool store_hint(const struct stored *stored); // true once: the person is to be told
void store_remove(const struct stored *stored);
void store_list_free(struct stored_list *list);
