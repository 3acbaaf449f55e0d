// SPDX-License-Identifier: MIT
// options.c - one table of options: it is parsed by, printed as --help, and copied into README.md.
#include "options.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

// ---- the table

enum kind {
    FLAG,          // bool
    TEXT,          // const char *
    OPTIONAL_TEXT, // const char *: "" when given without =VALUE
    LIST,          // struct texts, parts between commas
    NUMBER,        // double from least to most
    CHOICE,        // int: position in `choices`
    PROGRAM,       // what follows is the program
    COMMAND,       // no option, but a command that help tells of
};

enum serves { RUN, RUN_AND_RECOVER, RECOVER };

struct option {
    const char *name; // without dashes; NULL for a letter alone
    char letter;      // 0: none
    enum kind kind;
    enum program_kind program;
    enum serves serves;
    size_t at; // in struct options
    double least, most;
    const char *const *choices; // NULL-terminated
    const char *value;          // how help calls the value
    const char *group;          // heading, on the first option of each group
    const char *help;
};

static const char *const color_choices[] = {"auto", "always", "never", NULL};

#define AT(field) .at = offsetof(struct options, field)
#define BOTH      .serves = RUN_AND_RECOVER

// clang-format off
static const struct option table[] = {
    {.letter = 'm', .kind = PROGRAM, .program = PROGRAM_MODULE, .value = "MODULE",
     .group = "Program", .help = "run a module, as python -m does"},
    {.letter = 'c', .kind = PROGRAM, .program = PROGRAM_CODE, .value = "CODE",
     .help = "run code from the command line"},
    {.name = "python", .kind = TEXT, AT(python), .value = "PATH",
     .help = "interpreter, version (3.12) or virtual environment (default: the active one, else "
             "python3 or python on PATH)"},
    {.name = "no-children", .kind = FLAG, AT(no_children),
     .help = "leave child processes unprofiled"},

    {.name = "outfile", .letter = 'o', .kind = TEXT, AT(outfile), BOTH, .value = "FILE",
     .group = "Report", .help = "where it goes: " DEFAULT_OUTFILE " if not given, and the page "
             "beside it as .html; - for the JSON alone, on stdout"},
    {.name = "html", .kind = FLAG, AT(html), BOTH,
     .help = "JSON and page: the default without --cli and --json"},
    {.name = "json", .kind = FLAG, AT(json), BOTH, .help = "JSON alone"},
    {.name = "cli", .kind = OPTIONAL_TEXT, AT(cli), BOTH, .value = "FILE",
     .help = "table on stdout, or in FILE; other files only with -o, --html, --json"},
    {.name = "no-browser", .kind = FLAG, AT(no_browser), BOTH,
     .help = "do not open the page"},

    {.name = "cpu-only", .kind = FLAG, AT(cpu_only),
     .group = "Measuring", .help = "time alone (all that is measured so far)"},
    {.name = "rate", .kind = NUMBER, AT(rate_hz), .least = 1, .most = 10000, .value = "HZ",
     .help = "samples per second of CPU time (default: the kernel's tick)"},
    {.name = "cpu-sampling-rate", .kind = NUMBER, AT(sampling_seconds), .least = 0.0001, .most = 1,
     .value = "SECONDS", .help = "the same as the time between two samples"},
    {.name = "use-virtual-time", .kind = FLAG, AT(virtual_time),
     .help = "CPU time only: leave waiting out of the report"},

    {.name = "profile-all", .kind = FLAG, AT(profile_all),
     .group = "Whose lines", .help = "show library code too, not only your own"},
    {.name = "profile-only", .kind = LIST, AT(only), .value = "A,B",
     .help = "only files whose path contains one of these"},
    {.name = "profile-exclude", .kind = LIST, AT(exclude), .value = "A,B",
     .help = "no files whose path contains one of these"},
    {.name = "program-path", .kind = TEXT, AT(program_path), .value = "DIR",
     .help = "where your own code lies (default: with the script, for others the current "
             "directory; and editable installs)"},

    {.name = "cpu-percent-threshold", .kind = NUMBER, AT(threshold_pct), .least = 0, .most = 100,
     .value = "N", .group = "Table", .help = "fold lines below N % (default 1)"},
    {.name = "reduced-profile", .kind = FLAG, AT(reduced),
     .help = "only lines with time, nothing around them"},
    {.name = "all-lines", .kind = FLAG, AT(all_lines), .help = "fold nothing"},
    {.name = "column-width", .kind = NUMBER, AT(column_width), .least = 20, .most = 1000,
     .value = "N", .help = "width of the table (default: the terminal's)"},
    {.name = "color", .kind = CHOICE, AT(color), .choices = color_choices, .value = "WHEN",
     .help = "auto, always or never"},

    {.name = "recover", .kind = COMMAND, .group = "More",
     .help = "what a killed lineprof had seen; options of Report"},
    {.name = "list", .kind = FLAG, AT(list), .serves = RECOVER,
     .help = "with recover: show what there is, newest first"},
    {.name = "help", .letter = 'h', .kind = FLAG, AT(help), BOTH, .help = "this text"},
    {.name = "version", .letter = 'V', .kind = FLAG, AT(version), BOTH, .help = "print the version"},
};
// clang-format on

