// SPDX-License-Identifier: MIT
// test_ring.c - records from many writers to one reader.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "lineprof/ring.h"

struct rings {
    char path[64];
    int dirfd;
    struct ring writer, reader; // two mappings of one file, as in two processes
};

static int set_up(void **state)
{
    struct rings *rings = calloc(1, sizeof *rings);
    strcpy(rings->path, "/dev/shm/test_ring.XXXXXX");
    if (!mkdtemp(rings->path))
        strcpy(rings->path, "/tmp/test_ring.XXXXXX");
    if (access(rings->path, F_OK) < 0 && !mkdtemp(rings->path))
        return -1;
    rings->dirfd = open(rings->path, O_RDONLY | O_DIRECTORY);
    if (ring_create(&rings->writer, rings->dirfd, "ring"))
        return -1;
    rings->writer.header->magic = RING_MAGIC;
    *state = rings;
    return ring_open(&rings->reader, rings->dirfd, "ring");
}

static int tear_down(void **state)
{
    struct rings *rings = *state;
    ring_close(&rings->writer);
    ring_close(&rings->reader);
    unlinkat(rings->dirfd, "ring", 0);
    close(rings->dirfd);
    rmdir(rings->path);
    free(rings);
    return 0;
}

static void *body(struct record *record)
{
    return record + 1;
}

static struct record *put(struct ring *ring, uint32_t size, uint8_t fill)
{
    struct record *record = ring_reserve(ring, size);
    if (!record)
        return NULL;
    memset(body(record), fill, size - sizeof *record);
    ring_commit(ring, record, size, size, RECORD_SAMPLE);
    return record;
}

static bool is_filled(const void *bytes, size_t n, uint8_t value)
{
    for (const uint8_t *at = bytes; n > 0; n--)
        if (*at++ != value)
            return false;
    return true;
}

static uint64_t head(const struct ring *ring)
{
    return atomic_load(&ring->header->head);
}

// ---- in order

static void what_was_committed_comes_out(void **state)
{
    struct rings *rings = *state;
    assert_null(ring_peek(&rings->reader));
    put(&rings->writer, 40, 1);
    put(&rings->writer, 64, 2);
    for (uint8_t i = 1; i <= 2; i++) {
        const struct record *record = ring_peek(&rings->reader);
        assert_non_null(record);
        assert_int_equal(record->size, i == 1 ? 40 : 64);
        assert_int_equal(record->type, RECORD_SAMPLE);
        assert_true(is_filled(record + 1, record->size - sizeof *record, i));
        ring_consume(&rings->reader, record);
    }
    assert_null(ring_peek(&rings->reader));
    assert_int_equal(head(&rings->writer), atomic_load(&rings->writer.header->tail));
}

static void sizes_are_rounded_up(void **state)
{
    struct rings *rings = *state;
    struct record *record = ring_reserve(&rings->writer, 41);
    ring_commit(&rings->writer, record, 41, 41, RECORD_PAD);
    assert_int_equal(ring_peek(&rings->reader)->size, 48);
    assert_int_equal(head(&rings->writer), 48);
}

static void a_record_is_whole_where_the_ring_ends(void **state)
{
    struct rings *rings = *state;
    unsigned wrapped = 0;
    for (unsigned i = 0; i < 5000; i++) {
        uint32_t size = 16 + i * 56 % 4096;
        uint64_t at = head(&rings->writer) % RING_DATA_SIZE;
        wrapped += at + size > RING_DATA_SIZE;
        struct record *record = ring_reserve(&rings->writer, size);
        assert_non_null(record);
        assert_true(is_filled(record, size, 0)); // whatever stood there before
        memset(body(record), (int)(i % 255 + 1), size - sizeof *record);
        ring_commit(&rings->writer, record, size, size, RECORD_SAMPLE);
        const struct record *got = ring_peek(&rings->reader);
        assert_non_null(got);
        assert_true(is_filled(got + 1, size - sizeof *got, (uint8_t)(i % 255 + 1)));
        ring_consume(&rings->reader, got);
    }
    assert_true(wrapped > 5);
}

static void an_uncommitted_record_holds_up_the_reader(void **state)
{
    struct rings *rings = *state;
    put(&rings->writer, 24, 1);
    struct record *open = ring_reserve(&rings->writer, 104);
    put(&rings->writer, 24, 3);
    ring_consume(&rings->reader, ring_peek(&rings->reader));
    assert_null(ring_peek(&rings->reader)); // its writer may have died: the ring ends here
    ring_commit(&rings->writer, open, 104, 104, RECORD_PAD);
    ring_consume(&rings->reader, ring_peek(&rings->reader));
    assert_int_equal(ring_peek(&rings->reader)->size, 24);
}

// ---- room

static void what_is_left_over_is_given_back(void **state)
{
    struct rings *rings = *state;
    struct record *record = ring_reserve(&rings->writer, 4096);
    ring_commit(&rings->writer, record, 4096, 60, RECORD_SAMPLE);
    assert_int_equal(record->size, 64);
    assert_int_equal(head(&rings->writer), 64);
    assert_true(is_filled(ring_reserve(&rings->writer, 4096), 4096, 0));
}

