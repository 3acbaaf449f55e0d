// SPDX-License-Identifier: MIT
// share.h - at the end of a run: ambiguous time becomes python's and native's.
#pragma once

#include "target.h"

// Adds the time of all entries of target->ambiguous to the recording, to the nanosecond.
void share_out(struct target *target);
