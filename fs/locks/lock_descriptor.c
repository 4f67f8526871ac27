// SPDX-License-Identifier: BSD-2-Clause
#include "fs/locks/lock_descriptor.h"

#include <errno.h>
#include <sys/file.h>

#include "fs/inode/descriptors.h"
#include "fs/inode/inode.h"
#include "lib/object/object.h"
#include "lib/sys/cleanup.h"

/* Owners of locks may take one part of the descriptors, and a user half of that. */
#define OWNERS_FRACTION 4

static struct flock flock_of(const struct lock_request *request)
{
    // A length of 0 is one to the end.
    int64_t length = request->end == LOCK_RANGE_END ? 0 : request->end - request->start + 1;

    return (struct flock){ .l_type = (short)request->type,
                           .l_whence = SEEK_SET,
                           .l_start = request->start,
                           .l_len = length };
}

/* Sets a lock of the area's file. */
static int set_in_area(int fd, const struct lock_request *request)
{
    struct flock lock = flock_of(request);
    int operation = request->type == F_UNLCK   ? LOCK_UN
                    : request->type == F_WRLCK ? LOCK_EX | LOCK_NB
                                               : LOCK_SH | LOCK_NB;
    int result;

    do
        result = request->key.kind == LOCK_OF_FILE ? flock(fd, operation)
                                                   : fcntl(fd, F_OFD_SETLK, &lock);
    while (result != 0 && errno == EINTR);
    if (result == 0)
        return 0;
    return errno == EACCES ? -EAGAIN : -errno;
}

/* Finds a lock of the area's file that somebody else has. */
static int find_in_area(int fd, const struct lock_request *request, struct flock *found)
{
    *found = flock_of(request);
    if (fcntl(fd, F_OFD_GETLK, found) != 0)
        return -errno;
    found->l_pid = 0;
    return 0;
}

/* Opens the area's file anew, for a lock's owner alone. */
static int open_for_owner(struct volume *volume, const struct lock_request *request)
{
    INODE struct inode inode = INODE_NONE;
    int fd = inode_acquire(volume, request->key.node, &inode);

    if (fd < 0)
        return fd;
    do {
        // Without waiting for a lease that a process holds on the area's own file.
        fd = object_reopen(inode.fd, (request->writer ? O_RDWR : O_RDONLY) | O_NONBLOCK);
        if (fd == -EACCES && request->writer)
            fd = object_reopen(inode.fd, O_WRONLY | O_NONBLOCK);
        fd = descriptors_not_last(volume, fd);
    } while (descriptors_make_room(volume, &fd));
    // The owner is not told more than that there can be no lock.
    return fd == -ENFILE || fd == -EMFILE ? -ENOLCK : fd;
}

static bool has_room(const struct volume *volume, uint32_t user)
{
    const struct lock_table *table = &volume->locks->table;
    unsigned most = (unsigned)descriptors_for_clients(volume) / OWNERS_FRACTION;
    unsigned count = lock_table_count(table);

    if (most > LOCK_OWNERS_MAX)
        most = LOCK_OWNERS_MAX;
    // Counting a user's takes a look at all.
    return count < most &&
           (user == 0 || count < most / 2 || lock_table_count_of(table, user) < most / 2);
}

/* Makes an entry with a descriptor. NULL: there is no room. */
static struct lock_entry *add_entry(struct volume *volume, const struct lock_request *request,
                                    int fd, const struct lock_ranges *ranges)
{
    struct file_locks *locks = volume->locks;
    const struct lock_entry filled = { .fd = fd,
                                       .node = request->key.node,
                                       .owner = request->key.owner,
                                       .opening = request->opening,
                                       .kind = request->key.kind,
                                       .writable = request->writer,
                                       .user = request->user,
                                       .process = request->process,
                                       .ranges = *ranges };
    struct lock_entry *entry = NULL;

    lock_take(&locks->lock);
    if (has_room(volume, request->user))
        entry = lock_table_add(&locks->table, &filled, &volume->nodes);
    lock_release(&locks->lock);
    return entry;
}

