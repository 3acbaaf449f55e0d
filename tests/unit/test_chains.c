// SPDX-License-Identifier: MIT
// test_chains.c - the self-check's judgement: stacks as Python told them against stacks as seen.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <fcntl.h>
#include <cmocka.h>
#include "../../src/capture/chains.h"

#define TOLD                                                                                       \
    "=\t1000\tplain call\nlook\t31\t<string>\nplain_call\t36\t<string>\n<module>\t118\t<string>\n" \
    "=\t2000\tname beyond ASCII\nlook\t31\t<string>\n\xc3\xa9t\xc3\xa9\t3\t<\xce\xbb>\n"

static struct chains told, seen;
static char finding[512];

static bool tell(const char *text)
{
    static char copy[8192];
    snprintf(copy, sizeof copy, "%s", text);
    return chains_told(&told, copy);
}

// What a walk without fault would have seen: the same, a moment after each signal.
static int set_up(void **state)
{
    (void)state;
    finding[0] = '\0';
    if (!tell(TOLD ".\n"))
        return -1;
    seen = told;
    for (unsigned i = 0; i < seen.count; i++)
        seen.at[i].time_ns += 10;
    return 0;
}

static enum chains_verdict verdict(void)
{
    return chains_compare(&told, &seen, finding, sizeof finding);
}

// ---- as told

static void output_is_taken_apart(void **state)
{
    (void)state;
    assert_int_equal(told.count, 2);
    assert_string_equal(told.at[0].name, "plain call");
    assert_int_equal(told.at[0].time_ns, 1000);
    assert_int_equal(told.at[0].count, 3);
    assert_string_equal(told.at[0].frames[2].function, "<module>");
    assert_int_equal(told.at[0].frames[2].line, 118);
    assert_string_equal(told.at[1].frames[1].function, "\xc3\xa9t\xc3\xa9");
    assert_string_equal(told.at[1].frames[1].file, "<\xce\xbb>");
}

static void a_part_is_not_the_whole(void **state)
{
    (void)state;
    assert_false(tell(""));
    assert_false(tell(".\n"));
    assert_false(tell(TOLD));
    assert_false(tell("hello from sitecustomize\n" TOLD ".\n"));
    assert_false(tell("=\tnow\tplain call\nf\t1\t<string>\n.\n"));
    assert_false(tell("=\t1\tplain call\nf\tone\t<string>\n.\n"));
}

static void too_much_is_refused(void **state)
{
    (void)state;
    char text[8192] = "=\t1\tplain call\n";
    for (int i = 0; i <= CHAIN_MAX; i++)
        strcat(text, "f\t1\t<string>\n");
    assert_false(tell(strcat(text, ".\n")));
    text[0] = '\0';
    for (int i = 0; i <= CHAINS_MAX; i++)
        strcat(text, "=\t1\tplain call\nf\t1\t<string>\n");
    assert_false(tell(strcat(text, ".\n")));
}

// ---- the difference

static void the_same_agrees(void **state)
{
    (void)state;
    assert_int_equal(verdict(), CHAINS_AGREE);
}

static void a_wrong_function_is_named(void **state)
{
    (void)state;
    strcpy(seen.at[0].frames[1].function, "other");
    assert_int_equal(verdict(), CHAINS_DIFFER);
    assert_string_equal(finding,
                        "plain call: function of frame 1: expected plain_call, seen other");
}

static void a_wrong_line_is_named(void **state)
{
    (void)state;
    seen.at[1].frames[0].line = 32;
    assert_int_equal(verdict(), CHAINS_DIFFER);
    assert_string_equal(finding, "name beyond ASCII: line in look: expected 31, seen 32");
}

static void a_wrong_file_is_named(void **state)
{
    (void)state;
    strcpy(seen.at[1].frames[1].file, "\x1b[2J");
    assert_int_equal(verdict(), CHAINS_DIFFER);
    assert_string_equal(finding, "name beyond ASCII: file of frame 1: expected <\\xce\\xbb>, "
                                 "seen \\x1b[2J");
}

static void a_wrong_depth_is_named(void **state)
{
    (void)state;
    seen.at[0].count = 2;
    assert_int_equal(verdict(), CHAINS_DIFFER);
    assert_string_equal(finding, "plain call: frames: expected 3, seen 2");
    seen.at[0].count = 0;
    assert_int_equal(verdict(), CHAINS_DIFFER);
    assert_string_equal(finding, "plain call: frames: expected 3, seen 0");
}

