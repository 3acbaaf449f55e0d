// SPDX-License-Identifier: MIT
// test_frames.c - the walker over a fake interpreter of every version, whole and damaged.
#include <errno.h>
#include <string.h>

#include "rows.h"

#define SEEN_MAX 64

struct seen {
    size_t count, stop_at; // stop_at: 0 for never
    struct {
        target_addr code;
        uint32_t offset;
    } frames[SEEN_MAX];
};

static bool see(void *context, target_addr code, uint32_t offset)
{
    struct seen *seen = context;
    if (seen->count < SEEN_MAX) {
        seen->frames[seen->count].code = code;
        seen->frames[seen->count].offset = offset;
    }
    return ++seen->count != seen->stop_at;
}

static struct fake_python py; // one at a time, too large for the stack
static struct seen seen;

static enum walk_end walk(void)
{
    memset(&seen, 0, sizeof seen);
    return frames_walk(&py.mem, &py.row, py.tstate, see, &seen);
}

static void begin(void **state)
{
    fake_begin(&py, *(const uint32_t *)*state);
}

static target_addr some_code(void)
{
    return fake_code(&py, "f", "f.py", 1);
}

#define assert_frame(index, expected_code, expected_offset)                                        \
    do {                                                                                           \
        assert_true((index) < seen.count);                                                         \
        assert_int_equal(seen.frames[index].code, expected_code);                                  \
        assert_int_equal(seen.frames[index].offset, expected_offset);                              \
    } while (0)

// ---- whole chains

static void a_thread_without_frames_is_empty(void **state)
{
    begin(state);
    assert_int_equal(walk(), WALK_EMPTY);
    assert_int_equal(seen.count, 0);
}

static void frames_come_newest_first(void **state)
{
    begin(state);
    target_addr outer = some_code(), inner = some_code();
    fake_call_by_c(&py, outer, 10);
    fake_call(&py, inner, 4);
    assert_int_equal(walk(), WALK_WHOLE);
    assert_int_equal(seen.count, 2);
    assert_frame(0, inner, 4);
    assert_frame(1, outer, 10);
}

static void calls_through_c_join_the_chain(void **state)
{
    begin(state);
    target_addr code[5];
    for (uint32_t i = 0; i < 5; i++)
        code[i] = some_code();
    fake_call_by_c(&py, code[0], 0);
    fake_call(&py, code[1], 2);
    fake_call_by_c(&py, code[2], 4);
    fake_call_by_c(&py, code[3], 6);
    fake_call(&py, code[4], 8);
    assert_int_equal(walk(), WALK_WHOLE);
    assert_int_equal(seen.count, 5);
    for (uint32_t i = 0; i < 5; i++)
        assert_frame(i, code[4 - i], 8 - 2 * i);
}

static void a_generator_is_shown_before_its_first_instruction(void **state)
{
    begin(state);
    target_addr code = some_code();
    target_addr frame = fake_call_by_c(&py, code, -2);
    fake_set_owner(&py, frame, FAKE_BY_GENERATOR);
    assert_int_equal(walk(), WALK_WHOLE);
    assert_frame(0, code, 0);
}

static void a_fresh_frame_is_left_out(void **state)
{
    begin(state);
    target_addr outer = some_code();
    fake_call_by_c(&py, outer, 6);
    fake_call(&py, some_code(), py.row.instr == INSTR_PREVIOUS ? -2 : 0);
    fake_set_firsttraceable(
        &py, fake_get_address(&py, py.newest + py.row.frame_code) & ~(target_addr)3, 1);
    assert_int_equal(walk(), WALK_WHOLE);
    assert_int_equal(seen.count, 1);
    assert_frame(0, outer, 6);
}

static void a_frame_counts_from_its_first_traceable_instruction(void **state)
{
    begin(state);
    target_addr code = some_code();
    fake_set_firsttraceable(&py, code, 3);
    target_addr frame = fake_call_by_c(&py, code, 4);
    assert_int_equal(walk(), WALK_EMPTY);
    fake_set_offset(&py, frame, code, 6);
    assert_int_equal(walk(), WALK_WHOLE);
    assert_frame(0, code, 6);
}

