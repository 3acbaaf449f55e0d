// SPDX-License-Identifier: MIT
// tally.c - adds up what a recording holds: by thread, process, function, file and line.
//
// Integers only, so that no order of adding can change a sum. Every nanosecond of a weight goes to
// exactly one thread, one line and one file, or to a bucket that counts as both.
#include "build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void *build_array(struct build *build, size_t count, size_t size)
{
    void *array = calloc(count ? count : 1, size);
    if (!array && !build->error)
        build->error = ENOMEM;
    return array;
}

// ---- paths, functions, weights

static bool has_source(const struct recording *rec, const char *path)
{
    for (size_t i = 0; i < rec->source_count; i++)
        if (rec->sources[i].path == path)
            return true;
    return false;
}

static void init_path(struct build *build, struct path *path, const char *text)
{
    path->text = text;
    path->origin = scope_origin(build->scope, text);
    path->selected = scope_selects(build->scope, text);
    path->generated = text[0] == '<' && !has_source(build->rec, text);
    path->file = NOTHING;
}

static void init_function(struct build *build, uint32_t id, uint32_t path, const char *name,
                          int line)
{
    build->path_of[id] = path;
    build->functions[id] = (struct profile_function){
        .name = name,
        .line = line,
        .file = NOTHING,
        .path = build->paths[path].text,
        .origin = build->paths[path].origin,
    };
}

static void init_functions(struct build *build)
{
    const struct recording *rec = build->rec;
    uint32_t texts = intern_count(rec->texts);
    uint32_t *path_of_text = build_array(build, texts, sizeof *path_of_text);
    if (!path_of_text)
        return;
    memset(path_of_text, 0xff, texts * sizeof *path_of_text);
    for (uint32_t id = 0; id < build->function_count; id++) {
        const uint32_t *row = rows_at(rec->functions, id);
        uint32_t *path = &path_of_text[row[FUNCTION_FILE]];
        if (*path == NOTHING) {
            *path = build->path_count++;
            init_path(build, &build->paths[*path], intern_text(rec->texts, row[FUNCTION_FILE]));
        }
        init_function(build, id, *path, intern_text(rec->texts, row[FUNCTION_NAME]),
                      (int)row[FUNCTION_LINE]);
    }
    free(path_of_text);
}

static void init_buckets(struct build *build)
{
    static const char *const bucket_names[BUCKETS] = BUCKET_NAMES;
    for (uint32_t i = 0; i < BUCKETS; i++) {
        init_path(build, &build->paths[build->path_count + i], bucket_names[i]);
        init_function(build, build->function_count + i, build->path_count + i, bucket_names[i], 0);
    }
}

static bool state_counts(const struct scope *scope, int state)
{
    return !scope->virtual_time || state <= STATE_KERNEL;
}

// False for a weight that stands for nothing in this scope.
static bool scoped_times(const struct scope *scope, struct times *times)
{
    int64_t before = 0, after = 0;
    for (int state = 0; state < STATE_COUNT; state++) {
        before += times->ns[state];
        if (!state_counts(scope, state))
            times->ns[state] = 0;
        after += times->ns[state];
    }
    return after || (!before && times->samples);
}

static int compare_weights(const void *a, const void *b)
{
    const struct profile_weight *x = a, *y = b;
    if (x->node != y->node)
        return x->node < y->node ? -1 : 1;
    return (x->thread > y->thread) - (x->thread < y->thread);
}

static void init_weights(struct build *build)
{
    const struct recording *rec = build->rec;
    uint32_t count = rows_count(rec->weights);
    struct profile_weight *weights = build_array(build, count, sizeof *weights);
    build->weights = weights;
    if (!weights)
        return;
    for (uint32_t id = 0; id < count; id++) {
        const uint32_t *row = rows_at(rec->weights, id);
        struct profile_weight *weight = &weights[build->weight_count];
        *weight = (struct profile_weight){row[WEIGHT_NODE], row[WEIGHT_THREAD], rec->times[id]};
        build->weight_count += scoped_times(build->scope, &weight->times);
    }
    qsort(weights, build->weight_count, sizeof *weights, compare_weights);
}

void tally_init(struct build *build)
{
    struct recording *rec = build->rec;
    uint32_t functions = rows_count(rec->functions);
    build->function_count = functions;
    build->node_count = rows_count(rec->nodes);
    build->paths = build_array(build, (size_t)functions + BUCKETS, sizeof *build->paths);
    build->path_of = build_array(build, (size_t)functions + BUCKETS, sizeof *build->path_of);
    build->functions = build_array(build, (size_t)functions + BUCKETS, sizeof *build->functions);
    build->threads = build_array(build, rec->thread_count, sizeof *build->threads);
    build->processes = build_array(build, rec->process_count, sizeof *build->processes);
    if (build->error)
        return;
    init_functions(build);
    init_buckets(build);
    init_weights(build);
}

