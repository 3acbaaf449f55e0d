// SPDX-License-Identifier: MIT
// neutral.h - modules that act for whoever called them: libc, libm, the loader, vdso, our own shim.
//
// The handler and the collector must agree on them, so the rule stands here alone.
#pragma once

#include <stdbool.h>

// `path` as the loader or /proc/PID/maps names it.
bool neutral_module(const char *path);
