// SPDX-License-Identifier: MIT
// selfcheck.h - may our walk of an interpreter's frames be believed?
//
// A build that was never seen, by its ELF build id, is asked once, in a short process of its own
// and after the person's program has ended: what the shim read of its stacks against what
// sys._getframe() says (selfcheck.py has the cases). The verdict is kept in the person's cache. A
// build that cannot be asked (an application with Python inside, an interpreter that does not start
// by itself) is believed.
#pragma once

#include "lineprof/ring.h"

#define SELFCHECK_FINDING 640 // bytes of a finding at most

struct selfcheck; // the builds of one run

// `environment`: that of the program, with the shim in LD_PRELOAD; the caller's until the free.
// NULL: no memory.
struct selfcheck *selfcheck_new(char *const *environment);
void selfcheck_free(struct selfcheck *check);

// What speaks against the interpreter of a target's process, as half a sentence that is valid until
// the next call; NULL: nothing known.
const char *selfcheck_finding(struct selfcheck *check, const struct ring_header *header);
