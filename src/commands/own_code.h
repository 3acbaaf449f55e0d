// SPDX-License-Identifier: MIT
// own_code.h - the directories of the person's own code, for struct scope.
#pragma once

#include "lineprof/profile.h"
#include "options.h"
#include "program.h"
#include "text.h"

// After the run, when it is known which Python it was. No Python is started.
void own_code_find(struct texts *roots, const struct options *options,
                   const struct program *program, const struct run_info *run);