#define TABLE_SIZE (sizeof table / sizeof *table)

// Options of Scalene's, and obvious ones, that would not do what their name says.
static const struct refused {
    const char *name, *why;
} refused[] = {
    {"gpu", "GPU time is not measured yet; leave it out"},
    {"memory", "memory is not measured yet; leave it out"},
    {"memory-only", "memory is not measured yet; --cpu-only measures time"},
    {"memory-leak-detector", "memory is not measured yet; leave it out"},
    {"malloc-threshold", "memory is not measured yet; leave it out"},
    {"allocation-sampling-window", "memory is not measured yet; leave it out"},
    {"on", "a program cannot switch profiling on and off yet; all of it is profiled"},
    {"off", "a program cannot switch profiling on and off yet; all of it is profiled"},
    {"profile-interval", "the report is written once, at the end, however the program ends"},
    {"profile-system-libraries", "use --profile-all"},
    {"stacks", "stacks are always in the report; leave it out"},
    {"no-stacks", "stacks cost nothing here and are always in the report; leave it out"},
    {"async", "await time is not measured yet; leave it out"},
    {"no-async", "await time is not measured yet; leave it out"},
    {"config", "there are no configuration files; give the options themselves"},
    {"pid", "attaching to a running program is not there yet; start it with lineprof"},
    {"web", "use --html"},
    {"viewer", "use --html"},
    {"standalone", "the page of --html is self-contained already"},
    {"outfile-html", "use -o FILE.html"},
    {"use-legacy-tracer", "nothing is traced here; leave it out"},
    {"use-python-callback", "nothing is traced here; leave it out"},
    {"disable-jit", "set PYTHON_JIT=0 for the program instead"},
    {"help-advanced", "--help shows every option"},
};

#define REFUSED_SIZE (sizeof refused / sizeof *refused)

// ---- what was meant

static size_t least_of(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

// Edits from one word to the other; for names shorter than 64.
static size_t distance(const char *a, const char *b)
{
    size_t row[64], n = strlen(b);
    if (n >= 64)
        return 64;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t above = row[j];
            row[j] = least_of(above + 1, row[j - 1] + 1, corner + (a[i - 1] != b[j - 1]));
            corner = above;
        }
    }
    return row[n];
}

static bool serves(const struct option *option, bool recover)
{
    return option->name && option->kind != COMMAND && option->serves != (recover ? RUN : RECOVER);
}

static const char *nearest_name(const char *name)
{
    const char *best = NULL;
    size_t least = strlen(name) / 3 + 2; // more edits are another word
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        if (!serves(&table[i], false))
            continue;
        size_t edits = distance(name, table[i].name);
        if (name[0] && strncmp(table[i].name, name, strlen(name)) == 0)
            edits = 0; // cut short
        if (edits < least) {
            least = edits;
            best = table[i].name;
        }
    }
    return best;
}

static bool fail_unknown_name(const char *name, struct outcome *outcome)
{
    for (size_t i = 0; i < REFUSED_SIZE; i++)
        if (strcmp(name, refused[i].name) == 0)
            return fail(outcome, CODE_USAGE, "--%s: %s", name, refused[i].why);
    const char *nearest = nearest_name(name);
    if (nearest)
        return fail(outcome, CODE_USAGE, "unknown option --%s: did you mean --%s?", name, nearest);
    return fail(outcome, CODE_USAGE, "unknown option --%s: lineprof --help lists them", name);
}

static bool fail_unknown_letter(char letter, struct outcome *outcome)
{
    if (strchr("bBdEiIOPqRsSuvWxX", letter))
        return fail(outcome, CODE_USAGE,
                    "unknown option -%c: if it is Python's, write lineprof -- python3 -%c ...",
                    letter, letter);
    return fail(outcome, CODE_USAGE, "unknown option -%c: lineprof --help lists them", letter);
}

// ---- values

