// SPDX-License-Identifier: MIT
// ended.c - see ended.h.
#include "ended.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct interpreter {           // a build, in all the processes that ran it
    struct ring_header header; // of the first of them
    bool misread;
    unsigned by_status[RING_LAYOUT_MISMATCH + 1];
    bool unreadable, reason_unknown;
    uint64_t lost[LOST_REASONS];
    uint64_t undecided_samples;
    int64_t undecided_ns, in_step_ns;
};

struct ended_process {               // by its id of the recording
    struct interpreter *interpreter; // NULL: it still runs
    bool samples;
};

struct ended {
    struct recording *rec;
    struct interpreter **interpreters;
    size_t interpreter_count;
    struct ended_process *processes;
    size_t process_count;
};

struct ended *ended_new(struct recording *rec)
{
    struct ended *ended = calloc(1, sizeof *ended);
    if (ended)
        ended->rec = rec;
    return ended;
}

void ended_free(struct ended *ended)
{
    if (!ended)
        return;
    for (size_t i = 0; i < ended->interpreter_count; i++)
        free(ended->interpreters[i]);
    free(ended->interpreters);
    free(ended->processes);
    free(ended);
}

// ---- one more

#define SAME(a, b, field) (memcmp((a)->field, (b)->field, sizeof(a)->field) == 0)

static bool is_same(const struct ring_header *a, const struct ring_header *b)
{
    return SAME(a, b, version) && SAME(a, b, build_id) && SAME(a, b, executable) &&
           SAME(a, b, image);
}

static struct interpreter *find_interpreter(struct ended *ended, const struct ring_header *header)
{
    for (size_t i = 0; i < ended->interpreter_count; i++)
        if (is_same(&ended->interpreters[i]->header, header))
            return ended->interpreters[i];
    void *more =
        realloc(ended->interpreters, (ended->interpreter_count + 1) * sizeof(struct interpreter *));
    if (!more)
        return NULL;
    ended->interpreters = more;
    struct interpreter *interpreter = calloc(1, sizeof *interpreter);
    if (!interpreter)
        return NULL;
    memcpy(&interpreter->header, header, sizeof interpreter->header);
    return ended->interpreters[ended->interpreter_count++] = interpreter;
}

static struct ended_process *process_at(struct ended *ended, uint32_t process)
{
    if (process >= ended->process_count) {
        size_t count = process + process / 2 + 16;
        void *more = realloc(ended->processes, count * sizeof *ended->processes);
        if (!more)
            return NULL;
        ended->processes = more;
        memset(ended->processes + ended->process_count, 0,
               (count - ended->process_count) * sizeof *ended->processes);
        ended->process_count = count;
    }
    return &ended->processes[process];
}

void ended_add(struct ended *ended, const struct target *target)
{
    const struct ring_header *header = target->ring.header;
    struct interpreter *interpreter = find_interpreter(ended, header);
    struct ended_process *process = process_at(ended, target->process);
    uint32_t status = atomic_load(&header->status);
    if (!interpreter || !process)
        return;
    *process = (struct ended_process){interpreter, target->samples};
    if (status <= RING_LAYOUT_MISMATCH)
        interpreter->by_status[status]++;
    interpreter->unreadable |= target->unreadable;
    interpreter->reason_unknown |= target->reason_unknown;
    for (int i = 0; i < LOST_REASONS; i++)
        interpreter->lost[i] += atomic_load(&header->lost[i]);
    interpreter->lost[LOST_BLOCKED] += target->lost_blocked;
    interpreter->undecided_samples += target->undecided_samples;
    interpreter->undecided_ns += target->undecided_ns;
    interpreter->in_step_ns += target->in_step_ns;
}

// ---- in the end

static void note_misread(struct ended *ended, struct interpreter *interpreter, const char *finding,
                         struct collector_summary *summary)
{
    const struct ring_header *header = &interpreter->header;
    interpreter->misread = true;
    for (size_t i = 0; i < ended->process_count; i++)
        if (ended->processes[i].interpreter == interpreter)
            recording_process_info(ended->rec, (uint32_t)i)->misread = true;
    summary->misread += interpreter->by_status[RING_ACTIVE];
    memcpy(summary->misread_version, header->version, sizeof header->version - 1);
    snprintf(summary->misread_finding, sizeof summary->misread_finding, "%s", finding);
}

// The program has ended: it waits for nothing of this.
void ended_check(struct ended *ended, char *const *environment, struct collector_summary *summary)
{
    struct selfcheck *check = environment ? selfcheck_new(environment) : NULL;
    for (size_t i = 0; check && i < ended->interpreter_count; i++) {
        struct interpreter *interpreter = ended->interpreters[i];
        const char *finding = interpreter->by_status[RING_ACTIVE]
                                  ? selfcheck_finding(check, &interpreter->header)
                                  : NULL;
        if (finding)
            note_misread(ended, interpreter, finding, summary);
    }
    selfcheck_free(check);
}

static void summarize(const struct interpreter *interpreter, struct run_info *run,
                      struct collector_summary *summary)
{
    const struct ring_header *header = &interpreter->header;
    if (interpreter->misread)
        return; // note_misread() has
    summary->processes += interpreter->by_status[RING_ACTIVE];
    summary->unsupported += interpreter->by_status[RING_UNSUPPORTED];
    if (interpreter->by_status[RING_UNSUPPORTED])
        memcpy(summary->unsupported_version, header->version, sizeof header->version - 1);
    summary->free_threaded |= interpreter->by_status[RING_FREE_THREADED] > 0;
    summary->layout_mismatch |= interpreter->by_status[RING_LAYOUT_MISMATCH] > 0;
    summary->unreadable |= interpreter->unreadable;
    summary->reason_unknown |= interpreter->reason_unknown;
    for (int i = 0; i < LOST_REASONS; i++)
        run->lost[i] += interpreter->lost[i];
    run->undecided_samples += interpreter->undecided_samples;
    run->undecided_ns += interpreter->undecided_ns;
    run->in_step_ns += interpreter->in_step_ns;
}

static void name_python(const struct ended *ended, struct run_info *run)
{
    for (size_t i = 0; i < ended->process_count; i++) {
        const struct ended_process *process = &ended->processes[i];
        if (!process->samples || process->interpreter->misread)
            continue;
        const struct process_info *info = recording_process_info(ended->rec, (uint32_t)i);
        run->python_version = info->version;
        run->python_executable = info->executable;
        return;
    }
}

void ended_summarize(const struct ended *ended, struct collector_summary *summary)
{
    struct run_info *run = recording_run(ended->rec);
    for (size_t i = 0; i < ended->interpreter_count; i++)
        summarize(ended->interpreters[i], run, summary);
    name_python(ended, run);
}
