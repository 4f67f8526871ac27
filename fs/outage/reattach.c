// SPDX-License-Identifier: BSD-2-Clause
#include "fs/outage/reattach.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fs/hosts/presence.h"
#include "fs/inode/deferred_close.h"
#include "fs/inode/inode.h"
#include "fs/nodes/node_fd.h"
#include "fs/nodes/node_search.h"
#include "fs/notice/notice.h"
#include "fs/util/fault.h"
#include "fs/util/log.h"
#include "fs/vfs/attr.h"
#include "lib/object/object.h"
#include "lib/sys/cleanup.h"

/* The kernel's mark behind the path of what it has no name for any more: also what it only could
 * not ask about. */
#define DELETED " (deleted)"

/* So many files whose last writes may be lost are named in the log. */
#define NAMED_MAX 16

/* The way that a descriptor is opened, of what fcntl(2) tells. */
#define KEPT_FLAGS \
    (O_ACCMODE | O_PATH | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_APPEND | O_NOATIME)

/* The store as it is mounted now, and the path of the old one's root. */
struct new_store {
    int root;
    char old_root[PATH_MAX];
    size_t length;
};

static int check_same(const struct volume *volume, const struct area *found)
{
    const struct store_identity *known = &state_outage(volume->state)->identity;
    struct store_identity now;

    if (!store_identity_tells(known))
        return -ENOTSUP;
    store_identity_read(found, &now);
    return memcmp(&now, known, sizeof(now)) == 0 ? 0 : -EXDEV;
}

static void log_refusal(const struct volume *volume, int error, const char *why)
{
    log_event(LOG_WARNING, "STORE %s is not reattached: %s", volume->info.store,
              *why                ? why
              : error == -EXDEV   ? "another directory is at its path"
              : error == -EBUSY   ? "another daemon has it"
              : error == -ENOTSUP ? "it cannot be told from others"
                                  : strerror(-error));
}

static void keep(struct volume *volume, int fd)
{
    if (fd >= 0)
        node_fd_keep(&volume->nodes, fd);
}

/* Gives up a descriptor that was noted and kept; 0: none was. Where a worker dies in here, the next
 * one must not close the number once more, which may be another's by then. */
static void drop_kept(struct volume *volume, int *noted)
{
    int fd = *noted;

    *noted = 0;
    if (fd <= 0 || !node_fd_is_kept(&volume->nodes, fd))
        return;
    node_fd_drop(&volume->nodes, fd);
    close(fd);
}

static unsigned lock_anew(const struct volume *volume)
{
    return (volume->info.cred.privileged ? STORE_LOCK_PRIVILEGED : 0) |
           (volume_is_shared(volume) ? STORE_LOCK_SHARED : 0);
}

int reattach_begin(struct volume *volume)
{
    const struct area_atime atime = { 0 };
    struct outage *outage = state_outage(volume->state);
    struct reattach *reattach = &outage->reattach;
    struct complaint complaint = { .text = "" };
    struct store_lock lock = STORE_LOCK_NONE;
    struct area found = AREA_NONE;
    int error =
        store_open(volume->info.store, volume->state->read_only, &atime, &found, &complaint);

    if (!error)
        error = check_same(volume, &found);
    // If it is the same filesystem, all descriptors are as good as new ones, and the lock is held.
    if (!error && found.device == volume->info.areas[AREA_STORE].device)
        error = REATTACH_NEEDLESS;
    if (!error)
        error = store_lock_take(&found, lock_anew(volume), &lock);
    if (error) {
        if (error < 0)
            log_refusal(volume, error, complaint.text);
        area_close(&found);
        return error;
    }
    drop_kept(volume, &reattach->lock);
    drop_kept(volume, &outage->record);
    lock.record = presence_renew(volume, &found);
    reattach->root = found.root;
    reattach->mount = found.mount;
    reattach->lock = lock.fd;
    outage->record = lock.record;
    keep(volume, found.root);
    keep(volume, found.mount);
    keep(volume, lock.fd);
    keep(volume, lock.record);
    reattach->begun = 1;
    fault_point(FAULT_IN_REATTACH);
    return 0;
}

/* Finds the path of an object of the old store below its root. */
static bool find_below(const struct new_store *store, int fd, char path[PATH_MAX])
{
    size_t length = strlen(object_shown_path(fd, path));

    if (length < store->length || strncmp(path, store->old_root, store->length) != 0)
        return false;
    if (length == store->length || strcmp(path + store->length, "/") == 0) {
        strlcpy(path, ".", PATH_MAX);
        return true;
    }
    if (path[store->length] != '/')
        return false;
    memmove(path, path + store->length + 1, length - store->length);
    return true;
}

static int open_below(const struct new_store *store, const char *path, int flags)
{
    struct open_how how = { .flags = (uint64_t)(flags | O_NOFOLLOW | O_CLOEXEC),
                            .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
                                       RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV };

    return (int)syscall(SYS_openat2, store->root, path, &how, sizeof(how));
}

/* Opens what had a path, if it is the object of that inode number. */
static int open_again(const struct new_store *store, char path[PATH_MAX], int flags, uint64_t ino)
{
    CLEANUP_FD int fd = open_below(store, path, flags);
    size_t length = strlen(path), mark = strlen(DELETED);
    struct statx stx;

    if (fd < 0 && length > mark && strcmp(path + length - mark, DELETED) == 0) {
        path[length - mark] = '\0';
        fd = open_below(store, path, flags);
    }
    if (fd < 0 || object_stat(fd, &stx) != 0 || stx.stx_ino != ino)
        return -1;
    return steal_fd(&fd);
}