static bool set_number(const struct option *option, double *at, const char *value,
                       struct outcome *outcome)
{
    char *end;
    double number = strtod(value, &end);
    if (end == value || *end || !isfinite(number) || number < option->least ||
        number > option->most)
        return fail(outcome, CODE_USAGE, "--%s takes a number from %g to %g, not '%s'",
                    option->name, option->least, option->most, value);
    *at = number;
    return true;
}

static bool set_choice(const struct option *option, int *at, const char *value,
                       struct outcome *outcome)
{
    for (int i = 0; option->choices[i]; i++)
        if (strcmp(value, option->choices[i]) == 0) {
            *at = i;
            return true;
        }
    return fail(outcome, CODE_USAGE, "--%s is %s, not '%s'", option->name, option->help, value);
}

static bool set_list(const struct option *option, struct texts *at, const char *value,
                     struct outcome *outcome)
{
    size_t before = at->count;
    texts_split(at, value);
    if (at->count == before)
        return fail(outcome, CODE_USAGE, "--%s needs at least one part of a path", option->name);
    return true;
}

// `value`: NULL when there was none.
static bool set(struct options *options, const struct option *option, const char *value,
                struct outcome *outcome)
{
    char *at = (char *)options + option->at;
    switch (option->kind) {
    case FLAG:
        *(bool *)at = true;
        return true;
    case TEXT:
        if (!*value)
            return fail(outcome, CODE_USAGE, "--%s needs a value: --%s %s", option->name,
                        option->name, option->value);
        *(const char **)at = value;
        return true;
    case OPTIONAL_TEXT:
        if (value && !*value)
            return fail(outcome, CODE_USAGE, "--%s= needs a value, or no '='", option->name);
        *(const char **)at = value ? value : "";
        return true;
    case LIST:
        return set_list(option, (struct texts *)at, value, outcome);
    case NUMBER:
        return set_number(option, (double *)at, value, outcome);
    case CHOICE:
        return set_choice(option, (int *)at, value, outcome);
    case PROGRAM:
    case COMMAND:
        break;
    }
    return true;
}

static bool takes_value(const struct option *option)
{
    return option->kind != FLAG && option->kind != OPTIONAL_TEXT;
}

// ---- parsing

// Where we are in the command line.
struct cursor {
    struct options *options;
    char **next;
    struct outcome *outcome;
};

static const struct option *find_name(const char *name, size_t length, bool recover)
{
    for (size_t i = 0; i < TABLE_SIZE; i++)
        if (serves(&table[i], recover) && strlen(table[i].name) == length &&
            strncmp(table[i].name, name, length) == 0)
            return &table[i];
    return NULL;
}

static const struct option *find_letter(char letter)
{
    for (size_t i = 0; i < TABLE_SIZE; i++)
        if (table[i].letter && table[i].letter == letter)
            return &table[i];
    return NULL;
}

static bool fail_without_value(const struct cursor *at, const struct option *option)
{
    if (option->name)
        return fail(at->outcome, CODE_USAGE, "--%s needs a value: --%s %s", option->name,
                    option->name, option->value);
    return fail(at->outcome, CODE_USAGE, "-%c needs a value: -%c %s", option->letter,
                option->letter, option->value);
}

static bool fail_for_recover(const struct cursor *at, const char *word)
{
    return fail(at->outcome, CODE_USAGE,
                "recover runs no program and takes --list, -o, --html, --json, --cli and "
                "--no-browser, not '%s'",
                word);
}

static bool parse_name(struct cursor *at, const char *text)
{
    size_t length = strcspn(text, "=");
    const char *value = text[length] == '=' ? text + length + 1 : NULL;
    const struct option *option = find_name(text, length, at->options->recover);
    if (!option && at->options->recover)
        return fail_for_recover(at, text - 2);
    if (!option) {
        char *name = text_format("%.*s", (int)length, text);
        fail_unknown_name(name, at->outcome);
        free(name);
        return false;
    }
    // `--help=markdown` prints the table for README.md; not for people, so not in the table.
    if (value && strcmp(option->name, "help") == 0 && strcmp(value, "markdown") == 0)
        at->options->help_format = value;
    else if (value && option->kind == FLAG)
        return fail(at->outcome, CODE_USAGE, "--%s takes no value", option->name);
    if (!value && takes_value(option) && !(value = *at->next++))
        return fail_without_value(at, option);
    return set(at->options, option, value, at->outcome);
}