static void remove_entry(struct volume *volume, struct lock_entry *entry)
{
    struct file_locks *locks = volume->locks;
    int fd;

    lock_take(&locks->lock);
    fd = lock_table_remove(&locks->table, entry, &volume->nodes);
    lock_release(&locks->lock);
    close(fd);
}

static int make_entry(struct volume *volume, const struct lock_request *request,
                      struct lock_entry **entry)
{
    static const struct lock_ranges none;
    CLEANUP_FD int fd = open_for_owner(volume, request);

    if (fd < 0)
        return fd;
    *entry = add_entry(volume, request, fd, &none);
    if (!*entry)
        return -ENOLCK;
    steal_fd(&fd);
    return 0;
}

static struct lock_request request_of(const struct lock_entry *entry)
{
    return (struct lock_request){
        .key = { .node = entry->node, .owner = entry->owner, .kind = (enum lock_kind)entry->kind },
        .opening = entry->opening,
        .process = entry->process,
        .user = entry->user,
        .type = F_UNLCK,
        .end = LOCK_RANGE_END,
    };
}

/* Takes the locks of an entry by another descriptor, too. They are read locks, which that one's own
 * locks do not forbid. */
static int copy_locks(const struct lock_entry *entry, int fd)
{
    struct lock_request request = request_of(entry);
    int error = entry->ranges.more ? -ENOLCK : 0;

    request.type = F_RDLCK;
    for (uint32_t i = 0; i < lock_ranges_count(&entry->ranges) && !error; i++) {
        request.start = entry->ranges.at[i].start;
        request.end = entry->ranges.at[i].end;
        error = set_in_area(fd, &request);
    }
    return error;
}

/* Gives an owner a descriptor that can have write locks, where the first lock came by an open that
 * cannot write. */
static int make_entry_writable(struct volume *volume, const struct lock_request *request,
                               struct lock_entry **entry)
{
    CLEANUP_FD int fd = open_for_owner(volume, request);
    struct lock_entry *other = *entry;
    int error = fd < 0 ? fd : copy_locks(other, fd);

    if (error)
        return error;
    *entry = add_entry(volume, request, fd, &other->ranges);
    if (!*entry) {
        *entry = other;
        return -ENOLCK;
    }
    steal_fd(&fd);
    // Closing alone may not do: a child of the daemon may have the open file, too.
    set_in_area(other->fd, &(struct lock_request){ .key.kind = (enum lock_kind)other->kind,
                                                   .type = F_UNLCK,
                                                   .end = LOCK_RANGE_END });
    remove_entry(volume, other);
    return 0;
}

static struct lock_entry *find_entry(struct volume *volume, const struct lock_key *key)
{
    struct file_locks *locks = volume->locks;
    struct lock_entry *entry;

    lock_take(&locks->lock);
    entry = lock_table_find(&locks->table, key);
    lock_release(&locks->lock);
    return entry;
}

static void note_lock(struct volume *volume, struct lock_entry *entry,
                      const struct lock_request *request)
{
    struct file_locks *locks = volume->locks;

    lock_take(&locks->lock);
    lock_ranges_set(&entry->ranges, request->start, request->end, request->type);
    if (request->type != F_UNLCK)
        entry->process = request->process;
    lock_release(&locks->lock);
}

/* Returns whether an error may come from a descriptor that is of no use any more: GlusterFS' client
 * does not open a file again on a server that comes back, and was away when the file was opened.
 * Such a descriptor is EBADFD for locks as soon as another server is away, or ENOTCONN where that
 * one goes in the midst. */
static bool is_of_descriptor(int error)
{
    return error == -EBADFD || error == -ENOTCONN;
}

/* Gives an owner without locks another descriptor in place of one that gave an error. */
static int renew_entry(struct volume *volume, const struct lock_request *request, int error,
                       struct lock_entry **entry)
{
    struct lock_entry *other = *entry;

