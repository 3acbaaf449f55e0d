// SPDX-License-Identifier: MIT
// grid.c - columns, bars and emphasis of the terminal table; see grid.h.

#include "grid.h"

#include <stdio.h>
#include <string.h>

#define HOT_PERCENT   20 // fixed steps of the run's total, the same in each report
#define WARM_PERCENT  5
#define SMALL_PERCENT 0.5 // shown as <1%
#define TIME_COLUMNS  6   // "2.61 s", "504 ms"
#define SHARE_COLUMNS 4   // "100%"
#define RULE_COLUMNS  3   // " | "
#define LABEL_MIN     8   // then a table is wider than asked

// ---- kinds

const char *const kind_names[KIND_COUNT] = {"python", "native", "system"};
static const char *const kind_short_names[KIND_COUNT] = {"py", "nat", "sys"};
static const char *const kind_signs[KIND_COUNT] = {"\u2587", "\u2585", "\u2583"};
static const char *const kind_ascii[KIND_COUNT] = {"#", "=", "-"};

int64_t kind_ns(const struct times *times, enum kind kind)
{
    switch (kind) {
    case KIND_PYTHON:
        return times->ns[STATE_PYTHON];
    case KIND_NATIVE:
        return times->ns[STATE_NATIVE];
    default:
        return times_system(times);
    }
}

bool kind_is_measured(const struct profile *profile, enum kind kind)
{
    static const uint32_t states[KIND_COUNT] = {
        [KIND_PYTHON] = 1u << STATE_PYTHON,
        [KIND_NATIVE] = 1u << STATE_NATIVE,
        [KIND_SYSTEM] = 1u << STATE_KERNEL | 1u << STATE_IO | 1u << STATE_SLEEP | 1u << STATE_CHILD,
    };
    return profile->run.measured & states[kind];
}

enum ink kind_ink(enum kind kind)
{
    return INK_PYTHON + (enum ink)kind;
}

void kind_sign(struct pen *pen, enum kind kind)
{
    pen_sign(pen, kind_ink(kind), kind_signs[kind], kind_ascii[kind]);
}

// ---- bars

static enum kind main_kind(const struct times *times)
{
    enum kind most = KIND_PYTHON;
    for (enum kind kind = KIND_NATIVE; kind < KIND_COUNT; kind++)
        if (kind_ns(times, kind) > kind_ns(times, most))
            most = kind;
    return most;
}

static int bar_column(int64_t ns, int64_t full, int columns)
{
    double at = full > 0 ? (double)ns / (double)full * columns : 0;
    return at >= columns ? columns : (int)(at + 0.5);
}

int bar_draw(struct pen *pen, const struct times *times, int64_t full, int columns)
{
    int64_t sum = 0;
    int at = 0;
    for (enum kind kind = KIND_PYTHON; kind < KIND_COUNT; kind++) {
        sum += kind_ns(times, kind);
        for (int end = bar_column(sum, full, columns); at < end; at++)
            kind_sign(pen, kind);
    }
    if (at || !sum || !columns || !pen->unicode)
        return at;
    pen_sign(pen, kind_ink(main_kind(times)), "\u258f", " "); // there, but less than half a column
    return 1;
}

// ---- layout

static int kind_columns(const struct grid *grid)
{
    return grid->kind_percent + (grid->kind_seconds ? 1 + grid->kind_seconds : 0);
}

// Everything before the rule.
static int number_columns(const struct grid *grid)
{
    int columns = grid->digits + 1 + SHARE_COLUMNS + 1 + TIME_COLUMNS;
    if (grid->bar)
        columns += 1 + grid->bar;
    for (enum kind kind = KIND_PYTHON; kind < KIND_COUNT; kind++)
        if (grid->shown[kind])
            columns += 1 + kind_columns(grid);
    return columns;
}

// What there is room for, from the widest to the narrowest: bar, share and time of each kind.
struct tier {
    int width, bar, kind_percent, kind_seconds;
};

static const struct tier tiers[] = {
    {140, 16, 6, TIME_COLUMNS}, {100, 12, 6, 0}, {72, 8, SHARE_COLUMNS, 0},
    {60, 0, SHARE_COLUMNS, 0},  {0, 0, 0, 0},
};

struct grid grid_new(struct pen *pen, const struct profile *profile, int width, int digits)
{
    const struct tier *tier = tiers;
    while (width < tier->width)
        tier++;
    struct grid grid = {
        .pen = pen,
        .total = times_shown(&profile->times),
        .digits = digits,
        .bar = tier->bar,
        .kind_percent = tier->kind_percent,
        .kind_seconds = tier->kind_seconds,
    };
    for (enum kind kind = KIND_PYTHON; kind < KIND_COUNT; kind++)
        grid.shown[kind] = tier->kind_percent && kind_is_measured(profile, kind);
    grid.label = width - number_columns(&grid) - RULE_COLUMNS;
    if (grid.label < LABEL_MIN)
        grid.label = LABEL_MIN;
    return grid;
}

// ---- cells

static void right(struct pen *pen, enum ink ink, const char *text, int columns)
{
    pen_space(pen, columns - (int)strlen(text));
    pen_puts(pen, ink, text);
}

static double percent_of(const struct grid *grid, int64_t ns)
{
    return grid->total > 0 ? 100.0 * (double)ns / (double)grid->total : 0;
}