// What stands behind -m or -c, in the same word or the next, and all that follows. The first word
// of the program is the value itself.
static bool parse_program(struct cursor *at, const struct option *option, char *value)
{
    if (*value)
        *--at->next = value;
    else if (!*at->next)
        return fail_without_value(at, option);
    at->options->kind = option->program;
    at->options->program = at->next;
    return true;
}

static bool parse_letters(struct cursor *at, char *letters)
{
    for (; *letters; letters++) {
        const struct option *option = find_letter(*letters);
        if (at->options->recover && (!option || option->serves == RUN))
            return fail_for_recover(at, (const char[]){'-', *letters, '\0'});
        if (!option)
            return fail_unknown_letter(*letters, at->outcome);
        if (option->kind == PROGRAM)
            return parse_program(at, option, letters + 1);
        if (takes_value(option)) {
            const char *value = letters[1] ? letters + 1 : *at->next++;
            return value ? set(at->options, option, value, at->outcome)
                         : fail_without_value(at, option);
        }
        if (!set(at->options, option, NULL, at->outcome))
            return false;
    }
    return true;
}

static bool parse_command(struct cursor *at)
{
    if (!*at->next || !**at->next)
        return fail(at->outcome, CODE_USAGE, "-- needs a command: lineprof -- COMMAND [ARGUMENTS]");
    at->options->kind = PROGRAM_COMMAND;
    at->options->program = at->next;
    return true;
}

static bool parse_script(struct cursor *at, char **script)
{
    at->options->kind = strcmp(*script, "-") == 0 ? PROGRAM_STDIN : PROGRAM_SCRIPT;
    at->options->program = script;
    if (!**script)
        return fail(at->outcome, CODE_USAGE, "the script's name is empty");
    return true;
}

// One word of the command line.
static bool parse_word(struct cursor *at)
{
    char *word = *at->next++;
    if (strcmp(word, "--") == 0)
        return parse_command(at);
    if (strncmp(word, "--", 2) == 0)
        return parse_name(at, word + 2);
    if (word[0] == '-' && word[1])
        return parse_letters(at, word + 1);
    return parse_script(at, at->next - 1);
}

// Scalene's `---`: lineprof's options end here. What is a -m, -c or - stays one.
static bool parse_after_separator(struct cursor *at)
{
    char **word = at->next;
    if (!*word)
        return true;
    const struct option *option = (*word)[0] == '-' ? find_letter((*word)[1]) : NULL;
    if (!option || option->kind != PROGRAM) {
        at->next++;
        return parse_script(at, word);
    }
    at->next++;
    return parse_program(at, option, *word + 2);
}

static bool parse_words(struct cursor *at)
{
    while (*at->next && at->options->kind == PROGRAM_NONE) {
        if (strcmp(*at->next, "---") == 0) {
            at->next++;
            at->options->separated = true;
            return parse_after_separator(at);
        }
        if (!parse_word(at))
            return false;
    }
    return true;
}

// Scalene has its `---` behind the program: the word says nothing to ours and is left out.
static void drop_separator(struct options *options)
{
    char **word = options->program + 1;
    if (options->kind == PROGRAM_COMMAND || !*word || strcmp(*word, "---") != 0)
        return;
    options->separated = true;
    for (; *word; word++)
        word[0] = word[1];
}

// Programs have a --help of their own, and behind a command everything is meant for it.
const char *options_misplaced(const struct options *options)
{
    bool asked = options->cli || options->json || options->html || options->outfile;
    if (asked || options->separated || options->kind == PROGRAM_COMMAND)
        return NULL;
    for (char **word = options->program + 1; *word; word++) {
        if (strncmp(*word, "--", 2) != 0)
            continue;
        const struct option *option = find_name(*word + 2, strcspn(*word + 2, "="), false);
        if (option && strcmp(option->name, "help") != 0 && strcmp(option->name, "version") != 0)
            return *word;
    }
    return NULL;
}

static bool check(const struct options *options, struct outcome *outcome)
{
    if (options->help || options->version)
        return true;
    if (options->rate_hz > 0 && options->sampling_seconds > 0)
        return fail(outcome, CODE_USAGE,
                    "--rate and --cpu-sampling-rate say the same thing: give one of them");
    if (options->reduced && options->all_lines)
        return fail(outcome, CODE_USAGE,
                    "--reduced-profile and --all-lines exclude each other: give one of them");
    if (options->kind == PROGRAM_NONE)
        return fail(outcome, CODE_USAGE,
                    "nothing to run: lineprof script.py, or lineprof --help for more");
    return true;
}

