// SPDX-License-Identifier: MIT
// test_scope.c - whose code a path is.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "lineprof/profile.h"

#define LIST(...)    ((const char *const[]){__VA_ARGS__})
#define COUNT(...)   (sizeof LIST(__VA_ARGS__) / sizeof(const char *))
#define ROOTS(...)   .roots = LIST(__VA_ARGS__), .root_count = COUNT(__VA_ARGS__)
#define ONLY(...)    .only = LIST(__VA_ARGS__), .only_count = COUNT(__VA_ARGS__)
#define EXCLUDE(...) .exclude = LIST(__VA_ARGS__), .exclude_count = COUNT(__VA_ARGS__)

#define APP  "/home/ada/app"
#define VENV APP "/venv/lib/python3.12/site-packages"

static void check(struct scope scope, const char *path, enum origin expected)
{
    enum origin origin = scope_origin(&scope, path);
    if (origin != expected)
        print_error("%s: %d, not %d\n", path, origin, expected);
    assert_int_equal(origin, expected);
}

static void files_under_a_root_are_own(void **state)
{
    (void)state;
    const struct scope app = {ROOTS(APP)};
    check(app, APP "/main.py", ORIGIN_OWN);
    check(app, APP "/deep/er/part.py", ORIGIN_OWN);
    check(app, "/home/ada/application/main.py", ORIGIN_LIBRARY);
    check(app, "/srv/tool.py", ORIGIN_LIBRARY);
    check((struct scope){ROOTS(APP "/")}, APP "/main.py", ORIGIN_OWN);
    check((struct scope){ROOTS("/")}, "/main.py", ORIGIN_OWN);
    check((struct scope){ROOTS("/srv/tool.py")}, "/srv/tool.py", ORIGIN_OWN);
    check((struct scope){0}, APP "/main.py", ORIGIN_LIBRARY);
}

static void the_standard_library_is_known_by_its_place(void **state)
{
    (void)state;
    const struct scope none = {0};
    check(none, "/usr/lib/python3.11/json/decoder.py", ORIGIN_STDLIB);
    check(none, "/usr/lib64/python3.9/os.py", ORIGIN_STDLIB);
    check(none, "/opt/python/lib/python3.13t/os.py", ORIGIN_STDLIB);
    check(none, "/home/ada/.pyenv/versions/3.12.1/lib/python3.12/os.py", ORIGIN_STDLIB);
    check(none, "/opt/app/python311.zip/os.py", ORIGIN_STDLIB);
    check(none, "<frozen importlib._bootstrap>", ORIGIN_STDLIB);
}

static void what_only_looks_like_the_standard_library_is_not(void **state)
{
    (void)state;
    const struct scope root = {ROOTS("/")};
    check(root, "/srv/python3.11/os.py", ORIGIN_OWN);
    check(root, "/srv/lib/python3.x/os.py", ORIGIN_OWN);
    check(root, "/srv/lib/python3/os.py", ORIGIN_OWN);
    check(root, "/srv/lib/python3.11tt/os.py", ORIGIN_OWN);
    check(root, "/srv/lib/python3.11", ORIGIN_OWN);
    check(root, "/srv/libs/python3.11/os.py", ORIGIN_OWN);
    check(root, "/srv/python.zip/os.py", ORIGIN_OWN);
    check(root, "/srv/lib/python.11/os.py", ORIGIN_OWN);
}

static void libraries_are_known_by_their_place(void **state)
{
    (void)state;
    const struct scope none = {0};
    check(none, "/usr/lib/python3/dist-packages/numpy/core.py", ORIGIN_LIBRARY);
    check(none, "/usr/lib/python3.11/site-packages/numpy/core.py", ORIGIN_LIBRARY);
    check((struct scope){ROOTS("/srv")}, "/srv/eggs/tool-1.0-py3.11.egg/tool.py", ORIGIN_LIBRARY);
    check((struct scope){ROOTS("/srv")}, "/srv/.egg/tool.py", ORIGIN_OWN);
    check((struct scope){ROOTS("/srv")}, "/srv/easter.egg", ORIGIN_OWN);
}

static void an_environment_below_a_root_stays_foreign(void **state)
{
    (void)state;
    const struct scope app = {ROOTS(APP)};
    check(app, VENV "/numpy/core.py", ORIGIN_LIBRARY);
    check(app, APP "/venv/lib/python3.12/os.py", ORIGIN_STDLIB);
    check((struct scope){ROOTS("/usr")}, "/usr/lib/python3.11/os.py", ORIGIN_STDLIB);
    check((struct scope){ROOTS("/usr/lib")}, "/usr/lib/python3.11/os.py", ORIGIN_STDLIB);
    check((struct scope){ROOTS("/usr/lib/python3.11")}, "/usr/lib/python3.11/os.py", ORIGIN_STDLIB);
}