static void a_fresh_frame_object_is_at_its_beginning(void **state)
{
    begin(state);
    target_addr code = some_code();
    fake_call_by_c(&py, code, -2);
    assert_int_equal(walk(), WALK_WHOLE);
    assert_frame(0, code, 0);
}

static void the_visitor_may_stop(void **state)
{
    begin(state);
    target_addr code = some_code();
    fake_call_by_c(&py, code, 0);
    fake_call(&py, code, 0);
    fake_call(&py, code, 0);
    memset(&seen, 0, sizeof seen);
    seen.stop_at = 2;
    assert_int_equal(frames_walk(&py.mem, &py.row, py.tstate, see, &seen), WALK_STOPPED);
    assert_int_equal(seen.count, 2);
}

// ---- damage that any version can show

static void a_frame_that_is_its_own_caller_is_torn(void **state)
{
    begin(state);
    fake_call_by_c(&py, some_code(), 0);
    target_addr frame = fake_call(&py, some_code(), 0);
    fake_put_address(&py, frame + py.row.frame_previous, frame);
    assert_int_equal(walk(), WALK_TORN);
    assert_true(seen.count < SEEN_MAX);
}

static void a_long_cycle_is_torn(void **state)
{
    begin(state);
    target_addr code = some_code();
    fake_call_by_c(&py, code, 0);
    target_addr oldest = fake_call(&py, code, 0);
    for (int i = 0; i < 100; i++)
        fake_call(&py, code, 0);
    fake_put_address(&py, oldest + py.row.frame_previous, py.newest);
    assert_int_equal(walk(), WALK_TORN);
    assert_true(seen.count < 1000);
}

static void memory_that_ends_within_a_frame_is_torn(void **state)
{
    begin(state);
    target_addr first = fake_call_by_c(&py, some_code(), 0);
    fake_call(&py, some_code(), 0);
    py.hole = first + py.row.frame_instr;
    assert_int_equal(walk(), WALK_TORN);
    py.hole = py.tstate + py.row.tstate_frame;
    assert_int_equal(walk(), WALK_TORN);
}

static void wild_callers_are_torn(void **state)
{
    begin(state);
    fake_call_by_c(&py, some_code(), 0);
    target_addr frame = fake_call(&py, some_code(), 0);
    static const target_addr wild[] = {
        1, 8, 0x7f00000fffff, UINT64_MAX, UINT64_MAX - 7, 0xdeadbeefdeadbee8};
    for (size_t i = 0; i < sizeof wild / sizeof *wild; i++) {
        fake_put_address(&py, frame + py.row.frame_previous, wild[i]);
        assert_int_equal(walk(), WALK_TORN);
    }
    fake_put_address(&py, frame + py.row.frame_previous, py.tstate + 4); // readable, but no frame
    assert_int_equal(walk(), WALK_TORN);
}

static void a_position_outside_the_code_is_torn(void **state)
{
    begin(state);
    target_addr code = some_code();
    target_addr frame = fake_call_by_c(&py, code, 0);
    fake_set_owner(&py, frame, FAKE_BY_GENERATOR);
    fake_set_offset(&py, frame, code, -6);
    if (py.row.instr == INSTR_INDEX)
        fake_put(&py, frame + py.row.frame_instr, (uint32_t)-6, 4);
    assert_int_equal(walk(), WALK_TORN);
    fake_set_offset(&py, frame, code, 0x7ffffff0);
    assert_int_equal(walk(), WALK_TORN);
}

static int endless_read(const struct mem *mem, target_addr from, void *to, size_t n)
{
    (void)mem;
    memset(to, 0, n);
    for (size_t i = 0; i + 8 <= n; i += 8) { // every address leads on to a higher one
        target_addr next = ((from + i) & ~(target_addr)0xfff) + 0x1000;
        memcpy((char *)to + i, &next, sizeof next);
    }
    return 0;
}

static void a_chain_without_end_is_torn(void **state)
{
    begin(state);
    const struct mem mem = {.read = endless_read};
    struct py_layout row = py.row;
    row.frame_owner = PY_ABSENT; // so that every frame counts
    memset(&seen, 0, sizeof seen);
    assert_int_equal(frames_walk(&mem, &row, 0x1000, see, &seen), WALK_TORN);
    assert_in_range(seen.count, 0, FRAMES_MAX);
}

