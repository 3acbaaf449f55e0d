// SPDX-License-Identifier: MIT
// weigh.c - see weigh.h. Read it bottom-up from weigh_sample().
#include "weigh.h"

#include "cpu_call.h"
#include "progress.h"
#include "steps.h"

#define FAULT_NS INT64_C(200000)   // what one page fault takes at most, a huge page to be cleared
#define GAP_NS   INT64_C(10000000) // CPU time between two samples that a lost tick explains

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

// What of a sample's weight was kernel time. The program counter tells for a system call. What it
// does not show, page faults, is in the kernel's account of this thread (RUSAGE_THREAD): right in
// sum, but smeared over time, for the kernel counts ticks and scales them. So what the account has
// more than samples were charged with is kept as credit, and goes to samples that had page faults.
static int64_t kernel_share(struct thread *thread, const struct record_sample *sample,
                            int64_t weight)
{
    uint32_t faults = sample->faults - thread->faults;
    thread->faults = sample->faults;
    thread->kernel_credit += sample->kernel_ns - thread->kernel_ns;
    thread->kernel_ns = sample->kernel_ns;
    int64_t share = 0;
    if (sample->pc_class == PC_KERNEL)
        share = weight;
    else if (thread->kernel_credit > 0)
        share = least(least(weight, thread->kernel_credit), faults * FAULT_NS);
    thread->kernel_credit -= share;
    return share;
}

static enum pc_class find_class(struct target *target, const struct record_sample *sample)
{
    uint64_t now = sample->time_ns;
    if (sample->pc_class == PC_FOREIGN) {
        enum module_kind kind = maps_kind(&target->maps, sample->pc);
        if (kind == MODULE_NONE &&
            maps_refresh(&target->maps, target->reach, target->ring.header, now)) {
            maps_publish(&target->maps, target->ring.header);
            kind = maps_kind(&target->maps, sample->pc);
        }
        return kind == MODULE_INTERPRETER ? PC_INTERPRETER : PC_FOREIGN;
    }
    if (sample->pc_class != PC_NEUTRAL)
        return sample->pc_class;
    const uint64_t *words = (const uint64_t *)&sample->frames[sample->frame_count];
    enum module_kind caller = maps_caller(&target->maps, &target->mem, words, sample->stack_words);
    if (caller == MODULE_NONE &&
        maps_refresh(&target->maps, target->reach, target->ring.header, now)) {
        maps_publish(&target->maps, target->ring.header);
        caller = maps_caller(&target->maps, &target->mem, words, sample->stack_words);
    }
    return caller == MODULE_FOREIGN ? PC_FOREIGN : PC_INTERPRETER;
}

// Time of a sample, which counts among those of a thread in bursts as well.
static void add_time(struct target *target, struct thread *thread, uint32_t node, enum state state,
                     int64_t ns)
{
    target_add(target, thread, node, state, ns, 0);
    if (works_in_bursts(thread))
        steps_sample(steps_pot(target, thread), node, state, 0, ns);
}

static void add_ambiguous(struct target *target, struct thread *thread, uint32_t node,
                          const struct record_sample *sample, int64_t ns)
{
    struct ambiguous *entry =
        target_ambiguous(target, thread, instr_key(&sample->frames[0]), node, ns);
    if (!entry)
        return;
    if (works_in_bursts(thread))
        steps_sample(steps_pot(target, thread), node, STATE_COUNT, entry->key, ns);
    // One in a module that the handler did not know to be ambiguous is shared out like those that
    // are not looked at, as the others of its instruction are.
    if (target->unreadable)
        progress_undecided(target, ns);
    else if (sample->flags & SAMPLE_LOOK)
        progress_look(target, thread, sample, entry, ns);
}

static void add_user_time(struct target *target, struct thread *thread, uint32_t node,
                          const struct record_sample *sample, int64_t ns)
{
    if (sample->frame_count == 0) { // no bytecode to make progress in
        add_time(target, thread, node, STATE_NATIVE, ns);
        return;
    }
    enum pc_class pc_class = find_class(target, sample);
    uint64_t key = instr_key(&sample->frames[0]);
    if (pc_class == PC_FOREIGN) {
        thread->native_ns = (int64_t)sample->time_ns;
        add_time(target, thread, node, STATE_NATIVE, ns);
    } else if (pc_class == PC_EVAL)
        add_time(target, thread, node, STATE_PYTHON, ns);
    else if (pc_class == PC_INTERPRETER)
        add_ambiguous(target, thread, node, sample, ns);
    if (pc_class == PC_EVAL || pc_class == PC_INTERPRETER)
        progress_note(thread, key);
}

// Time that went by without samples because SIGPROF was blocked: the patrol has seen it, or the
// signal came on the way back from the call that unblocked it. (A gap alone proves nothing: on a
// busy machine, or below a hypervisor, ticks pass a thread by.)
static bool is_silence(const struct target *target, const struct thread *thread,
                       const struct record_sample *sample, int64_t weight)
{
    if (thread->blocked)
        return weight > target->period_ns;
    return sample->pc_class == PC_KERNEL && weight > 2 * target->period_ns && weight > GAP_NS &&
           code_follows_sigmask(&target->mem, sample->pc);
}

// A thread of a library's pool, which never had to do with Python.
static bool is_helper(const struct target *target, const struct record_sample *sample)
{
    return sample->frame_count == 0 && (sample->flags & SAMPLE_NO_STATE) &&
           sample->tid != target->pid;
}

void weigh_sample(struct target *target, struct thread *thread, uint32_t node,
                  const struct record_sample *sample)
{
    int64_t weight = sample->start_cpu_ns - thread->cpu_ns;
    int64_t own = sample->cpu_ns - sample->start_cpu_ns;
    thread->cpu_ns = sample->cpu_ns;
    if (is_helper(target, sample))
        node = target_helper_node(target, node, (int64_t)sample->time_ns);
    else
        thread->last_node = node;
    if (sample->tstate) {
        thread->tstate = sample->tstate;
        thread->python = true;
    } else {
        thread->stateless = true;
    }
    target_ask_name(target, thread, (int64_t)sample->time_ns);
    if (weight < 0)
        weight = 0;
    if (own > 0)
        target->overhead_ns += own, thread->overhead_ns += own;
    if (is_silence(target, thread, sample, weight)) { // spent anywhere but here: unsampled
        target->lost_blocked += (uint64_t)(weight / target->period_ns);
        weight = 0;
    }
    thread->blocked = false;
    progress_settle(target, thread, sample);
    int64_t kernel = kernel_share(thread, sample, weight);
    target_add(target, thread, node, STATE_KERNEL, 0, 1);
    add_time(target, thread, node, STATE_KERNEL, kernel);
    if (works_in_bursts(thread))
        steps_count(steps_pot(target, thread), node);
    if (sample->pc_class != PC_KERNEL)
        add_user_time(target, thread, node, sample, weight - kernel);
}
