// SPDX-License-Identifier: MIT
// test_options.c - the command line, parsed.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "options.h" // before cmocka, whose macro fail() hides ours
#include <cmocka.h>

#define MAX_WORDS 16

static struct options options;
static struct outcome outcome;
static char storage[MAX_WORDS][64];
static char *argv[MAX_WORDS + 1];

// Words end with NULL. As main has them: writable, and the array ends with NULL.
static bool parse(const char *first, ...)
{
    size_t n = 0;
    va_list words;
    va_start(words, first);
    for (const char *word = first; word; word = va_arg(words, const char *)) {
        assert_true(n < MAX_WORDS && strlen(word) < sizeof storage[0]);
        argv[n] = strcpy(storage[n], word);
        n++;
    }
    va_end(words);
    argv[n] = NULL;
    options_free(&options);
    outcome = (struct outcome){0};
    return options_parse(&options, argv, &outcome);
}

static void check_program(enum program_kind kind, size_t count, const char *const *words)
{
    assert_int_equal(options.kind, kind);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(options.program[i], words[i]);
    assert_null(options.program[count]);
}

#define CHECK_PROGRAM(kind, ...)                                                                   \
    check_program(kind, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *),                    \
                  (const char *const[]){__VA_ARGS__})

static void check_refused(const char *says)
{
    assert_int_equal(outcome.code, CODE_USAGE);
    if (!strstr(outcome.message, says))
        print_error("%s\n", outcome.message);
    assert_non_null(strstr(outcome.message, says));
}

static void a_script_and_what_is_its_own(void **state)
{
    (void)state;
    assert_true(parse("t.py", "-m", "--cli", "--", NULL));
    CHECK_PROGRAM(PROGRAM_SCRIPT, "t.py", "-m", "--cli", "--");
    assert_null(options.cli);
    assert_true(options.threshold_pct == 1);
}

static void a_module_or_code_in_one_word_or_two(void **state)
{
    (void)state;
    assert_true(parse("--json", "-m", "module", "--help", NULL));
    CHECK_PROGRAM(PROGRAM_MODULE, "module", "--help");
    assert_true(options.json && !options.help);
    assert_true(parse("-mmodule", "a", NULL));
    CHECK_PROGRAM(PROGRAM_MODULE, "module", "a");
    assert_true(parse("-c", "-x", NULL)); // whatever follows -c is code
    CHECK_PROGRAM(PROGRAM_CODE, "-x");
    assert_true(parse("-cpass", NULL));
    CHECK_PROGRAM(PROGRAM_CODE, "pass");
}

static void stdin_and_commands(void **state)
{
    (void)state;
    assert_true(parse("--cli", "-", "a", NULL));
    CHECK_PROGRAM(PROGRAM_STDIN, "-", "a");
    assert_true(parse("--", "-", NULL));
    CHECK_PROGRAM(PROGRAM_COMMAND, "-");
    assert_true(parse("--", "make", "---", "check", NULL));
    CHECK_PROGRAM(PROGRAM_COMMAND, "make", "---", "check");
}

static void scalenes_separator_before_or_behind_the_program(void **state)
{
    (void)state;
    assert_true(parse("t.py", "---", "--cli", NULL));
    CHECK_PROGRAM(PROGRAM_SCRIPT, "t.py", "--cli");
    assert_true(parse("--cli", "---", "--odd.py", NULL));
    CHECK_PROGRAM(PROGRAM_SCRIPT, "--odd.py");
    assert_true(parse("---", "-m", "module", "---", "---", NULL));
    CHECK_PROGRAM(PROGRAM_MODULE, "module", "---");
    assert_true(parse("---", "-mmodule", NULL));
    CHECK_PROGRAM(PROGRAM_MODULE, "module");
    assert_true(parse("---", "-", NULL));
    CHECK_PROGRAM(PROGRAM_STDIN, "-");
    assert_false(parse("---", NULL));
    check_refused("nothing to run");
}

