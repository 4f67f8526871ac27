// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/fuzz/limits.h"

/* Where a difference may be seen: on which mounts, in which areas, in which rounds. */
enum {
    PASSED_THROUGH = 1,
    CACHED = 2,
    ALL_DATA = PASSED_THROUGH | CACHED,
    ROOT = 4,
    USER = 8,
    ANYBODY = ROOT | USER,
    RAM = 16,
    STORE = 32,
    ALL_AREAS = RAM | STORE,
    STORES = 64,    // that write through shared mappings
    RESERVES = 128, // that reserve space
    OTHERS = 256,
    ALL_ROUNDS = STORES | RESERVES | OTHERS,
    EVERYWHERE = ALL_DATA | ANYBODY | ALL_AREAS | ALL_ROUNDS,
};

static const struct {
    unsigned where;
    const char *left_out, *reason;
} limits[] = {
    [LIMIT_COLLAPSE_RANGE] = {
        EVERYWHERE,
        "fallocate with COLLAPSE_RANGE, INSERT_RANGE, UNSHARE_RANGE",
        "the kernel's FUSE client answers EOPNOTSUPP itself (architecture.md)",
    },
    [LIMIT_SETFL] = {
        PASSED_THROUGH | ANYBODY | ALL_AREAS | ALL_ROUNDS,
        "giving and taking O_APPEND and O_NOATIME with F_SETFL",
        "the backing file keeps what was given to open (architecture.md)",
    },
    [LIMIT_USER_KILLPRIV] = {
        CACHED | USER | ALL_AREAS | ALL_ROUNDS,
        "setuid and setgid of files",
        "a writeback from a mapping clears them (architecture.md)",
    },
    [LIMIT_TRUNCATE_IN_VAIN] = {
        ALL_DATA | ANYBODY | RAM | ALL_ROUNDS,
        "truncate(2) of a file in RAM to the size that it has",
        "tmpfs leaves the times where it had no page to free, though POSIX has them change",
    },
    [LIMIT_CHOWN_IN_VAIN] = {
        ALL_DATA | ROOT | ALL_AREAS | ALL_ROUNDS,
        "chown of others' files to -1, -1",
        "the kernel does not say whether it comes before a write; while somebody has the file open "
        "for writing it passes for one (architecture.md)",
    },
    [LIMIT_EMPTY_READS] = {
        PASSED_THROUGH | ANYBODY | ALL_AREAS | ALL_ROUNDS,
        "reads of no bytes",
        "the kernel hands none on, so the access time stays (architecture.md)",
    },
    [LIMIT_COPY_ATIME] = {
        PASSED_THROUGH | ANYBODY | ALL_AREAS | ALL_ROUNDS,
        "the access time of what copy_file_range reads",
        "the daemon reads it, does not know of O_NOATIME, and does not tell the kernel "
        "(architecture.md)",
    },
    [LIMIT_ATIME] = {
        CACHED | ANYBODY | ALL_AREAS | ALL_ROUNDS,
        "the access time of files",
        "reads that the page cache answers do not change it (architecture.md)",
    },
    [LIMIT_LISTING_ATIME] = {
        EVERYWHERE,
        "the access time of directories and symbolic links",
        "the kernel answers from what it keeps of them, and tells nobody (architecture.md)",
    },
    [LIMIT_MTIME_OF_STORES] = {
        CACHED | ANYBODY | ALL_AREAS | STORES,
        "the modification time of files, in rounds that write through mappings",
        "such a write changes it when the page is written back (architecture.md)",
    },
    [LIMIT_MTIME_OF_TRUNCATED] = {
        PASSED_THROUGH | ROOT | STORE | STORES,
        "the modification time of files in the store, in rounds that write through mappings",
        "ext4 writes the pages of a file that was truncated when any descriptor of it is closed, and "
        "the daemon closes one of its own (architecture.md)",
    },
    [LIMIT_LOCKS_OF_MAPPED] = {
        PASSED_THROUGH | ANYBODY | ALL_AREAS | ALL_ROUNDS,
        "locks of an open file that is closed while it is mapped",
        "the mapping is of the backing file, so the open and its locks end (architecture.md)",
    },
    [LIMIT_ZERO_RANGE] = {
        ALL_DATA | ANYBODY | RAM | ALL_ROUNDS,
        "fallocate with ZERO_RANGE in RAM",
        "tmpfs refuses it, the mount does it",
    },
    [LIMIT_TIMES_OF_FIFOS] = {
        EVERYWHERE,
        "the times of FIFOs",
        "the kernel reads and writes them by itself, and tells nobody (architecture.md)",
    },
    [LIMIT_HOLES] = {
        CACHED | ANYBODY | ALL_AREAS | ALL_ROUNDS,
        "where lseek finds holes",
        "a file that is not passed through has none while it is open for writing: dirty pages "
        "would pass for them (architecture.md)",
    },
    [LIMIT_HOLES_OF_RESERVED] = {
        PASSED_THROUGH | ANYBODY | STORE | RESERVES,
        "where lseek finds holes in the store, in rounds that reserve space there",
        "ext4 takes reserved blocks for data when they are in the page cache, where read-ahead "
        "brings more or fewer of them (no difference of shmapfs)",
    },
    [LIMIT_UNREADABLE_FLAGS] = {
        CACHED | USER | ALL_AREAS | ALL_ROUNDS,
        "flags of what its owner may not read",
        "the kernel opens it once more for them, and the daemon is no more than the owner "
        "(architecture.md)",
    },
};

bool fuzz_limited(const struct fuzz_place *place, enum fuzz_limit limit)
{
    unsigned where = limits[limit].where;
    unsigned rounds = OTHERS | (place->stores ? STORES : 0) | (place->reserves ? RESERVES : 0);

    return (where & (place->cached ? CACHED : PASSED_THROUGH)) != 0 &&
           (where & (place->root ? ROOT : USER)) != 0 &&
           (where & (place->persist ? STORE : RAM)) != 0 && (where & rounds) != 0;
}

void fuzz_limits_print(FILE *out)
{
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        if (limits[i].left_out != NULL)
            fprintf(out, "%s: %s\n", limits[i].left_out, limits[i].reason);
}
