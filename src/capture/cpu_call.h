// SPDX-License-Identifier: MIT
// cpu_call.h - one file per CPU: what a call instruction looks like.
#pragma once

#include <stdbool.h>
#include "lineprof/mem.h"

// True when the instruction that ends at `address` is a call: `address` may be a return address.
bool code_follows_call(const struct mem *mem, target_addr address);
