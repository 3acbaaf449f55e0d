// SPDX-License-Identifier: MIT
// test_waiting.c - what a system call says of a wait, logs of another process's memory, and looks
// against samples.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "mem_log.h"
#include "steps.h"
#include "why.h"

// ---- reasons

static struct ring_header header = {.runtime = 0x1000, .runtime_end = 0x2000};

static struct why why_of(long number, uint64_t first, uint64_t second)
{
    const struct proc_call call = {.number = number, .args = {first, second}};
    return why_blocked(&call, &header);
}

static void assert_why(struct why why, enum state state, const char *reason)
{
    assert_int_equal(why.state, state);
    assert_string_equal(why.reason, reason);
}

static void a_call_says_what_a_thread_waits_for(void **state)
{
    (void)state;
    assert_why(why_of(SYS_read, 3, 0), STATE_IO, "read");
    assert_why(why_of(SYS_epoll_wait, 3, 0), STATE_IO, "epoll_wait");
    assert_why(why_of(SYS_clock_nanosleep, 0, 0), STATE_SLEEP, "clock_nanosleep");
    assert_why(why_of(SYS_wait4, 0, 0), STATE_CHILD, "wait4");
    assert_why(why_of(SYS_futex, 0x5000, 0), STATE_LOCK, "futex");
    assert_why(why_of(SYS_futex, 0x1800, 0), STATE_GIL, "gil");
    assert_why(why_of(SYS_futex, 0x2000, 0), STATE_LOCK, "futex");
    assert_why(why_of(-1, 0, 0), STATE_IO, "page fault");
    assert_why(why_of(100000, 0, 0), STATE_IO, "system call");
}

static void a_timeout_alone_is_sleep(void **state)
{
    (void)state;
    assert_why(why_of(SYS_pselect6, 0, 0), STATE_SLEEP, "pselect6");
    assert_why(why_of(SYS_pselect6, 4, 0), STATE_IO, "pselect6");
    assert_why(why_of(SYS_ppoll, 0x5000, 0), STATE_SLEEP, "ppoll");
    assert_why(why_of(SYS_ppoll, 0x5000, 1), STATE_IO, "ppoll");
}

static void a_child_is_named_by_its_wait(void **state)
{
    (void)state;
    assert_int_equal(why_child(&(struct proc_call){.number = SYS_wait4, .args = {77}}), 77);
    assert_int_equal(why_child(&(struct proc_call){.number = SYS_wait4, .args = {(uint64_t)-1}}),
                     0);
    assert_int_equal(why_child(&(struct proc_call){.number = SYS_waitid, .args = {P_PID, 5}}), 5);
    assert_int_equal(why_child(&(struct proc_call){.number = SYS_waitid, .args = {P_ALL}}), 0);
    assert_int_equal(why_child(&(struct proc_call){.number = SYS_read}), -1);
}

// ---- logs of memory

static void what_was_read_is_the_same_until_it_changes(void **state)
{
    (void)state;
    uint64_t words[3] = {1, 2, 3}, copy;
    static struct mem_log log;
    struct mem_seen seen = {0};
    mem_log_begin(&log, getpid());
    for (int i = 0; i < 2; i++)
        assert_int_equal(log.mem.read(&log.mem, (target_addr)(uintptr_t)&words[i], &copy, 8), 0);
    mem_log_keep(&log, &seen);
    assert_true(mem_seen_same(&seen, getpid()));
    words[2] = 9; // was not read
    assert_true(mem_seen_same(&seen, getpid()));
    words[1] = 9;
    assert_false(mem_seen_same(&seen, getpid()));
    mem_seen_free(&seen);
    assert_false(mem_seen_same(&seen, getpid()));
}