static void a_row_whose_frame_is_too_long_is_refused(void **state)
{
    begin(state);
    fake_call_by_c(&py, some_code(), 0);
    py.row.frame_previous = PY_FRAME_SPAN + py.row.frame_code;
    assert_int_equal(walk(), WALK_TORN);
}

// ---- 3.11 and 3.12: cframes

// The handler meets a new run of the eval function: what hangs on its cframe is not set yet.
static void an_unset_cframe_shows_its_caller(void **state)
{
    begin(state);
    target_addr code = some_code();
    fake_call_by_c(&py, code, 0);
    fake_call(&py, code, 8);
    static const target_addr garbage[] = {0, 1, 0xdeadbeefdeadbee8, FAKE_BASE};
    target_addr caller = py.cframe;
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        py.cframe = caller;
        fake_publish_cframe(&py, garbage[i]);
        assert_int_equal(walk(), WALK_WHOLE);
        assert_int_equal(seen.count, 2);
        assert_frame(0, code, 8);
    }
}

// The garbage is most often what the last call left there: a frame that looks well.
static void a_stale_frame_is_not_believed(void **state)
{
    begin(state);
    target_addr stale_code = some_code(), code = some_code();
    target_addr base = fake_call_by_c(&py, code, 2);
    target_addr base_cframe = py.cframe;
    target_addr stale = fake_call_by_c(&py, stale_code, 4);
    py.newest = base, py.cframe = base_cframe; // it returned
    fake_call(&py, code, 6);
    fake_publish_cframe(&py, stale);
    assert_int_equal(walk(), WALK_WHOLE);
    assert_int_equal(seen.count, 2);
    assert_frame(0, code, 6);
}

static void the_very_first_unset_cframe_is_torn(void **state)
{
    begin(state);
    fake_publish_cframe(&py, 0xdeadbeefdeadbee8);
    assert_int_equal(walk(), WALK_TORN);
}

static void a_cframe_without_a_caller_is_torn(void **state)
{
    begin(state);
    fake_call_by_c(&py, some_code(), 0);
    fake_put_address(&py, py.cframe + py.row.cframe_previous, 0);
    assert_int_equal(walk(), WALK_TORN);
    fake_put_address(&py, py.tstate + py.row.tstate_frame, 0);
    assert_int_equal(walk(), WALK_TORN);
}

static void chains_out_of_step_are_torn(void **state)
{
    begin(state);
    target_addr code = some_code();
    fake_call_by_c(&py, code, 0);
    target_addr other = fake_call(&py, code, 0);
    target_addr crossed = py.cframe;
    fake_call_by_c(&py, code, 0);
    fake_call_by_c(&py, code, 0);
    fake_put_address(&py, crossed + py.row.cframe_current,
                     fake_get_address(&py, other + py.row.frame_previous));
    assert_int_equal(walk(), WALK_TORN);
}

// A greenlet's chain ends at a cframe of its own instead of root_cframe, where nothing hangs.
static void a_greenlet_is_whole(void **state)
{
    begin(state);
    target_addr code = some_code();
    fake_call_by_c(&py, some_code(), 0); // the main greenlet
    py.newest = 0;
    py.cframe = fake_alloc(&py, 64);
    fake_put_address(&py, py.cframe + py.row.cframe_previous,
                     py.tstate + py.row.tstate_root_cframe);
    fake_call_by_c(&py, code, 4);
    assert_int_equal(walk(), WALK_WHOLE);
    assert_int_equal(seen.count, 1);
    assert_frame(0, code, 4);
}

// Its caller is in a register only; leaving it out would blame the caller's caller.
static void a_generator_that_is_yielding_is_torn(void **state)
{
    begin(state);
    target_addr code = some_code();
    fake_call_by_c(&py, code, 0);
    fake_call_by_c(&py, code, 0);
    target_addr generator = fake_call(&py, code, 4);
    fake_set_owner(&py, generator, FAKE_BY_GENERATOR);
    fake_put_address(&py, generator + py.row.frame_previous, 0);
    assert_int_equal(walk(), WALK_TORN);
}

// ---- 3.13 and later

