// SPDX-License-Identifier: MIT
// discard.c - takes back what was recorded of misread processes.
//
// Their functions and stacks go with their times, since what was misread may have any name. What is
// left keeps its order.
#include "recording.h"

#include <errno.h>
#include <stdlib.h>

#define GONE UINT32_MAX

struct discard {
    struct recording *rec;
    uint32_t *threads, *functions, *nodes; // new ids by the old ones; GONE
    struct rows *kept_functions, *kept_nodes, *kept_weights, *kept_waits;
};

static uint32_t *marks(size_t count)
{
    uint32_t *array = malloc((count + 1) * sizeof *array);
    for (size_t i = 0; array && i < count; i++)
        array[i] = GONE;
    return array;
}

static bool begin(struct discard *d)
{
    const struct recording *rec = d->rec;
    d->threads = marks(rec->thread_count);
    d->functions = marks(rows_count(rec->functions));
    d->nodes = marks(rows_count(rec->nodes));
    d->kept_functions = rows_new(FUNCTION_WORDS);
    d->kept_nodes = rows_new(NODE_WORDS);
    d->kept_weights = rows_new(WEIGHT_WORDS);
    d->kept_waits = rows_new(WAIT_WORDS);
    return d->threads && d->functions && d->nodes && d->kept_functions && d->kept_nodes &&
           d->kept_weights && d->kept_waits;
}

static void keep_threads(struct discard *d)
{
    struct recording *rec = d->rec;
    size_t kept = 0;
    for (size_t i = 0; i < rec->thread_count; i++) {
        if (rec->processes[rec->threads[i].process]->misread)
            continue;
        d->threads[i] = (uint32_t)kept;
        rec->threads[kept++] = rec->threads[i];
    }
    rec->thread_count = kept;
}

// A stack with all its callers. (Any number but GONE for now.)
static void mark_node(struct discard *d, uint32_t node)
{
    const struct rows *nodes = d->rec->nodes;
    for (; node != NODE_ROOT && d->nodes[node] == GONE; node = rows_at(nodes, node)[NODE_PARENT]) {
        d->nodes[node] = 0;
        d->functions[rows_at(nodes, node)[NODE_FUNCTION]] = 0;
    }
}

// Those of threads that stay.
static void mark_nodes(struct discard *d)
{
    const struct recording *rec = d->rec;
    for (uint32_t i = 0; i < rows_count(rec->weights); i++) {
        const uint32_t *weight = rows_at(rec->weights, i);
        if (d->threads[weight[WEIGHT_THREAD]] != GONE)
            mark_node(d, weight[WEIGHT_NODE]);
    }
    for (uint32_t i = 0; i < rows_count(rec->waits); i++) {
        const uint32_t *wait = rows_at(rec->waits, i);
        if (d->threads[wait[WAIT_THREAD]] != GONE)
            mark_node(d, wait[WAIT_NODE]);
    }
}

static bool keep_functions(struct discard *d)
{
    const struct rows *functions = d->rec->functions;
    for (uint32_t i = 0; i < rows_count(functions); i++)
        if (d->functions[i] != GONE &&
            (d->functions[i] = rows_id(d->kept_functions, rows_at(functions, i))) == GONE)
            return false;
    return true;
}

static bool keep_nodes(struct discard *d)
{
    const struct rows *nodes = d->rec->nodes;
    for (uint32_t i = 0; i < rows_count(nodes); i++) { // parents come first
        const uint32_t *row = rows_at(nodes, i);
        uint32_t parent = row[NODE_PARENT];
        if (d->nodes[i] == GONE)
            continue;
        d->nodes[i] =
            rows_id(d->kept_nodes,
                    (const uint32_t[NODE_WORDS]){parent == NODE_ROOT ? NODE_ROOT : d->nodes[parent],
                                                 d->functions[row[NODE_FUNCTION]], row[NODE_LINE]});
        if (d->nodes[i] == GONE)
            return false;
    }
    return true;
}

static bool keep_weights(struct discard *d)
{
    struct recording *rec = d->rec;
    for (uint32_t i = 0; i < rows_count(rec->weights); i++) {
        const uint32_t *row = rows_at(rec->weights, i);
        uint32_t thread = d->threads[row[WEIGHT_THREAD]];
        if (thread == GONE)
            continue;
        uint32_t id = rows_id(d->kept_weights,
                              (const uint32_t[WEIGHT_WORDS]){d->nodes[row[WEIGHT_NODE]], thread});
        if (id == GONE)
            return false;
        rec->times[id] = rec->times[i]; // id <= i
    }
    return true;
}

static bool keep_waits(struct discard *d)
{
    struct recording *rec = d->rec;
    for (uint32_t i = 0; i < rows_count(rec->waits); i++) {
        const uint32_t *row = rows_at(rec->waits, i);
        uint32_t thread = d->threads[row[WAIT_THREAD]];
        if (thread == GONE)
            continue;
        uint32_t id =
            rows_id(d->kept_waits, (const uint32_t[WAIT_WORDS]){d->nodes[row[WAIT_NODE]], thread,
                                                                row[WAIT_STATE], row[WAIT_REASON]});
        if (id == GONE)
            return false;
        rec->waited[id] = rec->waited[i]; // id <= i
    }
    return true;
}

static void swap(struct rows **a, struct rows **b)
{
    struct rows *kept = *a;
    *a = *b;
    *b = kept;
}

// The recording's rows are those that were kept, and what they replace goes.
static void end(struct discard *d)
{
    struct recording *rec = d->rec;
    swap(&rec->functions, &d->kept_functions);
    swap(&rec->nodes, &d->kept_nodes);
    swap(&rec->weights, &d->kept_weights);
    swap(&rec->waits, &d->kept_waits);
    for (uint32_t i = rows_count(rec->weights); i < rec->times_room; i++)
        rec->times[i] = (struct times){.samples = 0};
    for (uint32_t i = rows_count(rec->waits); i < rec->waited_room; i++)
        rec->waited[i] = (struct waited){0};
}

void recording_discard(struct recording *rec)
{
    struct discard d = {.rec = rec};
    bool done = !rec->error && begin(&d);
    if (done) {
        keep_threads(&d);
        mark_nodes(&d);
        done = keep_functions(&d) && keep_nodes(&d) && keep_weights(&d) && keep_waits(&d);
    }
    if (done)
        end(&d);
    else if (!rec->error)
        rec->error = ENOMEM;
    free(d.threads);
    free(d.functions);
    free(d.nodes);
    rows_free(d.kept_functions);
    rows_free(d.kept_nodes);
    rows_free(d.kept_weights);
    rows_free(d.kept_waits);
}
