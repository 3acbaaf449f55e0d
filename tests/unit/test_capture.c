// SPDX-License-Identifier: MIT
// test_capture.c - the collector's parts, without a live target.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "lineprof/code_record.h"
#include "cpu_call.h"
#include "fake_session.h"
#include "maps.h"
#include "proc.h"
#include "reach.h"
#include "share.h"

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

// ---- memory made up

#define CODE 0x400000u // where `bytes` lie

struct fake_code {
    struct mem mem;
    uint8_t bytes[4096];
};

static int read_code(const struct mem *mem, target_addr from, void *to, size_t n)
{
    const struct fake_code *code = (const struct fake_code *)mem;
    if (from < CODE || from + n > CODE + sizeof code->bytes)
        return -EFAULT;
    memcpy(to, code->bytes + (from - CODE), n);
    return 0;
}

static struct fake_code fake_memory(void)
{
    struct fake_code code = {.mem = {.read = read_code}};
    memset(code.bytes, 0x90, sizeof code.bytes); // nop
    return code;
}

static target_addr put_code(struct fake_code *code, size_t at, const char *bytes, size_t n)
{
    memcpy(code->bytes + at, bytes, n);
    return CODE + at + n; // the address behind it
}

// ---- what precedes a return address

#ifdef __x86_64__
static void calls_are_known_by_their_bytes(void **state)
{
    (void)state;
#define FORM(bytes)                                                                                \
    {                                                                                              \
        bytes, sizeof bytes - 1                                                                    \
    }
    static const struct {
        const char *bytes;
        size_t n;
    } calls[] =
        {
            FORM("\xe8\x10\x20\x30\x40"),         // call rel32
            FORM("\xff\xd0"),                     // call *%rax
            FORM("\x41\xff\xd3"),                 // call *%r11
            FORM("\xff\x10"),                     // call *(%rax)
            FORM("\xff\x50\x18"),                 // call *0x18(%rax)
            FORM("\xff\x93\x00\x02\x00\x00"),     // call *0x200(%rbx)
            FORM("\xff\x15\x01\x02\x03\x04"),     // call *x(%rip)
            FORM("\xff\x14\xc8"),                 // call *(%rax,%rcx,8)
            FORM("\xff\x54\xc8\x08"),             // call *0x8(%rax,%rcx,8)
            FORM("\xff\x94\xc8\x00\x01\x00\x00"), // call *0x100(%rax,%rcx,8)
        },
      others[] = {
          FORM("\x90\x90\x90\x90\x90\x90\x90"), // nop
          FORM("\xff\xe0"),                     // jmp *%rax
          FORM("\xe9\x10\x20\x30\x40"),         // jmp rel32
          FORM("\xff\xc0"),                     // inc %eax
          FORM("\xff\x30"),                     // push (%rax)
          FORM("\x0f\x05"),                     // syscall
      };
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        struct fake_code code = fake_memory();
        assert_true(code_follows_call(&code.mem, put_code(&code, 64, calls[i].bytes, calls[i].n)));
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct fake_code code = fake_memory();
        assert_false(
            code_follows_call(&code.mem, put_code(&code, 64, others[i].bytes, others[i].n)));
    }
}
#endif

static void nothing_precedes_what_cannot_be_read(void **state)
{
    (void)state;
    struct fake_code code = fake_memory();
    put_code(&code, 0, "\xe8\0\0\0\0", 5);
    assert_false(code_follows_call(&code.mem, CODE + 5)); // begins before what is mapped
    assert_false(code_follows_call(&code.mem, 0));
    assert_false(code_follows_call(&code.mem, UINT64_MAX));
}

// ---- maps

static struct module modules[] = {
    {CODE, CODE + 0x400, MODULE_INTERPRETER, false},
    {CODE + 0x400, CODE + 0x800, MODULE_NEUTRAL, false},
    {CODE + 0xc00, CODE + 0x1000, MODULE_FOREIGN, false},
};
static const struct maps some_maps = {.modules = modules, .count = 3, .read_ns = 1};

