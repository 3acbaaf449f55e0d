// SPDX-License-Identifier: MIT
// mem_process.c - another process's memory.
//
// process_vm_readv neither stops the target nor shows up in it. A read that covers an unmapped page
// comes back short; that is an error here, because no caller can use half a structure.
#include "lineprof/mem.h"

#include <errno.h>
#include <sys/uio.h>

static int read_process(const struct mem *mem, target_addr from, void *to, size_t n)
{
    struct iovec local = {.iov_base = to, .iov_len = n};
    struct iovec remote = {.iov_base = (void *)(uintptr_t)from, .iov_len = n};
    ssize_t got = process_vm_readv(mem->pid, &local, 1, &remote, 1, 0);
    if (got < 0)
        return -errno;
    return (size_t)got == n ? 0 : -EFAULT;
}

int mem_process_words(pid_t pid, const target_addr *from, uint64_t *to, unsigned count)
{
    struct iovec local = {.iov_base = to, .iov_len = count * sizeof *to};
    struct iovec remote[MEM_WORDS_MAX];
    if (count > MEM_WORDS_MAX)
        return -EINVAL;
    for (unsigned i = 0; i < count; i++)
        remote[i] = (struct iovec){(void *)(uintptr_t)from[i], sizeof *to};
    ssize_t got = process_vm_readv(pid, &local, 1, remote, count, 0);
    if (got < 0)
        return -errno;
    return (size_t)got == count * sizeof *to ? 0 : -EFAULT;
}

struct mem mem_process(pid_t pid)
{
    return (struct mem){.read = read_process, .pid = pid};
}
