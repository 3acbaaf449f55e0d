// SPDX-License-Identifier: MIT
// waits.c - adds up waiting by its reason, for each line, each thread and in all.
#include "build.h"

#include <stdlib.h>
#include <string.h>

static int ascending(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_kind(const struct wait *a, const struct wait *b)
{
    int order = ascending(a->state, b->state);
    return order ? order : strcmp(a->reason, b->reason);
}

static int compare_waits(const void *a, const void *b)
{
    const struct profile_wait *x = a, *y = b;
    int order = ascending(x->node, y->node);
    if (!order)
        order = ascending(x->thread, y->thread);
    return order ? order : compare_kind(&x->wait, &y->wait);
}

void waits_init(struct build *build)
{
    const struct recording *rec = build->rec;
    uint32_t count = build->scope->virtual_time ? 0 : rows_count(rec->waits);
    build->waits = build_array(build, count, sizeof *build->waits);
    if (!build->waits)
        return;
    for (uint32_t id = 0; id < count; id++) {
        const uint32_t *row = rows_at(rec->waits, id);
        build->waits[id] = (struct profile_wait){
            .node = row[WAIT_NODE],
            .thread = row[WAIT_THREAD],
            .wait = {.state = (enum state)row[WAIT_STATE],
                     .reason = intern_text(rec->texts, row[WAIT_REASON]),
                     .ns = rec->waited[id].ns,
                     .counted_ns = rec->waited[id].counted_ns},
        };
    }
    qsort(build->waits, count, sizeof *build->waits, compare_waits);
    build->wait_count = count;
}

// ---- groups

struct keyed {
    uint32_t key;
    struct wait wait;
};

static int by_key_and_kind(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    int order = ascending(x->key, y->key);
    return order ? order : compare_kind(&x->wait, &y->wait);
}

static int by_key_and_length(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    int order = ascending(x->key, y->key);
    if (!order)
        order = (x->wait.ns < y->wait.ns) - (x->wait.ns > y->wait.ns);
    return order ? order : compare_kind(&x->wait, &y->wait);
}

// Makes one of neighbours that are alike.
static size_t join_alike(struct keyed *waits, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept && by_key_and_kind(&waits[kept - 1], &waits[i]) == 0) {
            waits[kept - 1].wait.ns += waits[i].wait.ns;
            waits[kept - 1].wait.counted_ns += waits[i].wait.counted_ns;
        } else {
            waits[kept++] = waits[i];
        }
    }
    return kept;
}

static void group(struct build *build, struct wait_groups *groups, struct keyed *waits,
                  uint32_t keys)
{
    qsort(waits, build->wait_count, sizeof *waits, by_key_and_kind);
    size_t count = join_alike(waits, build->wait_count), at = 0;
    qsort(waits, count, sizeof *waits, by_key_and_length);
    groups->waits = build_array(build, count, sizeof *groups->waits);
    groups->from = build_array(build, (size_t)keys + 1, sizeof *groups->from);
    if (build->error)
        return;
    for (uint32_t key = 0; key <= keys; key++) {
        groups->from[key] = (uint32_t)at;
        for (; at < count && waits[at].key == key; at++)
            groups->waits[at] = waits[at].wait;
    }
}

static uint32_t by_line(struct build *build, const struct profile_wait *wait)
{
    return tally_line_of(build, wait->node);
}

static uint32_t by_thread(struct build *build, const struct profile_wait *wait)
{
    (void)build;
    return wait->thread;
}

static uint32_t in_all(struct build *build, const struct profile_wait *wait)
{
    (void)build;
    (void)wait;
    return 0;
}

static void group_by(struct build *build, struct wait_groups *groups, uint32_t keys,
                     uint32_t (*key_of)(struct build *, const struct profile_wait *))
{
    struct keyed *waits = build_array(build, build->wait_count, sizeof *waits);
    for (size_t i = 0; waits && i < build->wait_count; i++)
        waits[i] = (struct keyed){key_of(build, &build->waits[i]), build->waits[i].wait};
    if (!build->error)
        group(build, groups, waits, keys);
    free(waits);
}

void waits_lines(struct build *build)
{
    group_by(build, &build->line_waits, rows_count(build->line_rows), by_line);
    group_by(build, &build->thread_waits, (uint32_t)build->rec->thread_count, by_thread);
    group_by(build, &build->total_waits, 1, in_all);
}

static void groups_free(struct wait_groups *groups)
{
    free(groups->waits);
    free(groups->from);
}

void waits_free(struct build *build)
{
    free(build->waits);
    groups_free(&build->line_waits);
    groups_free(&build->thread_waits);
    groups_free(&build->total_waits);
}
