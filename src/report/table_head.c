// SPDX-License-Identifier: MIT
// table_head.c - how the terminal table begins: the answer in one sentence, then the totals.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "table_parts.h"
#include "text_width.h"
#include "wait_words.h"

#define INDENT            2
#define SHORT_NS          INT64_C(100000000) // of CPU time that may pass without a sample
#define BAR_MAX           100                // columns
#define ROOMY             60                 // columns, for facts with a second part
#define STANDS_OUT        10  // per cent of a line that is worth being called the answer
#define MOST              66  // per cent that the lines counted in the second sentence should reach
#define NOTABLE_OVERHEAD  200 // as a fraction of the CPU time: half a per cent
#define NEARLY_ALL        90  // per cent of one line that need no second sentence
#define NOTABLE_UNSAMPLED 100 // as a fraction of the CPU time: one per cent

static double cores_used(const struct table *table)
{
    int64_t elapsed = table->profile->run.elapsed_ns;
    return elapsed > 0 ? (double)table->doubts.cpu_ns / (double)elapsed : 0;
}

// ---- the answer

// What most of the system column is.
static const char *system_word(const struct times *times)
{
    static const char *const words[STATE_COUNT] = {
        [STATE_KERNEL] = "in the kernel",
        [STATE_IO] = "waiting for I/O",
        [STATE_SLEEP] = "asleep",
        [STATE_CHILD] = "waiting for a child process",
    };
    enum state most = STATE_KERNEL;
    for (enum state state = STATE_IO; state <= STATE_CHILD; state++)
        if (times->ns[state] > times->ns[most])
            most = state;
    return words[most];
}

// Between two parts of a sentence: a blank, or a new line when the next part does not fit.
static void part(struct table *table, int columns)
{
    if (table->pen.column + 1 + columns > table->width)
        pen_newline(&table->pen);
    else if (table->pen.column)
        pen_space(&table->pen, 1);
}

// A sentence of our own, or the rest of one, broken between its words.
static void say(struct table *table, enum ink ink, const char *text)
{
    while (*text) {
        char word[32];
        int n = (int)strcspn(text, " ");
        snprintf(word, sizeof word, "%.*s", n, text);
        part(table, n);
        pen_puts(&table->pen, ink, word);
        text += n;
        text += strspn(text, " ");
    }
}

static const char *kind_word(const struct times *times, enum kind kind)
{
    return kind == KIND_SYSTEM ? system_word(times) : kind_names[kind];
}

static enum kind most_of(const struct times *times, enum kind but)
{
    enum kind most = but == KIND_PYTHON ? KIND_NATIVE : KIND_PYTHON;
    for (enum kind kind = most + 1; kind < KIND_COUNT; kind++)
        if (kind != but && kind_ns(times, kind) > kind_ns(times, most))
            most = kind;
    return most;
}

// ", mostly native." The page has the same words.
static void say_kind(struct table *table, const struct times *times)
{
    char text[80];
    enum kind first = most_of(times, KIND_COUNT), second = most_of(times, first);
    double share = (double)kind_ns(times, first) / (double)times_shown(times);
    const char *how = share >= 0.995 ? "all" : share >= 0.95 ? "nearly all" : "mostly";
    if (share >= 0.6)
        snprintf(text, sizeof text, "%s %s.", how, kind_word(times, first));
    else
        snprintf(text, sizeof text, "partly %s, partly %s.", kind_word(times, first),
                 kind_word(times, second));
    pen_puts(&table->pen, INK_PLAIN, ",");
    say(table, INK_PLAIN, text);
}

static void say_where(struct table *table, const struct top_line *top)
{
    char line[16] = "";
    if (top->line->line > 0)
        snprintf(line, sizeof line, ":%d", top->line->line);
    const char *path = top->file->shown[0] ? top->file->shown : "?";
    int most = table->width - (int)strlen(line) - 1;
    int columns = text_columns(path, strlen(path), !table->pen.unicode, most);
    if (columns > most)
        columns = most;
    part(table, columns + (int)strlen(line) + 1);
    pen_path(&table->pen, INK_BOLD, path, columns);
    pen_puts(&table->pen, INK_BOLD, line);
}

