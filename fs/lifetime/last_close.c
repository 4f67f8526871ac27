// SPDX-License-Identifier: BSD-2-Clause
#include "fs/lifetime/last_close.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/inode/rename.h"
#include "fs/lifetime/candidates.h"
#include "fs/util/clock.h"
#include "fs/util/event.h"
#include "fs/util/log.h"
#include "lib/sys/cleanup.h"

int last_close_init(struct volume *volume)
{
    struct last_close *list = calloc(1, sizeof(*list));
    pthread_rwlockattr_t attributes;

    if (!list)
        return -ENOMEM;
    // Threads that remove names all the time must not keep the reaper from its turn.
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&volume->entries, &attributes);
    pthread_rwlockattr_destroy(&attributes);
    lock_init(&list->lock, LOCK_LAST_CLOSE);
    RB_INIT(&list->by_id);
    RB_INIT(&list->by_handle);
    RB_INIT(&list->in_turn);
    list->wake = list->watch.fd = -1;
    volume->last_close = list;
    return 0;
}

void last_close_destroy(struct volume *volume)
{
    free(volume->last_close);
    volume->last_close = NULL;
}

/* Any name may have been looked up at the process before, and its open comes here. */
static void note_unknown_lookups(struct last_close *list)
{
    uint64_t now = clock_now();

    for (unsigned i = 0; i < LOOKUPS_NOTED; i++)
        list->looked_up[i] = now;
    list->stale = now;
}

int last_close_start(struct volume *volume, size_t stack_bytes)
{
    struct last_close *list = volume->last_close;

    list->stack_bytes = stack_bytes;
    if (!volume_has_lifetimes(volume))
        return 0;
    list->missed = true;
    note_unknown_lookups(list);
    return reaper_start(volume);
}

void last_close_end(struct volume *volume)
{
    struct last_close *list = volume->last_close;
    bool started;

    lock_take(&list->lock);
    list->over = true;
    started = list->started;
    lock_release(&list->lock);
    if (!started)
        return;
    event_signal(list->wake);
    pthread_join(list->thread, NULL);
}

int last_close_check(struct volume *volume, const char **missing)
{
    const struct shmap_lifetime lifetime = { .last_close = true };
    CLEANUP_FD int fd =
        openat(volume_area(volume, AREA_RAM)->root, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    int error;

    *missing = "room";
    if (fd < 0)
        return -errno;
    *missing = "Linux 6.6, where files in RAM have attributes";
    error = lifetime_set(fd, &lifetime);
    if (error || !volume->info.data_paths[AREA_RAM].passthrough)
        return error;
    *missing = "Linux 6.12, or nopassthrough: it cannot be known here when a file has lost its "
               "last user";
    // A registered descriptor would count as a user.
    if (volume->info.backing_takes_open)
        return -EOPNOTSUPP;
    return fcntl(fd, F_SETLEASE, F_WRLCK) == 0 ? 0 : -EOPNOTSUPP;
}

int last_close_require(struct volume *volume)
{
    const char *missing;
    int error = last_close_check(volume, &missing);

    if (error)
        log_event(LOG_ERR, "option 'lifetime=last-close' needs %s: %s", missing, strerror(-error));
    return error;
}

int last_close_inherit(const struct inode *dir, int fd)
{
    struct shmap_lifetime lifetime;

    if (!(dir->ref.flags & NODE_LAST_CLOSE))
        return 0;
    lifetime = lifetime_get(dir->fd);
    return lifetime_set(fd, &lifetime);
}

int last_close_inherit_name(const struct inode *dir, const char *name)
{
    CLEANUP_FD int fd = -1;

    if (!(dir->ref.flags & NODE_LAST_CLOSE))
        return 0;
    fd = object_open_in(dir->fd, name);
    return fd < 0 ? fd : last_close_inherit(dir, fd);
}

void last_close_follow_name(const struct inode *inode, int dir, const char *name)
{
    CLEANUP_FD int fd = -1;
    struct statx held, found;

    if (!(inode->ref.flags & NODE_LAST_CLOSE) || inode->ref.held.path_fd < 0)
        return;
    fd = object_open_in(dir, name);
    // The kernel shows the name by which a descriptor was opened, as long as there is that name.
    if (fd >= 0 && object_stat(fd, &found) == 0 && object_stat(inode->fd, &held) == 0 &&
        found.stx_ino == held.stx_ino)
        dup3(fd, inode->ref.held.path_fd, O_CLOEXEC);
}

static bool goes_with_last_user(const struct inode *inode)
{
    return (inode->ref.flags & NODE_LAST_CLOSE) && inode_is_regular(inode);
}

void last_close_looked_up(const struct inode *inode)
{
    if (goes_with_last_user(inode))
        inode->volume->last_close->looked_up[inode->ref.id % LOOKUPS_NOTED] = clock_now();
}

bool last_close_is_there(struct inode *inode)
{
    struct volume *volume = inode->volume;
    struct statx stx;

    if (!goes_with_last_user(inode))
        return true;
    last_close_looked_up(inode);
    // A removal that has not seen this has happened, now that it is over. The file may have got
    // another node since.
    ENTRIES = entries_begin(inode);
    node_refresh(&volume->nodes, &inode->ref);
    return !(inode->ref.flags & NODE_GONE) && object_stat(inode->fd, &stx) == 0 &&
           stx.stx_nlink > 0;
}

bool last_close_is_gone(const struct inode *inode)
{
    if (!(inode->ref.flags & NODE_GONE))
        return false;
    inode->volume->last_close->stale = clock_now();
    return true;
}

void last_close_settle(struct inode *inode)
{
    struct volume *volume = inode->volume;

    if (!volume || !(inode->ref.flags & NODE_LAST_CLOSE) || !inode_is_regular(inode))
        return;
    node_refresh(&volume->nodes, &inode->ref);
    if (inode->ref.opens == 0)
        candidate_add(inode);
}