static void an_option_behind_the_program_may_be_misplaced(void **state)
{
    (void)state;
    assert_true(parse("t.py", "a", "--epochs", "--cli=x", NULL));
    assert_string_equal(options_misplaced(&options), "--cli=x");
    assert_true(parse("--profile-all", "-m", "t", "--json", NULL));
    assert_string_equal(options_misplaced(&options), "--json");
    static const char *const innocent[][4] = {
        {"t.py", "--help", "--version"}, {"--json", "t.py", "--cli"}, {"-ox", "t.py", "--cli"},
        {"t.py", "---", "--cli"},        {"---", "t.py", "--cli"},    {"--", "t.py", "--cli"},
        {"t.py", "--", "--clip", "-o"},
    };
    for (size_t i = 0; i < sizeof innocent / sizeof *innocent; i++) {
        assert_true(
            parse(innocent[i][0], innocent[i][1], innocent[i][2], innocent[i][3], (char *)NULL));
        assert_null(options_misplaced(&options));
    }
}

static void values_of_each_kind(void **state)
{
    (void)state;
    assert_true(parse("-ox.json", "--rate=500", "--profile-only", "a,,b", "--profile-only=c",
                      "--cli=t", "--color", "never", "--column-width", "120", "--use-virtual-time",
                      "t.py", NULL));
    assert_string_equal(options.outfile, "x.json");
    assert_true(options.rate_hz == 500 && options.column_width == 120 && options.virtual_time);
    assert_int_equal(options.only.count, 3);
    assert_string_equal(options.only.at[1], "b");
    assert_string_equal(options.only.at[2], "c");
    assert_string_equal(options.cli, "t");
    assert_int_equal(options.color, COLOR_NEVER);
}

static void the_last_one_counts(void **state)
{
    (void)state;
    assert_true(parse("-o", "a", "-o", "b", "--cli=x", "--cli", "t.py", NULL));
    assert_string_equal(options.outfile, "b");
    assert_string_equal(options.cli, "");
}

static void help_needs_no_program(void **state)
{
    (void)state;
    assert_true(parse("-h", NULL));
    assert_true(options.help);
    assert_true(parse("--help=markdown", NULL));
    assert_string_equal(options.help_format, "markdown");
    assert_false(parse("--help=latex", NULL));
    assert_true(parse("-Vh", NULL));
    assert_true(options.help && options.version);
}

static void numbers_are_finite_and_within_reason(void **state)
{
    (void)state;
    static const char *const nonsense[] = {"",    " ",  "x", "1x",  "nan",
                                           "inf", "-1", "0", "1e9", "0x"};
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
        assert_false(parse("--rate", nonsense[i], "t.py", NULL));
        check_refused("--rate takes a number from 1 to 10000");
    }
    assert_true(parse("--cpu-percent-threshold", "0", "t.py", NULL));
}

