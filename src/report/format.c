// SPDX-License-Identifier: MIT
// format.c - numbers as short texts that scan in a column; prototypes in grid.h.

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "grid.h"

const char *format_percent(char text[NUMBER_SIZE], double percent)
{
    if (!(percent > 0))
        text[0] = '\0';
    else if (percent < 0.5)
        strcpy(text, "<1%");
    else
        snprintf(text, NUMBER_SIZE, "%.0f%%", percent);
    return text;
}

static void format_long(char text[NUMBER_SIZE], int64_t seconds)
{
    int minutes = (int)(seconds / 60 % 60), rest = (int)(seconds % 60);
    int64_t hours = seconds / 3600;
    if (seconds < 6000)
        snprintf(text, NUMBER_SIZE, "%dm%02ds", (int)(seconds / 60), rest);
    else if (hours < 100)
        snprintf(text, NUMBER_SIZE, "%dh%02dm", (int)hours, minutes);
    else
        snprintf(text, NUMBER_SIZE, "%" PRId64 " h", hours);
}

// Three significant digits, at most six columns. Each bound is where rounding would add a digit.
const char *format_time(char text[NUMBER_SIZE], int64_t ns)
{
    double ms = (double)ns / 1e6, s = (double)ns / 1e9;
    if (ns <= 0)
        text[0] = '\0';
    else if (ms < 0.95)
        snprintf(text, NUMBER_SIZE, "%.1f ms", ms < 0.1 ? 0.1 : ms);
    else if (ms < 999.5)
        snprintf(text, NUMBER_SIZE, "%.0f ms", ms);
    else if (s < 9.995)
        snprintf(text, NUMBER_SIZE, "%.2f s", s);
    else if (s < 99.95)
        snprintf(text, NUMBER_SIZE, "%.1f s", s);
    else if (s < 999.5)
        snprintf(text, NUMBER_SIZE, "%.0f s", s);
    else
        format_long(text, (ns + 500000000) / 1000000000);
    return text;
}

const char *format_count(char text[32], uint64_t count)
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%" PRIu64, count), at = 0;
    for (int i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0)
            text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = '\0';
    return text;
}
