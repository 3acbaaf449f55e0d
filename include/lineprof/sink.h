// SPDX-License-Identifier: MIT
// sink.h - a byte sink that remembers its first error: write without testing, ask once at the end.
//
// A file sink writes to a temporary name beside its target and renames it in sink_close(), so that
// nothing half-written is ever seen under the final name.
#pragma once

#include <stdarg.h>
#include <stddef.h>

struct sink;

struct sink *sink_file(const char *path); // NULL and errno when it cannot be created
struct sink *sink_fd(int fd);             // not closed by sink_close
struct sink *sink_memory(void);           // see sink_text
void sink_write(struct sink *out, const void *bytes, size_t n);
void sink_puts(struct sink *out, const char *text);
void sink_putc(struct sink *out, char c);
void sink_printf(struct sink *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *sink_text(struct sink *out, size_t *length); // of a memory sink; valid until close
int sink_error(const struct sink *out);                  // 0 or the first -errno
int sink_close(struct sink *out);    // flush, rename; 0 or the first -errno (then nothing is left)
void sink_discard(struct sink *out); // leave nothing behind; NULL is fine
