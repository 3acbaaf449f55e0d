// SPDX-License-Identifier: MIT
// table_files.c - the lines of the terminal table: file by file, hot lines with the headers that
// enclose them, the rest folded.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "outline.h"
#include "table_parts.h"
#include "text_width.h"
#include "wait_words.h"

#define SHORTEST_SOURCE 12 // columns; then it stands alone
#define WAIT_TEXT       128

enum visibility { FOLDED, CONTEXT, SHOWN };

struct view { // of one file
    const struct table *table;
    const struct profile_file *file;
    struct outline outline;
    const struct profile_line **timed; // by line number, NULL without time
    unsigned char *visible;            // enum visibility by line number
    int last;                          // the source's last line
};

// ---- what is visible

static bool is_in_source(const struct view *view, int line)
{
    return line >= 1 && line <= view->last;
}

static bool is_shown(const struct table *table, const struct profile_line *line)
{
    return table_is_notable(table, &line->times) || table_waits_notably(table, line);
}

// The first line of a statement that goes over several, then each header around it.
static void show_headers(struct view *view, int n)
{
    const struct outline_line *line = outline_line(&view->outline, n);
    bool inside_statement = !highlight_at_statement(&line->state);
    for (int up = line->parent; up; up = line->parent) {
        line = outline_line(&view->outline, up);
        if (!view->visible[up] && (inside_statement || outline_is_header(line)))
            view->visible[up] = CONTEXT;
        inside_statement = false;
    }
}

static void show_all_headers(struct view *view)
{
    for (int n = 1; n <= view->last; n++)
        if (view->visible[n] == SHOWN)
            show_headers(view, n);
}

// A fold of one line would take as much room as the line itself.
static void unfold_single(struct view *view)
{
    for (int n = 2; n < view->last; n++)
        if (!view->visible[n] && view->visible[n - 1] && view->visible[n + 1])
            view->visible[n] = CONTEXT;
}

static void unfold_all(struct view *view)
{
    for (int n = 1; n <= view->last; n++)
        if (!view->visible[n])
            view->visible[n] = CONTEXT;
}

static void mark_timed(struct view *view)
{
    for (size_t i = 0; i < view->file->line_count; i++) {
        const struct profile_line *line = &view->file->lines[i];
        if (!is_in_source(view, line->line))
            continue;
        view->timed[line->line] = line;
        if (is_shown(view->table, line))
            view->visible[line->line] = SHOWN;
    }
}

static void mark(struct view *view)
{
    mark_timed(view);
    if (view->table->options->all_lines) {
        unfold_all(view);
    } else if (!view->table->options->reduced) {
        show_all_headers(view);
        unfold_single(view);
    }
}

static void view_close(struct view *view)
{
    outline_free(&view->outline);
    free(view->timed);
    free(view->visible);
}

static bool view_open(struct view *view, const struct table *table, const struct profile_file *file)
{
    *view = (struct view){.table = table, .file = file};
    if (!outline_read(&view->outline, file->text, file->text_length))
        return false;
    view->last = view->outline.count;
    view->timed = calloc((size_t)view->last + 1, sizeof *view->timed);
    view->visible = calloc((size_t)view->last + 1, sizeof *view->visible);
    if (!view->timed || !view->visible) {
        view_close(view);
        return false;
    }
    mark(view);
    return true;
}

// ---- rows

// A line that mostly waits says for what. How long is said where there is room and the columns do
// not have it already.
static int wait_columns(const struct grid *grid, const struct profile_line *line, int used,
                        char text[WAIT_TEXT])
{
    const struct wait *wait = line ? wait_of_line(line) : NULL;
    char time[NUMBER_SIZE];
    if (!wait)
        return 0;
    int columns = snprintf(text, WAIT_TEXT, "%s", wait_word(wait)) + WAIT_SIGN_COLUMNS;
    if (grid->label < columns + SHORTEST_SOURCE)
        return 0;
    format_time(time, wait->ns);
    bool told = wait->counted_ns > wait->ns / 10 * 9;
    if (!told && used + columns + 1 + (int)strlen(time) <= grid->label) {
        strcat(strcat(text, " "), time);
        columns += 1 + (int)strlen(time);
    }
    return columns;
}

static void put_wait(const struct grid *grid, const char *text, int columns)
{
    if (!columns)
        return;
    table_wait_sign(grid->pen);
    pen_text(grid->pen, INK_DIM, text, columns - WAIT_SIGN_COLUMNS);
}

static void source_row(const struct grid *grid, const struct view *view, int n)
{
    const struct outline_line *line = outline_line(&view->outline, n);
    const struct profile_line *timed = view->timed[n];
    bool shown = view->visible[n] == SHOWN;
    char wait[WAIT_TEXT];
    int used = text_columns(line->text, line->length, !grid->pen->unicode, grid->label);
    int needed = wait_columns(grid, shown ? timed : NULL, used, wait);
    grid_row(grid, shown ? ROW_PLAIN : ROW_DIM, n, timed ? &timed->times : NULL);
    if (shown || view->table->options->all_lines)
        pen_source(grid->pen, line->state, line->text, line->length, grid->label - needed);
    else
        pen_bytes(grid->pen, INK_DIM, line->text, line->length, grid->label);
    put_wait(grid, wait, needed);
    pen_newline(grid->pen);
}

// Before the first and behind the last line shown a fold is worth a row only if it took time.
static bool is_worth_a_row(const struct view *view, int first, int behind, const struct times *sum)
{
    if (view->table->options->reduced)
        return false;
    return (first > 1 && behind <= view->last) || times_shown(sum) > 0;
}

