// SPDX-License-Identifier: MIT
// preload.h - the shim's file, and the environment that puts it into the target.
#pragma once

#include <stdbool.h>
#include "lineprof/commands.h"
#include "lineprof/session.h"

// The shim that belongs to this program, wherever both were installed. The caller frees; NULL and a
// message when it is not there.
char *shim_find(struct outcome *outcome);

// Our environment with LD_PRELOAD and LINEPROF_SESSION for the target. The caller frees with
// environment_free. NULL and a message on failure.
char **environment_make(const struct session *session, const char *shim, struct outcome *outcome);
void environment_free(char **environment);
