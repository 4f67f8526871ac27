// SPDX-License-Identifier: BSD-2-Clause
/*
 * Files that several processes move between the same directories, with nothing that keeps the
 * processes apart. A process that is told that it moved one away from a place or to a place counts
 * it there. In the end each place must have what the counts say, and each token must be somewhere,
 * once: a rename that was carried out twice, or not at all, or that was denied although it was
 * carried out, shows in the counts.
 */
#include "tests/mount/load/load_kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PROCESSES = 3, DIRECTORIES = 3, NAMES = 6, PLACES = DIRECTORIES * NAMES, TOKENS = 9 };

struct ledger {
    atomic_int occupied[PLACES]; // 0 or 1 when nobody is at work
    ino_t inos[TOKENS];
};

static const char *path_of(unsigned place, char path[16])
{
    snprintf(path, 16, "d%u/t%u", place / NAMES, place % NAMES);
    return path;
}

static void make_tokens(struct load_process *process)
{
    struct ledger *ledger = process->shared;
    struct stat attr = { 0 };
    char path[16];

    for (int i = 0; i < DIRECTORIES; i++) {
        snprintf(path, sizeof(path), "d%d", i);
        CALL(process, path, mkdir(path, 0755));
    }
    for (unsigned i = 0; i < TOKENS; i++) {
        path_of(2 * i, path);
        CALL(process, path, mknod(path, S_IFREG | 0644, 0));
        CALL(process, path, stat(path, &attr));
        ledger->inos[i] = attr.st_ino;
        ledger->occupied[2 * i] = 1;
    }
}

static void move_token(struct load_process *process)
{
    struct ledger *ledger = process->shared;
    unsigned from = load_random(process, PLACES), to = load_random(process, PLACES);
    char source[16], target[16];

    path_of(from, source);
    path_of(to, target);
    if (load_random(process, 3) == 0) {
        CALL_MAY_FAIL(process, target, ENOENT, ENOENT,
                      renameat2(AT_FDCWD, source, AT_FDCWD, target, RENAME_EXCHANGE));
        return;
    }
    if (CALL_MAY_FAIL(process, target, ENOENT, EEXIST,
                      renameat2(AT_FDCWD, source, AT_FDCWD, target, RENAME_NOREPLACE)) != 0)
        return;
    atomic_fetch_sub(&ledger->occupied[from], 1);
    atomic_fetch_add(&ledger->occupied[to], 1);
}

/* The number of the token at a place. */
static int token_at(struct load_process *process, const char *path)
{
    const struct ledger *ledger = process->shared;
    struct stat attr = { 0 };

    CALL(process, path, lstat(path, &attr));
    load_same(process, "links", path, (int64_t)attr.st_nlink, 1);
    for (int i = 0; i < TOKENS; i++)
        if (ledger->inos[i] == attr.st_ino)
            return i;
    load_same(process, "foreign files", path, 1, 0);
    return 0;
}

static void take_stock(struct load_process *process)
{
    struct ledger *ledger = process->shared;
    int seen[TOKENS] = { 0 };
    struct stat attr;
    char path[16];

    if (process->member != 0)
        return;
    for (unsigned i = 0; i < PLACES; i++) {
        int occupied = atomic_load(&ledger->occupied[i]);
        path_of(i, path);
        if (load_same(process, "balance", path, occupied == 0 || occupied == 1, 1) && occupied == 1)
            seen[token_at(process, path)]++;
        else
            CALL_FAILS(process, path, ENOENT, lstat(path, &attr));
    }
    for (int i = 0; i < TOKENS; i++)
        load_same(process, "times that it is there", "a token", seen[i], 1);
}

const struct load_kind load_tokens = {
    .name = "tokens",
    .processes = PROCESSES,
    .shared_size = sizeof(struct ledger),
    .prepare = make_tokens,
    .round = move_token,
    .rest = take_stock,
};
