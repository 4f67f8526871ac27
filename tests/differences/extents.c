// SPDX-License-Identifier: BSD-2-Clause
/* Holes, and what moves or shares the space of files. */
#include "tests/differences/probe.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WHOLE = 16 * PROBE_PAGE };

/* A file with data behind a hole of 64 MiB. */
static int make_sparse(void)
{
    int fd = make_file("file", 0);

    need(pwrite(fd, "d", 1, 64L << 20) == 1 && fsync(fd) == 0, "pwrite");
    return fd;
}

static void says_holes(struct answer *answer, int fd)
{
    off_t hole = lseek(fd, 0, SEEK_HOLE);

    says(answer, hole == 0 ? "holes" : hole > 0 ? "no holes" : "fails");
}

static void seek_written(struct answer *answer)
{
    says_holes(answer, make_sparse());
}

static void seek_unwritten(struct answer *answer)
{
    close(make_sparse());
    says_holes(answer, open("file", O_RDONLY | O_CLOEXEC));
}

static void allocate(struct answer *answer, int mode)
{
    int fd = make_file("file", WHOLE);

    says_result(answer, fallocate(fd, mode, 4 * PROBE_PAGE, 4 * PROBE_PAGE));
}

static void allocate_plain(struct answer *answer)
{
    allocate(answer, 0);
}

static void keep_size(struct answer *answer)
{
    allocate(answer, FALLOC_FL_KEEP_SIZE);
}

static void punch_hole(struct answer *answer)
{
    allocate(answer, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE);
}

static void zero_range(struct answer *answer)
{
    allocate(answer, FALLOC_FL_ZERO_RANGE);
}

static void collapse_range(struct answer *answer)
{
    allocate(answer, FALLOC_FL_COLLAPSE_RANGE);
}

static void insert_range(struct answer *answer)
{
    allocate(answer, FALLOC_FL_INSERT_RANGE);
}

static void unshare_range(struct answer *answer)
{
    allocate(answer, FALLOC_FL_UNSHARE_RANGE);
}

static void remove_pages(struct answer *answer)
{
    char *address = map_file(make_file("file", WHOLE), WHOLE);

    says_result(answer, madvise(address, PROBE_PAGE, MADV_REMOVE));
}

static void copy_range(struct answer *answer)
{
    int from = make_file("from", WHOLE), to = make_file("to", 0);

    says_result(answer, copy_file_range(from, NULL, to, NULL, 0, 0) == -1
                            ? -1
                            : copy_file_range(from, &(off_t){ 0 }, to, NULL, WHOLE, 0));
}

static void clone_file(struct answer *answer)
{
    int from = make_file("from", WHOLE), to = make_file("to", 0);

    says_result(answer, ioctl(to, FICLONE, from));
}

static void dedupe(struct answer *answer)
{
    struct file_dedupe_range *range = calloc(1, sizeof(*range) + sizeof(range->info[0]));
    int from = make_file("from", WHOLE);

    need(range != NULL, "calloc");
    range->src_length = WHOLE;
    range->dest_count = 1;
    range->info[0].dest_fd = make_file("to", WHOLE);
    says_result(answer, ioctl(from, FIDEDUPERANGE, range));
}

static void fiemap(struct answer *answer)
{
    struct fiemap map = { .fm_length = FIEMAP_MAX_OFFSET };

    says_result(answer, ioctl(make_file("file", WHOLE), FS_IOC_FIEMAP, &map));
}

static void fibmap(struct answer *answer)
{
    int block = 0;

    says_result(answer, ioctl(make_file("file", WHOLE), FIBMAP, &block));
}

const struct probe EXTENT_PROBES[] = {
    { "SEEK_HOLE, file not written", seek_unwritten },
    { "SEEK_HOLE, open for writing", seek_written },
    { "fallocate", allocate_plain },
    { "fallocate KEEP_SIZE", keep_size },
    { "fallocate PUNCH_HOLE", punch_hole },
    { "fallocate ZERO_RANGE", zero_range },
    { "fallocate COLLAPSE_RANGE", collapse_range },
    { "fallocate INSERT_RANGE", insert_range },
    { "fallocate UNSHARE_RANGE", unshare_range },
    { "MADV_REMOVE", remove_pages },
    { "copy_file_range", copy_range },
    { "FICLONE", clone_file },
    { "FIDEDUPERANGE", dedupe },
    { "FIEMAP", fiemap },
    { "FIBMAP", fibmap },
    { NULL, NULL },
};
