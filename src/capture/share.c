// SPDX-License-Identifier: MIT
// share.c - what the progress test found of each instruction and stack, summed up and shared out.
//
// Sums first, because of single samples the finding is an estimate (see struct ambiguous):
// - Looks find a loop unmoved by coincidence, and how often is known. Per instruction that is taken
//   off: (found - chance) / (1 - chance) is 0 for a loop and 1 for an operation that never moves.
// - An entry's estimate may exceed its whole. What does flows to the same instruction's other
//   stacks, so that the instruction's sum stays right.
// - An entry without a decided sample takes its instruction's share, else the program's.
#include "share.h"

#include <stdlib.h>

struct instr { // an instruction in all its stacks; nanoseconds
    double decided, native, chance;
    double excess, deficit; // of entries estimated above and below their whole
};

static double clamp(double value)
{
    return value < 0 ? 0 : value > 1 ? 1 : value;
}

static double ratio(double part, double whole)
{
    return whole > 0 ? clamp(part / whole) : 0;
}

static double native_part(const struct instr *instr)
{
    if (instr->decided <= instr->chance)
        return 0;
    return clamp((instr->native - instr->chance) / (instr->decided - instr->chance));
}

// By what the entries' findings are to be multiplied, the coincidences taken off.
static double scale(const struct instr *instr)
{
    return instr->native > 0 ? clamp(native_part(instr) * instr->decided / instr->native) : 0;
}

static const struct ambiguous *entry_at(const struct target *target, size_t i)
{
    return target->ambiguous.slots[i].value;
}

static void sum_up(const struct target *target, struct map *instrs, struct instr *all)
{
    for (size_t i = 0; i < target->ambiguous.capacity; i++) {
        const struct ambiguous *entry = entry_at(target, i);
        if (!entry)
            continue;
        struct instr *instr = map_get(instrs, entry->key);
        if (!instr && (!(instr = calloc(1, sizeof *instr)) || map_put(instrs, entry->key, instr))) {
            free(instr);
            continue; // no memory: the program's share will do
        }
        struct instr *const sums[] = {instr, all};
        for (int j = 0; j < 2; j++) {
            sums[j]->decided += (double)entry->decided_ns;
            sums[j]->native += (double)entry->native_ns;
            sums[j]->chance += (double)entry->chance_ns;
        }
    }
}

static void find_excess(const struct target *target, const struct map *instrs)
{
    for (size_t i = 0; i < target->ambiguous.capacity; i++) {
        const struct ambiguous *entry = entry_at(target, i);
        struct instr *instr = entry ? map_get(instrs, entry->key) : NULL;
        if (!instr)
            continue;
        double over = (double)entry->native_ns * scale(instr) - (double)entry->decided_ns;
        instr->excess += over > 0 ? over : 0;
        instr->deficit += over < 0 ? -over : 0;
    }
}

static double native_share(const struct ambiguous *entry, const struct instr *instr,
                           const struct instr *all)
{
    if (!instr || instr->decided <= 0)
        return native_part(all);
    if (entry->decided_ns == 0)
        return native_part(instr);
    double share = ratio((double)entry->native_ns * scale(instr), (double)entry->decided_ns);
    return share + (1 - share) * ratio(instr->excess, instr->deficit);
}

void share_out(struct target *target)
{
    struct map instrs = {0};
    struct instr all = {0};
    sum_up(target, &instrs, &all);
    find_excess(target, &instrs);
    for (size_t i = 0; i < target->ambiguous.capacity; i++) {
        const struct ambiguous *entry = entry_at(target, i);
        if (!entry)
            continue;
        double share = native_share(entry, map_get(&instrs, entry->key), &all);
        struct times times = {.samples = 0};
        times.ns[STATE_NATIVE] = (int64_t)((double)entry->ns * share);
        times.ns[STATE_PYTHON] = entry->ns - times.ns[STATE_NATIVE];
        recording_add(target->rec, entry->node, entry->thread, &times);
        target->sampled_ns += entry->ns;
    }
    map_free(&instrs, free);
}