static void a_log_that_failed_or_overflowed_is_never_the_same(void **state)
{
    (void)state;
    uint64_t word = 1, copy;
    static struct mem_log log;
    struct mem_seen seen = {0};
    mem_log_begin(&log, getpid());
    assert_int_not_equal(log.mem.read(&log.mem, 16, &copy, 8), 0);
    mem_log_keep(&log, &seen);
    assert_false(mem_seen_same(&seen, getpid()));
    mem_log_begin(&log, getpid());
    for (unsigned i = 0; i <= LOG_READS; i++)
        assert_int_equal(log.mem.read(&log.mem, (target_addr)(uintptr_t)&word, &copy, 8), 0);
    mem_log_keep(&log, &seen);
    assert_false(mem_seen_same(&seen, getpid()));
    mem_seen_free(&seen);
}

static void memory_that_is_gone_is_not_the_same(void **state)
{
    (void)state;
    uint64_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint64_t copy;
    static struct mem_log log;
    struct mem_seen seen = {0};
    assert_ptr_not_equal(page, MAP_FAILED);
    mem_log_begin(&log, getpid());
    assert_int_equal(log.mem.read(&log.mem, (target_addr)(uintptr_t)page, &copy, 8), 0);
    mem_log_keep(&log, &seen);
    assert_true(mem_seen_same(&seen, getpid()));
    munmap(page, 4096);
    assert_false(mem_seen_same(&seen, getpid()));
    mem_seen_free(&seen);
}

// ---- looks against samples

#define MS INT64_C(1000000)

struct world {
    struct target target;
    struct thread thread;
    uint32_t main, a, b; // nodes: the module, and two functions that it calls
};

static void world_begin(struct world *world)
{
    memset(world, 0, sizeof *world);
    struct recording *rec = world->target.rec = recording_new();
    const struct process_info info = {.pid = 1};
    uint32_t process = recording_process(rec, &info);
    world->thread.id = recording_thread(rec, process, 1, "main");
    world->target.period_ns = 4 * MS;
    world->main =
        recording_node(rec, NODE_ROOT, recording_function(rec, "/t.py", "<module>", 1), 9);
    world->a = recording_node(rec, world->main, recording_function(rec, "/t.py", "a", 1), 2);
    world->b = recording_node(rec, world->main, recording_function(rec, "/t.py", "b", 4), 5);
}

static void sample(struct world *world, uint32_t node, enum state state, int64_t ns, unsigned count)
{
    struct pot *pot = steps_pot(&world->target, &world->thread);
    for (unsigned i = 0; i < count; i++) {
        target_add(&world->target, &world->thread, node, state, ns, 1);
        steps_sample(pot, node, state, 0, ns);
        steps_count(pot, node);
    }
}

static void look(struct world *world, uint32_t node, unsigned count, bool moved, bool whole)
{
    struct pot *pot = steps_pot(&world->target, &world->thread);
    for (unsigned i = 0; i < count; i++)
        steps_look(pot, node, moved, whole);
}

// What function `name` has after it was settled, in ms, and of which state.
static int64_t settled(struct world *world, const char *name, enum state state)
{
    const struct profile *profile =
        profile_build(world->target.rec, &(struct scope){.everything = true});
    int64_t ns = 0;
    assert_non_null(profile);
    for (size_t i = 0; i < profile->function_count; i++)
        if (strcmp(profile->functions[i].name, name) == 0)
            ns += profile->functions[i].self.ns[state];
    profile_free(profile);
    return (ns + MS / 2) / MS;
}

static void world_end(struct world *world)
{
    recording_free(world->target.rec);
}

static void looks_that_agree_change_nothing(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world);
    sample(&world, world.a, STATE_PYTHON, 4 * MS, 110);
    sample(&world, world.b, STATE_NATIVE, 4 * MS, 90);
    look(&world, world.a, 95, true, true);
    look(&world, world.b, 105, false, true);
    steps_settle(&world.target);
    assert_int_equal(settled(&world, "a", STATE_PYTHON), 440);
    assert_int_equal(settled(&world, "b", STATE_NATIVE), 360);
    assert_int_equal(world.target.in_step_ns, 0);
    world_end(&world);
}

