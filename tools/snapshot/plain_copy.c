// SPDX-License-Identifier: BSD-2-Clause
#include "tools/snapshot/plain_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/area/area.h"
#include "lib/area/inode_number.h"
#include "lib/sys/cleanup.h"
#include "tools/save/snapshot.h"
#include "tools/snapshot/inventory.h"

struct clone_source clone_source_begin(const struct shmap_status *status, int root)
{
    struct clone_source source = { .store = -1, .passthrough = status->store_area.passthrough };
    struct stat store;
    struct stat mount;

    if (*status->store != '\0')
        source.store = open(status->store, O_PATH | O_DIRECTORY | O_CLOEXEC);
    // The mount may be on its own store.
    if (source.store >= 0 && (fstat(source.store, &store) != 0 || fstat(root, &mount) != 0 ||
                              store.st_dev == mount.st_dev))
        clone_source_end(&source);
    return source;
}

void clone_source_end(struct clone_source *source)
{
    if (source->store >= 0)
        close(source->store);
    source->store = -1;
}

/* Opens the store's file, if it is the one of the mount that was opened. */
static int open_stored(const struct clone_source *source, int file, const char *path)
{
    CLEANUP_FD int fd =
        inventory_open_beneath(source->store, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    struct stat stored;
    struct stat shown;

    if (fd < 0 || fstat(fd, &stored) != 0 || fstat(file, &shown) != 0 || !S_ISREG(stored.st_mode) ||
        stored.st_mode != shown.st_mode ||
        (stored.st_ino != shown.st_ino &&
         inode_number_shown(NUMBERING_SHARED, AREA_STORE, stored.st_ino) != shown.st_ino))
        return -ESTALE;
    return steal_fd(&fd);
}

/* Writes pages of the mount's page cache to the store's file. Returns that one's mtime, or -1. */
static int64_t push_file(int file)
{
    struct statx now;

    if (sync_file_range(file, 0, 0,
                        SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
                            SYNC_FILE_RANGE_WAIT_AFTER) != 0 ||
        statx(file, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_MTIME, &now) != 0)
        return -1;
    return now.stx_mtime.tv_sec * INT64_C(1000000000) + now.stx_mtime.tv_nsec;
}

/* Returns 0, or -EOPNOTSUPP: it has to be done in another way. */
static int clone_file(struct clone_source *source, int file, const char *path, int copy, bool *torn)
{
    CLEANUP_FD int stored = source->store >= 0 ? open_stored(source, file, path) : -1;
    int64_t before;

    if (stored < 0)
        return -EOPNOTSUPP;
    before = push_file(file);
    if (ioctl(copy, FICLONE, stored) != 0) {
        // The next one could not be either.
        clone_source_end(source);
        return -EOPNOTSUPP;
    }
    // Otherwise pages that were written meanwhile are there in part.
    *torn = !source->passthrough && (before < 0 || push_file(file) != before);
    return 0;
}

int plain_copy_make(struct clone_source *source, int file, const char *path, int copy,
                    struct interruption *interruption, bool *torn)
{
    struct snapshot reading;
    int error;

    *torn = false;
    if (clone_file(source, file, path, copy, torn) == 0)
        return 0;
    error = snapshot_take(file, copy, interruption, &reading);
    *torn = !error && !reading.exact;
    return error;
}
