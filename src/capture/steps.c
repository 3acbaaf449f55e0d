// SPDX-License-Identifier: MIT
// steps.c - see steps.h. Read it bottom-up from steps_settle().
//
// Both, looks and samples, are counted per stack. What they say is compared for every subtree of
// stacks, since that is what a person reads: this function, that line, with all below it. As long
// as no subtree's shares differ by more than chance explains, samples stay as they are: they come
// with their program counters. Threads that do the same (a pool's) are judged together.
#include "steps.h"

#include <math.h>
#include <stdlib.h>

#define LOOKS_LEAST 20  // of threads that are judged together
#define UNSEEN      0.1 // of what samples saw
#define SEEN_LEAST  3
#define POTS_MOST   4096
#define KIND_DEPTH  4 // frames that threads have in common that do the same: what Thread runs
#define SIGMAS                                                                                     \
    2.0 // that a difference has to have: both are as exact, so being wrong here costs little; and
#define POINTS 0.01 // of the whole beyond that

struct spot { // a stack, in one thread or in all
    uint32_t node;
    int64_t ns[STATE_KERNEL + 1];
    int64_t ambiguous_ns;
    uint64_t key; // of an ambiguous instruction
    unsigned samples;
    unsigned looks, moved; // whole ones
    unsigned partial;      // looks that lost the thread further in
    bool waits;            // the thread was blocked there: samples alone decide
};

static struct spot *spot_at(struct map *spots, uint32_t node)
{
    struct spot *spot = map_get(spots, node);
    if (spot || !(spot = calloc(1, sizeof *spot)))
        return spot;
    spot->node = node;
    if (map_put(spots, node, spot)) {
        free(spot);
        return NULL;
    }
    return spot;
}

struct pot *steps_pot(struct target *target, struct thread *thread)
{
    if (thread->pot || target->pot_count == POTS_MOST)
        return thread->pot;
    void *more = realloc(target->pots, (target->pot_count + 1) * sizeof *target->pots);
    if (!more)
        return NULL;
    target->pots = more;
    if (!(thread->pot = calloc(1, sizeof *thread->pot)))
        return NULL;
    thread->pot->thread = thread->id;
    return target->pots[target->pot_count++] = thread->pot;
}

void steps_look(struct pot *pot, uint32_t node, bool moved, bool whole)
{
    struct spot *spot = pot ? spot_at(&pot->spots, node) : NULL;
    if (!spot)
        return;
    spot->looks += whole;
    spot->moved += whole && moved;
    spot->partial += !whole;
}

void steps_wait(struct pot *pot, uint32_t node)
{
    struct spot *spot = pot ? spot_at(&pot->spots, node) : NULL;
    if (spot)
        spot->waits = true;
}

void steps_sample(struct pot *pot, uint32_t node, enum state state, uint64_t key, int64_t ns)
{
    struct spot *spot = pot && ns ? spot_at(&pot->spots, node) : NULL;
    if (!spot)
        return;
    if (state == STATE_COUNT) {
        spot->ambiguous_ns += ns;
        spot->key = key;
    } else {
        spot->ns[state] += ns;
    }
}

void steps_count(struct pot *pot, uint32_t node)
{
    struct spot *spot = pot ? spot_at(&pot->spots, node) : NULL;
    if (spot)
        spot->samples++;
}

void steps_free(struct target *target)
{
    for (size_t i = 0; i < target->pot_count; i++) {
        map_free(&target->pots[i]->spots, free);
        free(target->pots[i]);
    }
    free(target->pots);
    target->pots = NULL;
    target->pot_count = 0;
}

static int64_t spot_ns(const struct spot *spot)
{
    return spot->ns[STATE_PYTHON] + spot->ns[STATE_NATIVE] + spot->ns[STATE_KERNEL] +
           spot->ambiguous_ns;
}

// ---- subtrees

struct subtree {
    double sampled_ns, looks;
    double partial; // looks that ended exactly here, not whole
};

struct shares {
    const struct recording *rec;
    struct map subtrees;       // node -> struct subtree
    double ns, looks, samples; // of all
    double unseen_ns;          // CPU time behind the last sample
    bool failed;
};

static struct subtree *subtree_at(struct shares *shares, uint32_t node)
{
    struct subtree *subtree = map_get(&shares->subtrees, node);
    if (subtree)
        return subtree;
    subtree = calloc(1, sizeof *subtree);
    if (!subtree || map_put(&shares->subtrees, node, subtree)) {
        free(subtree);
        shares->failed = true;
        return NULL;
    }
    return subtree;
}