void tally_free(struct build *build)
{
    free(build->paths);
    free(build->path_of);
    free(build->functions);
    free(build->charged);
    free(build->weights);
    free(build->threads);
    free(build->processes);
    free(build->spot_of);
    free(build->spots);
    free(build->lines);
    rows_free(build->spot_rows);
    rows_free(build->line_rows);
}

// ---- whose line

// What a stack has found on its way in. CHARGE_ONLY_STDLIB and CHARGE_NOT_SELECTED name the bucket.
enum charge { CHARGE_ONLY_STDLIB, CHARGE_NOT_SELECTED, CHARGE_FALLBACK, CHARGE_OWN };

#define FIRST_BUCKET (UINT32_MAX - BUCKETS) // above any node

static const struct path *path_of_node(const struct build *build, uint32_t node)
{
    return &build->paths[build->path_of[rows_at(build->rec->nodes, node)[NODE_FUNCTION]]];
}

// Code that a program generates ("<string>": a namedtuple, exec) has no source that a person could
// look at, so where own code calls it, the calling line is the one that they can change. With
// nothing own around it, it is the program itself.
static bool takes_time(const struct build *build, const struct path *path, enum charge outer,
                       uint32_t charged)
{
    if (build->scope->everything)
        return path->selected;
    if (path->origin != ORIGIN_OWN)
        return false;
    return !path->generated || outer != CHARGE_OWN || path_of_node(build, charged)->generated;
}

// A string that the standard library executes on its own account: site does so with the lines of
// .pth files, before the program begins.
static bool is_startup(const struct build *build, uint32_t node, enum charge outer)
{
    const struct path *path = path_of_node(build, node);
    bool called = rows_at(build->rec->nodes, node)[NODE_PARENT] != NODE_ROOT;
    return called && outer == CHARGE_ONLY_STDLIB && !build->scope->everything &&
           path->origin != ORIGIN_STDLIB && path->text[0] == '<';
}

static enum charge charge_node(struct build *build, uint32_t node, enum charge outer,
                               uint32_t outer_charged)
{
    const struct path *path = path_of_node(build, node);
    build->charged[node] = node;
    if (is_startup(build, node, outer)) {
        build->charged[node] = FIRST_BUCKET + BUCKET_STDLIB;
        return CHARGE_ONLY_STDLIB;
    }
    if (takes_time(build, path, outer, outer_charged))
        return CHARGE_OWN;
    if (outer <= CHARGE_NOT_SELECTED && path->origin != ORIGIN_STDLIB && path->selected)
        return CHARGE_FALLBACK;
    if (outer >= CHARGE_FALLBACK) {
        build->charged[node] = outer_charged;
        return outer;
    }
    bool dropped = path->origin != ORIGIN_STDLIB || build->scope->everything;
    enum charge charge = dropped ? CHARGE_NOT_SELECTED : outer;
    build->charged[node] =
        FIRST_BUCKET + (charge == CHARGE_NOT_SELECTED ? BUCKET_OTHER : BUCKET_STDLIB);
    return charge;
}

void tally_charge(struct build *build)
{
    uint8_t *charges = build_array(build, build->node_count, sizeof *charges);
    build->charged = build_array(build, build->node_count, sizeof *build->charged);
    if (build->error) {
        free(charges);
        return;
    }
    for (uint32_t node = 0; node < build->node_count; node++) { // parents come first
        uint32_t parent = rows_at(build->rec->nodes, node)[NODE_PARENT];
        bool root = parent == NODE_ROOT;
        charges[node] = (uint8_t)charge_node(
            build, node, root ? CHARGE_ONLY_STDLIB : (enum charge)charges[parent],
            root ? NOTHING : build->charged[parent]);
    }
    free(charges);
}

static uint32_t function_of_node(const struct build *build, uint32_t node)
{
    if (node >= FIRST_BUCKET)
        return build->function_count + (node - FIRST_BUCKET);
    return rows_at(build->rec->nodes, node)[NODE_FUNCTION];
}

// ---- sums

struct path *tally_path_of(struct build *build, uint32_t node)
{
    return &build->paths[build->path_of[function_of_node(build, build->charged[node])]];
}

static void add_weight(struct build *build, const struct profile_weight *weight)
{
    uint32_t charged = function_of_node(build, build->charged[weight->node]);
    struct path *path = tally_path_of(build, weight->node);
    times_add(&build->all, &weight->times);
    times_add(&build->threads[weight->thread], &weight->times);
    times_add(&build->processes[build->rec->threads[weight->thread].process], &weight->times);
    times_add(&build->functions[charged].times, &weight->times);
    times_add(&build->functions[function_of_node(build, weight->node)].self, &weight->times);
    times_add(&path->times, &weight->times);
    path->charged = true;
}

