// SPDX-License-Identifier: MIT
// progress.h - the progress test: has the interpreter moved on from where a sample found it?
//
// A sample whose program counter is inside the interpreter's image, but not in its loop, is either
// a helper of a bytecode (python) or a long C operation (native). The collector, called by the
// handler within tens of microseconds, reads the thread's position again and again. Moved: python.
// Still the same after as many looks as make a coincidence improbable, the thread having run
// meanwhile: native.
#pragma once

#include "target.h"

// Looks at the thread and decides about `ns` of the sample's weight, which `entry` has in its total
// already; what needs the thread's next sample for proof becomes thread->pending.
void progress_look(struct target *target, struct thread *thread, const struct record_sample *sample,
                   struct ambiguous *entry, int64_t ns);

// Decides the thread's pending sample by its next one (NULL: there is none), or leaves it
// undecided.
void progress_settle(struct target *target, struct thread *thread,
                     const struct record_sample *next);

// Time that stays undecided: shared out as decided samples of the same instruction are.
void progress_undecided(struct target *target, int64_t ns);

// Remembers the instruction of a sample in the interpreter; its share decides how many looks it
// takes.
void progress_note(struct thread *thread, uint64_t key);
