// SPDX-License-Identifier: MIT
// text.h - strings that live as long as the process, which runs one command and ends.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct texts { // a growing list, NULL-terminated once it has an entry
    char **at;
    size_t count;
};

char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
void texts_add(struct texts *list, const char *text);     // a copy
void texts_add_new(struct texts *list, const char *text); // unless it is there already
void texts_split(struct texts *list, const char *text);   // at commas; empty parts are left out
void texts_free(struct texts *list);

// The words as a shell would take them; the caller frees.
char *text_command_line(char *const *words);
// `path` seen from `directory`, nothing resolved; the caller frees.
char *text_absolute(const char *directory, const char *path);
// The path without its last name: "." for a bare name. The caller frees.
char *text_directory(const char *path);
const char *text_basename(const char *path);
// The file's first bytes, NUL-terminated; false when it is no readable regular file.
bool text_head(const char *path, char *buffer, size_t size, size_t *length);
// The whole regular file, NUL-terminated; NULL when it cannot be read or is larger than `limit`.
char *text_file(const char *path, size_t limit, size_t *length);