void tally_sums(struct build *build)
{
    for (size_t i = 0; i < build->wait_count; i++) // waiting beside others is in no time
        tally_path_of(build, build->waits[i].node)->charged = true;
    for (size_t i = 0; i < build->weight_count; i++)
        add_weight(build, &build->weights[i]);
    for (uint32_t i = 0; i < BUCKETS; i++) { // no frame will ever add to a bucket's total
        struct profile_function *function = &build->functions[build->function_count + i];
        function->total = function->times;
    }
}

// ---- lines

static uint32_t row_of(struct build *build, struct rows *rows, uint32_t a, uint32_t b)
{
    uint32_t id = rows_id(rows, (const uint32_t[]){a, b});
    if (id == INTERN_NONE)
        build->error = ENOMEM;
    return id;
}

static uint32_t make_spot(struct build *build, uint32_t function, uint32_t line)
{
    if (!build->paths[build->path_of[function]].charged)
        return NOTHING;
    row_of(build, build->line_rows, build->path_of[function], line);
    return row_of(build, build->spot_rows, function, line);
}

static void make_spots(struct build *build)
{
    for (uint32_t node = 0; node < build->node_count && !build->error; node++) {
        const uint32_t *row = rows_at(build->rec->nodes, node);
        build->spot_of[node] = make_spot(build, row[NODE_FUNCTION], row[NODE_LINE]);
    }
    for (uint32_t i = 0; i < BUCKETS; i++)
        make_spot(build, build->function_count + i, 0);
}

static struct line *line_of_spot(struct build *build, uint32_t spot)
{
    return &build->lines[build->spots[spot].line];
}

static uint32_t spot_of_charged(struct build *build, uint32_t node)
{
    if (node < FIRST_BUCKET)
        return build->spot_of[node];
    return row_of(build, build->spot_rows, function_of_node(build, node), 0);
}

static bool is_helper(const struct build *build, uint32_t node)
{
    return strcmp(path_of_node(build, node)->text, NATIVE_THREADS) == 0 &&
           build->charged[node] != node;
}

static void add_line_weight(struct build *build, const struct profile_weight *weight)
{
    uint32_t spot = spot_of_charged(build, build->charged[weight->node]);
    build->spots[spot].attributed += times_shown(&weight->times);
    times_add(&line_of_spot(build, spot)->sum.times, &weight->times);
    if (is_helper(build, weight->node))
        line_of_spot(build, spot)->sum.helpers_ns += times_shown(&weight->times);
    if (build->charged[weight->node] >= FIRST_BUCKET) // as in tally_sums
        times_add(&line_of_spot(build, spot)->sum.total, &weight->times);
    if (build->spot_of[weight->node] != NOTHING)
        times_add(&line_of_spot(build, build->spot_of[weight->node])->sum.self, &weight->times);
}

uint32_t tally_line_of(struct build *build, uint32_t node)
{
    return build->spots[spot_of_charged(build, build->charged[node])].line;
}

static void init_lines(struct build *build)
{
    for (uint32_t i = 0; i < rows_count(build->spot_rows); i++) {
        const uint32_t *row = rows_at(build->spot_rows, i);
        build->spots[i].function = row[0];
        build->spots[i].line = row_of(build, build->line_rows, build->path_of[row[0]], row[1]);
    }
    for (uint32_t i = 0; i < rows_count(build->line_rows); i++) {
        const uint32_t *row = rows_at(build->line_rows, i);
        build->lines[i].path = row[0];
        build->lines[i].sum.line = (int)row[1];
        build->lines[i].sum.function = NOTHING;
    }
}

void tally_lines(struct build *build)
{
    build->spot_of = build_array(build, build->node_count, sizeof *build->spot_of);
    build->spot_rows = rows_new(2);
    build->line_rows = rows_new(2);
    if (!build->spot_rows || !build->line_rows)
        build->error = ENOMEM;
    if (build->error)
        return;
    make_spots(build);
    build->spots = build_array(build, rows_count(build->spot_rows), sizeof *build->spots);
    build->lines = build_array(build, rows_count(build->line_rows), sizeof *build->lines);
    if (build->error)
        return;
    init_lines(build);
    for (size_t i = 0; i < build->weight_count; i++)
        add_line_weight(build, &build->weights[i]);
}

// ---- totals

