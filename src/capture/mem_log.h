// SPDX-License-Identifier: MIT
// mem_log.h - a reader of another process's memory that remembers what it has read.
//
// Whatever was found out by reads of the log is found out again as long as all those places read
// the same, and that is one system call to see instead of dozens.
#pragma once

#include "lineprof/mem.h"

#define LOG_READS 512 // longer logs are not kept
#define LOG_BYTES 32768

struct mem_log {
    struct mem mem; // first: its reader finds the rest by it
    bool full;      // more was read than is remembered: mem_log_same() says no
    unsigned count;
    size_t used;
    target_addr at[LOG_READS];
    uint32_t size[LOG_READS];
    uint8_t bytes[LOG_BYTES];
};

// What is kept of a log.
struct mem_seen {
    unsigned count;
    uint8_t *kept; // addresses, sizes, bytes; NULL: nothing
};

void mem_log_begin(struct mem_log *log, pid_t pid);
void mem_log_keep(const struct mem_log *log, struct mem_seen *seen); // nothing, when it was full
bool mem_seen_same(const struct mem_seen *seen, pid_t pid);          // false as well of nothing
void mem_seen_free(struct mem_seen *seen);