static void say_percent(struct table *table, enum ink ink, int64_t ns)
{
    char text[NUMBER_SIZE];
    pen_puts(&table->pen, ink, format_percent(text, table_percent(table, ns)));
}

// What the 100 % are, beside what the sentence before has said.
static const char *share_words(const struct report_doubts *doubts)
{
    if (doubts->cpu_only)
        return "of the CPU time";
    return doubts->waited ? "of the other time" : "of the time";
}

static void say_first(struct table *table, const struct top_line *top)
{
    struct pen *pen = &table->pen;
    if (table_percent(table, top_line_ns(top)) >= STANDS_OUT) {
        part(table, (int)strlen("100%"));
        say_percent(table, INK_HOT, top_line_ns(top));
        say(table, INK_PLAIN, share_words(&table->doubts));
        say(table, INK_PLAIN, top->line->line > 0 ? "is spent on" : "is spent in");
        say_where(table, top);
    } else {
        say(table, INK_PLAIN, "No line stands out:");
        say_where(table, top);
        part(table, (int)strlen("comes first with 10%,"));
        pen_puts(pen, INK_PLAIN, "comes first with ");
        say_percent(table, INK_BOLD, top_line_ns(top));
    }
    say_kind(table, &top->line->times);
}

static void say_sum(struct table *table, int count, int64_t ns)
{
    static const char *const words[TOP_MAX + 1] = {"", "", "Two", "Three", "Four", "Five"};
    char share[NUMBER_SIZE];
    format_percent(share, table_percent(table, ns));
    part(table, (int)(strlen(words[count]) + strlen(" lines take .") + strlen(share)));
    pen_printf(&table->pen, INK_PLAIN, "%s lines take ", words[count]);
    pen_puts(&table->pen, INK_BOLD, share);
    pen_puts(&table->pen, INK_PLAIN, ".");
}

// As few lines as make up most of the time, as far as five do. What is no line does not count.
static void say_others(struct table *table, const struct top_line top[TOP_MAX])
{
    int64_t sum = 0;
    int count = 0;
    if (table_percent(table, top_line_ns(&top[0])) >= NEARLY_ALL)
        return;
    for (int i = 0; i < TOP_MAX && top[i].line && table_percent(table, sum) < MOST; i++)
        if (top[i].line->line > 0) {
            sum += top_line_ns(&top[i]);
            count++;
        }
    if (count > 1)
        say_sum(table, count, sum);
}

static void answer_nothing(struct table *table)
{
    char text[NUMBER_SIZE];
    int64_t cpu = table->doubts.cpu_ns;
    if (times_shown(&table->profile->times) > 0) {
        say(table, INK_PLAIN, "No time is spent in the files selected.");
        return;
    }
    const char *why = cpu < SHORT_NS ? "too short for a sample." : "no sample was taken.";
    pen_printf(&table->pen, INK_BOLD, "Ran %s of CPU", cpu > 0 ? format_time(text, cpu) : "0 ms");
    pen_puts(&table->pen, INK_PLAIN, ":");
    part(table, (int)strlen(why));
    pen_puts(&table->pen, INK_PLAIN, why);
}

// The line that has most of the longest wait of all, and more than half of it.
static struct top_line longest_waiting(const struct profile *profile)
{
    struct top_line where = {0};
    const struct wait *all = profile->total_wait_count ? &profile->total_waits[0] : NULL;
    for (size_t f = 0; all && f < profile->file_count; f++)
        for (size_t l = 0; l < profile->files[f].line_count; l++) {
            const struct profile_line *line = &profile->files[f].lines[l];
            const struct wait *wait = line->wait_count ? line->waits : NULL;
            if (line->line > 0 && wait && wait->state == all->state &&
                strcmp(wait->reason, all->reason) == 0 && wait->ns > all->ns / 2)
                where = (struct top_line){&profile->files[f], line};
        }
    return where;
}

