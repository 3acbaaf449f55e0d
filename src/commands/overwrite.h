// SPDX-License-Identifier: MIT
// overwrite.h - whether a file that is there already may be replaced: reports of ours may, nothing
// else of a person's.
#pragma once

#include <stdbool.h>
#include "options.h"

enum report_form { FORM_JSON, FORM_PAGE, FORM_TABLE };

// Is there a report of ours in this form at `path`?
bool is_our_report(const char *path, enum report_form form);
// True when nothing would be lost at `path`; else false and a message. `advice` says what chooses
// another name.
bool overwrite_allowed(const char *path, enum report_form form, const char *advice,
                       const struct options *options, struct outcome *outcome);
