// SPDX-License-Identifier: MIT
// fail.c - puts an error into words where it is known best; main.c prints it.
#include "lineprof/commands.h"

#include <stdarg.h>
#include <stdio.h>

bool fail(struct outcome *outcome, enum exit_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(outcome->message, sizeof outcome->message, format, args);
    va_end(args);
    outcome->code = code;
    return false;
}