static void add_spot(struct shares *shares, const struct spot *spot)
{
    double ns = (double)spot_ns(spot), looks = spot->looks + spot->partial;
    struct subtree *own = subtree_at(shares, spot->node);
    if (own)
        own->partial += spot->partial;
    for (uint32_t node = spot->node; node != NODE_ROOT && !shares->failed;
         node = recording_parent(shares->rec, node)) {
        struct subtree *subtree = subtree_at(shares, node);
        if (!subtree)
            return;
        subtree->sampled_ns += ns;
        subtree->looks += looks;
    }
    shares->ns += ns;
    shares->looks += looks;
    shares->samples += spot->samples;
}

// (A stack that no sample and hardly a look has seen may be one that never was: it was read from a
// thread that ran on.)
static bool is_looked_at(const struct spot *spot)
{
    return spot && !spot->waits && (spot_ns(spot) > 0 || spot->looks + spot->partial >= SEEN_LEAST);
}

static void add_spots(struct shares *shares, const struct map *spots)
{
    for (size_t i = 0; i < spots->capacity; i++)
        if (is_looked_at(spots->slots[i].value))
            add_spot(shares, spots->slots[i].value);
}

// Of a look that lost the thread at a caller, the part that is likely to belong below `node`: as
// samples have it.
static double looks_below(const struct shares *shares, uint32_t node, const struct subtree *subtree)
{
    double looks = subtree->looks;
    for (uint32_t up = recording_parent(shares->rec, node); up != NODE_ROOT;
         up = recording_parent(shares->rec, up)) {
        const struct subtree *caller = map_get(&shares->subtrees, up);
        if (caller && caller->partial > 0 && caller->sampled_ns > 0)
            looks += caller->partial * subtree->sampled_ns / caller->sampled_ns;
    }
    return looks;
}

static bool differs(const struct shares *shares, uint32_t node, const struct subtree *subtree)
{
    double seen = looks_below(shares, node, subtree);
    double looked = seen / shares->looks, sampled = subtree->sampled_ns / shares->ns;
    double both = (seen + sampled * shares->samples) / (shares->looks + shares->samples);
    double variance = both * (1 - both) * (1 / shares->looks + 1 / shares->samples);
    return fabs(looked - sampled) > POINTS + SIGMAS * sqrt(fmax(variance, 0));
}

static bool contradict(const struct shares *shares)
{
    if (shares->failed || shares->looks < LOOKS_LEAST)
        return false;
    if (shares->unseen_ns > shares->ns * UNSEEN)
        return true; // the tick has not met it for long
    for (size_t i = 0; i < shares->subtrees.capacity; i++) {
        const struct map_slot *slot = &shares->subtrees.slots[i];
        if (slot->value && differs(shares, (uint32_t)slot->key, slot->value))
            return true;
    }
    return false;
}

// ---- putting it right

// Looks at this stack, and its part of those that were lost at its callers or here.
static double spot_looks(const struct shares *shares, const struct spot *spot)
{
    double looks = spot->looks, ns = (double)spot_ns(spot);
    for (uint32_t up = spot->node; up != NODE_ROOT; up = recording_parent(shares->rec, up)) {
        const struct subtree *caller = map_get(&shares->subtrees, up);
        if (!caller || caller->partial <= 0)
            continue;
        if (caller->sampled_ns > 0)
            looks += caller->partial * ns / caller->sampled_ns;
        else if (up == spot->node)
            looks += caller->partial;
    }
    return looks;
}

// Gives the stack `ns` instead of what samples gave it in this thread, of the kinds that samples
// found there; where there are none, as looks have found it.
static void set_time(struct target *target, const struct pot *pot, const struct spot *common,
                     int64_t ns)
{
    struct thread thread = {.id = pot->thread};
    const struct spot none = {.node = common->node}, *own = map_get(&pot->spots, common->node);
    int64_t known = spot_ns(common), left = ns;
    if (!own)
        own = &none;
    for (enum state state = STATE_PYTHON; known > 0 && state <= STATE_KERNEL; state++) {
        int64_t part = (int64_t)((double)ns * (double)common->ns[state] / (double)known);
        target_add(target, &thread, common->node, state, part - own->ns[state], 0);
        left -= part;
    }
    if (common->ambiguous_ns > 0) {
        target_ambiguous(target, &thread, common->key, common->node, left - own->ambiguous_ns);
        return;
    }
    // Looks alone: a loop moves on while one looks, a long operation does not.
    int64_t native = common->looks ? left - left * common->moved / common->looks : 0;
    if (known > 0)
        native = 0;
    target_add(target, &thread, common->node, STATE_NATIVE, native, 0);
    target_add(target, &thread, common->node, STATE_PYTHON, left - native, 0);
}