// One walk over the tree of stacks. A function or a line that is on the path already (recursion)
// has its time counted by the outer one, so only the outermost of each adds what lies below it.
struct walk {
    struct build *build;
    uint32_t *child, *sibling;       // by node: first child, next sibling; NOTHING at the end
    uint32_t first;                  // outermost nodes
    uint32_t *on_function, *on_line; // how often each is on the path
    struct times *below;             // by depth: what the node on the path holds so far
    size_t depth, room;
    uint32_t *weights_from; // by node, one more at the end: its first weight
};

static void walk_free(struct walk *walk)
{
    free(walk->child);
    free(walk->sibling);
    free(walk->on_function);
    free(walk->on_line);
    free(walk->below);
    free(walk->weights_from);
}

static void link_children(struct walk *walk)
{
    const struct rows *nodes = walk->build->rec->nodes;
    memset(walk->child, 0xff, walk->build->node_count * sizeof *walk->child);
    walk->first = NOTHING;
    for (uint32_t node = walk->build->node_count; node-- > 0;) {
        uint32_t parent = rows_at(nodes, node)[NODE_PARENT];
        uint32_t *first = parent == NODE_ROOT ? &walk->first : &walk->child[parent];
        walk->sibling[node] = *first;
        *first = node;
    }
}

static void find_weights(struct walk *walk)
{
    const struct build *build = walk->build;
    size_t at = 0;
    for (uint32_t node = 0; node <= build->node_count; node++) {
        while (at < build->weight_count && build->weights[at].node < node)
            at++;
        walk->weights_from[node] = (uint32_t)at;
    }
}

static bool walk_init(struct walk *walk, struct build *build)
{
    size_t nodes = build->node_count;
    *walk = (struct walk){.build = build};
    walk->child = build_array(build, nodes, sizeof *walk->child);
    walk->sibling = build_array(build, nodes, sizeof *walk->sibling);
    walk->weights_from = build_array(build, nodes + 1, sizeof *walk->weights_from);
    walk->on_function = build_array(build, build->function_count, sizeof *walk->on_function);
    walk->on_line = build_array(build, rows_count(build->line_rows), sizeof *walk->on_line);
    if (build->error)
        return false;
    link_children(walk);
    find_weights(walk);
    return true;
}

static uint32_t line_of_node(const struct build *build, uint32_t node)
{
    uint32_t spot = build->spot_of[node];
    return spot == NOTHING ? NOTHING : build->spots[spot].line;
}

static bool walk_deeper(struct walk *walk)
{
    if (walk->depth == walk->room) {
        size_t room = walk->room * 2 + 64;
        struct times *below = realloc(walk->below, room * sizeof *below);
        if (!below) {
            walk->build->error = ENOMEM;
            return false;
        }
        walk->below = below;
        walk->room = room;
    }
    walk->below[walk->depth++] = (struct times){0};
    return true;
}

static bool walk_enter(struct walk *walk, uint32_t node)
{
    struct build *build = walk->build;
    if (!walk_deeper(walk))
        return false;
    struct times *below = &walk->below[walk->depth - 1];
    for (uint32_t i = walk->weights_from[node]; i < walk->weights_from[node + 1]; i++)
        times_add(below, &build->weights[i].times);
    uint32_t line = line_of_node(build, node);
    walk->on_function[function_of_node(build, node)]++;
    if (line != NOTHING)
        walk->on_line[line]++;
    return true;
}

static void walk_leave(struct walk *walk, uint32_t node)
{
    struct build *build = walk->build;
    const struct times *below = &walk->below[--walk->depth];
    uint32_t function = function_of_node(build, node), line = line_of_node(build, node);
    if (--walk->on_function[function] == 0)
        times_add(&build->functions[function].total, below);
    if (line != NOTHING) {
        build->spots[build->spot_of[node]].inclusive += times_shown(below);
        if (--walk->on_line[line] == 0)
            times_add(&build->lines[line].sum.total, below);
    }
    if (walk->depth)
        times_add(&walk->below[walk->depth - 1], below);
}

// The next node after a leaf: its sibling, or that of the nearest caller that has one.
static uint32_t walk_up(struct walk *walk, uint32_t node)
{
    for (;;) {
        walk_leave(walk, node);
        if (walk->sibling[node] != NOTHING)
            return walk->sibling[node];
        node = rows_at(walk->build->rec->nodes, node)[NODE_PARENT];
        if (node == NODE_ROOT)
            return NOTHING;
    }
}

void tally_totals(struct build *build)
{
    struct walk walk;
    if (walk_init(&walk, build))
        for (uint32_t node = walk.first; node != NOTHING && walk_enter(&walk, node);)
            node = walk.child[node] != NOTHING ? walk.child[node] : walk_up(&walk, node);
    walk_free(&walk);
}
