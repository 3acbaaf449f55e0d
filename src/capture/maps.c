// SPDX-License-Identifier: MIT
// maps.c - a target's executable mappings, and the search for libc's caller.
#include "maps.h"
#include "cpu_call.h"
#include "lineprof/neutral.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REFRESH_NS UINT64_C(200000000) // a reading costs up to a millisecond

static bool add(struct maps *maps, struct module module)
{
    if (maps->count % 64 == 0) {
        void *more = realloc(maps->modules, (maps->count + 64) * sizeof *maps->modules);
        if (!more)
            return false;
        maps->modules = more;
    }
    maps->modules[maps->count++] = module;
    return true;
}

static void add_line(struct maps *maps, const char *line, const struct ring_header *header)
{
    uint64_t start, end;
    char mode[8];
    int path_at = 0;
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %*s %*s %*s %n", &start, &end, mode, &path_at) <
            3 ||
        mode[2] != 'x')
        return;
    const char *path = path_at ? line + path_at : "";
    struct module module = {start, end, MODULE_FOREIGN, strstr(path, "/lib-dynload/") != NULL};
    if (module.stdlib || (start < header->image_end && end > header->image_start))
        module.kind = MODULE_INTERPRETER;
    else if (neutral_module(path))
        module.kind = MODULE_NEUTRAL;
    add(maps, module);
}

bool maps_refresh(struct maps *maps, pid_t pid, const struct ring_header *header, uint64_t now_ns)
{
    if (maps->read_ns && now_ns - maps->read_ns < REFRESH_NS)
        return false;
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *file = fopen(path, "re");
    maps->read_ns = now_ns;
    if (!file)
        return false;
    maps->count = 0;
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, file) > 0)
        add_line(maps, line, header);
    free(line);
    fclose(file);
    return true;
}

enum module_kind maps_kind(const struct maps *maps, uint64_t address)
{
    size_t low = 0, high = maps->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (address < maps->modules[middle].start)
            high = middle;
        else if (address >= maps->modules[middle].end)
            low = middle + 1;
        else
            return maps->modules[middle].kind;
    }
    return MODULE_NONE;
}

void maps_free(struct maps *maps)
{
    free(maps->modules);
    *maps = (struct maps){0};
}

enum module_kind maps_caller(const struct maps *maps, const struct mem *mem, const uint64_t *words,
                             unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        enum module_kind kind = maps_kind(maps, words[i]);
        if (kind != MODULE_INTERPRETER && kind != MODULE_FOREIGN)
            continue;
        if (code_follows_call(mem, words[i])) // else a pointer to a function, or a stale word
            return kind;
    }
    return MODULE_NONE;
}

void maps_publish(const struct maps *maps, struct ring_header *header)
{
    uint32_t n = 0;
    for (size_t i = 0; i < maps->count && n < RING_RANGES; i++)
        if (maps->modules[i].stdlib)
            header->ambiguous[n++] =
                (struct ring_range){maps->modules[i].start, maps->modules[i].end};
    atomic_store_explicit(&header->ambiguous_count, n, memory_order_release);
}