static void share_cell(const struct grid *grid, enum ink ink, int64_t ns, int columns)
{
    char text[NUMBER_SIZE];
    double percent = percent_of(grid, ns);
    right(grid->pen, percent < SMALL_PERCENT ? INK_DIM : ink, format_percent(text, percent),
          columns);
}

static void time_cell(const struct grid *grid, enum ink ink, int64_t ns, int columns)
{
    char text[NUMBER_SIZE];
    right(grid->pen, ink, format_time(text, ns), columns);
}

static void kind_cells(const struct grid *grid, enum ink ink, const struct times *times)
{
    for (enum kind kind = KIND_PYTHON; kind < KIND_COUNT; kind++) {
        int64_t ns = times ? kind_ns(times, kind) : 0;
        if (!grid->shown[kind])
            continue;
        pen_space(grid->pen, 1);
        share_cell(grid, ink == INK_DIM ? ink : kind_ink(kind), ns, grid->kind_percent);
        if (!grid->kind_seconds)
            continue;
        pen_space(grid->pen, 1);
        bool faint = ink == INK_DIM || percent_of(grid, ns) < SMALL_PERCENT;
        time_cell(grid, faint ? INK_DIM : INK_PLAIN, ns, grid->kind_seconds);
    }
}

static void bar_cell(const struct grid *grid, const struct times *times, bool visible)
{
    if (!grid->bar)
        return;
    pen_space(grid->pen, 1);
    int used = times && visible ? bar_draw(grid->pen, times, grid->longest, grid->bar) : 0;
    pen_space(grid->pen, grid->bar - used);
}

static enum ink heat(double percent)
{
    return percent >= HOT_PERCENT ? INK_HOT : percent >= WARM_PERCENT ? INK_BOLD : INK_PLAIN;
}

static enum ink row_ink(enum grid_row_style style, double percent)
{
    switch (style) {
    case ROW_DIM:
        return INK_DIM;
    case ROW_TITLE:
        return INK_BOLD;
    case ROW_EVEN:
        return INK_PLAIN;
    default:
        return heat(percent);
    }
}

// The rule thickens beside a hot line, so that it is found without colour too.
static void gutter(const struct grid *grid, enum ink ink)
{
    pen_space(grid->pen, 1);
    if (ink == INK_HOT)
        pen_sign(grid->pen, INK_HOT, "\u258c", ">");
    else
        pen_sign(grid->pen, INK_FRAME, "\u2502", "|");
    pen_space(grid->pen, 1);
}

static void cells(const struct grid *grid, enum grid_row_style style, const struct times *times)
{
    int64_t ns = times ? times_shown(times) : 0;
    enum ink ink = row_ink(style, percent_of(grid, ns));
    pen_space(grid->pen, 1);
    share_cell(grid, ink, ns, SHARE_COLUMNS);
    pen_space(grid->pen, 1);
    time_cell(grid, ink, ns, TIME_COLUMNS);
    bar_cell(grid, times, style == ROW_PLAIN || style == ROW_EVEN);
    kind_cells(grid, ink, times);
    gutter(grid, ink);
}

void grid_row(const struct grid *grid, enum grid_row_style style, int line,
              const struct times *times)
{
    if (line > 0)
        pen_printf(grid->pen, style == ROW_PLAIN ? INK_PLAIN : INK_DIM, "%*d", grid->digits, line);
    else
        pen_space(grid->pen, grid->digits);
    cells(grid, style, times);
}

void grid_fold(const struct grid *grid, const struct times *times, size_t count, const char *one,
               const char *many)
{
    char number[32], text[128];
    int left = grid->label;
    snprintf(text, sizeof text, " %s %s", format_count(number, count), count == 1 ? one : many);
    pen_space(grid->pen, grid->digits - 1);
    pen_sign(grid->pen, INK_DIM, "\u250a", ":");
    cells(grid, ROW_DIM, times);
    left -= pen_text(grid->pen, INK_DIM, grid->pen->unicode ? "\u2026" : "..", left);
    pen_text(grid->pen, INK_DIM, text, left);
    pen_newline(grid->pen);
}

// ---- headings

static void kind_headings(const struct grid *grid)
{
    bool whole = grid->kind_percent >= 6;
    for (enum kind kind = KIND_PYTHON; kind < KIND_COUNT; kind++) {
        if (!grid->shown[kind])
            continue;
        pen_space(grid->pen, 1);
        right(grid->pen, INK_DIM, whole ? kind_names[kind] : kind_short_names[kind],
              kind_columns(grid));
    }
}

void grid_heading(const struct grid *grid, const char *first, const char *label)
{
    right(grid->pen, INK_DIM, first, grid->digits);
    pen_space(grid->pen, 1);
    right(grid->pen, INK_DIM, "time", SHARE_COLUMNS + 1 + TIME_COLUMNS);
    bar_cell(grid, NULL, false);
    kind_headings(grid);
    gutter(grid, INK_PLAIN);
    pen_puts(grid->pen, INK_DIM, label);
    pen_newline(grid->pen);
}

void grid_rule(const struct grid *grid)
{
    pen_rule(grid->pen, INK_FRAME, "\u2500", "-", number_columns(grid) + 1);
    pen_sign(grid->pen, INK_FRAME, "\u253c", "+");
    pen_rule(grid->pen, INK_FRAME, "\u2500", "-", 1 + grid->label);
    pen_newline(grid->pen);
}
