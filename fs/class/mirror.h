// SPDX-License-Identifier: BSD-2-Clause
/*
 * Mirrors: where a class root keeps its skeleton (lib/class/skeleton.h), each directory in RAM has
 * one in the store, and a change of the one is a change of the other.
 *
 * Names change together with their mirror while one lock is held, so that the path of a directory
 * in RAM, which tells where its mirror is, stays. Steps that can fail for the store's reasons come
 * first: a directory is removed or renamed in the mirror before it is in RAM; one is made in RAM
 * before, because it gets its attributes there, and goes again if the mirror cannot be made. If a
 * worker dies in between, its successor has the same request again and does either step where it
 * was not done; for a rename, which cannot be told from its opposite, the mirror is first made as
 * the RAM is. If all processes die in between, the request was not answered, and either outcome is
 * right.
 */
#ifndef SHMAPFS_MIRROR_H
#define SHMAPFS_MIRROR_H

#include "fs/inode/inode.h"

/* The mirror of one directory. */
struct mirror_place {
    int fd;            // O_PATH; -1: there is none
    bool opened;       // otherwise the descriptor is the class root's
    struct inode root; // in use
};

/* The mirrors that a request changes; it holds volume->mirrors if there is any. */
struct mirror {
    struct volume *volume; // NULL: there is none
    mode_t besides;        // bits that modes in the store have in addition
    struct mirror_place at;
    struct mirror_place to; // of the directory that something is renamed to
};

#define MIRROR_PLACE_NONE ((struct mirror_place){ .fd = -1 })
#define MIRROR_NONE       ((struct mirror){ .at = { .fd = -1 }, .to = { .fd = -1 } })
#define MIRROR            __attribute__((cleanup(mirror_end)))

/* Finds the mirror of a directory in which names are about to change. Returns 0, also if it has
 * none, or a negative errno. */
int mirror_begin(struct inode *dir, struct mirror *mirror);

/* Finds the directory in the store that has the attributes of a directory: its mirror, or a class
 * root's own. */
int mirror_begin_attributes(struct inode *inode, struct mirror *mirror);

/* Makes its attributes again what they are in RAM, after a change that failed. */
void mirror_repair_attributes(struct mirror *mirror, const struct inode *inode);

void mirror_end(struct mirror *mirror);

/* Returns whether there is a mirror in which names change. */
static inline bool mirror_has_names(const struct mirror *mirror)
{
    return mirror->volume != NULL;
}

/* Make and remove the mirror of a directory of a name; and make it what the directory in RAM is,
 * after a change there that failed. */
int mirror_make(struct mirror *mirror, const struct inode *dir, const char *name);
int mirror_remove(struct mirror *mirror, const char *name);
void mirror_repair(struct mirror *mirror, const struct inode *dir, const char *name);

/* A rename. */
struct mirror_move {
    struct inode *from, *to;
    const char *name, *new_name;
    unsigned flags;
    bool goes;  // a directory, which may have a mirror; the kernel keeps the names meanwhile
    bool comes; // likewise, in exchange
};

/* Looks whether a rename moves directories that may have mirrors. */
void mirror_look(struct mirror_move *move);

/* Finds the mirrors of a rename that was looked at. -EXDEV: only one of both directories has
 * one. */
int mirror_begin_move(const struct mirror_move *move, struct mirror *mirror);

/* Renames in the mirror; and takes that back, because it failed in RAM. */
int mirror_move(struct mirror *mirror, const struct mirror_move *move);
void mirror_move_back(struct mirror *mirror, const struct mirror_move *move);

/* Has a class root keep its skeleton, or not any more. -EINVAL: it is no anonymous class root. */
int mirror_switch(struct inode *class_root, bool on);

/* Removes the directories of a class root that is about to be removed, and empty in RAM, which the
 * store still has because they found no room. Returns whether there are none any more; false also
 * for anything but a class root, which is left alone. */
bool mirror_drop(const struct inode *victim);

#endif