static void answer_waited(struct table *table)
{
    char text[192], cpu[NUMBER_SIZE], elapsed[NUMBER_SIZE], why[WAITED_SIZE];
    format_time(cpu, table->doubts.cpu_ns);
    struct top_line where = longest_waiting(table->profile);
    snprintf(text, sizeof text, "%s of CPU in %s; %s%s", *cpu ? cpu : "0 ms",
             format_time(elapsed, table->profile->run.elapsed_ns),
             report_waited(table->profile, why), where.line ? ", most of it on" : ".");
    say(table, INK_BOLD, "Mostly waited:");
    say(table, INK_PLAIN, text);
    if (where.line) {
        say_where(table, &where);
        pen_puts(&table->pen, INK_PLAIN, ".");
    }
}

// Of a handful of samples nobody can tell which line takes how much.
static void answer_few(struct table *table)
{
    char text[128], cpu[NUMBER_SIZE];
    uint64_t count = table->profile->times.samples;
    snprintf(text, sizeof text, "%d sample%s in %s of CPU.", (int)count, count == 1 ? "" : "s",
             format_time(cpu, table->doubts.cpu_ns));
    say(table, INK_BOLD, "Too short to tell:");
    say(table, INK_PLAIN, text);
    say(table, INK_PLAIN, "Let it work longer, on more input or in a loop.");
}

// The sentence is the page's, too.
static void answer_crowded(struct table *table)
{
    char text[128], time[NUMBER_SIZE];
    snprintf(text, sizeof text, "for %.0f%% of the time that it could run, no core was free",
             table->doubts.crowded_pct);
    format_time(time, table->profile->times.ns[STATE_RUNNABLE]);
    pen_newline(&table->pen);
    say(table, INK_WARNING, "Kept off the CPU:");
    say(table, INK_PLAIN, text);
    part(table, (int)strlen(time) + 3);
    pen_printf(&table->pen, INK_PLAIN, "(%s).", time);
}

static void answer(struct table *table)
{
    struct top_line top[TOP_MAX];
    table_find_top(table->profile, top);
    if (table->doubts.waited)
        answer_waited(table);
    if (table->doubts.few && table->profile->times.samples > 0) {
        if (!table->doubts.waited || table->doubts.cpu_only)
            answer_few(table);
    } else if (top_line_ns(&top[0]) > 0) {
        say_first(table, &top[0]);
        say_others(table, top);
    } else if (!table->doubts.waited) {
        answer_nothing(table);
    }
    if (table->doubts.crowded_pct > 0)
        answer_crowded(table);
    pen_newline(&table->pen);
    pen_newline(&table->pen);
}

// ---- totals

static int inner_width(const struct table *table)
{
    return (table->width < BAR_MAX ? table->width : BAR_MAX) - INDENT;
}

static void command(struct table *table)
{
    const char *text = table->profile->run.command;
    pen_space(&table->pen, INDENT);
    pen_text(&table->pen, INK_DIM, text ? text : "", inner_width(table));
    pen_newline(&table->pen);
}

static void total_bar(struct table *table)
{
    const struct times *times = &table->profile->times;
    if (times_shown(times) <= 0)
        return;
    pen_space(&table->pen, INDENT);
    bar_draw(&table->pen, times, times_shown(times), inner_width(table));
    pen_newline(&table->pen);
}

static void legend_entry(struct table *table, enum kind kind, int64_t ns)
{
    char share[NUMBER_SIZE], time[NUMBER_SIZE];
    struct pen *pen = &table->pen;
    format_percent(share, table_percent(table, ns));
    format_time(time, ns);
    int columns = (int)(strlen(kind_names[kind]) + strlen(share) + strlen(time)) + 4;
    if (pen->column && pen->column + 3 + columns > table->width)
        pen_newline(pen);
    pen_space(pen, pen->column ? 3 : INDENT);
    kind_sign(pen, kind);
    pen_printf(pen, INK_PLAIN, " %s ", kind_names[kind]);
    pen_puts(pen, INK_BOLD, share);
    pen_printf(pen, INK_PLAIN, " %s", time);
}

