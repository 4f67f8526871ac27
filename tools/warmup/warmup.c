// SPDX-License-Identifier: BSD-2-Clause
/* Pages are brought in through a mapping, which is one of the area's file where data passes through
 * the kernel: readahead(2) of the mount's file would fill FUSE's page cache, which nobody reads
 * then. */
#include "tools/warmup/warmup.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/sys/cleanup.h"
#include "lib/sys/extent.h"
#include "lib/sys/plain_file.h"
#include "tools/ui/output.h"

#define WINDOW ((off_t)8 << 20) // bytes that are brought in at a time
#define BLOCK  512              // bytes, of st_blocks

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

/* Reads bytes that are mapped, where the kernel cannot bring them in by itself (before Linux
 * 5.14). */
static int read_bytes(int fd, off_t from, size_t length)
{
    CLEANUP_FREE char *buffer = malloc(length);
    ssize_t count = buffer ? pread(fd, buffer, length, from) : -1;

    return count < 0 ? -errno : 0;
}

static int bring_in(int fd, off_t from, size_t length)
{
    void *address = mmap(NULL, length, PROT_READ, MAP_SHARED, fd, from);
    int error = 0;

    if (address == MAP_FAILED)
        return -errno;
    if (madvise(address, length, MADV_POPULATE_READ) != 0)
        error = -errno;
    munmap(address, length);
    if (error == -EINVAL)
        return read_bytes(fd, from, length);
    // It has become shorter.
    return error == -EFAULT ? 0 : error;
}

/* Brings an extent in, from the page on that it begins in. */
static int warm_extent(struct warmup *warmup, int fd, off_t from, off_t end)
{
    off_t page = sysconf(_SC_PAGESIZE), begin = from / page * page;
    int error = 0;

    while (!error && begin < end) {
        off_t length = end - begin < WINDOW ? end - begin : WINDOW;

        error = bring_in(fd, begin, (size_t)length);
        begin += length;
        if (!error)
            warmup->bytes += (uint64_t)(begin - from);
        from = begin;
        progress_show(&warmup->progress, "reading", warmup->bytes);
    }
    return error;
}

static int warm_file(struct warmup *warmup, const char *path, int flags)
{
    struct stat st;
    CLEANUP_FD int fd = plain_file_open(path, flags, &st);
    int error = fd < 0 ? fd : 0;

    for (off_t at = 0, end; !error && at < st.st_size; at = end) {
        off_t data = extent_next_data(fd, at, st.st_size);

        end = data < st.st_size ? extent_end(fd, data, st.st_size) : st.st_size;
        if (data < end)
            error = warm_extent(warmup, fd, data, end);
    }
    warmup->files += error == 0;
    return error;
}

static FTS *open_tree_of(char *const *paths)
{
    return fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_XDEV, NULL);
}

void warmup_begin(struct warmup *warmup, char *const *paths)
{
    FTS *tree = open_tree_of(paths);
    uint64_t total = 0;

    for (FTSENT *entry; tree && (entry = fts_read(tree));) {
        uint64_t size = entry->fts_info == FTS_F ? (uint64_t)entry->fts_statp->st_size : 0;
        uint64_t allocated = size ? (uint64_t)entry->fts_statp->st_blocks * BLOCK : 0;

        total += allocated < size ? allocated : size;
    }
    if (tree)
        fts_close(tree);
    *warmup = (struct warmup){ .files = 0 };
    progress_begin(&warmup->progress, total);
}

/* Returns 0 or a negative errno. */
static int visit_entry(struct warmup *warmup, const FTSENT *entry)
{
    switch (entry->fts_info) {
    case FTS_F:
        // A path that was named itself may be a symbolic link.
        return warm_file(warmup, entry->fts_accpath,
                         entry->fts_level == FTS_ROOTLEVEL ? 0 : O_NOFOLLOW);
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        return -entry->fts_errno;
    case FTS_D:
    case FTS_DP:
        return 0;
    default:
        // Other things are passed over, but not where they were named.
        return entry->fts_level == FTS_ROOTLEVEL ? -EMEDIUMTYPE : 0;
    }
}

int warmup_run(struct warmup *warmup, char *const *paths)
{
    FTS *tree = open_tree_of(paths);
    int status = EXIT_SUCCESS;

    if (!tree)
        return fail(paths[0], "%s", strerror(errno));
    for (FTSENT *entry; (entry = fts_read(tree));) {
        int error = visit_entry(warmup, entry);
        bool named = entry->fts_level == FTS_ROOTLEVEL;

        if (error == 0 || (error == -ENOENT && !named))
            continue;
        progress_end(&warmup->progress);
        status = error == -EMEDIUMTYPE
                     ? fail(entry->fts_path, "neither a regular file nor a directory; name these")
                     : fail(entry->fts_path, "%s", strerror(-error));
    }
    fts_close(tree);
    progress_end(&warmup->progress);
    return status;
}
