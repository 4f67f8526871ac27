// SPDX-License-Identifier: BSD-2-Clause
// The size of an area: what statfs says, and at which byte it is full.
#include "tests/mount/load/load_kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { PIECE = 64 << 10 };

struct area_limit {
    fsblkcnt_t blocks;
    uint64_t bytes; // that went in the first time; 0: not yet tried
};

static void check_limit(struct load_process *process)
{
    struct area_limit *limit = process->own;
    struct statvfs space = { 0 };

    CALL(process, ".", statvfs(".", &space));
    if (limit->blocks == 0)
        limit->blocks = space.f_blocks;
    load_same(process, "blocks", ".", (int64_t)space.f_blocks, (int64_t)limit->blocks);
}

static void begin(struct load_process *process)
{
    process->own = calloc(1, sizeof(struct area_limit));
    if (process->own == NULL)
        _exit(EXIT_FAILURE);
    check_limit(process);
}

/* Piece by piece, until no more goes in. */
static uint64_t fill_file(struct load_process *process, int fd)
{
    static const char piece[PIECE];
    uint64_t total = 0;
    ssize_t written = 0;

    do {
        total += (uint64_t)written;
        if (CALL_MAY_FAIL(process, "full", ENOSPC, ENOSPC, written = write(fd, piece, PIECE)) != 0)
            return total;
    } while (written > 0);
    return total;
}

static void fill_area(struct load_process *process)
{
    struct area_limit *limit = process->own;

    check_limit(process);
    int fd = (int)CALL(process, "full", open("full", O_WRONLY | O_CREAT | O_TRUNC, 0644));
    uint64_t total = fill_file(process, fd);
    CALL(process, "full", close(fd));
    CALL(process, "full", unlink("full"));
    if (limit->bytes == 0)
        limit->bytes = total;
    load_same(process, "bytes that go in", "full", (int64_t)total, (int64_t)limit->bytes);
}

const struct load_kind load_hold_limit = {
    .name = "limit",
    .processes = 1,
    .begin = begin,
    .round = check_limit,
};

const struct load_kind load_fill = {
    .name = "fill",
    .processes = 1,
    .begin = begin,
    .round = fill_area,
};