    if (!lock_ranges_are_none(&other->ranges))
        return error;
    error = make_entry(volume, request, entry);

    if (!error)
        remove_entry(volume, other);
    return error;
}

/* Sets a lock of the area's file, by another descriptor if need be. To close the first one gives up
 * what it still has. */
static int set_lasting(struct volume *volume, const struct lock_request *request,
                       struct lock_entry **entry)
{
    struct lock_ranges left = (*entry)->ranges;
    int error = set_in_area((*entry)->fd, request);

    if (!is_of_descriptor(error))
        return error;
    lock_ranges_set(&left, request->start, request->end, request->type);
    if (request->type == F_UNLCK && lock_ranges_are_none(&left)) {
        remove_entry(volume, *entry);
        *entry = NULL;
        return 0;
    }
    error = renew_entry(volume, request, error, entry);
    return error ? error : set_in_area((*entry)->fd, request);
}

static bool has_servers(struct volume *volume, const struct lock_entry *entry)
{
    int area = node_area(&volume->nodes, entry->node);

    return area >= 0 && volume_area(volume, (unsigned)area)->has_servers;
}

/* Has the servers of a store take what was written under a lock, before others get it: a client of
 * theirs may hold writes back. To flush the file would not do: GlusterFS' client answers that
 * before it has done it. Failures are told to the one who has written. */
static void sync_writes(struct volume *volume, const struct lock_entry *entry)
{
    CLEANUP_FD int fd = -1;

    if (lock_ranges_are_none(&entry->ranges) || !has_servers(volume, entry))
        return;
    volume_will_wait(volume);
    if (fdatasync(entry->fd) == 0 || !is_of_descriptor(-errno))
        return;
    fd = object_reopen(entry->fd, O_RDONLY | O_NONBLOCK);
    if (fd >= 0)
        fdatasync(fd);
}

/* Has this host see what others wrote under a lock, now that the lock is here: the word of it may
 * still be on its way. An open is what drops the pages that the kernel has, mapped ones, too; but
 * GlusterFS' client has them kept then if it knows of no change. */
static void see_writes(struct volume *volume, const struct lock_entry *entry)
{
    int fd = has_servers(volume, entry) ? object_reopen(entry->fd, O_RDONLY | O_NONBLOCK) : -1;

    if (fd >= 0) {
        posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        close(fd);
    }
}

int lock_descriptor_set(struct volume *volume, const struct lock_request *request)
{
    struct lock_entry *entry = find_entry(volume, &request->key);
    int error = 0;

    if (!entry && request->type == F_UNLCK)
        return 0;
    if (!entry)
        error = make_entry(volume, request, &entry);
    else if (request->type == F_WRLCK && request->writer && !entry->writable)
        error = make_entry_writable(volume, request, &entry);
    if (!error && request->type != F_WRLCK)
        sync_writes(volume, entry);
    if (!error)
        error = set_lasting(volume, request, &entry);
    if (!error && entry)
        note_lock(volume, entry, request);
    if (!error && request->type != F_UNLCK)
        see_writes(volume, entry);
    return error;
}

int lock_descriptor_test(struct volume *volume, const struct lock_request *request,
                         struct flock *found)
{
    struct lock_entry *entry = find_entry(volume, &request->key);
    CLEANUP_FD int opened = entry ? -1 : open_for_owner(volume, request);
    int error;

    if (!entry && opened < 0)
        return opened;
    error = find_in_area(entry ? entry->fd : opened, request, found);
    if (is_of_descriptor(error) && entry) {
        error = renew_entry(volume, request, error, &entry);
        error = error ? error : find_in_area(entry->fd, request, found);
    }
    return error;
}

void lock_descriptor_close(struct volume *volume, struct lock_entry *entry)
{
    const struct lock_request request = request_of(entry);

    sync_writes(volume, entry);
    // Closing alone may not do: a child of the daemon may have the open file, too.
    if (!lock_ranges_are_none(&entry->ranges))
        set_in_area(entry->fd, &request);
    remove_entry(volume, entry);
}
