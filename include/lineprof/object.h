// SPDX-License-Identifier: MIT
// object.h - Python objects as they lie in a target's memory: their attributes, their text.
//
// The target goes on meanwhile: what is found was there a moment ago, or never as a whole. So each
// read is bounded, and what is used is checked, but only the caller knows whether it makes sense.
#pragma once

#include "lineprof/code.h"

#define OBJECT_KEYS_MAX 1024 // attributes that are looked through
#define OBJECT_NAME_MAX 64   // characters of a name that is looked for

// The value of an attribute in the instance itself, never of its class; `name` is ASCII of up to
// OBJECT_NAME_MAX characters. 0 or -errno. -ENOENT: there is none (among the first
// OBJECT_KEYS_MAX); -ENOTSUP: an object of variable size, whose dict is behind its items; -EINVAL:
// damaged.
int object_attribute(const struct mem *mem, const struct py_layout *layout, target_addr object,
                     const char *name, target_addr *value);

// The text of a str object as UTF-8, NUL-terminated, cut at a whole character; a lone surrogate is
// U+FFFD. 0 or -errno; -EINVAL: it is no str.
int object_text(const struct mem *mem, const struct py_layout *layout, target_addr object,
                char *out, size_t size);

// Whether the string ends with `end`, ASCII of up to OBJECT_NAME_MAX characters. False as well
// where it cannot be read.
bool object_string_ends(const struct mem *mem, const struct py_string *string, const char *end);