static void a_chain_that_ends_at_a_python_frame_is_torn(void **state)
{
    begin(state);
    target_addr code = some_code();
    target_addr first = fake_call_by_c(&py, code, 0);
    fake_call(&py, code, 0);
    fake_put_address(&py, first + py.row.frame_previous, 0);
    assert_int_equal(walk(), WALK_TORN);
}

static void stub_frames_of_any_later_kind_are_left_out(void **state)
{
    begin(state);
    target_addr code = some_code();
    fake_call_by_c(&py, code, 0);
    target_addr stub = fake_call(&py, 0, 0);
    fake_put(&py, stub + py.row.frame_owner, 4, 1);
    assert_int_equal(walk(), WALK_WHOLE);
    assert_int_equal(seen.count, 1);
}

// ---- position

static void the_position_follows_the_instruction(void **state)
{
    begin(state);
    struct py_position here, there;
    assert_int_equal(frames_position(&py.mem, &py.row, py.tstate, &here), 0);
    assert_int_equal(here.frame, 0);
    target_addr code = some_code();
    target_addr frame = fake_call_by_c(&py, code, 4);
    assert_int_equal(frames_position(&py.mem, &py.row, py.tstate, &here), 0);
    assert_int_equal(here.frame, frame);
    assert_int_equal(frames_position(&py.mem, &py.row, py.tstate, &there), 0);
    assert_memory_equal(&here, &there, sizeof here);
    fake_set_offset(&py, frame, code, 6);
    assert_int_equal(frames_position(&py.mem, &py.row, py.tstate, &there), 0);
    assert_int_not_equal(here.instr, there.instr);
}

static void the_position_tells_of_bad_memory(void **state)
{
    begin(state);
    struct py_position position;
    target_addr frame = fake_call_by_c(&py, some_code(), 4);
    py.hole = frame + py.row.frame_instr;
    assert_int_equal(frames_position(&py.mem, &py.row, py.tstate, &position), -EFAULT);
    assert_int_equal(frames_position(&py.mem, &py.row, 8, &position), -EFAULT);
}

int main(void)
{
    static const struct row_test tests[] = {
        ROW(a_thread_without_frames_is_empty),
        ROW(frames_come_newest_first),
        ROW(calls_through_c_join_the_chain),
        ROW(a_generator_is_shown_before_its_first_instruction),
        ROW_OF(a_fresh_frame_is_left_out, PY(3, 11), PY_LAST),
        ROW_OF(a_frame_counts_from_its_first_traceable_instruction, PY(3, 11), PY_LAST),
        ROW_OF(a_fresh_frame_object_is_at_its_beginning, PY_FIRST, PY(3, 10)),
        ROW(the_visitor_may_stop),
        ROW(a_frame_that_is_its_own_caller_is_torn),
        ROW(a_long_cycle_is_torn),
        ROW(memory_that_ends_within_a_frame_is_torn),
        ROW(wild_callers_are_torn),
        ROW(a_position_outside_the_code_is_torn),
        ROW(a_chain_without_end_is_torn),
        ROW(a_row_whose_frame_is_too_long_is_refused),
        ROW_OF(an_unset_cframe_shows_its_caller, PY(3, 11), PY(3, 12)),
        ROW_OF(a_stale_frame_is_not_believed, PY(3, 11), PY(3, 12)),
        ROW_OF(the_very_first_unset_cframe_is_torn, PY(3, 11), PY(3, 12)),
        ROW_OF(a_cframe_without_a_caller_is_torn, PY(3, 11), PY(3, 12)),
        ROW_OF(chains_out_of_step_are_torn, PY(3, 11), PY(3, 12)),
        ROW_OF(a_greenlet_is_whole, PY(3, 11), PY(3, 12)),
        ROW_OF(a_generator_that_is_yielding_is_torn, PY(3, 12), PY(3, 12)),
        ROW_OF(a_chain_that_ends_at_a_python_frame_is_torn, PY(3, 13), PY_LAST),
        ROW_OF(stub_frames_of_any_later_kind_are_left_out, PY(3, 13), PY_LAST),
        ROW(the_position_follows_the_instruction),
        ROW(the_position_tells_of_bad_memory),
    };
    return rows_run("frames", tests, sizeof tests / sizeof *tests);
}