static void looks_that_contradict_decide(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world);
    sample(&world, world.a, STATE_PYTHON, 4 * MS, 195);
    sample(&world, world.b, STATE_NATIVE, 4 * MS, 5);
    look(&world, world.a, 100, true, true);
    look(&world, world.b, 100, true, true);
    steps_settle(&world.target);
    assert_int_equal(settled(&world, "a", STATE_PYTHON), 400);
    assert_int_equal(settled(&world, "b", STATE_NATIVE), 400); // of the kind that samples found
    assert_int_equal(world.target.in_step_ns, 800 * MS);
    world_end(&world);
}

static void what_no_sample_has_seen_is_of_the_kind_that_looks_found(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world);
    sample(&world, world.a, STATE_PYTHON, 4 * MS, 200);
    look(&world, world.a, 50, true, true);
    look(&world, world.b, 30, true, true);
    look(&world, world.b, 20, false, true);
    steps_settle(&world.target);
    assert_int_equal(settled(&world, "a", STATE_PYTHON), 400);
    assert_int_equal(settled(&world, "b", STATE_PYTHON), 240);
    assert_int_equal(settled(&world, "b", STATE_NATIVE), 160);
    world_end(&world);
}

static void time_that_no_tick_has_met_is_shared_by_looks(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world);
    look(&world, world.a, 30, true, true);
    look(&world, world.b, 10, true, true);
    world.thread.pot->tail_ns = 400 * MS;
    steps_settle(&world.target);
    assert_int_equal(settled(&world, "a", STATE_PYTHON), 300);
    assert_int_equal(settled(&world, "b", STATE_PYTHON), 100);
    world_end(&world);
}

// A look that lost the thread at its caller belongs below, as samples have it.
static void a_look_that_lost_its_thread_contradicts_nothing(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world);
    sample(&world, world.a, STATE_PYTHON, 4 * MS, 100);
    sample(&world, world.b, STATE_PYTHON, 4 * MS, 100);
    look(&world, world.main, 100, true, false);
    look(&world, world.a, 50, true, true);
    look(&world, world.b, 50, true, true);
    steps_settle(&world.target);
    assert_int_equal(world.target.in_step_ns, 0);
    assert_int_equal(settled(&world, "a", STATE_PYTHON), 400);
    world_end(&world);
}

// Blocked or about to run: where it waits, samples alone know what it costs.
static void a_place_where_it_was_blocked_keeps_its_samples(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world);
    sample(&world, world.main, STATE_KERNEL, 4 * MS, 50);
    sample(&world, world.a, STATE_PYTHON, 4 * MS, 100);
    steps_wait(world.thread.pot, world.main);
    look(&world, world.a, 50, true, true);
    look(&world, world.b, 50, true, true);
    steps_settle(&world.target);
    assert_int_equal(settled(&world, "<module>", STATE_KERNEL), 200);
    assert_int_equal(settled(&world, "a", STATE_PYTHON), 200);
    assert_int_equal(settled(&world, "b", STATE_PYTHON), 200);
    world_end(&world);
}

static void a_few_looks_decide_nothing(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world);
    sample(&world, world.a, STATE_PYTHON, 4 * MS, 200);
    look(&world, world.b, 19, true, true);
    steps_settle(&world.target);
    assert_int_equal(settled(&world, "a", STATE_PYTHON), 800);
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_says_what_a_thread_waits_for),
        cmocka_unit_test(a_timeout_alone_is_sleep),
        cmocka_unit_test(a_child_is_named_by_its_wait),
        cmocka_unit_test(what_was_read_is_the_same_until_it_changes),
        cmocka_unit_test(a_log_that_failed_or_overflowed_is_never_the_same),
        cmocka_unit_test(memory_that_is_gone_is_not_the_same),
        cmocka_unit_test(looks_that_agree_change_nothing),
        cmocka_unit_test(looks_that_contradict_decide),
        cmocka_unit_test(what_no_sample_has_seen_is_of_the_kind_that_looks_found),
        cmocka_unit_test(time_that_no_tick_has_met_is_shared_by_looks),
        cmocka_unit_test(a_look_that_lost_its_thread_contradicts_nothing),
        cmocka_unit_test(a_place_where_it_was_blocked_keeps_its_samples),
        cmocka_unit_test(a_few_looks_decide_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
