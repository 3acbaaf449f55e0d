// SPDX-License-Identifier: MIT
// main.c - picks the command, prints the error, sets the exit code.
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>
#include "lineprof/commands.h"

struct command {
    const char *name;
    void (*run)(char **argv, struct outcome *outcome);
    const char *instead; // of a command that is not served yet: what to do today
};

static const struct command commands[] = {
    {.name = "run", .run = command_run},
    {.name = "recover", .run = command_recover},
    {.name = "view", .instead = "open the .html that lies beside the report"},
    {.name = "attach", .instead = "start the program with lineprof"},
    {.name = "dump", .instead = "start the program with lineprof"},
    {.name = "top", .instead = "start the program with lineprof"},
    {.name = "export", .instead = "read lineprof-profile.json, its schema is in the repository"},
    {.name = "diff", .instead = "compare the tables of two runs (--cli=FILE)"},
    {.name = "merge", .instead = "profile the parent: its child processes are in its report"},
};

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (name && strcmp(name, commands[i].name) == 0)
            return &commands[i];
    return NULL;
}

static void run(char **argv, struct outcome *outcome)
{
    const struct command *command = find_command(argv[0]);
    if (!command)
        command_run(argv, outcome); // `lineprof script.py` is `lineprof run script.py`
    else if (command->run)
        command->run(argv + 1, outcome);
    else
        fail(outcome, CODE_USAGE,
             "the command '%s' is not there yet: %s (a script of that name: lineprof run %s)",
             command->name, command->instead, command->name);
}

// A program started with its stdin, stdout or stderr closed must find them closed, and what we open
// must not land there: a message of ours would be written into it.
static void occupy_standard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR | O_CLOEXEC) < 0)
            return;
}

// The message is one line even where the person's own text in it has several.
static void print_message(const char *text)
{
    char line[sizeof(struct outcome)];
    size_t n = 0;
    for (; text[n] && n + 1 < sizeof line; n++)
        line[n] = (unsigned char)text[n] < ' ' || text[n] == 127 ? '?' : text[n];
    line[n] = '\0';
    fprintf(stderr, "lineprof: %s\n", line);
}

// Who waits for us sees what it would have seen of the program. The core dump is the program's.
static void die_by(int sig)
{
    const struct rlimit none = {0, 0};
    const struct sigaction preset = {.sa_handler = SIG_DFL};
    sigset_t only;
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0); // a core_pattern that is a pipe does not ask for the limit
    sigaction(sig, &preset, NULL);
    sigemptyset(&only);
    sigaddset(&only, sig);
    sigprocmask(SIG_UNBLOCK, &only, NULL);
    kill(getpid(), sig);
}

int main(int argc, char **argv)
{
    struct outcome outcome = {0};
    occupy_standard_descriptors();
    setlocale(LC_CTYPE, ""); // which characters the terminal can show; numbers stay as in C
    run(argv + (argc > 0), &outcome);
    if (outcome.message[0])
        print_message(outcome.message);
    fflush(stdout);
    if (outcome.signal)
        die_by(outcome.signal);
    return outcome.signal ? 128 + outcome.signal : outcome.code;
}
