// SPDX-License-Identifier: MIT
// wait_words.c - see wait_words.h. Of I/O the system call's name tells most; of the rest what it
// was for does, since every sleep is a clock_nanosleep and every lock a futex.
#include "wait_words.h"

#include <stdio.h>
#include <string.h>

const char *wait_word(const struct wait *wait)
{
    static const char *const words[STATE_COUNT] = {
        [STATE_SLEEP] = "sleep",
        [STATE_CHILD] = "child",
        [STATE_LOCK] = "lock",
        [STATE_GIL] = "GIL",
    };
    return words[wait->state] ? words[wait->state] : wait->reason;
}

const char *wait_phrase(char text[PHRASE_SIZE], const struct wait *wait)
{
    static const char *const phrases[STATE_COUNT] = {
        [STATE_SLEEP] = "sleeping",
        [STATE_CHILD] = "waiting for a child process",
        [STATE_LOCK] = "waiting for locks",
        [STATE_GIL] = "waiting for the GIL",
    };
    if (phrases[wait->state])
        snprintf(text, PHRASE_SIZE, "%s", phrases[wait->state]);
    else // a system call is one word
        snprintf(text, PHRASE_SIZE, strchr(wait->reason, ' ') ? "waiting (%s)" : "waiting in %s",
                 wait->reason);
    return text;
}

const struct wait *wait_of_line(const struct profile_line *line)
{
    int64_t waited = 0, busy = 0;
    for (size_t i = 0; i < line->wait_count; i++)
        waited += line->waits[i].ns;
    for (enum state state = STATE_PYTHON; state <= STATE_KERNEL; state++)
        busy += line->times.ns[state];
    return waited > busy ? &line->waits[0] : NULL;
}

const struct wait *wait_most_counted(const struct profile *profile)
{
    const struct wait *most = NULL;
    for (size_t i = 0; i < profile->total_wait_count; i++) {
        const struct wait *wait = &profile->total_waits[i];
        if (wait->counted_ns > (most ? most->counted_ns : 0))
            most = wait;
    }
    return most;
}
