// SPDX-License-Identifier: MIT
// browser.c - hands the page to $BROWSER or xdg-open, which live on without us.
#include "browser.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "interpreter.h"
#include "text.h"

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value && *value;
}

static bool is_watched(void)
{
    return (is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")) && isatty(STDIN_FILENO) &&
           isatty(STDERR_FILENO);
}

// $BROWSER is a list of commands between colons, each with %s for the address or with none.
static char *shell_command(void)
{
    const char *browser = getenv("BROWSER");
    if (!browser || !*browser)
        return NULL;
    char *first = text_format("%.*s", (int)strcspn(browser, ":"), browser);
    char *place = strstr(first, "%s");
    char *command = place ? text_format("%.*s\"$1\"%s", (int)(place - first), first, place + 2)
                          : text_format("%s \"$1\"", first);
    free(first);
    return command;
}

static _Noreturn void become_browser(const char *command, const char *opener, const char *page)
{
    int null = open("/dev/null", O_RDWR);
    signal(SIGPIPE, SIG_DFL);
    setsid(); // closing the terminal shall not close the browser
    for (int fd = 0; fd <= 2; fd++)
        dup2(null, fd);
    if (command)
        execl("/bin/sh", "sh", "-c", command, "sh", page, (char *)NULL);
    else
        execl(opener, opener, page, (char *)NULL);
    _exit(1);
}

void browser_open(const char *page)
{
    if (!is_watched())
        return;
    char *command = shell_command();
    char *opener = path_search("xdg-open");
    char *path = realpath(page, NULL);
    pid_t pid = path && (command || opener) ? fork() : -1;
    if (pid == 0) {
        if (fork() == 0) // its parent ends at once: nobody has to wait for it
            become_browser(command, opener, path);
        _exit(0);
    }
    if (pid > 0)
        waitpid(pid, NULL, 0);
    free(command);
    free(opener);
    free(path);
}
