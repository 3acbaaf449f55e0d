// SPDX-License-Identifier: MIT
// image.c - finds the interpreter in this process, and says what a program counter stands in.
#include "shim.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

#include "lineprof/neutral.h"

static target_addr symbol(const char *name)
{
    return (target_addr)(uintptr_t)dlsym(RTLD_DEFAULT, name);
}

static bool contains(const struct range *range, uint64_t address)
{
    return address >= range->start && address < range->end;
}

// Extent of what is at `address` by its symbol, which is exported in every build, stripped or not.
// (The eval function of a build with tail calls is a small one: the rest is then ambiguous, and
// tested.)
static struct range extent(target_addr address)
{
    Dl_info info;
    const ElfW(Sym) *sym = NULL;
    if (!address || !dladdr1((void *)(uintptr_t)address, &info, (void **)&sym, RTLD_DL_SYMENT) ||
        !sym)
        return (struct range){address, address};
    return (struct range){address, address + sym->st_size};
}

static struct range executable_segment(const struct dl_phdr_info *info)
{
    struct range text = {UINT64_MAX, 0};
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        if (ph->p_type != PT_LOAD || !(ph->p_flags & PF_X))
            continue;
        uint64_t start = info->dlpi_addr + ph->p_vaddr;
        if (start < text.start)
            text.start = start;
        if (start + ph->p_memsz > text.end)
            text.end = start + ph->p_memsz;
    }
    return text;
}

static void read_build_id(const struct dl_phdr_info *info, struct image *image)
{
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        if (ph->p_type != PT_NOTE)
            continue;
        const uint8_t *at = (const uint8_t *)(uintptr_t)(info->dlpi_addr + ph->p_vaddr);
        const uint8_t *end = at + ph->p_memsz;
        while (at + sizeof(ElfW(Nhdr)) <= end) {
            const ElfW(Nhdr) *note = (const ElfW(Nhdr) *)at;
            const uint8_t *name = at + sizeof *note;
            const uint8_t *desc = name + ((note->n_namesz + 3) & ~3u);
            at = desc + ((note->n_descsz + 3) & ~3u);
            if (at > end || note->n_type != NT_GNU_BUILD_ID || note->n_namesz != 4 ||
                memcmp(name, "GNU", 4) != 0 || note->n_descsz > sizeof image->build_id)
                continue;
            memcpy(image->build_id, desc, note->n_descsz);
            image->build_id_length = note->n_descsz;
            return;
        }
    }
}

static int visit_object(struct dl_phdr_info *info, size_t size, void *context)
{
    (void)size;
    struct image *image = context;
    struct range text = executable_segment(info);
    if (contains(&text, (uint64_t)(uintptr_t)image->this_thread)) {
        image->text = text;
        image->file = info->dlpi_name;
        read_build_id(info, image);
    } else if (neutral_module(info->dlpi_name) && image->neutral_count < NEUTRAL_MAX) {
        image->neutral[image->neutral_count++] = text;
    }
    return 0;
}

static void read_version(struct image *image)
{
    const char *(*get_version)(void) = (const char *(*)(void))dlsym(RTLD_DEFAULT, "Py_GetVersion");
    const char *text = get_version ? get_version() : "";
    size_t n = strcspn(text, " ");
    if (n >= sizeof image->version_text)
        n = sizeof image->version_text - 1;
    memcpy(image->version_text, text, n);
    image->version_text[n] = '\0';
    char *end;
    long major = strtol(text, &end, 10);
    long minor = *end == '.' ? strtol(end + 1, NULL, 10) : 0;
    image->version = PY(major, minor);
}

bool image_find(struct image *image)
{
    image->this_thread = (void *(*)(void))dlsym(RTLD_DEFAULT, "PyGILState_GetThisThreadState");
    if (!image->this_thread)
        return false;
    read_version(image);
    image->runtime = extent(symbol("_PyRuntime"));
    image->code_type = symbol("PyCode_Type");
    image->eval = extent(symbol("_PyEval_EvalFrameDefault"));
    dl_iterate_phdr(visit_object, image);
    return true;
}

enum pc_class image_class(const struct image *image, const struct ring_header *header, uint64_t pc)
{
    if (contains(&image->eval, pc))
        return PC_EVAL;
    if (contains(&image->text, pc))
        return PC_INTERPRETER;
    for (unsigned i = 0; i < image->neutral_count; i++)
        if (contains(&image->neutral[i], pc))
            return PC_NEUTRAL;
    uint32_t n = atomic_load_explicit(&header->ambiguous_count, memory_order_acquire);
    for (uint32_t i = 0; i < n && i < RING_RANGES; i++)
        if (pc >= header->ambiguous[i].start && pc < header->ambiguous[i].end)
            return PC_INTERPRETER;
    return PC_FOREIGN;
}
