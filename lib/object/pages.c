// SPDX-License-Identifier: BSD-2-Clause
/*
 * Which pages of an object are in memory.
 *
 * Of a file that is passed through, the mount's own inode has no pages: they belong to the area's
 * file, which the daemon alone can reach, so it counts them. Of others FUSE has a page cache in
 * front of the area's, which is counted through the mount, by whoever asks.
 */
#include "lib/object/pages.h"

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

#define TEXT_MAX 256

/* What cachestat(2) takes and gives, which not every system's headers describe. */
struct range {
    uint64_t offset;
    uint64_t length; // 0: to the end
};

struct counts {
    uint64_t cached;
    uint64_t dirty;
    uint64_t writeback;
    uint64_t evicted; // of a tmpfs: swapped out
    uint64_t recently_evicted;
};

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

int pages_count(int fd, struct shmap_pages *pages)
{
    struct range whole = { 0 };
    struct counts counts;

    if (syscall(SYS_cachestat, fd, &whole, &counts, 0U) != 0)
        return errno == ENOSYS || errno == EOPNOTSUPP ? -ENODATA : -errno;
    pages->resident = counts.cached;
    // A page can be changed again while it is being written.
    pages->dirty = smaller(counts.dirty + counts.writeback, counts.cached);
    pages->swapped = counts.evicted;
    return 0;
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

/* Adds what FUSE's page cache has of a file. */
static int add_cached(const char *path, int flags, struct shmap_pages *pages)
{
    CLEANUP_FD int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | flags);
    struct shmap_pages cached;
    int error = fd < 0 ? -errno : pages_count(fd, &cached);

    if (error)
        return error;
    pages->resident += cached.resident;
    pages->dirty += cached.dirty;
    return 0;
}

/* `length` is what the attribute's reading returned into `text`, which has room for a NUL. */
static int understand(const char *path, int flags, char *text, ssize_t length,
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
    char text[TEXT_MAX];
    enum shmap_class class;
    int error = shmap_class_get(path, &class);

    if (error)
        return error;
    return understand(path, 0, text, getxattr(path, SHMAP_XATTR_PAGES, text, TEXT_MAX - 1), pages);
}

int shmap_pages_get_unchecked(const char *path, struct shmap_pages *pages)
{
    char text[TEXT_MAX];

    return understand(path, O_NOFOLLOW, text,
                      lgetxattr(path, SHMAP_XATTR_PAGES, text, TEXT_MAX - 1), pages);
}
