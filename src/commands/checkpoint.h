// SPDX-License-Identifier: MIT
// checkpoint.h - from time to time the report so far is put on disk, for the case that lineprof is
// killed: what is only in its memory would be lost.
//
// A forked copy of lineprof does it, at the lowest priority: the collector goes on meanwhile, and
// the copy has nothing of the program's world but its memory.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "store.h"

// What the copy does.
struct checkpoint_work {
    void (*finish)(void *context); // at once: it reads clocks
    bool (*write)(void *context, const struct store *store, unsigned number); // when nobody minds
    void *context;
};

void checkpoint_begin(int64_t started_unix_ns);
void checkpoint_step(const struct checkpoint_work *work); // when it is time
void checkpoint_stop(void);                               // a copy at work is ended
// The whole report is safe: nothing stays on disk.
void checkpoint_forget(void);
// It could not be written where it should: it is kept for `lineprof recover`. False: nor could it
// be here.
bool checkpoint_keep(const struct profile *profile, const struct options *options);
