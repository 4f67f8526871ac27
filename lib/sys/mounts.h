// SPDX-License-Identifier: BSD-2-Clause
/*
 * The mounts that this process can see.
 */
#ifndef SHMAP_MOUNTS_H
#define SHMAP_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define MOUNTS_TYPE "fuse.shmapfs"

/* A reading of the mount table, and the mount that it is at. */
struct mounts {
    FILE *table; // NULL: the table cannot be read, and has no mounts
    char *line;
    size_t room;
    uint64_t id;      // as statx(2) tells it (STATX_MNT_ID)
    uint64_t parent;  // of the mount that it is on
    dev_t device;     // of its filesystem
    const char *root; // the directory of its filesystem that is at `directory`
    const char *directory;
    const char *flags; // of the mount
    const char *type;
    const char *source;
    const char *options; // of the filesystem
};

/* Opens the table, for mounts_end(); CLEANUP_MOUNTS does that at the end of the block. */
struct mounts mounts_begin(void);
/* The same for the mounts that another process sees: `process` is a descriptor of its directory in
 * /proc. */
struct mounts mounts_begin_of(int process);
void mounts_end(struct mounts *mounts);
#define CLEANUP_MOUNTS __attribute__((cleanup(mounts_end)))

/* Goes to the next mount; one that covers another comes after it. The texts live until the next
 * call. false: that was the last one. */
bool mounts_next(struct mounts *mounts);

/* Finds where a store is mounted, by its absolute path without symlinks. */
bool mounts_find_store(const char *store, char *mountpoint, size_t size);

/* The device number of the filesystem at a path, as the kernel alone knows it: the daemon need not
 * be serving. 0: there is none. */
dev_t mounts_device_at(const char *path);

/* Finds the type of a filesystem in the mount table, by its device number. Returns false, and
 * leaves the text as it is, if it is not there. */
bool mounts_find_type(dev_t device, char *type, size_t size);

/* Returns whether anything is mounted of a filesystem, by its device number; true where that cannot
 * be seen. */
bool mounts_have_device(dev_t device);

/* Returns whether what is mounted exactly at an absolute path without symlinks is a shmapfs. A
 * mount that another one covers does not count. */
bool mounts_at(const char *path);

#endif
