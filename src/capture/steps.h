// SPDX-License-Identifier: MIT
// steps.h - threads that work in short bursts, which may keep step with the kernel's tick.
//
// The tick sees such a thread always in the same part of its work, or never. The collector's looks
// come at random moments: where they contradict the samples, they decide how time is shared.
#pragma once

#include "target.h"

// What looks and samples have found of one thread while it worked in bursts. Outlives the thread.
struct pot {
    uint32_t thread;  // of the recording
    struct map spots; // node -> struct spot
    int64_t tail_ns;  // CPU time behind the last sample, when the thread has ended
};

// The thread's pot, made when there is none; NULL: no memory, or there are too many.
struct pot *steps_pot(struct target *target, struct thread *thread);
// A look has found the thread running at `node`; `moved`: it went on while we looked. Not `whole`:
// it was further in than `node`.
void steps_look(struct pot *pot, uint32_t node, bool moved, bool whole);
// A look cannot tell whether the thread runs at `node`: such places keep what samples gave them.
void steps_wait(struct pot *pot, uint32_t node);
// A sample has added `ns` to `node`. State STATE_COUNT: ambiguous, at the instruction `key`.
void steps_sample(struct pot *pot, uint32_t node, enum state state, uint64_t key, int64_t ns);
void steps_count(struct pot *pot, uint32_t node); // a sample

// Compares both, and where they differ puts the target's times right; before share_out().
void steps_settle(struct target *target);
void steps_free(struct target *target);
