// SPDX-License-Identifier: MIT
// mem_log.c - see mem_log.h.
#include "mem_log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

static int read_and_log(const struct mem *mem, target_addr from, void *to, size_t n)
{
    struct mem_log *log = (struct mem_log *)(uintptr_t)mem;
    const struct mem plain = mem_process(mem->pid);
    int err = plain.read(&plain, from, to, n);
    if (err || log->count == LOG_READS || n > sizeof log->bytes - log->used) {
        log->full = true; // of a read that failed nothing can be compared
        return err;
    }
    log->at[log->count] = from;
    log->size[log->count++] = (uint32_t)n;
    memcpy(log->bytes + log->used, to, n);
    log->used += n;
    return 0;
}

void mem_log_begin(struct mem_log *log, pid_t pid)
{
    log->mem = (struct mem){.read = read_and_log, .pid = pid};
    log->full = false;
    log->count = 0;
    log->used = 0;
}

void mem_log_keep(const struct mem_log *log, struct mem_seen *seen)
{
    size_t addresses = log->count * sizeof *log->at, sizes = log->count * sizeof *log->size;
    mem_seen_free(seen);
    if (log->full || !(seen->kept = malloc(addresses + sizes + log->used + 1)))
        return;
    seen->count = log->count;
    memcpy(seen->kept, log->at, addresses);
    memcpy(seen->kept + addresses, log->size, sizes);
    memcpy(seen->kept + addresses + sizes, log->bytes, log->used);
}

void mem_seen_free(struct mem_seen *seen)
{
    free(seen->kept);
    *seen = (struct mem_seen){0};
}

bool mem_seen_same(const struct mem_seen *seen, pid_t pid)
{
    static uint8_t now[LOG_BYTES];
    static struct iovec remote[LOG_READS];
    if (!seen->kept)
        return false;
    const target_addr *at = (const target_addr *)seen->kept;
    const uint32_t *size = (const uint32_t *)(at + seen->count);
    size_t bytes = 0;
    for (unsigned i = 0; i < seen->count; bytes += size[i++])
        remote[i] = (struct iovec){(void *)(uintptr_t)at[i], size[i]};
    struct iovec local = {.iov_base = now, .iov_len = bytes};
    ssize_t got = process_vm_readv(pid, &local, 1, remote, seen->count, 0);
    return got == (ssize_t)bytes && memcmp(now, size + seen->count, bytes) == 0;
}