// CPU time of a thread that no tick has met, beyond the one that every thread may miss.
static int64_t unseen_ns(const struct target *target, const struct pot *pot)
{
    return pot->tail_ns > 2 * target->period_ns ? pot->tail_ns : 0;
}

// What of a thread's time is to be shared out: without that of places where it was blocked.
static int64_t pot_ns(const struct target *target, const struct pot *pot, const struct map *spots)
{
    int64_t ns = unseen_ns(target, pot);
    for (size_t i = 0; i < spots->capacity; i++) {
        const struct spot *common = spots->slots[i].value;
        const struct spot *own = is_looked_at(common) ? map_get(&pot->spots, common->node) : NULL;
        ns += own ? spot_ns(own) : 0;
    }
    return ns;
}

static void reshare(struct target *target, const struct pot *pot, const struct shares *shares,
                    const struct map *spots)
{
    double ns = (double)pot_ns(target, pot, spots), all = 0;
    for (size_t i = 0; i < spots->capacity; i++)
        if (is_looked_at(spots->slots[i].value))
            all += spot_looks(shares, spots->slots[i].value);
    for (size_t i = 0; all > 0 && i < spots->capacity; i++) {
        const struct spot *spot = spots->slots[i].value;
        if (is_looked_at(spot))
            set_time(target, pot, spot, (int64_t)(ns * spot_looks(shares, spot) / all));
    }
    target->in_step_ns += (int64_t)ns;
}

// ---- threads that do the same

static uint32_t kind_of_node(const struct recording *rec, uint32_t node)
{
    uint32_t path[KIND_DEPTH];
    unsigned depth = 0;
    for (; node != NODE_ROOT; node = recording_parent(rec, node))
        path[depth++ % KIND_DEPTH] = node;
    return depth < KIND_DEPTH ? path[0] : path[(depth - KIND_DEPTH) % KIND_DEPTH];
}

// By the stack in which it was seen most.
static uint32_t kind_of(const struct recording *rec, const struct pot *pot)
{
    const struct spot *most = NULL;
    for (size_t i = 0; i < pot->spots.capacity; i++) {
        const struct spot *spot = pot->spots.slots[i].value;
        if (spot && (!most || spot->looks + spot->samples > most->looks + most->samples))
            most = spot;
    }
    return most ? kind_of_node(rec, most->node) : NODE_ROOT;
}

static void merge(struct map *into, const struct map *spots)
{
    for (size_t i = 0; i < spots->capacity; i++) {
        const struct spot *spot = spots->slots[i].value;
        struct spot *sum = spot ? spot_at(into, spot->node) : NULL;
        if (!sum)
            continue;
        for (enum state state = STATE_PYTHON; state <= STATE_KERNEL; state++)
            sum->ns[state] += spot->ns[state];
        sum->ambiguous_ns += spot->ambiguous_ns;
        sum->key = spot->ambiguous_ns ? spot->key : sum->key;
        sum->samples += spot->samples;
        sum->looks += spot->looks;
        sum->moved += spot->moved;
        sum->partial += spot->partial;
        sum->waits |= spot->waits;
    }
}

static void settle_kind(struct target *target, const uint32_t *kinds, uint32_t kind)
{
    struct shares shares = {.rec = target->rec};
    struct map spots = {0};
    for (size_t i = 0; i < target->pot_count; i++)
        if (kinds[i] == kind) {
            merge(&spots, &target->pots[i]->spots);
            shares.unseen_ns += (double)unseen_ns(target, target->pots[i]);
        }
    add_spots(&shares, &spots);
    bool wrong = contradict(&shares);
    for (size_t i = 0; wrong && i < target->pot_count; i++)
        if (kinds[i] == kind)
            reshare(target, target->pots[i], &shares, &spots);
    map_free(&shares.subtrees, free);
    map_free(&spots, free);
}

static bool is_first(const uint32_t *kinds, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (kinds[i] == kinds[at])
            return false;
    return true;
}

void steps_settle(struct target *target)
{
    uint32_t *kinds = calloc(target->pot_count + 1, sizeof *kinds);
    for (size_t i = 0; kinds && i < target->pot_count; i++)
        kinds[i] = kind_of(target->rec, target->pots[i]);
    for (size_t i = 0; kinds && i < target->pot_count; i++)
        if (is_first(kinds, i))
            settle_kind(target, kinds, kinds[i]);
    free(kinds);
    steps_free(target);
}
