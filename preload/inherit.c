// SPDX-License-Identifier: MIT
// inherit.c - whether a program that is about to be started can load the shim.
//
// Where it cannot, its loader would write a line to the program's stderr (glibc's: a chroot, a
// 32-bit program) or end it (musl's), so the shim is taken out of its LD_PRELOAD. Everything that
// cannot be told is left as it is.
//
// Also called between vfork and exec: no allocation, no state.
#include "shim.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#define PRELOAD     "LD_PRELOAD="
#define SHIM        "/liblineprof.so"
#define SCRIPTS_MAX 4 // an interpreter may be a script itself; the kernel's limit is near
#define HEADERS_MAX 32
#define SEPARATORS  " :"

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
#endif

// ---- LD_PRELOAD

static const char *preload_list(char *const envp[])
{
    for (; envp && *envp; envp++)
        if (strncmp(*envp, PRELOAD, strlen(PRELOAD)) == 0)
            return *envp + strlen(PRELOAD);
    return NULL;
}

static bool is_shim(const char *item, size_t length)
{
    size_t n = strlen(SHIM);
    return length >= n && memcmp(item + length - n, SHIM, n) == 0;
}

// The shim's name in the list, of *length bytes; NULL when it is not there.
static const char *find_shim(const char *list, size_t *length)
{
    while (list && *list) {
        *length = strcspn(list, SEPARATORS);
        if (is_shim(list, *length))
            return list;
        list += *length;
        list += strspn(list, SEPARATORS);
    }
    return NULL;
}

static bool is_reachable(const char *shim_path, size_t length)
{
    char path[PATH_MAX];
    if (length >= sizeof path)
        return true;
    memcpy(path, shim_path, length);
    path[length] = '\0';
    return access(path, R_OK) == 0;
}

size_t inherit_count(char *const envp[])
{
    size_t n = 0;
    while (envp && envp[n])
        n++;
    return n + 1;
}

size_t inherit_preload_size(char *const envp[])
{
    const char *list = preload_list(envp);
    return strlen(PRELOAD) + (list ? strlen(list) : 0) + 1;
}

// What is left of the list behind PRELOAD in `out`; false when nothing is.
static bool list_without_shim(const char *list, char *out)
{
    char *begin = strcpy(out, PRELOAD) + strlen(PRELOAD), *at = begin;
    while (*list) {
        size_t n = strcspn(list, SEPARATORS);
        if (n && !is_shim(list, n)) {
            if (at > begin)
                *at++ = ':';
            memcpy(at, list, n);
            at += n;
        }
        list += n;
        list += strspn(list, SEPARATORS);
    }
    *at = '\0';
    return at > begin;
}

void inherit_without_shim(char *const envp[], char *clean[], char *preload)
{
    size_t n = 0;
    for (; envp && *envp; envp++) {
        bool ours = strncmp(*envp, PRELOAD, strlen(PRELOAD)) == 0;
        if (!ours)
            clean[n++] = *envp;
        else if (list_without_shim(*envp + strlen(PRELOAD), preload))
            clean[n++] = preload;
    }
    clean[n] = NULL;
}

// ---- the program

static bool is_glibc_loader(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    return strncmp(base, "ld-linux", strlen("ld-linux")) == 0 || strncmp(base, "ld-2", 4) == 0;
}

static bool elf_loads(int fd, const Elf64_Ehdr *elf)
{
    if (elf->e_ident[EI_CLASS] != ELFCLASS64 || elf->e_machine != MACHINE)
        return false;
    for (unsigned i = 0; i < elf->e_phnum && i < HEADERS_MAX; i++) {
        Elf64_Phdr segment;
        char loader[256];
        if (pread(fd, &segment, sizeof segment, (off_t)(elf->e_phoff + i * sizeof segment)) !=
            sizeof segment)
            return true;
        if (segment.p_type != PT_INTERP)
            continue;
        ssize_t n = pread(fd, loader, sizeof loader - 1, (off_t)segment.p_offset);
        loader[n > 0 ? n : 0] = '\0';
        return n <= 0 || is_glibc_loader(loader);
    }
    return true; // static: nobody loads anything
}

// The interpreter that the first line of a script names, within `line`; NULL when there is none.
static const char *script_interpreter(char *line)
{
    char *name = line + 2 + strspn(line + 2, " \t");
    name[strcspn(name, " \t\n")] = '\0';
    return *name ? name : NULL;
}

// The file's first bytes; false when it cannot be read.
static bool read_start(const char *path, int *fd, char *start, size_t size)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = *fd < 0 ? -1 : pread(*fd, start, size - 1, 0);
    if (n < 4 && *fd >= 0)
        close(*fd);
    if (n < 4)
        return false;
    memset(start + n, 0, size - (size_t)n);
    return true;
}

static bool program_loads(const char *path)
{
    union {
        char text[258]; // what the kernel reads of a script's first line
        Elf64_Ehdr elf;
    } start;
    char name[sizeof start.text];
    for (int i = 0; i < SCRIPTS_MAX; i++) {
        int fd;
        if (!read_start(path, &fd, start.text, sizeof start.text))
            return true;
        bool is_elf = memcmp(start.text, ELFMAG, SELFMAG) == 0;
        bool loads = !is_elf || elf_loads(fd, &start.elf);
        close(fd);
        if (is_elf || memcmp(start.text, "#!", 2) != 0)
            return loads;
        path = script_interpreter(start.text);
        if (!path)
            return true;
        path = strcpy(name, path);
    }
    return true;
}

bool inherit_loads(const char *path, char *const envp[])
{
    int saved_errno = errno;
    size_t length;
    const char *shim_path = find_shim(preload_list(envp), &length);
    bool loads = !shim_path || (is_reachable(shim_path, length) && (!path || program_loads(path)));
    errno = saved_errno;
    return loads;
}

// ---- an environment without us

static bool has_session(char *const envp[])
{
    for (; envp && *envp; envp++)
        if (strncmp(*envp, SESSION_ENV "=", strlen(SESSION_ENV "=")) == 0)
            return true;
    return false;
}

// "#!/usr/bin/env python3" names one as well.
static bool is_python_script(const char *path)
{
    char start[128];
    int fd;
    if (!read_start(path, &fd, start, sizeof start))
        return false;
    close(fd);
    start[strcspn(start, "\n")] = '\0';
    return memcmp(start, "#!", 2) == 0 && strstr(start, "python");
}

bool inherit_loses_python(const char *path, char *const envp[])
{
    size_t length;
    const char *list = preload_list(envp);
    if (!path || (has_session(envp) && find_shim(list, &length)) || access(path, X_OK) < 0)
        return false;
    const char *slash = strrchr(path, '/');
    return strncmp(slash ? slash + 1 : path, "python", strlen("python")) == 0 ||
           is_python_script(path);
}
