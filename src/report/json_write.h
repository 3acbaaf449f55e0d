// SPDX-License-Identifier: MIT
// json_write.h - a stream of JSON: the caller says what comes, this puts commas and escapes.
//
// Whatever bytes a text holds, the output is valid UTF-8 (a bad sequence becomes U+FFFD) and valid
// JSON. Numbers are made from integers, so that no locale changes them. Nothing is tested here: the
// sink keeps its first error.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lineprof/sink.h"

struct json {
    struct sink *out;
    bool filled; // something stands before at this level, so that a comma is due
};

void json_open(struct json *json, char bracket);        // { or [
void json_close(struct json *json, char bracket);       // } or ]
void json_newline(struct json *json);                   // before the next value or bracket
void json_key(struct json *json, const char *key);      // a name of ours: needs no escapes
void json_key_text(struct json *json, const char *key); // anyone's
void json_null(struct json *json);
void json_bool(struct json *json, bool value);
void json_int(struct json *json, int64_t value);
// value / 10^digits, exact and as short as can be, with at least one digit behind the point.
void json_decimal(struct json *json, int64_t value, int digits);
void json_seconds(struct json *json, int64_t ns);
void json_text(struct json *json, const char *text, size_t length);
void json_string(struct json *json, const char *text);

// A copy of `text` as it reads in the output; the caller frees it. NULL: no memory.
char *json_clean(const char *text);
