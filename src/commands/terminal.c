// SPDX-License-Identifier: MIT
// terminal.c - colours, width and characters of the place where the table goes.
#include "terminal.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LEAST_WIDTH 40

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value ? value : "";
}

// ---- colour

static enum color ability(void)
{
    const char *term = variable("TERM"), *colorterm = variable("COLORTERM");
    if (strcmp(colorterm, "truecolor") == 0 || strcmp(colorterm, "24bit") == 0 ||
        strstr(term, "-direct"))
        return COLOR_TRUE;
    if (strstr(term, "256color") || strstr(term, "kitty") || strstr(term, "alacritty"))
        return COLOR_256;
    return *term && strcmp(term, "dumb") != 0 ? COLOR_16 : COLOR_NONE;
}

static bool is_forced(void)
{
    const char *force = variable("CLICOLOR_FORCE");
    return *force && strcmp(force, "0") != 0;
}

// https://no-color.org and https://bixense.com/clicolors; the option stands above both.
static enum color choose_color(int choice, int fd)
{
    enum color able = ability();
    enum color forced = able == COLOR_NONE ? COLOR_16 : able;
    if (choice == COLOR_NEVER)
        return COLOR_NONE;
    if (choice == COLOR_ALWAYS)
        return forced;
    if (*variable("NO_COLOR"))
        return COLOR_NONE;
    if (is_forced())
        return forced;
    return fd >= 0 && isatty(fd) ? able : COLOR_NONE;
}

// COLORFGBG is "foreground;background" (rxvt, konsole), 0 to 6 and 8 are dark. Most terminals are.
static bool has_dark_background(void)
{
    const char *last = strrchr(variable("COLORFGBG"), ';');
    if (!last || !last[1])
        return true;
    int background = atoi(last + 1);
    return background < 7 || background == 8;
}

// ---- width

static int width_of_terminal(int fd)
{
    struct winsize size;
    return fd >= 0 && ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

static int choose_width(const struct options *options, int fd)
{
    if (options->column_width > 0)
        return (int)options->column_width;
    int width = width_of_terminal(fd);
    if (!width)
        width = atoi(variable("COLUMNS"));
    if (width <= 0)
        return 80;
    return width < LEAST_WIDTH ? LEAST_WIDTH : width;
}

struct table_options terminal_table(const struct options *options, int fd)
{
    return (struct table_options){
        .width = choose_width(options, fd),
        .color = choose_color(options->color, fd),
        .dark = has_dark_background(),
        .unicode = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
        .reduced = options->reduced,
        .all_lines = options->all_lines,
        .threshold_pct = options->threshold_pct,
    };
}
