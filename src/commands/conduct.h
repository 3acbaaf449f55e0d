// SPDX-License-Identifier: MIT
// conduct.h - signals: lineprof stands between the program and whoever started it, and must not be
// noticed by either.
//
//   sent to lineprof alone     passed on to the program
//   sent to the whole group    the program has it already (Ctrl-C, Ctrl-\, a closed terminal)
//   the program stops          lineprof stops with it, so that the shell sees its job stop
//   the program dies           lineprof goes on to the report, deaf to a second Ctrl-C
#pragma once

#include <sys/types.h>
#include "lineprof/session.h"

// In this order. Signals are kept from the first call on.
void conduct_begin(void);
void conduct_wakes(struct session *session); // whom a signal shall wake; NULL: nobody
void conduct_before_fork(void);              // all signals wait
void conduct_in_child(void);                 // everything as we found it
void conduct_after_fork(pid_t child);        // the child gets what came before it was there
void conduct_step(pid_t child);              // passes on what has come, follows stops
void conduct_end(void);                      // the child is gone, there remains the report
