// SPDX-License-Identifier: MIT
// editable.h - projects installed "editable" (pip install -e): they lie where the person works.
#pragma once

#include "text.h"

// Adds the directories of such projects in the site-packages of `interpreter` ("" or NULL: any
// version "3.12.1" will do) and of its virtual environment.
void editable_find(struct texts *roots, const char *interpreter, const char *version);
void editable_find_user(struct texts *roots, const char *version); // pip install --user
