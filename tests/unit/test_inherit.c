// SPDX-License-Identifier: MIT
// test_inherit.c - which programs can load the shim, and an environment without it.
#include <elf.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "shim.h"

static char directory[] = "/tmp/test_inherit.XXXXXX";
static char preload[200]; // LD_PRELOAD with a shim that can be read

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(directory) || chdir(directory) < 0)
        return -1;
    close(open("liblineprof.so", O_CREAT | O_WRONLY, 0644));
    snprintf(preload, sizeof preload, "LD_PRELOAD=%s/liblineprof.so", directory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -r %s", directory);
    return system(command);
}

static void write_file(const char *name, const void *bytes, size_t n)
{
    int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0755);
    assert_int_equal(write(fd, bytes, n), n);
    close(fd);
}

static void write_elf(const char *name, unsigned char class, uint16_t machine, const char *loader)
{
    struct {
        Elf64_Ehdr header;
        Elf64_Phdr segments[2];
        char loader[64];
    } file = {
        .header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, class},
                   .e_machine = machine,
                   .e_phoff = sizeof(Elf64_Ehdr),
                   .e_phnum = loader ? 2 : 1},
        .segments = {{.p_type = PT_LOAD}, {.p_type = PT_INTERP}},
    };
    file.segments[1].p_offset = (size_t)(file.loader - (char *)&file);
    if (loader)
        strcpy(file.loader, loader);
    write_file(name, &file, sizeof file);
}

static bool loads(const char *name)
{
    char *const environment[] = {"A=1", preload, "B=2", NULL};
    return inherit_loads(name, environment);
}

static void a_program_is_known_by_its_loader(void **state)
{
    (void)state;
#ifdef __x86_64__
    write_elf("glibc", ELFCLASS64, EM_X86_64, "/lib64/ld-linux-x86-64.so.2");
    write_elf("musl", ELFCLASS64, EM_X86_64, "/lib/ld-musl-x86_64.so.1");
    write_elf("static", ELFCLASS64, EM_X86_64, NULL);
    write_elf("i386", ELFCLASS32, EM_386, "/lib/ld-linux.so.2");
    write_elf("x32", ELFCLASS32, EM_X86_64, "/libx32/ld-linux-x32.so.2");
    write_elf("arm", ELFCLASS64, EM_AARCH64, "/lib/ld-linux-aarch64.so.1");
    assert_true(loads("glibc"));
    assert_false(loads("musl"));
    assert_true(loads("static"));
    assert_false(loads("i386"));
    assert_false(loads("x32"));
    assert_false(loads("arm"));
#endif
    assert_true(loads("/proc/self/exe"));
}

static void a_script_is_its_interpreter(void **state)
{
    (void)state;
    char text[300];
    write_elf("old", ELFCLASS32, EM_386, "/lib/ld-linux.so.2");
    write_file("script", text, (size_t)snprintf(text, sizeof text, "#! %s/old -x\n", directory));
    write_file("nested", text, (size_t)snprintf(text, sizeof text, "#!%s/script\n", directory));
    write_file("itself", text, (size_t)snprintf(text, sizeof text, "#!%s/itself\n", directory));
    write_file("shell", "#!/bin/sh\n", 10);
    write_file("bare", "#!", 2);
    write_file("none", "#! \t\n\n\n\n", 8);
    assert_false(loads("script"));
    assert_false(loads("nested"));
    assert_true(loads("shell"));
    assert_true(loads("itself"));
    assert_true(loads("bare"));
    assert_true(loads("none"));
}

static void what_cannot_be_told_is_left(void **state)
{
    (void)state;
    assert_true(loads("not there"));
    assert_true(loads("."));
    assert_true(loads(NULL));
    mkfifo("fifo", 0700);
    assert_true(loads("fifo")); // and does not wait for it
    write_file("cut",
               "\x7f"
               "ELF\x02",
               5);
    assert_false(loads("cut")); // of no machine
    char *const none[] = {"A=1", "LD_PRELOAD=/no/other.so", NULL};
    assert_true(inherit_loads("old", none)); // the shim is not in there
    assert_true(inherit_loads("old", NULL));
}

static void an_unreachable_shim_is_not_loaded(void **state)
{
    (void)state;
    char *const gone[] = {"LD_PRELOAD=libm.so.6:/gone/liblineprof.so", NULL};
    assert_false(inherit_loads("/proc/self/exe", gone));
    assert_false(inherit_loads(NULL, gone));
}

static void the_rest_of_the_environment_stays(void **state)
{
    (void)state;
    static const struct {
        const char *before, *after;
    } cases[] = {
        {"LD_PRELOAD=/x/liblineprof.so", NULL},
        {"LD_PRELOAD=/x/liblineprof.so:/y/other.so", "LD_PRELOAD=/y/other.so"},
        {"LD_PRELOAD=/y/a.so /x/liblineprof.so b.so", "LD_PRELOAD=/y/a.so:b.so"},
        {"LD_PRELOAD=/y/notliblineprof.so", "LD_PRELOAD=/y/notliblineprof.so"},
        {"LD_PRELOAD=", NULL},
        {"LD_PRELOADED=/x/liblineprof.so", "LD_PRELOADED=/x/liblineprof.so"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *const environment[] = {"A=1", (char *)cases[i].before, "B=2", NULL};
        char *clean[8], text[200];
        assert_int_equal(inherit_count(environment), 4);
        assert_true(inherit_preload_size(environment) <= sizeof text);
        inherit_without_shim(environment, clean, text);
        size_t n = 0;
        assert_string_equal(clean[n++], "A=1");
        if (cases[i].after)
            assert_string_equal(clean[n++], cases[i].after);
        assert_string_equal(clean[n++], "B=2");
        assert_null(clean[n]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_is_known_by_its_loader),
        cmocka_unit_test(a_script_is_its_interpreter),
        cmocka_unit_test(what_cannot_be_told_is_left),
        cmocka_unit_test(an_unreachable_shim_is_not_loaded),
        cmocka_unit_test(the_rest_of_the_environment_stays),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
