// SPDX-License-Identifier: BSD-2-Clause
#include "fs/inode/rename.h"

#include <errno.h>
#include <stdio.h>

#include "fs/inode/reopen.h"

/* Finds the node of a key, with its descriptor, if the kernel knows it and we know it by name. */
static int find_recorded(struct volume *volume, const struct node_key *key, struct inode *inode)
{
    struct node_handle handle;
    int error = inode_of_key(volume, key, inode);

    if (error || !inode->volume)
        return error;
    node_handle_now(&volume->nodes, &inode->ref, &handle);
    if (handle.length == 0)
        inode_release(inode);
    return 0;
}

static void record(struct inode *inode, const struct inode *dir, const char *name)
{
    if (inode->volume)
        reopen_record_name(inode->volume, &inode->ref, &dir->ref, name);
}

struct volume *entries_begin(const struct inode *dir)
{
    struct volume *volume = dir->volume;

    if (!area_kind(dir->ref.area)->is_memory || !volume_has_lifetimes(volume))
        return NULL;
    lock_note_taken(LOCK_ENTRIES, true);
    pthread_rwlock_rdlock(&volume->entries);
    return volume;
}

void entries_end(struct volume **volume)
{
    if (*volume)
        entries_thaw(*volume);
}

void entries_freeze(struct volume *volume)
{
    lock_note_taken(LOCK_ENTRIES, true);
    pthread_rwlock_wrlock(&volume->entries);
}

void entries_thaw(struct volume *volume)
{
    lock_note_released(LOCK_ENTRIES);
    pthread_rwlock_unlock(&volume->entries);
}

static int rename_between_names(const struct inode *from, const char *name, const struct inode *to,
                                const char *new_name, unsigned flags)
{
    ENTRIES = entries_begin(from);

    return renameat2(from->fd, name, to->fd, new_name, flags) == 0 ? 0 : -errno;
}

static int rename_and_record(struct inode *from, const char *name, struct inode *to,
                             const char *new_name, unsigned flags, const struct node_key *source)
{
    struct volume *volume = from->volume;
    INODE struct inode moved = INODE_NONE;
    INODE struct inode exchanged = INODE_NONE;
    struct node_key target;
    struct statx stx;
    // Both come with their descriptors, which they must keep if their new names are too long. The
    // kernel keeps the names from changing meanwhile.
    int error = find_recorded(volume, source, &moved);

    if (!error && (flags & RENAME_EXCHANGE))
        error = inode_key_of_name(to, new_name, &target, &stx);
    if (!error && (flags & RENAME_EXCHANGE))
        error = find_recorded(volume, &target, &exchanged);
    if (error)
        return error;
    reopen_begin_rename(volume, from->ref.area);
    error = rename_between_names(from, name, to, new_name, flags);
    if (!error) {
        record(&moved, to, new_name);
        record(&exchanged, from, name);
    }
    reopen_end_rename(volume, from->ref.area);
    return error;
}

/* Records the new name of a node without opening it: the old record leads to it no more. */
static void record_again(const struct node_key *key, struct inode *dir, const char *name)
{
    struct volume *volume = dir->volume;
    INODE struct inode inode = INODE_NONE;
    struct node_handle handle;

    if (!node_use_key(&volume->nodes, key, &inode.ref))
        return;
    inode.volume = volume;
    node_handle_now(&volume->nodes, &inode.ref, &handle);
    if (handle.length > 0)
        record(&inode, dir, name);
}

void rename_recover(struct inode *from, const char *name, struct inode *to, const char *new_name,
                    unsigned flags, const struct node_key *source, const struct node_key *target)
{
    struct volume *volume = from->volume;

    if (inode_area(from)->handles)
        return;
    reopen_begin_rename(volume, from->ref.area);
    record_again(source, to, new_name);
    if (flags & RENAME_EXCHANGE)
        record_again(target, from, name);
    reopen_end_rename(volume, from->ref.area);
}

/* Has what was written to the file of a name on the disk, if its class has not done that. */
static int settle_name(struct inode *dir, const char *name)
{
    INODE struct inode inode = INODE_NONE;
    struct statx stx;

    if (inode_of_name(dir, name, &inode, &stx) != 0 || !inode.volume || !inode_contents(&inode) ||
        !inode_contents(&inode)->settle)
        return 0;
    return inode_contents(&inode)->settle(&inode);
}

int rename_settle(struct inode *from, const char *name, struct inode *to, const char *new_name,
                  unsigned flags)
{
    int error;

    if (!inode_class(from)->contents)
        return 0;
    volume_will_wait(from->volume);
    error = settle_name(from, name);
    return error || !(flags & RENAME_EXCHANGE) ? error : settle_name(to, new_name);
}

void rename_touched(struct inode *dir, const char *name)
{
    INODE struct inode inode = INODE_NONE;
    struct statx stx;

    if (inode_class(dir)->contents && inode_of_name(dir, name, &inode, &stx) == 0 && inode.volume)
        inode_touched(&inode, false);
}

int rename_entry(struct inode *from, const char *name, struct inode *to, const char *new_name,
                 unsigned flags, const struct node_key *source)
{
    int error = source && !inode_area(from)->handles
                    ? rename_and_record(from, name, to, new_name, flags, source)
                    : rename_between_names(from, name, to, new_name, flags);

    if (!error)
        rename_touched(to, new_name);
    if (!error && (flags & RENAME_EXCHANGE))
        rename_touched(from, name);
    return error;
}
