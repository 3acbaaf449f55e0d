// SPDX-License-Identifier: MIT
// guard.h - a tiny process beside lineprof, in the same process group, with two duties.
//
// It blocks every signal and so remembers which ones the whole group was sent: those the program
// has had itself, and lineprof must not pass them on a second time. (The terminal's Ctrl-C can be
// told by its si_code; a kill of the group, by a supervisor or an editor's stop button, cannot.)
// And it outlives lineprof: should that be killed, it removes the session's directory.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "lineprof/session.h"

// False when no process was to be had; lineprof works without.
bool guard_start(struct session *session);
// Bit (n - 1) for each signal n that the group got since the last time.
uint64_t guard_ask(void);
void guard_stop(void);