// Returns the line behind the fold.
static int fold(const struct grid *grid, const struct view *view, int first)
{
    struct times sum = {0};
    int n = first;
    for (; n <= view->last && !view->visible[n]; n++)
        if (view->timed[n])
            times_add(&sum, &view->timed[n]->times);
    if (is_worth_a_row(view, first, n, &sum))
        grid_fold(grid, &sum, (size_t)(n - first), "line", "lines");
    return n;
}

static void source_rows(const struct grid *grid, const struct view *view)
{
    for (int n = 1; n <= view->last;) {
        if (view->visible[n])
            source_row(grid, view, n++);
        else
            n = fold(grid, view, n);
    }
}

static void bare_row(const struct grid *grid, const struct view *view,
                     const struct profile_line *line)
{
    const struct profile *profile = view->table->profile;
    char wait[WAIT_TEXT];
    int needed = wait_columns(grid, line, grid->label, wait);
    grid_row(grid, ROW_PLAIN, line->line, &line->times);
    if (line->source)
        pen_source(grid->pen, (struct highlight){0}, line->source, line->source_length,
                   grid->label - needed);
    else if (line->function < profile->function_count)
        pen_text(grid->pen, INK_DIM, profile->functions[line->function].name, grid->label - needed);
    put_wait(grid, wait, needed);
    pen_newline(grid->pen);
}

// A line that no source has. Of a bucket such as <native threads> the title says all there is.
static bool is_bare(const struct view *view, const struct profile_line *line)
{
    return !is_in_source(view, line->line) && !is_bucket(view->file, line->line) &&
           is_shown(view->table, line);
}

static void bare_rows(const struct grid *grid, const struct view *view)
{
    for (size_t i = 0; i < view->file->line_count; i++)
        if (is_bare(view, &view->file->lines[i]))
            bare_row(grid, view, &view->file->lines[i]);
}

static bool has_rows(const struct view *view)
{
    for (size_t i = 0; i < view->file->line_count; i++)
        if (is_bare(view, &view->file->lines[i]))
            return true;
    return view->last > 0;
}

// ---- files

static const char *source_note(const struct profile_file *file)
{
    if (file->changed)
        return "changed since the run began";
    return file->text || file->origin == ORIGIN_NONE ? "" : "source not found";
}

static void title(const struct grid *grid, const struct profile_file *file)
{
    bool bucket = file->line_count == 1 && is_bucket(file, file->lines[0].line);
    const char *shown = file->shown[0] ? file->shown : "?";
    char wait[WAIT_TEXT];
    int used = text_columns(shown, strlen(shown), !grid->pen->unicode, grid->label);
    int needed = wait_columns(grid, bucket ? file->lines : NULL, used, wait);
    grid_row(grid, ROW_TITLE, 0, &file->times);
    pen_path(grid->pen, INK_BOLD, shown, grid->label - needed);
    put_wait(grid, wait, needed);
    pen_newline(grid->pen);
}

static int digits_of(const struct profile_file *file)
{
    int last = file->line_count ? file->lines[file->line_count - 1].line : 0;
    int digits = 4;
    for (int64_t bound = 10000; last >= bound; bound *= 10)
        digits++;
    return digits;
}

static void file_rows(const struct grid *grid, const struct view *view)
{
    grid_heading(grid, "line", source_note(view->file));
    title(grid, view->file);
    grid_rule(grid);
    source_rows(grid, view);
    bare_rows(grid, view);
}

// Files of which the title says it all stand together like a list: `in_list` is true behind one.
static int file_section(struct table *table, const struct profile_file *file, int64_t longest,
                        bool *in_list)
{
    struct view view;
    if (!view_open(&view, table, file))
        return -ENOMEM;
    struct grid grid = grid_new(&table->pen, table->profile, table->width, digits_of(file));
    grid.longest = longest;
    bool whole = has_rows(&view);
    if (whole || !*in_list)
        pen_newline(&table->pen);
    if (whole)
        file_rows(&grid, &view);
    else
        title(&grid, file);
    *in_list = !whole;
    view_close(&view);
    return 0;
}

static bool is_file_shown(const struct table *table, const struct profile_file *file)
{
    bool shown = table_is_notable(table, &file->times);
    for (size_t i = 0; !shown && i < file->line_count; i++)
        shown = table_waits_notably(table, &file->lines[i]);
    return shown;
}

static void rest_section(struct table *table, bool in_list)
{
    const struct profile *profile = table->profile;
    struct times sum = {0};
    size_t count = 0;
    for (size_t i = 0; i < profile->file_count; i++)
        if (!is_file_shown(table, &profile->files[i])) {
            times_add(&sum, &profile->files[i].times);
            count++;
        }
    if (!count)
        return;
    struct grid grid = grid_new(&table->pen, profile, table->width, 4);
    if (!in_list)
        pen_newline(&table->pen);
    grid_fold(&grid, &sum, count, "more file", "more files");
}

int table_files(struct table *table)
{
    const struct profile *profile = table->profile;
    struct top_line top[TOP_MAX];
    table_find_top(profile, top);
    bool in_list = false;
    for (size_t i = 0; i < profile->file_count; i++) {
        if (!is_file_shown(table, &profile->files[i]))
            continue;
        int error = file_section(table, &profile->files[i], top_line_ns(&top[0]), &in_list);
        if (error)
            return error;
    }
    rest_section(table, in_list);
    return 0;
}
