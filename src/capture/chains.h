// SPDX-License-Identifier: MIT
// chains.h - stacks of the self-check: as Python told them, as our walk saw them, and the first
// difference between the two.
#pragma once

#include "lineprof/ring.h"

#define CHAINS_MAX 64
#define CHAIN_MAX  16 // more frames than selfcheck.py ever stacks

struct chain_frame {
    char function[64], file[32]; // longer ones are cut: those of selfcheck.py are short
    int line;
};

struct chain {
    char name[32];    // of the case
    uint64_t time_ns; // CLOCK_MONOTONIC
    unsigned count;
    struct chain_frame frames[CHAIN_MAX]; // newest first
};

struct chains {
    unsigned count;
    struct chain at[CHAINS_MAX]; // in the order of time
};

// Takes the output of selfcheck.py apart (and changes `text`). False when it is not whole.
bool chains_told(struct chains *told, char *text);

// The samples of thread `tid` in a ring that nobody writes to any more; it stays as it is.
void chains_seen(struct chains *seen, struct ring *ring, int32_t tid);

enum chains_verdict {
    CHAINS_AGREE,
    CHAINS_DIFFER,
    CHAINS_MISSING, // a stack was told that was not seen: the walk gave up, or no signal came
};

// The seen stack of a told one is the one taken between it and the next. The finding says in half a
// sentence what is wrong, where something is.
enum chains_verdict chains_compare(const struct chains *told, const struct chains *seen,
                                   char *finding, size_t size);