bool options_parse(struct options *options, char **argv, struct outcome *outcome)
{
    struct cursor at = {.options = options, .next = argv, .outcome = outcome};
    *options = (struct options){.threshold_pct = 1};
    if (!parse_words(&at))
        return false;
    if (options->kind != PROGRAM_NONE)
        drop_separator(options);
    return check(options, outcome);
}

bool options_parse_recover(struct options *options, char **argv, struct outcome *outcome)
{
    struct cursor at = {.options = options, .next = argv, .outcome = outcome};
    *options = (struct options){.recover = true, .threshold_pct = 1};
    while (*at.next) {
        char *word = *at.next++;
        bool named = strncmp(word, "--", 2) == 0 && word[2], letters = word[0] == '-' && word[1];
        if (!named && (!letters || word[1] == '-'))
            return fail_for_recover(&at, word);
        if (!(named ? parse_name(&at, word + 2) : parse_letters(&at, word + 1)))
            return false;
    }
    options->program = at.next;
    return true;
}

void options_free(struct options *options)
{
    texts_free(&options->only);
    texts_free(&options->exclude);
}

const char *options_consequence(const struct options *options)
{
    return options->recover ? "nothing was recovered" : "the program was not started";
}

// ---- help

#define HELP_COLUMN 29
#define HELP_WIDTH  79

static const char usage[] =
    "usage: lineprof [OPTIONS] SCRIPT [ARGUMENTS]\n"
    "       lineprof [OPTIONS] -m MODULE | -c CODE | - [ARGUMENTS]\n"
    "       lineprof [OPTIONS] -- COMMAND [ARGUMENTS]\n"
    "       lineprof recover [--list] [OPTIONS]\n"
    "\n"
    "Shows which lines of a Python program take the time, and whether Python, native\n"
    "code or the system spends it. The program runs as it would alone: a script, one\n"
    "from stdin (-), or any command that ends in a Python (--). All that stands\n"
    "behind it is its own. `lineprof run ...` is the same.\n";

static const char epilogue[] =
    "\n"
    "Examples:\n"
    "  lineprof train.py --epochs 3     profile, then open the report in the browser\n"
    "  lineprof --cli train.py          the table, here\n"
    "  lineprof --json -o before.json -m pytest tests/\n"
    "  lineprof --cli -- make check     whatever Python it starts\n"
    "\n"
    "Exit code: the program's, and its death by a signal is passed on; else\n"
    "  2 wrong usage, 125 lineprof failed, 126 cannot be run or read, 127 not found\n"
    "  (125 too when the program went well and its report could not be written);\n"
    "  of recover 1 when there is nothing to recover\n";

// "-o, --outfile FILE"
static int print_form(FILE *to, const struct option *option, const char *letter_gap)
{
    int n = 0;
    if (option->letter)
        n += fprintf(to, "-%c%s", option->letter, option->name ? ", " : "");
    else
        n += fprintf(to, "%s", option->kind == COMMAND ? "" : letter_gap);
    if (option->name)
        n += fprintf(to, "%s%s", option->kind == COMMAND ? "" : "--", option->name);
    if (option->value)
        n += fprintf(to, option->kind == OPTIONAL_TEXT ? "[=%s]" : " %s", option->value);
    return n;
}

// Words of `text` from HELP_COLUMN to HELP_WIDTH, the first line beginning at column `at`.
static void print_wrapped(FILE *to, const char *text, int at)
{
    if (at > HELP_COLUMN - 2) {
        fputc('\n', to);
        at = 0;
    }
    at += fprintf(to, "%*s", HELP_COLUMN - at, "");
    while (*text) {
        int n = (int)strcspn(text, " ");
        if (at > HELP_COLUMN && at + 1 + n > HELP_WIDTH)
            at = fprintf(to, "\n%*s", HELP_COLUMN, "") - 1;
        at += fprintf(to, "%s%.*s", at > HELP_COLUMN ? " " : "", n, text);
        text += n;
        text += strspn(text, " ");
    }
    fputc('\n', to);
}

void options_help(FILE *to)
{
    fputs(usage, to);
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        if (table[i].group)
            fprintf(to, "\n%s:\n", table[i].group);
        int at = fprintf(to, "  ");
        print_wrapped(to, table[i].help, at + print_form(to, &table[i], "    "));
    }
    fputs(epilogue, to);
}

void options_markdown(FILE *to)
{
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        if (table[i].group)
            fprintf(to, "%s| %s | |\n|---|---|\n", i ? "\n" : "", table[i].group);
        fputs("| `", to);
        print_form(to, &table[i], "");
        fprintf(to, "` | %s |\n", table[i].help);
    }
}
