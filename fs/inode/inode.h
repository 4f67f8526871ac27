// SPDX-License-Identifier: BSD-2-Clause
/*
 * Inodes: nodes together with a descriptor to work on them by. Here the node table meets the areas.
 *
 * Functions return 0 or a negative errno. inode_release() gives back what they acquire; INODE is
 * the cleanup attribute for it.
 */
#ifndef SHMAPFS_INODE_H
#define SHMAPFS_INODE_H

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/inode/class.h"
#include "fs/inode/volume.h"
#include "lib/area/inode_number.h"
#include "lib/area/store_lock.h"
#include "lib/object/object.h"
#include "lib/object/xattr.h"

struct inode {
    struct volume *volume; // NULL: not acquired
    struct node_ref ref;
    int fd; // O_PATH; owned by the node, valid until the release
};

#define INODE_NONE ((struct inode){ .volume = NULL })
#define INODE      __attribute__((cleanup(inode_release)))

/* Acquires the inode of a node id that a request names, with a descriptor. From here on the thread
 * acts as nobody, where that matters. -ESTALE: no such node, or it is gone from its area; -ENFILE:
 * no descriptor is left. */
int inode_acquire(struct volume *volume, fuse_ino_t id, struct inode *inode);

/* Does the same for a request that writes nothing, or nothing before it acts as its caller: the
 * thread goes on acting as whoever made something last, which spares the system calls to become
 * nobody and that caller again. */
int inode_acquire_to_look(struct volume *volume, fuse_ino_t id, struct inode *inode);

/* Acquires an inode without a descriptor (fd is -1). For work on the contents of an open file,
 * which must not fail for want of a descriptor. */
int inode_hold(struct volume *volume, fuse_ino_t id, struct inode *inode);

/* Gives an inode that came from inode_hold() its descriptor after all. */
int inode_need_fd(struct inode *inode);

/* Gives an inode whose node was just taken into use the rest of it; on an error, ends the use. */
int inode_complete(struct volume *volume, struct inode *inode);

/* Looks a name up in a directory and counts a lookup of the kernel. `stx` receives the attributes.
 * -ENOENT; -EXDEV: another filesystem is mounted there. */
int inode_lookup(struct inode *parent, const char *name, struct inode *inode, struct statx *stx);

/* Does the same for what was made by that name just now. A new directory is not asked for a class
 * if it was given none (`plain`), but where others work in the area. */
int inode_lookup_made(struct inode *parent, const char *name, bool plain, struct inode *inode,
                      struct statx *stx);

/* Does the same for something that was opened already (O_PATH), with a name or without (NULL); the
 * descriptor is consumed. */
int inode_adopt(struct inode *parent, const char *name, int fd, struct inode *inode,
                struct statx *stx);

/* Acquires the inode of a regular file with a lifetime of its own that was opened (O_PATH) without
 * a lookup, whether the kernel knows it or not. The descriptor is consumed. */
int inode_of_object(struct volume *volume, unsigned area, enum shmap_class class, int fd,
                    struct inode *inode);

/* Finds what a name stands for, without counting a lookup: its attributes, and its node if the
 * kernel knows it (otherwise INODE_NONE). The node can be used on after the name is gone. */
int inode_of_name(struct inode *parent, const char *name, struct inode *inode, struct statx *stx);

static inline struct node_key inode_make_key(uint8_t tree, const struct statx *stx)
{
    return (struct node_key){ .ino = stx->stx_ino, .birth = object_birth(stx), .tree = tree };
}

/* Does the same for a key: INODE_NONE if the kernel does not know such a node. */
int inode_of_key(struct volume *volume, const struct node_key *key, struct inode *inode);

/* Finds the key and the attributes of what a name stands for. -ENOENT */
int inode_key_of_name(const struct inode *parent, const char *name, struct node_key *key,
                      struct statx *stx);

/* Notes that a name of the inode was removed, and whether it was the last one. The inode had
 * `links` names before (0: unknown). INODE_NONE is allowed. */
void inode_name_removed(struct inode *inode, uint32_t links);

/* Returns whether a file has lost its last name. */
static inline bool inode_is_nameless(struct inode *inode)
{
    struct statx stx;

    return (inode->ref.flags & NODE_UNLINKED) && inode_need_fd(inode) == 0 &&
           object_stat(inode->fd, &stx) == 0 && stx.stx_nlink == 0;
}

/* Makes the root node of the mount. */
int inode_make_root(struct volume *volume);

/* Takes back a lookup that the kernel will not be told of. */
void inode_unlookup(struct inode *inode);