static void the_nearest_name_is_suggested(void **state)
{
    (void)state;
    assert_false(parse("--use-virtual-tiem", "t.py", NULL));
    check_refused("did you mean --use-virtual-time?");
    assert_false(parse("--out", "t.py", NULL));
    check_refused("did you mean --outfile?");
    assert_false(parse("--", NULL));
    check_refused("-- needs a command");
    assert_false(parse("--=", NULL));
    check_refused("unknown option --");
    assert_false(parse("--something-entirely-different", NULL));
    check_refused("lineprof --help lists them");
    assert_false(parse("--aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL));
    check_refused("unknown option");
}

static void names_not_served_are_refused_with_a_reason(void **state)
{
    (void)state;
    assert_false(parse("--gpu", "t.py", NULL));
    check_refused("--gpu: GPU time is not measured yet");
    assert_false(parse("--profile-interval=5", "t.py", NULL));
    check_refused("--profile-interval: ");
}

static void a_value_is_not_the_next_programs(void **state)
{
    (void)state;
    assert_false(parse("-o", NULL));
    check_refused("--outfile needs a value: --outfile FILE");
    assert_false(parse("-m", NULL));
    check_refused("-m needs a value: -m MODULE");
    assert_false(parse("--json=yes", "t.py", NULL));
    check_refused("takes no value");
}

static void a_command_line_as_a_shell_takes_it(void **state)
{
    (void)state;
    char *words[] = {(char *)"python3", (char *)"it's",  (char *)"",
                     (char *)"a b",     (char *)"x=1,2", NULL};
    char *line = text_command_line(words);
    assert_string_equal(line, "python3 'it'\\''s' '' 'a b' x=1,2");
    free(line);
}

static void paths_and_their_directories(void **state)
{
    (void)state;
    static const struct {
        const char *path, *absolute, *directory;
    } cases[] = {
        {"t.py", "/cwd/t.py", "."},     {"./t.py", "/cwd/t.py", "."},
        {"a/t.py", "/cwd/a/t.py", "a"}, {"../t.py", "/cwd/../t.py", ".."},
        {"/t.py", "/t.py", "/"},        {".", "/cwd", "."},
        {"/a/b", "/a/b", "/a"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *absolute = text_absolute("/cwd", cases[i].path);
        char *directory = text_directory(cases[i].path);
        assert_string_equal(absolute, cases[i].absolute);
        assert_string_equal(directory, cases[i].directory);
        free(absolute);
        free(directory);
    }
}

static bool parse_recover(const char *first, const char *second)
{
    const char *const words[] = {first, second, NULL};
    for (size_t i = 0; words[i]; i++)
        argv[i] = strcpy(storage[i], words[i]);
    argv[second ? 2 : !!first] = NULL;
    options_free(&options);
    outcome = (struct outcome){0};
    return options_parse_recover(&options, argv, &outcome);
}

static void recover_takes_what_is_about_the_report(void **state)
{
    (void)state;
    static const char *const refused[] = {"t.py", "-",      "--",      "---",      "-m",
                                          "-c",   "--rate", "--lists", "--rate=5", "-x"};
    assert_true(parse_recover(NULL, NULL) && !options.program[0] && !options.list);
    assert_true(parse_recover("--list", NULL) && options.list);
    assert_true(parse_recover("-o", "x.json") && strcmp(options.outfile, "x.json") == 0);
    assert_true(parse_recover("--cli=x", "--no-browser") && strcmp(options.cli, "x") == 0);
    assert_true(parse_recover("-h", "--version") && options.help && options.version);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_false(parse_recover(refused[i], NULL));
        check_refused("recover runs no program");
    }
    assert_true(parse_recover("-ox", NULL));
    assert_false(parse_recover("-o", NULL));
    check_refused("needs a value");
    assert_false(parse("--list", "t.py", NULL));
    check_refused("unknown option --list");
    assert_false(parse("--recover", "t.py", NULL));
    check_refused("unknown option --recover");
}

static int forget(void **state)
{
    (void)state;
    options_free(&options);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_script_and_what_is_its_own),
        cmocka_unit_test(a_module_or_code_in_one_word_or_two),
        cmocka_unit_test(stdin_and_commands),
        cmocka_unit_test(scalenes_separator_before_or_behind_the_program),
        cmocka_unit_test(an_option_behind_the_program_may_be_misplaced),
        cmocka_unit_test(values_of_each_kind),
        cmocka_unit_test(the_last_one_counts),
        cmocka_unit_test(help_needs_no_program),
        cmocka_unit_test(numbers_are_finite_and_within_reason),
        cmocka_unit_test(the_nearest_name_is_suggested),
        cmocka_unit_test(names_not_served_are_refused_with_a_reason),
        cmocka_unit_test(a_value_is_not_the_next_programs),
        cmocka_unit_test(a_command_line_as_a_shell_takes_it),
        cmocka_unit_test(paths_and_their_directories),
        cmocka_unit_test(recover_takes_what_is_about_the_report),
    };
    return cmocka_run_group_tests(tests, NULL, forget);
}
