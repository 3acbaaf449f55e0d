// SPDX-License-Identifier: MIT
// wait_words.h - waiting in words, the same in the table and on the line on stderr.
#pragma once

#include "lineprof/report.h"

// "epoll_wait", "sleep", "child", "lock", "GIL": what stands beside a line or a thread.
const char *wait_word(const struct wait *wait);

// "waiting in epoll_wait", "waiting (page fault)", "sleeping", "waiting for locks", ...
#define PHRASE_SIZE 64
const char *wait_phrase(char text[PHRASE_SIZE], const struct wait *wait);

// Of a line that mostly waits, its longest wait; else NULL.
const struct wait *wait_of_line(const struct profile_line *line);
// What of the system column is waiting, the longest of it; NULL when none is.
const struct wait *wait_most_counted(const struct profile *profile);