static void a_root_inside_a_library_makes_it_own(void **state)
{
    (void)state;
    const struct scope inside = {ROOTS(APP, VENV "/tool")};
    check(inside, VENV "/tool/main.py", ORIGIN_OWN);
    check(inside, VENV "/toolbox/main.py", ORIGIN_LIBRARY);
    check(inside, VENV "/tool/vendor/site-packages/x.py", ORIGIN_LIBRARY);
    check((struct scope){ROOTS(VENV)}, VENV "/tool/main.py", ORIGIN_OWN);
    const struct scope json = {ROOTS("/usr/lib/python3.11/json", "/usr/lib/python3.11/timeit.py")};
    check(json, "/usr/lib/python3.11/json/tool.py", ORIGIN_OWN);
    check(json, "/usr/lib/python3.11/timeit.py", ORIGIN_OWN);
    check(json, "/usr/lib/python3.11/os.py", ORIGIN_STDLIB);
}

static void the_program_without_a_file_is_own(void **state)
{
    (void)state;
    const struct scope app = {ROOTS(APP)};
    check(app, "<string>", ORIGIN_OWN);
    check(app, "<stdin>", ORIGIN_OWN);
    check(app, "<native threads>", ORIGIN_NONE);
    check(app, "<interpreter>", ORIGIN_NONE);
    check(app, "<attrs generated init Point>", ORIGIN_NONE);
    check(app, "namedtuple_Point", ORIGIN_NONE);
    check(app, "", ORIGIN_NONE);
}

static void exclude_takes_files_away(void **state)
{
    (void)state;
    const struct scope scope = {ROOTS(APP), EXCLUDE("part", "<string>")};
    check(scope, APP "/main.py", ORIGIN_OWN);
    check(scope, APP "/part.py", ORIGIN_LIBRARY);
    check(scope, "<string>", ORIGIN_LIBRARY);
    const struct scope both = {ROOTS(APP), ONLY("main"), EXCLUDE("main")};
    check(both, APP "/main.py", ORIGIN_LIBRARY);
}

static void only_leaves_what_it_names(void **state)
{
    (void)state;
    const struct scope scope = {ROOTS(APP), ONLY("part", "numpy")};
    check(scope, APP "/part.py", ORIGIN_OWN);
    check(scope, APP "/main.py", ORIGIN_LIBRARY);
    check(scope, VENV "/numpy/core.py", ORIGIN_OWN);
    check(scope, VENV "/pandas/core.py", ORIGIN_LIBRARY);
    check(scope, "/usr/lib/python3.11/os.py", ORIGIN_STDLIB);
    check((struct scope){ONLY("json")}, "/usr/lib/python3.11/json/decoder.py", ORIGIN_OWN);
}

static void only_the_project_does_not_name_its_environment(void **state)
{
    (void)state;
    const struct scope scope = {ROOTS(APP), ONLY("app")};
    check(scope, APP "/main.py", ORIGIN_OWN);
    check(scope, VENV "/numpy/core.py", ORIGIN_LIBRARY);
    check(scope, VENV "/apps/core.py", ORIGIN_OWN);
    check(scope, APP "/venv/lib/python3.12/os.py", ORIGIN_STDLIB);
    check((struct scope){ONLY("site-packages")}, VENV "/numpy/core.py", ORIGIN_OWN);
    check((struct scope){ONLY("lib/python3.12")}, VENV "/numpy/core.py", ORIGIN_LIBRARY);
    check((struct scope){ROOTS(APP), ONLY("")}, APP "/main.py", ORIGIN_OWN);
    check((struct scope){ROOTS(APP), ONLY("")}, VENV "/numpy/core.py", ORIGIN_LIBRARY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_under_a_root_are_own),
        cmocka_unit_test(the_standard_library_is_known_by_its_place),
        cmocka_unit_test(what_only_looks_like_the_standard_library_is_not),
        cmocka_unit_test(libraries_are_known_by_their_place),
        cmocka_unit_test(an_environment_below_a_root_stays_foreign),
        cmocka_unit_test(a_root_inside_a_library_makes_it_own),
        cmocka_unit_test(the_program_without_a_file_is_own),
        cmocka_unit_test(exclude_takes_files_away),
        cmocka_unit_test(only_leaves_what_it_names),
        cmocka_unit_test(only_the_project_does_not_name_its_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
