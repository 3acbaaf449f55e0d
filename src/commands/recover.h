// SPDX-License-Identifier: MIT
// recover.h - what `lineprof run` says of `lineprof recover`.
#pragma once

// One line on stderr, once for each run that left a report which nobody has seen.
void recover_hint(void);