/* Replaces a descriptor of the old store. Returns whether its object was found again. */
static bool replace_descriptor(const struct new_store *store, int fd, uint64_t ino)
{
    int flags = fcntl(fd, F_GETFL);
    char path[PATH_MAX];
    CLEANUP_FD int again = -1;
    off_t place;

    if (flags < 0 || !find_below(store, fd, path))
        return false;
    again = open_again(store, path, flags & KEPT_FLAGS, ino);
    if (again < 0)
        return false;
    place = flags & O_PATH ? -1 : lseek(fd, 0, SEEK_CUR);
    if (place > 0)
        lseek(again, place, SEEK_SET);
    return dup3(again, fd, O_CLOEXEC) >= 0;
}

/* Replaces all descriptors of the old store. Its own root is the last one, by which the others are
 * known. */
static void replace_all(struct volume *volume, const struct new_store *store)
{
    struct reattach *reattach = &state_outage(volume->state)->reattach;
    const struct area *old = &volume->info.areas[AREA_STORE];
    struct statx stx;

    reattach->found = reattach->lost = 0;
    for (int fd = STDERR_FILENO + 1; fd < volume->info.descriptors_limit; fd++) {
        // Asked for nothing, a filesystem tells these without its server.
        if (fd == old->root || fd == reattach->root || fd == reattach->mount ||
            fd == reattach->lock || fd == state_outage(volume->state)->record ||
            statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &stx) != 0 ||
            makedev(stx.stx_dev_major, stx.stx_dev_minor) != old->device)
            continue;
        if (replace_descriptor(store, fd, stx.stx_ino))
            reattach->found++;
        else
            reattach->lost++;
    }
}

/* Looks after a node of the store: what the kernel has of it is asked for anew, and who has written
 * to it hears that it may be lost. */
static void renew_node(struct volume *volume, uint64_t id, unsigned *named)
{
    INODE struct inode inode = INODE_NONE;
    struct node_resources leftover;
    char path[PATH_MAX];

    if (inode_hold(volume, id, &inode) != 0)
        return;
    node_take_backing(&volume->nodes, &inode.ref, &leftover);
    resources_close(volume, &leftover);
    if (inode_is_regular(&inode) && inode.ref.writers > 0) {
        node_io_errors(&volume->nodes, &inode.ref, true);
        if ((*named)++ < NAMED_MAX)
            log_event(LOG_WARNING,
                      "what was written to %s last may be lost: STORE %s was not unmounted before "
                      "it came back",
                      inode.fd < 0 ? "a file" : object_shown_path(inode.fd, path),
                      volume->info.store);
    }
    node_flags(&volume->nodes, &inode.ref, 0, NODE_ATTR_CACHED);
    // Nobody waits for pages of what nobody has open.
    if (inode.ref.opens == 0)
        fuse_lowlevel_notify_inval_inode(volume->session, id, 0, 0);
    else if (!inode_is_passthrough(&inode))
        notice_drop_contents(volume->info.device, id);
    else
        attr_invalidate(volume, id);
}

static void renew_nodes(struct volume *volume)
{
    unsigned named = 0;
    uint32_t slot = 0;
    uint64_t id;

    while ((id = node_next_in_area(&volume->nodes, AREA_STORE, &slot)))
        renew_node(volume, id, &named);
    // Names may have been lost, too. Earlier kernels than 6.16 believe theirs.
    fuse_lowlevel_notify_increment_epoch(volume->session);
}

/* Has the area be the new one. */
static void renew_area(struct volume *volume)
{
    const struct reattach *reattach = &state_outage(volume->state)->reattach;
    struct area *area = &volume->info.areas[AREA_STORE];
    struct complaint complaint;

    dup3(reattach->root, area->root, O_CLOEXEC);
    if (reattach->mount < 0)
        area->mount = -1;
    area_identify(area, &complaint);
    volume->state->info.areas[AREA_STORE] = *area;
    state_seal(volume->state);
}

void reattach_finish(struct volume *volume)
{
    struct reattach *reattach = &state_outage(volume->state)->reattach;
    const struct area *old = &volume->info.areas[AREA_STORE];
    struct new_store store = { .root = reattach->root };

    if (!reattach->begun)
        return;
    object_shown_path(old->root, store.old_root);
    store.length = strcmp(store.old_root, "/") == 0 ? 0 : strlen(store.old_root);
    replace_all(volume, &store);
    fault_point(FAULT_IN_REATTACH);
    renew_nodes(volume);
    renew_area(volume);
    reattach->times++;
    reattach->begun = 0;
    drop_kept(volume, &reattach->root);
    drop_kept(volume, &reattach->mount);
    log_event(LOG_NOTICE, "STORE %s is reattached: %u descriptors were found again, %u were not",
              volume->info.store, reattach->found, reattach->lost);
}

void reattach_catch_up(struct volume *volume, struct store_lock *lock)
{
    const struct outage *outage = state_outage(volume->state);

    if (outage->record != 0)
        lock->record = outage->record;
    if (outage->reattach.times > 0)
        volume->info.areas[AREA_STORE] = volume->state->info.areas[AREA_STORE];
}
