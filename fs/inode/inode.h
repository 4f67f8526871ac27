// SPDX-License-Identifier: BSD-2-Clause
/*
 * Inodes: nodes together with a descriptor to work on them by. Here the node table meets the areas.
 *
 * Functions return 0 or a negative errno. What they acquire is given back by inode_release(), for
 * which INODE is the cleanup attribute.
 */
#ifndef SHMAPFS_INODE_H
#define SHMAPFS_INODE_H

#include <sys/stat.h>

#include "fs/mount/mount.h"

struct inode {
    struct mount *mount; // NULL: not acquired
    struct node_ref ref;
    int fd; // O_PATH; the node's own, valid until the release
};

#define INODE_NONE ((struct inode){ .mount = NULL })
#define INODE      __attribute__((cleanup(inode_release)))

/* What a request names by id; the thread acts as nobody then, where that matters. -ESTALE: nothing, or it is gone from its area; -ENFILE: no descriptor
 * is left. */
int inode_acquire(struct mount *mount, fuse_ino_t id, struct inode *inode);

/* The same without a descriptor (fd is -1): for what is done with the contents of an open file,
 * which must not fail for want of one. */
int inode_hold(struct mount *mount, fuse_ino_t id, struct inode *inode);

/* Gives an inode that is held its descriptor after all. */
int inode_need_fd(struct inode *inode);

/* What a name in a directory stands for; counts a lookup of the kernel. `stx` receives its
 * attributes. -ENOENT; -EXDEV: another filesystem is mounted there. */
int inode_lookup(struct inode *parent, const char *name, struct inode *inode, struct statx *stx);

/* The same for something that was opened already (O_PATH), with a name or without (NULL); the
 * descriptor is consumed. */
int inode_adopt(struct inode *parent, const char *name, int fd, struct inode *inode,
                struct statx *stx);

/* What a name stands for, without counting a lookup: its attributes, and its node if the kernel
 * knows it (otherwise INODE_NONE). The node can be used on after the name is gone. */
int inode_of_name(struct inode *parent, const char *name, struct inode *inode, struct statx *stx);

/* The same for a key: INODE_NONE if the kernel does not know such a node. */
int inode_of_key(struct mount *mount, const struct node_key *key, struct inode *inode);

/* The key and the attributes of what a name stands for. -ENOENT */
int inode_key_of_name(const struct inode *parent, const char *name, struct node_key *key,
                      struct statx *stx);

/* A name of the inode was removed: was it the last one? It had so many `links` before (0: unknown). INODE_NONE
 * is allowed. */
void inode_name_removed(struct inode *inode, uint32_t links);

/* Makes the root node of the mount. */
int inode_make_root(struct mount *mount);

/* Takes a lookup back that the kernel will not be told of. */
void inode_unlookup(struct inode *inode);

void inode_release(struct inode *inode);

/* After a call that takes a descriptor: whether it failed for want of one (-EMFILE) and some that
 * were only kept at hand are closed now, so that it is worth another try. If there were none, the
 * result becomes -ENFILE. */
bool inode_make_room(struct mount *mount, int *result);

/* A descriptor that is to be kept for as long as a client likes: not one of the last, without which
 * nothing could be removed or looked at any more. Returns it, or closes it and returns -EMFILE. */
int inode_not_last(const struct mount *mount, int fd);
bool inode_is_last(const struct mount *mount, int fd);

/* Closes what was taken off nodes. */
void inode_dispose(struct mount *mount, const struct node_resources *resources);

/* The same for what nobody waits for: when there is nothing else to do, or milliseconds later, or it
 * has become much. `wait`: also for what another thread is about to close. */
void inode_put_off(struct mount *mount, const struct node_resources *resources);
void inode_dispose_put_off(struct mount *mount, bool wait);

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
    return &inode->mount->facts.areas[inode->ref.area];
}

/* The inode number that the mount shows for one in an area. */
static inline uint64_t inode_number(uint8_t area, uint64_t ino)
{
    return area == AREA_RAM ? ino | AREA_RAM_INO_BIT : ino;
}

/* Names that lead out of a directory, or cannot be one; the kernel does not send them, but who
 * knows who holds the device. */
int inode_check_name(const char *name);

#endif