static void an_address_has_a_module_or_none(void **state)
{
    (void)state;
    assert_int_equal(maps_kind(&some_maps, CODE - 1), MODULE_NONE);
    assert_int_equal(maps_kind(&some_maps, CODE), MODULE_INTERPRETER);
    assert_int_equal(maps_kind(&some_maps, CODE + 0x3ff), MODULE_INTERPRETER);
    assert_int_equal(maps_kind(&some_maps, CODE + 0x400), MODULE_NEUTRAL);
    assert_int_equal(maps_kind(&some_maps, CODE + 0x800), MODULE_NONE);
    assert_int_equal(maps_kind(&some_maps, CODE + 0xfff), MODULE_FOREIGN);
    assert_int_equal(maps_kind(&some_maps, CODE + 0x1000), MODULE_NONE);
    assert_int_equal(maps_kind(&some_maps, UINT64_MAX), MODULE_NONE);
    assert_int_equal(maps_kind(&(struct maps){0}, CODE), MODULE_NONE);
}

static void the_first_return_address_outside_libc_is_the_caller(void **state)
{
    (void)state;
    struct fake_code code = fake_memory();
    uint64_t in_libc = put_code(&code, 0x500, "\xe8\0\0\0\0", 5);
    uint64_t in_extension = put_code(&code, 0xd00, "\xff\xd0", 2);
    uint64_t in_interpreter = put_code(&code, 0x100, "\xe8\0\0\0\0", 5);
    const uint64_t function = CODE + 0x200; // a pointer to a function: no call stands before it
    const struct {
        uint64_t words[5];
        enum module_kind caller;
    } cases[] = {
        {{0, in_libc, 42, in_extension, in_interpreter}, MODULE_FOREIGN},
        {{in_interpreter, in_extension}, MODULE_INTERPRETER},
        {{function, in_libc, function, in_extension}, MODULE_FOREIGN},
        {{function, in_libc}, MODULE_NONE},
        {{0}, MODULE_NONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(maps_caller(&some_maps, &code.mem, cases[i].words, 5), cases[i].caller);
    assert_int_equal(maps_caller(&some_maps, &code.mem, cases[0].words, 0), MODULE_NONE);
}

static void own_maps_are_read(void **state)
{
    (void)state;
    struct maps maps = {0};
    struct ring_header *header = calloc(1, sizeof *header);
    int on_stack;
    header->image_start = (uint64_t)(uintptr_t)own_maps_are_read;
    header->image_end = header->image_start + 1;
    assert_true(maps_refresh(&maps, getpid(), header, 1000000000));
    assert_true(maps.count > 2);
    for (size_t i = 1; i < maps.count; i++)
        assert_true(maps.modules[i - 1].end <= maps.modules[i].start);
    assert_int_equal(maps_kind(&maps, (uint64_t)(uintptr_t)own_maps_are_read), MODULE_INTERPRETER);
    assert_int_equal(maps_kind(&maps, (uint64_t)(uintptr_t)getppid), MODULE_NEUTRAL);
    assert_int_equal(maps_kind(&maps, (uint64_t)(uintptr_t)&on_stack), MODULE_NONE);
    assert_false(maps_refresh(&maps, getpid(), header, 1000000001)); // so soon again
    assert_true(maps_refresh(&maps, getpid(), header, 9000000000));
    maps_free(&maps);
    assert_false(maps_refresh(&maps, -1, header, 1));
    free(header);
}

static void only_the_standard_library_is_published(void **state)
{
    (void)state;
    enum { MANY = RING_RANGES + 40 };
    struct module many[MANY];
    struct maps maps = {.modules = many, .count = MANY};
    struct ring_header *header = calloc(1, sizeof *header);
    for (unsigned i = 0; i < MANY; i++)
        many[i] = (struct module){i * 16, i * 16 + 8, MODULE_INTERPRETER, i > 0};
    maps_publish(&maps, header);
    assert_int_equal(header->ambiguous_count, RING_RANGES);
    assert_int_equal(header->ambiguous[0].start, 16);
    maps.count = 3;
    maps_publish(&maps, header);
    assert_int_equal(header->ambiguous_count, 2);
    free(header);
}

// ---- another process

static void a_process_is_known_by_its_token(void **state)
{
    (void)state;
    struct ring_header *header = calloc(1, sizeof *header);
    header->pid = getpid();
    header->self = (target_addr)(uintptr_t)header;
    header->token = 0x1234567890abcdef;
    assert_int_equal(reach_find(header), REACH_WHOLE);
    struct ring_header *copy = malloc(sizeof *copy); // as another process's shim would have it
    memcpy(copy, header, sizeof *copy);
    header->token++;
    assert_int_equal(reach_find(copy), REACH_NONE);
    copy->self = 4096; // nothing is there
    assert_int_equal(reach_find(copy), REACH_NONE);
    copy->replaced = 1; // it has gone on by exec
    assert_int_equal(reach_find(copy), REACH_ENDED);
    copy->pid = 0;
    assert_int_equal(reach_find(copy), REACH_NONE);
    free(copy);
    free(header);
}

static void the_end_of_a_process_is_seen(void **state)
{
    (void)state;
    int pipe_ends[2];
    assert_int_equal(pipe(pipe_ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        char byte;
        close(pipe_ends[1]);
        _exit(read(pipe_ends[0], &byte, 1) != 0);
    }
    close(pipe_ends[0]);
    int watch = reach_watch(pid);
    if (watch < 0) { // before 5.3
        close(pipe_ends[1]);
        waitpid(pid, NULL, 0);
        skip();
    }
    assert_false(reach_has_ended(watch));
    close(pipe_ends[1]);
    for (int i = 0; i < 1000 && !reach_has_ended(watch); i++)
        usleep(10000);
    assert_true(reach_has_ended(watch));
    waitpid(pid, NULL, 0);
    close(watch);
    struct ring_header *header = calloc(1, sizeof *header);
    header->pid = pid;
    assert_int_equal(reach_find(header), REACH_ENDED);
    free(header);
}

static void a_thread_has_a_name_and_clocks(void **state)
{
    (void)state;
    struct schedstat stat;
    char name[16];
    int fd = proc_schedstat_open(getpid(), (pid_t)syscall(SYS_gettid));
    if (fd < 0)
        skip(); // a kernel without it
    assert_true(proc_schedstat_read(fd, &stat));
    assert_true(stat.cpu_ns > 0 && stat.slices > 0);
    close(fd);
    assert_false(proc_schedstat_read(fd, &stat));
    assert_true(proc_schedstat_open(-1, 1) < 0);
    proc_thread_name(getpid(), getpid(), name);
    assert_true(name[0] != '\0');
    proc_thread_name(-1, -1, name);
    assert_string_equal(name, "");
}

// ---- a code object's record

static void lengths_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    struct record_code *record = calloc(1, sizeof *record + 64);
    struct code_parts parts;
    record->record.size = sizeof *record + 64;
    record->filename_kind = record->name_kind = 1;
    assert_true(code_record_parts(record, &parts));
    record->filename_length = 13;
    record->name_length = 5;
    record->table_length = 40;
    assert_true(code_record_parts(record, &parts));
    assert_ptr_equal(parts.name, record->bytes + 16);
    assert_ptr_equal(parts.table, record->bytes + 24);
    record->table_length = 41;
    assert_false(code_record_parts(record, &parts));
    record->table_length = UINT32_MAX;
    assert_false(code_record_parts(record, &parts));
    record->table_length = 0;
    record->filename_length = UINT32_MAX;
    assert_false(code_record_parts(record, &parts));
    record->filename_length = 1 << 30; // times four is 0, in 32 bits
    record->filename_kind = 4;
    assert_false(code_record_parts(record, &parts));
    record->filename_length = 1;
    static const uint8_t kinds[] = {0, 3, 5, 8, 255}; // bytes of a character that Python has not
    for (size_t i = 0; i < sizeof kinds; i++) {
        record->filename_kind = kinds[i];
        assert_false(code_record_parts(record, &parts));
    }
    free(record);
}

// ---- sharing out

struct shared {
    struct recording *rec;
    struct target target;
    uint32_t thread, nodes;
};

static int set_up_shared(void **state)
{
    struct shared *shared = calloc(1, sizeof *shared);
    const struct process_info info = {
        .pid = 1, .command = "", .executable = "", .version = "3.11", .cwd = "/"};
    shared->rec = shared->target.rec = recording_new();
    shared->target.process = recording_process(shared->rec, &info);
    shared->thread = recording_thread(shared->rec, shared->target.process, 1, "main");
    *state = shared;
    return 0;
}

static int tear_down_shared(void **state)
{
    struct shared *shared = *state;
    map_free(&shared->target.ambiguous, free);
    recording_free(shared->rec);
    free(shared);
    return 0;
}

static struct ambiguous *add_entry(struct shared *shared, uint64_t key, int64_t ns)
{
    uint32_t function = recording_function(shared->rec, "<string>", "f", 1);
    struct ambiguous *entry = calloc(1, sizeof *entry);
    entry->key = key;
    entry->node = recording_node(shared->rec, NODE_ROOT, function, (int)++shared->nodes);
    entry->thread = shared->thread;
    entry->ns = ns;
    map_put(&shared->target.ambiguous, shared->nodes, entry);
    return entry;
}

static struct times share_and_add_up(struct shared *shared)
{
    const struct scope scope = {.everything = true};
    share_out(&shared->target);
    const struct profile *profile = profile_build(shared->rec, &scope);
    struct times times = profile->times;
    profile_free(profile);
    return times;
}

static void assert_near(int64_t value, int64_t expected, int64_t tolerance)
{
    if (llabs(value - expected) > tolerance)
        fail_msg("%lld is not near %lld", (long long)value, (long long)expected);
}

static void every_nanosecond_is_shared_out(void **state)
{
    struct shared *shared = *state;
    uint32_t random = 99;
    int64_t sum = 0;
    for (unsigned i = 0; i < 3000; i++) {
        struct ambiguous *entry =
            add_entry(shared, next_random(&random) % 40, next_random(&random) % 50000000);
        sum += entry->ns;
        if (next_random(&random) % 3 == 0)
            continue; // undecided
        entry->decided_ns = next_random(&random) % (entry->ns + 1);
        entry->native_ns = 2 * (int64_t)(next_random(&random) % (entry->decided_ns + 1));
        entry->chance_ns = entry->decided_ns / (int64_t)(2 + next_random(&random) % 50);
    }
    struct times times = share_and_add_up(shared);
    assert_true(times.ns[STATE_PYTHON] > 0 && times.ns[STATE_NATIVE] > 0);
    assert_true(times.ns[STATE_PYTHON] + times.ns[STATE_NATIVE] == sum);
    assert_true(shared->target.sampled_ns == sum);
}

static void what_was_proven_stays(void **state)
{
    struct shared *shared = *state;
    struct ambiguous *native = add_entry(shared, 1, 1000000);
    native->decided_ns = native->native_ns = 1000000;
    struct ambiguous *python = add_entry(shared, 2, 3000000);
    python->decided_ns = 3000000;
    struct times times = share_and_add_up(shared);
    assert_int_equal(times.ns[STATE_NATIVE], 1000000);
    assert_int_equal(times.ns[STATE_PYTHON], 3000000);
}

static void undecided_time_follows_its_instruction(void **state)
{
    struct shared *shared = *state;
    struct ambiguous *decided = add_entry(shared, 1, 1000000);
    decided->decided_ns = 1000000;
    decided->native_ns = 750000;
    add_entry(shared, 1, 4000000); // the same instruction in another stack
    struct ambiguous *other = add_entry(shared, 2, 1000000);
    other->decided_ns = 1000000;
    add_entry(shared, 3, 2000000); // an instruction never decided: the program's share
    struct times times = share_and_add_up(shared);
    assert_near(times.ns[STATE_NATIVE], 750000 + 3000000 + 750000, 3);
}

static void an_estimate_above_the_whole_flows_on(void **state)
{
    struct shared *shared = *state;
    struct ambiguous *one = add_entry(shared, 1, 1000000), *two = add_entry(shared, 1, 1000000);
    one->decided_ns = two->decided_ns = 1000000;
    one->native_ns = 1400000; // seen at T and not at 2 T counts twice
    two->native_ns = 200000;
    struct times times = share_and_add_up(shared);
    assert_near(times.ns[STATE_NATIVE], 1600000, 3);
}

static void coincidence_is_taken_off(void **state)
{
    struct shared *shared = *state;
    struct ambiguous *loop = add_entry(shared, 1, 10000000);
    loop->decided_ns = 10000000;
    loop->native_ns = loop->chance_ns = 300000; // as often unmoved as a loop is by chance
    struct times times = share_and_add_up(shared);
    assert_int_equal(times.ns[STATE_NATIVE], 0);
    assert_int_equal(times.ns[STATE_PYTHON], 10000000);
}

static void nothing_ambiguous_is_nothing(void **state)
{
    struct shared *shared = *state;
    struct times times = share_and_add_up(shared);
    assert_int_equal(times_shown(&times), 0);
}

// ---- a whole drain

struct samples {
    struct fake_session fake;
    int64_t cpu[8], kernel[8]; // clocks of threads, by tid
    uint32_t faults[8];
};

static int set_up_samples(void **state)
{
    struct samples *samples = calloc(1, sizeof *samples);
    *state = samples;
    return fake_session_open(&samples->fake);
}

static int tear_down_samples(void **state)
{
    struct samples *samples = *state;
    fake_session_close(&samples->fake);
    free(samples);
    return 0;
}

static void write_sample(struct samples *samples, int tid, enum pc_class pc_class, int64_t ran,
                         int64_t kernel, uint32_t faults)
{
    const uint32_t size = sizeof(struct record_sample) + 2 * sizeof(struct sample_frame);
    struct record_sample *sample = (struct record_sample *)ring_reserve(&samples->fake.ring, size);
    samples->cpu[tid] += ran;
    samples->kernel[tid] += kernel;
    samples->faults[tid] += faults;
    sample->tid = tid;
    sample->pc_class = (uint8_t)pc_class;
    sample->frame_count = 2;
    sample->faults = samples->faults[tid];
    sample->time_ns = 1000;
    sample->start_cpu_ns = samples->cpu[tid];
    samples->cpu[tid] += 7000; // the handler's own
    sample->cpu_ns = samples->cpu[tid];
    sample->kernel_ns = samples->kernel[tid];
    sample->frames[0] = (struct sample_frame){2, 10};
    sample->frames[1] = (struct sample_frame){1, 4};
    ring_commit(&samples->fake.ring, &sample->record, size, size, RECORD_SAMPLE);
}

static void begin(struct samples *samples)
{
    fake_code(&samples->fake, 1, "<string>", "outer");
    fake_code(&samples->fake, 2, "<string>", "inner");
    fake_session_publish(&samples->fake);
    collector_step(samples->fake.collector, 0);
}

static const struct profile *finish(struct samples *samples)
{
    struct collector_summary summary;
    const struct scope scope = {.everything = true};
    collector_step(samples->fake.collector, 0);
    fake_session_finish(&samples->fake, &summary);
    assert_int_equal(summary.processes, 1);
    return profile_build(samples->fake.rec, &scope);
}

static void no_nanosecond_is_lost_or_made(void **state)
{
    struct samples *samples = *state;
    uint32_t random = 4711;
    int64_t sum = 0, own = 0;
    begin(samples);
    for (unsigned i = 0; i < 5000; i++) {
        static const enum pc_class classes[] = {PC_KERNEL, PC_EVAL, PC_INTERPRETER, PC_FOREIGN};
        int64_t ran = 3000000 + next_random(&random) % 2000000;
        write_sample(samples, (int)(next_random(&random) % 8), classes[next_random(&random) % 4],
                     ran, next_random(&random) % 3 ? 0 : next_random(&random) % 4000000,
                     next_random(&random) % 50);
        sum += ran;
        own += 7000;
        if (i % 100 == 0)
            collector_step(samples->fake.collector, 0);
    }
    const struct profile *profile = finish(samples);
    assert_int_equal(profile->times.samples, 5000);
    assert_true(times_shown(&profile->times) == sum);
    assert_true(profile->overhead_ns == own);
    int64_t lines = 0;
    for (size_t i = 0; i < profile->weight_count; i++)
        lines += times_shown(&profile->weights[i].times);
    assert_true(lines == sum);
    profile_free(profile);
}

static void kernel_time_goes_where_it_belongs(void **state)
{
    struct samples *samples = *state;
    begin(samples);
    for (int i = 0; i < 100; i++) // inside system calls: the program counter tells
        write_sample(samples, 1, PC_KERNEL, 4000000, 4000000, 0);
    for (int i = 0; i < 100; i++) // plain user time
        write_sample(samples, 2, PC_EVAL, 4000000, 0, 0);
    for (int i = 0; i < 100; i++) // page faults: half of it was the kernel's
        write_sample(samples, 3, PC_EVAL, 4000000, 2000000, 1000);
    for (int i = 0; i < 100; i++) // the account smears, but there was no fault
        write_sample(samples, 4, PC_EVAL, 4000000, 2000000, 0);
    const struct profile *profile = finish(samples);
    const int64_t whole = 400000000;
    static const int percent[] = {100, 0, 50, 0};
    for (int tid = 1; tid <= 4; tid++)
        for (size_t i = 0; i < profile->thread_count; i++)
            if (profile->threads[i].info.tid == tid)
                assert_near(profile->threads[i].times.ns[STATE_KERNEL],
                            whole / 100 * percent[tid - 1], whole / 50);
    profile_free(profile);
}

// The announcement stands behind the sample that met the code object first.
static void a_sample_waits_for_its_code_objects(void **state)
{
    struct samples *samples = *state;
    fake_session_publish(&samples->fake);
    write_sample(samples, 1, PC_EVAL, 4000000, 0, 0);
    collector_step(samples->fake.collector, 0);
    assert_true(samples->fake.ring.header->tail < samples->fake.ring.header->head);
    fake_code(&samples->fake, 1, "<string>", "outer");
    fake_code(&samples->fake, 2, "<string>", "inner");
    const struct profile *profile = finish(samples);
    assert_int_equal(samples->fake.ring.header->tail, samples->fake.ring.header->head);
    assert_int_equal(profile->function_count, 2);
    assert_int_equal(profile->times.samples, 1);
    profile_free(profile);
}

static void an_unsound_sample_is_passed_over(void **state)
{
    struct samples *samples = *state;
    begin(samples);
    uint64_t at = samples->fake.ring.header->head;
    write_sample(samples, 1, PC_EVAL, 4000000, 0, 0);
    struct record_sample *sample =
        (struct record_sample *)(samples->fake.ring.data + at % RING_DATA_SIZE);
    sample->frame_count = UINT32_MAX; // more than the record holds
    write_sample(samples, 1, PC_EVAL, 4000000, 0, 0);
    const struct profile *profile = finish(samples);
    assert_int_equal(profile->times.samples, 1);
    profile_free(profile);
}
// The copy of lineprof that does this shares the ring with the target and with lineprof.
static void what_is_cut_short_leaves_the_ring_alone(void **state)
{
    struct samples *samples = *state;
    struct collector_summary summary;
    const struct scope scope = {.everything = true};
    begin(samples);
    write_sample(samples, 1, PC_FOREIGN, 4000000, 0, 0);
    write_sample(samples, 1, PC_INTERPRETER, 3000000, 0, 0);
    collector_step(samples->fake.collector, 0);
    write_sample(samples, 1, PC_FOREIGN, 4000000, 0, 0); // not drained yet
    uint64_t tail = atomic_load(&samples->fake.ring.header->tail);
    collector_cut_short(samples->fake.collector, &summary);
    assert_int_equal(summary.processes, 1);
    assert_true(atomic_load(&samples->fake.ring.header->tail) == tail);
    assert_int_equal(atomic_load(&samples->fake.session.header->closed), 0);
    const struct profile *profile = profile_build(samples->fake.rec, &scope);
    assert_true(profile->run.cut_short);
    assert_int_equal(profile->times.samples, 2);
    assert_true(times_shown(&profile->times) == 7000000);
    profile_free(profile);
}

// ---- sessions that nobody lives for

static _Noreturn void die_with_session(int to)
{
    struct session session;
    int err = session_create(&session);
    ssize_t n = write(to, session.path, sizeof session.path);
    _exit(err || n != sizeof session.path); // as by SIGKILL: nothing is tidied up
}

static void sessions_of_the_dead_are_swept(void **state)
{
    (void)state;
    struct session living, session;
    char dead[sizeof living.path];
    int ends[2], status;
    assert_int_equal(session_create(&living), 0);
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0)
        die_with_session(ends[1]);
    assert_int_equal(read(ends[0], dead, sizeof dead), sizeof dead);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(access(dead, F_OK), 0);
    assert_int_equal(session_create(&session), 0);
    session_sweep(&session);
    assert_int_equal(access(dead, F_OK), -1);
    assert_int_equal(access(living.path, F_OK), 0);
    assert_int_equal(access(session.path, F_OK), 0);
    session_remove(&living);
    session_remove(&session);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
#define SHARED(name)  cmocka_unit_test_setup_teardown(name, set_up_shared, tear_down_shared)
#define SAMPLES(name) cmocka_unit_test_setup_teardown(name, set_up_samples, tear_down_samples)
    const struct CMUnitTest tests[] = {
#ifdef __x86_64__
        cmocka_unit_test(calls_are_known_by_their_bytes),
#endif
        cmocka_unit_test(nothing_precedes_what_cannot_be_read),
        cmocka_unit_test(an_address_has_a_module_or_none),
        cmocka_unit_test(the_first_return_address_outside_libc_is_the_caller),
        cmocka_unit_test(own_maps_are_read),
        cmocka_unit_test(only_the_standard_library_is_published),
        cmocka_unit_test(a_process_is_known_by_its_token),
        cmocka_unit_test(the_end_of_a_process_is_seen),
        cmocka_unit_test(a_thread_has_a_name_and_clocks),
        cmocka_unit_test(lengths_that_do_not_fit_are_refused),
        SHARED(every_nanosecond_is_shared_out),
        SHARED(what_was_proven_stays),
        SHARED(undecided_time_follows_its_instruction),
        SHARED(an_estimate_above_the_whole_flows_on),
        SHARED(coincidence_is_taken_off),
        SHARED(nothing_ambiguous_is_nothing),
        SAMPLES(no_nanosecond_is_lost_or_made),
        SAMPLES(kernel_time_goes_where_it_belongs),
        SAMPLES(a_sample_waits_for_its_code_objects),
        SAMPLES(an_unsound_sample_is_passed_over),
        SAMPLES(what_is_cut_short_leaves_the_ring_alone),
        cmocka_unit_test(sessions_of_the_dead_are_swept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
