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

enum verdict { VERDICT_PYTHON, VERDICT_NATIVE, VERDICT_LATER, VERDICT_UNREADABLE };

// Looks now; `pending->key` is the sample's instruction. VERDICT_LATER: `pending` holds what was
// found, and progress_settle() may still decide.
enum verdict progress_look(struct target *target, struct thread *thread,
                           const struct record_sample *sample, struct pending *pending);

// Decides the thread's pending sample by its next one, else leaves it undecided.
void progress_settle(struct target *target, struct thread *thread,
                     const struct record_sample *next);

// Remembers the instruction of a sample in the interpreter; its share decides how many looks it
// takes.
void progress_note(struct thread *thread, uint64_t key);