static void nothing_is_given_back_under_another(void **state)
{
    struct rings *rings = *state;
    struct record *first = ring_reserve(&rings->writer, 4096);
    struct record *second = ring_reserve(&rings->writer, 4096);
    ring_commit(&rings->writer, first, 4096, 64, RECORD_SAMPLE);
    assert_int_equal(first->size, 4096);
    ring_commit(&rings->writer, second, 4096, 64, RECORD_SAMPLE);
    assert_int_equal(second->size, 64);
    assert_int_equal(head(&rings->writer), 4096 + 64);
}

static void a_full_ring_takes_no_more(void **state)
{
    struct rings *rings = *state;
    assert_null(ring_reserve(&rings->writer, RING_RECORD_MAX + 8));
    assert_false(ring_is_filling(&rings->writer));
    assert_non_null(put(&rings->writer, RING_RECORD_MAX, 1));
    assert_non_null(put(&rings->writer, RING_RECORD_MAX - 64, 2));
    assert_true(ring_is_filling(&rings->writer));
    assert_null(put(&rings->writer, 72, 3));
    assert_non_null(put(&rings->writer, 64, 3));
    assert_null(put(&rings->writer, 8, 4));
    assert_int_equal(head(&rings->writer), RING_DATA_SIZE);
    ring_consume(&rings->reader, ring_peek(&rings->reader));
    assert_non_null(put(&rings->writer, 72, 5)); // across the end
    unsigned records = 0;
    for (const struct record *r; (r = ring_peek(&rings->reader)); records++)
        ring_consume(&rings->reader, r);
    assert_int_equal(records, 3);
}

// ---- many writers

#define WRITERS 4

struct message {
    struct record record;
    uint32_t writer, number, words, sum;
    uint32_t word[];
};

struct writer {
    struct ring ring;
    uint32_t id, written, refused;
    _Atomic bool *stop;
};

static uint32_t checksum(const struct message *message)
{
    uint32_t sum = message->writer * 31 + message->number;
    for (uint32_t i = 0; i < message->words; i++)
        sum = sum * 33 + message->word[i];
    return sum;
}

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static void write_message(struct writer *writer, uint32_t *random)
{
    uint32_t room = next_random(random) % 400, words = next_random(random) % (room + 1);
    uint32_t reserved = (uint32_t)(sizeof(struct message) + room * sizeof(uint32_t));
    struct message *message = (struct message *)ring_reserve(&writer->ring, reserved);
    if (!message) {
        writer->refused++;
        return;
    }
    message->writer = writer->id;
    message->number = writer->written++;
    message->words = words;
    for (uint32_t i = 0; i < words; i++)
        message->word[i] = next_random(random);
    message->sum = checksum(message);
    ring_commit(&writer->ring, &message->record, reserved,
                (uint32_t)(sizeof *message + words * sizeof(uint32_t)), RECORD_SAMPLE);
}

static void *run_writer(void *argument)
{
    struct writer *writer = argument;
    uint32_t random = writer->id * 7919 + 1;
    while (!atomic_load(writer->stop))
        write_message(writer, &random);
    return NULL;
}

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void drain(struct ring *ring, uint32_t expected[WRITERS])
{
    for (const struct record *record; (record = ring_peek(ring));) {
        const struct message *message = (const struct message *)record;
        assert_true(message->writer < WRITERS);
        assert_int_equal(message->number, expected[message->writer]++);
        assert_true(record->size >= sizeof *message + message->words * sizeof(uint32_t));
        assert_int_equal(message->sum, checksum(message));
        ring_consume(ring, record);
    }
}

static void nothing_is_lost_or_torn_between_threads(void **state)
{
    struct rings *rings = *state;
    struct writer writers[WRITERS];
    pthread_t threads[WRITERS];
    uint32_t expected[WRITERS] = {0};
    _Atomic bool stop = false;
    for (uint32_t i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.ring = rings->writer, .id = i, .stop = &stop};
        pthread_create(&threads[i], NULL, run_writer, &writers[i]);
    }
    for (double end = now() + 1; now() < end;)
        drain(&rings->reader, expected);
    atomic_store(&stop, true);
    for (uint32_t i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    drain(&rings->reader, expected);
    for (uint32_t i = 0; i < WRITERS; i++) {
        assert_int_equal(expected[i], writers[i].written);
        assert_true(expected[i] > 0);
    }
    assert_int_equal(head(&rings->writer), atomic_load(&rings->reader.header->tail));
}

// ---- a target gone wild

static void impossible_sizes_end_the_ring(void **state)
{
    struct rings *rings = *state;
    static const uint32_t sizes[] = {
        1,       4, 7, 12, 17, 36, RING_RECORD_MAX + 8, RING_DATA_SIZE, UINT32_MAX, UINT32_MAX - 7,
        1u << 31};
    struct record *record = ring_reserve(&rings->writer, 32);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        atomic_store(&record->size, sizes[i]);
        assert_null(ring_peek(&rings->reader));
        ring_consume(&rings->reader, record); // as if it had changed after a look
        assert_int_equal(atomic_load(&rings->reader.header->tail), 0);
    }
    atomic_store(&record->size, 40); // beyond what was ever reserved
    assert_null(ring_peek(&rings->reader));
    atomic_store(&record->size, 32);
    assert_non_null(ring_peek(&rings->reader));
}