// ", of which epoll_wait 39%": what of the system column is no work at all.
static void legend_waiting(struct table *table)
{
    const struct wait *most = wait_most_counted(table->profile);
    char text[128], share[NUMBER_SIZE];
    if (!most || table_percent(table, most->counted_ns) < 1)
        return;
    int columns = snprintf(text, sizeof text, ", of which %s %s", wait_word(most),
                           format_percent(share, table_percent(table, most->counted_ns)));
    if (table->pen.column + columns <= table->width)
        pen_text(&table->pen, INK_PLAIN, text, columns);
}

static void legend(struct table *table)
{
    for (enum kind kind = KIND_PYTHON; kind < KIND_COUNT; kind++) {
        int64_t ns = kind_ns(&table->profile->times, kind);
        if (kind_is_measured(table->profile, kind) && ns > 0)
            legend_entry(table, kind, ns);
    }
    legend_waiting(table);
    if (table->pen.column)
        pen_newline(&table->pen);
}

// Facts make one paragraph that breaks between them.
static void fact(struct table *table, enum ink ink, const char *text)
{
    struct pen *pen = &table->pen;
    if (pen->column && pen->column + 3 + (int)strlen(text) > table->width)
        pen_newline(pen);
    if (pen->column) {
        pen_space(pen, 1);
        pen_sign(pen, INK_DIM, "\u00b7", "-");
        pen_space(pen, 1);
    } else {
        pen_space(pen, INDENT);
    }
    pen_puts(pen, ink, text);
}

static void fact_time(struct table *table, const char *name, int64_t ns)
{
    char time[NUMBER_SIZE], text[64];
    if (ns <= 0)
        return;
    snprintf(text, sizeof text, "%s %s", name, format_time(time, ns));
    fact(table, INK_PLAIN, text);
}

static void fact_cpu(struct table *table)
{
    char time[NUMBER_SIZE], use[32] = "", text[64];
    double cores = cores_used(table);
    if (table->doubts.cpu_ns <= 0)
        return;
    if (cores >= 1.5)
        snprintf(use, sizeof use, " on %.1f cores", cores);
    else if (cores > 0)
        snprintf(use, sizeof use, " (%.0f%% of a core)", 100 * cores);
    snprintf(text, sizeof text, "CPU %s%s", format_time(time, table->doubts.cpu_ns), use);
    fact(table, INK_PLAIN, text);
}

static void fact_samples(struct table *table)
{
    char number[32], text[48];
    uint64_t count = table->profile->times.samples;
    snprintf(text, sizeof text, "%s sample%s", format_count(number, count), count == 1 ? "" : "s");
    fact(table, INK_PLAIN, text);
}

static unsigned threads_in(const struct table *table, enum state state)
{
    unsigned count = 0;
    for (size_t i = 0; i < table->profile->thread_count; i++)
        count += table->profile->threads[i].times.ns[state] > 0;
    return count;
}

// "waiting for locks 76.1 s in 51 threads": idle workers do not make a program slow.
static void fact_wait(struct table *table, enum state state, const char *name)
{
    char time[NUMBER_SIZE], text[96], where[32] = "";
    unsigned threads = threads_in(table, state);
    int64_t ns = table->profile->times.ns[state];
    if (ns <= 0)
        return;
    if (threads > 1 && table->width >= ROOMY)
        snprintf(where, sizeof where, " in %u threads", threads);
    snprintf(text, sizeof text, "waiting for %s %s%s", name, format_time(time, ns), where);
    fact(table, INK_PLAIN, text);
}

static void facts_waits(struct table *table)
{
    static const struct {
        enum state state;
        const char *name;
    } waits[] = {
        {STATE_LOCK, "locks"},
        {STATE_GIL, "the GIL"},
        {STATE_RUNNABLE, "a core"},
    };
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++)
        if (table->profile->run.measured & 1u << waits[i].state)
            fact_wait(table, waits[i].state, waits[i].name);
}