static void a_stack_that_was_not_seen_is_missed(void **state)
{
    (void)state;
    seen.count = 1;
    assert_int_equal(verdict(), CHAINS_MISSING);
    assert_string_equal(finding, "name beyond ASCII: the frames cannot be followed");
    seen.at[0] = seen.at[1]; // and another stack does not stand in for it
    assert_int_equal(verdict(), CHAINS_MISSING);
    assert_string_equal(finding, "plain call: the frames cannot be followed");
}

// ---- as seen

static void add_code(struct ring *ring, uint32_t id, const char *name, int line)
{
    static const char file[] = "<string>";
    uint32_t length = (uint32_t)strlen(name), size = (uint32_t)sizeof(struct record_code) + 128;
    struct record_code *code = (struct record_code *)ring_reserve(ring, size);
    code->id = id;
    code->firstlineno = line;
    code->filename_kind = code->name_kind = 1;
    code->filename_length = sizeof file - 1;
    code->name_length = length;
    memcpy(code->bytes, file, sizeof file - 1);
    memcpy(code->bytes + sizeof file - 1, name, length);
    ring_commit(ring, &code->record, size, size, RECORD_CODE);
}

static void add_sample(struct ring *ring, int32_t tid, uint64_t time_ns, uint32_t frames)
{
    uint32_t size = (uint32_t)(sizeof(struct record_sample) + 2 * sizeof(struct sample_frame));
    struct record_sample *sample = (struct record_sample *)ring_reserve(ring, size);
    sample->tid = tid;
    sample->time_ns = time_ns;
    sample->frame_count = frames;
    sample->frames[0].code = 2;
    sample->frames[1].code = 1;
    ring_commit(ring, &sample->record, size, size, RECORD_SAMPLE);
}

static struct ring ring;

static int make_ring(void **state)
{
    (void)state;
    char path[] = "/tmp/lineprof-test-XXXXXX";
    int dirfd = mkdtemp(path) ? open(path, O_RDONLY | O_DIRECTORY) : -1;
    int err = ring_create(&ring, dirfd, "ring");
    unlinkat(dirfd, "ring", 0);
    close(dirfd);
    rmdir(path);
    if (!err)
        ring.header->layout = *layout_find(PY(3, 11));
    return err;
}

static int drop_ring(void **state)
{
    (void)state;
    ring_close(&ring);
    return 0;
}

static void samples_are_resolved(void **state)
{
    (void)state;
    add_sample(&ring, 7, 500, 2); // its code objects stand behind it
    add_code(&ring, 1, "outer", 10);
    add_code(&ring, 2, "inner", 20);
    add_sample(&ring, 8, 600, 2); // another thread's
    add_sample(&ring, 7, 700, 0);
    chains_seen(&seen, &ring, 7);
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.at[0].time_ns, 500);
    assert_int_equal(seen.at[0].count, 2);
    assert_string_equal(seen.at[0].frames[0].function, "inner");
    assert_int_equal(seen.at[0].frames[0].line, 20);
    assert_string_equal(seen.at[0].frames[1].function, "outer");
    assert_string_equal(seen.at[0].frames[1].file, "<string>");
    assert_int_equal(seen.at[1].count, 0);
}

static void a_ring_gone_wild_is_survived(void **state)
{
    (void)state;
    add_sample(&ring, 7, 500, UINT32_MAX); // more frames than its size allows
    add_sample(&ring, 7, 600, 2);          // of code objects that nobody announced
    chains_seen(&seen, &ring, 7);
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.at[0].frames[0].function, "?");
    add_code(&ring, 2, "inner", 20);
    struct record_code *code =
        (struct record_code *)(ring.data + atomic_load(&ring.header->head) % RING_DATA_SIZE -
                               sizeof *code - 128);
    code->name_length = UINT32_MAX;
    chains_seen(&seen, &ring, 7);
    assert_string_equal(seen.at[0].frames[0].function, "?");
    for (uint32_t size = 1; size; size <<= 1) {
        atomic_store(&code->record.size, size);
        chains_seen(&seen, &ring, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(output_is_taken_apart, set_up),
        cmocka_unit_test(a_part_is_not_the_whole),
        cmocka_unit_test(too_much_is_refused),
        cmocka_unit_test_setup(the_same_agrees, set_up),
        cmocka_unit_test_setup(a_wrong_function_is_named, set_up),
        cmocka_unit_test_setup(a_wrong_line_is_named, set_up),
        cmocka_unit_test_setup(a_wrong_file_is_named, set_up),
        cmocka_unit_test_setup(a_wrong_depth_is_named, set_up),
        cmocka_unit_test_setup(a_stack_that_was_not_seen_is_missed, set_up),
        cmocka_unit_test_setup_teardown(samples_are_resolved, make_ring, drop_ring),
        cmocka_unit_test_setup_teardown(a_ring_gone_wild_is_survived, make_ring, drop_ring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
