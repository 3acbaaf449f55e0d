// SPDX-License-Identifier: MIT
// test_mem.c - every reader over good and bad addresses; the guard with real faults.
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <cmocka.h>

#include "lineprof/mem.h"

static volatile sig_atomic_t faults, strange;
static sigjmp_buf back;

static void on_fault(int number, siginfo_t *info, void *ucontext)
{
    (void)number, (void)info;
    if (mem_guard_step(ucontext)) {
        faults++;
        return;
    }
    strange++; // not ours
    siglongjmp(back, 1);
}

// Called in each test, because cmocka puts its own handlers in place before each.
static void guard(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    faults = strange = 0;
}

static target_addr address(const void *p)
{
    return (target_addr)(uintptr_t)p;
}

// Three pages, of which only the one in the middle can be read.
static char *island(long *page)
{
    *page = sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 3 * (size_t)*page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(pages != MAP_FAILED);
    assert_int_equal(mprotect(pages + *page, (size_t)*page, PROT_READ | PROT_WRITE), 0);
    for (long i = 0; i < *page; i++)
        pages[*page + i] = (char)(i * 7);
    return pages;
}

// ---- what every reader does

static void check_sizes(const struct mem *mem)
{
    long page;
    char *pages = island(&page), out[200];
    for (size_t n = 0; n < sizeof out; n++)
        for (size_t start = 0; start < 17; start++) {
            memset(out, '?', sizeof out);
            assert_int_equal(mem->read(mem, address(pages + page + start), out, n), 0);
            assert_memory_equal(out, pages + page + start, n);
            if (n < sizeof out)
                assert_int_equal(out[n], '?');
        }
    munmap(pages, 3 * (size_t)page);
}

static void check_edges(const struct mem *mem)
{
    long page;
    char *pages = island(&page), out[200];
    for (size_t n = 1; n < sizeof out; n++) {
        assert_int_equal(mem->read(mem, address(pages + 2 * page - n), out, n), 0);
        assert_int_equal(mem->read(mem, address(pages + 2 * page - n + 1), out, n), -EFAULT);
        assert_int_equal(mem->read(mem, address(pages + page - 1), out, n), -EFAULT);
    }
    munmap(pages, 3 * (size_t)page);
}

static void check_wild(const struct mem *mem)
{
    static const target_addr wild[] = {0,          1,
                                       4096,       0x00007fffffffffff,
                                       1ull << 47, 0x8000000000000000,
                                       UINT64_MAX, 0xdeadbeefdeadbeef};
    char out[64];
    for (size_t i = 0; i < sizeof wild / sizeof *wild; i++) {
        errno = 12345;
        assert_int_equal(mem->read(mem, wild[i], out, 1), -EFAULT);
        assert_int_equal(mem->read(mem, wild[i], out, sizeof out), -EFAULT);
        if (mem->pid == 0)
            assert_int_equal(errno, 12345); // a handler must not change it
    }
}

static void check(const struct mem *mem)
{
    check_sizes(mem);
    check_edges(mem);
    check_wild(mem);
}

static void loads_survive_bad_addresses(void **state)
{
    (void)state;
    guard();
    check(&mem_self);
    assert_true(faults > 0);
    assert_int_equal(strange, 0);
}

static void the_kernel_reads_our_own_memory(void **state)
{
    (void)state;
    guard();
    check(&mem_self_kernel);
    assert_int_equal(faults, 0);
}

static void our_own_pid_is_a_process_like_any(void **state)
{
    (void)state;
    struct mem mem = mem_process(getpid());
    check(&mem);
}

static void a_child_reads_itself_after_fork(void **state)
{
    (void)state;
    int value = 1, out = 0, status;
    pid_t child = fork();
    if (child == 0) {
        value = 2; // in the child only: copied on write
        _exit(MEM_GET(&mem_self_kernel, address(&value), 0, &out) == 0 ? out : 99);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 2);
    assert_int_equal(value, 1);
}

static void another_process_is_read_until_it_is_gone(void **state)
{
    (void)state;
    volatile int value = 41;
    int out = 0, hold[2];
    assert_int_equal(pipe(hold), 0);
    pid_t child = fork();
    if (child == 0) {
        close(hold[1]);
        char byte;
        _exit((int)read(hold[0], &byte, 1));
    }
    value = 0; // the child keeps its own
    struct mem mem = mem_process(child);
    assert_int_equal(MEM_GET(&mem, address((const void *)&value), 0, &out), 0);
    assert_int_equal(out, 41);
    close(hold[0]), close(hold[1]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(MEM_GET(&mem, address((const void *)&value), 0, &out), -ESRCH);
}

// ---- the guard

static void a_fault_elsewhere_is_not_ours(void **state)
{
    (void)state;
    long page;
    volatile char *pages = island(&page);
    guard();
    if (sigsetjmp(back, 1) == 0)
        (void)pages[0];
    assert_int_equal(strange, 1);
    munmap((void *)(uintptr_t)pages, 3 * (size_t)page);
}

// A file that was cut: its pages are there, but reading one raises SIGBUS.
static void a_bus_error_is_stepped_over(void **state)
{
    (void)state;
    char name[] = "/tmp/lineprof-test-XXXXXX", out[8];
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    unlink(name);
    void *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    assert_true(map != MAP_FAILED);
    guard();
    assert_int_equal(mem_self.read(&mem_self, address(map), out, sizeof out), -EFAULT);
    assert_int_equal(faults, 1);
    munmap(map, 4096);
    close(fd);
}

static void a_fault_on_an_alternate_stack_is_stepped_over(void **state)
{
    (void)state;
    static char stack[65536];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack}, before;
    assert_int_equal(sigaltstack(&alternate, &before), 0);
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaction(SIGSEGV, &action, NULL);
    check_wild(&mem_self);
    sigaltstack(&before, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_survive_bad_addresses),
        cmocka_unit_test(the_kernel_reads_our_own_memory),
        cmocka_unit_test(our_own_pid_is_a_process_like_any),
        cmocka_unit_test(a_child_reads_itself_after_fork),
        cmocka_unit_test(another_process_is_read_until_it_is_gone),
        cmocka_unit_test(a_fault_elsewhere_is_not_ours),
        cmocka_unit_test(a_bus_error_is_stepped_over),
        cmocka_unit_test(a_fault_on_an_alternate_stack_is_stepped_over),
    };
    return cmocka_run_group_tests_name("mem", tests, NULL, NULL);
}