void inode_release(struct inode *inode);

static inline bool inode_is_dir(const struct inode *inode)
{
    return inode->ref.type == S_IFDIR >> 12;
}

static inline bool inode_is_regular(const struct inode *inode)
{
    return inode->ref.type == S_IFREG >> 12;
}

static inline bool inode_is_class_root(const struct inode *inode)
{
    return inode->ref.flags & NODE_CLASS_ROOT;
}

static inline struct area *inode_area(const struct inode *inode)
{
    return volume_area(inode->volume, inode->ref.area);
}

/* Returns the class that is in force for the inode. */
static inline const struct class *inode_class(const struct inode *inode)
{
    return inode->volume->classes[inode->ref.class];
}

/* Returns how the contents of a regular file are kept; NULL: as its area keeps them. */
static inline const struct contents *inode_contents(const struct inode *inode)
{
    return inode_is_regular(inode) ? inode_class(inode)->contents : NULL;
}

/* Returns whether what is written to a file waits for a commit. */
static inline bool inode_has_commits(const struct inode *inode)
{
    const struct contents *contents = inode_contents(inode);

    return contents && contents->settle;
}

/* Notes that something beside the contents of a file was changed in its area. `mtime`: the
 * modification time, too. */
static inline void inode_touched(struct inode *inode, bool mtime)
{
    const struct contents *contents = inode_contents(inode);

    if (contents)
        contents->touch(inode, mtime);
}

/* Puts into the attributes that the area has of an inode what they lack. */
static inline void inode_overlay(const struct inode *inode, struct statx *stx)
{
    const struct contents *contents = inode_contents(inode);

    if (contents)
        contents->overlay(inode, stx);
}

/* Reads the attributes of an inode, of which `fd` is any descriptor. */
int inode_stat(struct inode *inode, int fd, struct statx *stx);

/* Returns whether other hosts can change an object, or names in it. */
static inline bool inode_is_of_others(const struct inode *inode)
{
    return volume_is_shared(inode->volume) && inode->ref.area == AREA_STORE;
}

/* Returns whether an object has gone from a store because another host has removed it, or put
 * another in its place. */
static inline bool inode_is_gone(const struct inode *inode)
{
    struct statx stx;
    int error = inode_is_of_others(inode) ? object_stat(inode->fd, &stx) : 0;

    return error == -ESTALE || error == -ENOENT;
}

/* Returns whether another host has removed a file, of which the kernel would make EIO. The store's
 * client may believe in the file, until the servers are asked for something that it has not. */
static inline bool inode_is_gone_file(const struct inode *inode)
{
    ssize_t found =
        inode_is_of_others(inode) ? xattr_get(inode->fd, SHMAP_XATTR_CLASS_ROOT, NULL, 0) : 0;

    return found == -ENOENT || found == -ESTALE;
}

/* Returns whether an inode still has a name. A store's servers know none without. */
static inline bool inode_has_name(const struct inode *inode)
{
    struct statx stx;
    int error = object_stat(inode->fd, &stx);

    return error ? error != -ESTALE && error != -ENOENT : stx.stx_nlink > 0;
}

/* Tells whether the contents of a file reach programs without the daemon; otherwise its pages are
 * in FUSE's page cache. */
static inline bool inode_is_passthrough(const struct inode *inode)
{
    return inode_class(inode)->passes_through && !(inode->ref.flags & NODE_CACHED) &&
           volume_data_path(inode->volume, inode->ref.area)->passthrough;
}

/* Returns the inode number that the mount shows for an inode number in an area. */
static inline uint64_t inode_number(const struct volume *volume, uint8_t area, uint64_t ino)
{
    return inode_number_shown(volume->info.numbering, area, ino);
}

/* Returns whether a name in a directory is the store's private one, which the mount does not
 * show. */
static inline bool inode_hides(const struct volume *volume, fuse_ino_t parent, const char *name)
{
    return parent == NODE_ROOT_ID && strcmp(name, STORE_PRIVATE) == 0 &&
           volume->info.areas[AREA_STORE].root >= 0;
}

/* Returns -EINVAL for a name that leads out of a directory or cannot be one (the kernel sends no
 * such name, but another program may hold the device), and -EACCES for a hidden one. */
static inline int inode_check_name(const struct volume *volume, fuse_ino_t parent, const char *name)
{
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || *name == '\0' || strchr(name, '/'))
        return -EINVAL;
    return inode_hides(volume, parent, name) ? -EACCES : 0;
}

#endif