static void impossible_positions_end_the_ring(void **state)
{
    struct rings *rings = *state;
    struct ring_header *header = rings->writer.header;
    static const uint64_t positions[] = {0,
                                         8,
                                         9,
                                         RING_DATA_SIZE - 8,
                                         RING_DATA_SIZE,
                                         RING_DATA_SIZE + 1,
                                         UINT64_MAX - 7,
                                         UINT64_MAX,
                                         UINT64_C(1) << 63};
    const size_t n = sizeof positions / sizeof *positions;
    memset(rings->writer.data, 0x11, RING_DATA_SIZE);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            atomic_store(&header->head, positions[i]);
            atomic_store(&header->tail, positions[j]);
            assert_null(ring_peek(&rings->reader));
            ring_is_filling(&rings->writer);
            const uint8_t *at = (const uint8_t *)ring_reserve(&rings->writer, 64);
            if (at) // wherever it is, it is within the ring
                assert_true(at >= rings->writer.data &&
                            at <= rings->writer.data + 2 * (size_t)RING_DATA_SIZE - 64);
        }
}

static void random_contents_never_lead_outside(void **state)
{
    struct rings *rings = *state;
    uint32_t random = 12345;
    for (unsigned round = 0; round < 300; round++) {
        uint32_t *words = (uint32_t *)rings->writer.data;
        for (size_t i = 0; i < 4096; i++)
            words[i] = next_random(&random) % (round % 2 ? 64 : 1024) * (round % 3 ? 8 : 1);
        atomic_store(&rings->writer.header->tail, 0);
        atomic_store(&rings->writer.header->head, next_random(&random) % 16384);
        uint64_t consumed = 0;
        for (const struct record *r; (r = ring_peek(&rings->reader)); consumed++) {
            const uint8_t *at = (const uint8_t *)r;
            assert_true(at >= rings->reader.data);
            assert_true(at + r->size <= rings->reader.data + 2 * (size_t)RING_DATA_SIZE);
            ring_consume(&rings->reader, r);
        }
        assert_true(consumed <= 16384 / RING_ALIGN);
    }
}

// ---- the file

static void only_a_finished_ring_is_opened(void **state)
{
    struct rings *rings = *state;
    struct ring ring = {0};
    assert_int_equal(ring_open(&ring, rings->dirfd, "none"), -ENOENT);
    assert_int_equal(ring_create(&ring, rings->dirfd, "ring"), -EEXIST);
    rings->writer.header->magic = 0;
    assert_int_equal(ring_open(&ring, rings->dirfd, "ring"), -EAGAIN);
    rings->writer.header->magic = RING_MAGIC;
    symlinkat("ring", rings->dirfd, "link");
    assert_int_equal(ring_open(&ring, rings->dirfd, "link"), -ELOOP);
    unlinkat(rings->dirfd, "link", 0);
    int fd = openat(rings->dirfd, "ring", O_RDWR);
    assert_int_equal(ftruncate(fd, 4096), 0);
    close(fd);
    assert_int_equal(ring_open(&ring, rings->dirfd, "ring"), -EINVAL);
}

static void a_limit_of_file_size_is_no_signal(void **state)
{
    struct rings *rings = *state;
    struct rlimit before, limit;
    struct ring ring = {0};
    getrlimit(RLIMIT_FSIZE, &before);
    limit = (struct rlimit){65536, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit); // SIGXFSZ would end this test
    int err = ring_create(&ring, rings->dirfd, "limited");
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(err, -EFBIG);
    assert_int_equal(faccessat(rings->dirfd, "limited", F_OK, 0), -1);
}

static void the_header_outlives_the_data(void **state)
{
    struct rings *rings = *state;
    put(&rings->writer, 64, 1);
    ring_drop_data(&rings->reader);
    assert_null(rings->reader.data);
    assert_int_equal(rings->reader.header->magic, RING_MAGIC);
    assert_true(is_filled(rings->writer.data, 64, 0)); // the memory is the system's again
    ring_drop_data(&rings->reader);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_was_committed_comes_out),
        TEST(sizes_are_rounded_up),
        TEST(a_record_is_whole_where_the_ring_ends),
        TEST(an_uncommitted_record_holds_up_the_reader),
        TEST(what_is_left_over_is_given_back),
        TEST(nothing_is_given_back_under_another),
        TEST(a_full_ring_takes_no_more),
        TEST(nothing_is_lost_or_torn_between_threads),
        TEST(impossible_sizes_end_the_ring),
        TEST(impossible_positions_end_the_ring),
        TEST(random_contents_never_lead_outside),
        TEST(only_a_finished_ring_is_opened),
        TEST(a_limit_of_file_size_is_no_signal),
        TEST(the_header_outlives_the_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
