// SPDX-License-Identifier: BSD-2-Clause
/*
 * A file that is passed through has no pages in the mount's own inode: they belong to the area's
 * file, which the daemon alone can reach, so the daemon counts them. For other files FUSE has a
 * page cache in front of the area's, which whoever asks counts through the mount.
 */
#include "lib/api/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/sys/cleanup.h"

#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

#define PAGES_TEXT_MAX 256

/* The arguments of cachestat(2), which the headers of some systems lack. */
struct page_range {
    uint64_t offset;
    uint64_t length; // 0: to the end
};

struct page_counts {
    uint64_t cached;
    uint64_t dirty;
    uint64_t writeback;
    uint64_t evicted; // from a tmpfs: swapped out
    uint64_t recently_evicted;
};

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

int pages_count_range(int fd, uint64_t offset, uint64_t length, struct shmap_pages *pages)
{
    struct page_range range = { offset, length };
    struct page_counts counts;

    if (syscall(SYS_cachestat, fd, &range, &counts, 0U) != 0)
        return errno == ENOSYS || errno == EOPNOTSUPP ? -ENODATA : -errno;
    pages->resident = counts.cached;
    // A page can be changed again while it is being written.
    pages->dirty = smaller(counts.dirty + counts.writeback, counts.cached);
    pages->swapped = counts.evicted;
    return 0;
}

int pages_count(int fd, struct shmap_pages *pages)
{
    return pages_count_range(fd, 0, 0, pages);
}

char *pages_to_text(const struct shmap_pages *pages, bool passthrough)
{
    char *text;
    int length =
        asprintf(&text, "resident=%" PRIu64 " dirty=%" PRIu64 " swapped=%" PRIu64 " passthrough=%d",
                 pages->resident, pages->dirty, pages->swapped, passthrough);

    return length < 0 ? NULL : text;
}

int pages_from_text(const char *text, struct shmap_pages *pages, bool *passthrough)
{
    int passed;
    int found =
        sscanf(text, "resident=%" SCNu64 " dirty=%" SCNu64 " swapped=%" SCNu64 " passthrough=%d",
               &pages->resident, &pages->dirty, &pages->swapped, &passed);

    if (found != 4)
        return -EPROTO;
    *passthrough = passed != 0;
    return 0;
}

/* Adds the pages of a file that FUSE's page cache has. */
static int add_cached(const char *path, int flags, struct shmap_pages *pages)
{
    CLEANUP_FD int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | flags);
    struct shmap_pages cached = { 0 };
    int error = fd < 0 ? -errno : pages_count(fd, &cached);

    if (error)
        return error;
    pages->resident += cached.resident;
    pages->dirty += cached.dirty;
    return 0;
}

/* Turns the attribute's text into numbers. `length` is what reading it returned; `text` has room
 * for a NUL. */
static int finish_count(const char *path, int flags, char *text, ssize_t length,
                        struct shmap_pages *pages)
{
    bool passthrough;
    int error;

    if (length < 0)
        return errno == EOPNOTSUPP || errno == ERANGE ? -ENODATA : -errno;
    text[length] = '\0';
    error = pages_from_text(text, pages, &passthrough);
    return error || passthrough ? error : add_cached(path, flags, pages);
}

int shmap_pages_get(const char *path, struct shmap_pages *pages)
{
    char text[PAGES_TEXT_MAX];
    enum shmap_class class;
    int error = shmap_class_get(path, &class);

    if (error)
        return error;
    return finish_count(path, 0, text, getxattr(path, SHMAP_XATTR_PAGES, text, PAGES_TEXT_MAX - 1),
                        pages);
}

int shmap_pages_get_unchecked(const char *path, struct shmap_pages *pages)
{
    char text[PAGES_TEXT_MAX];

    return finish_count(path, O_NOFOLLOW, text,
                        lgetxattr(path, SHMAP_XATTR_PAGES, text, PAGES_TEXT_MAX - 1), pages);
}