static void fact_exit(struct table *table)
{
    char text[48];
    const char *ending = report_ending(&table->profile->run, text);
    if (ending)
        fact(table, INK_WARNING, ending);
}

static void fact_cut_short(struct table *table)
{
    char time[NUMBER_SIZE], text[48];
    if (!table->profile->run.cut_short)
        return;
    fact(table, INK_WARNING, "cut short: lineprof was killed");
    snprintf(text, sizeof text, "covers the first %s",
             format_time(time, table->profile->run.elapsed_ns));
    fact(table, INK_WARNING, text);
}

static void facts_lost(struct table *table)
{
    static const struct {
        const char *what, *why;
    } losses[LOST_REASONS] = {
        [LOST_RING_FULL] = {"sample", "lost (buffer full)"},
        [LOST_TORN] = {"sample", "lost (stack in motion)"},
        [LOST_BLOCKED] = {"sample", "lost (SIGPROF blocked)"},
        [LOST_NO_TIMER] = {"thread", "not sampled (no timer left)"},
    };
    for (int i = 0; i < LOST_REASONS; i++) {
        char number[32], text[96];
        uint64_t count = table->profile->run.lost[i];
        snprintf(text, sizeof text, "%s %s%s %s", format_count(number, count), losses[i].what,
                 count == 1 ? "" : "s", losses[i].why);
        if (count)
            fact(table, INK_WARNING, text);
    }
}

static void fact_unprofiled(struct table *table, uint32_t count, const char *why)
{
    char text[64];
    snprintf(text, sizeof text, "%u process%s unprofiled (%s)", count, count == 1 ? "" : "es", why);
    if (count)
        fact(table, INK_WARNING, text);
}

static void facts(struct table *table)
{
    const struct profile *profile = table->profile;
    fact_time(table, "elapsed", profile->run.elapsed_ns);
    fact_cpu(table);
    fact_samples(table);
    fact_time(table, "unsampled", profile->unsampled_ns);
    fact_time(table, "undecided", profile->run.undecided_ns);
    if (profile->overhead_ns * NOTABLE_OVERHEAD > table->doubts.cpu_ns)
        fact_time(table, "taking samples", profile->overhead_ns);
    facts_waits(table);
    fact_cut_short(table);
    fact_exit(table);
    facts_lost(table);
    fact_unprofiled(table, profile->run.unprofiled, "shm full");
    fact_unprofiled(table, profile->run.cleared, "environment cleared");
    pen_newline(&table->pen);
}

void table_head(struct table *table)
{
    answer(table);
    command(table);
    total_bar(table);
    legend(table);
    facts(table);
}

// ---- words

static bool has_interpreter(const struct table *table)
{
    const struct profile *profile = table->profile;
    for (size_t i = 0; i < profile->file_count; i++)
        if (strcmp(profile->files[i].path, "<interpreter>") == 0)
            return table_is_notable(table, &profile->files[i].times);
    return false;
}

static void explain(struct table *table, const char *text)
{
    say(table, INK_DIM, text);
    pen_newline(&table->pen);
}

// Unsampled time is nearly always some milliseconds: its word is explained where it may matter.
void table_words(struct table *table)
{
    const struct profile *profile = table->profile;
    bool undecided = profile->run.undecided_ns > 0;
    bool unsampled = profile->unsampled_ns * NOTABLE_UNSAMPLED > table->doubts.cpu_ns;
    bool interpreter = has_interpreter(table);
    if (undecided || unsampled || interpreter)
        pen_newline(&table->pen);
    if (undecided)
        explain(table, "undecided: python or native could not be proven; shared out in proportion");
    if (unsampled)
        explain(table, "unsampled: CPU time that no sample saw, of threads too short for one");
    if (interpreter)
        explain(table, "<interpreter>: Python starting up and shutting down");
}
