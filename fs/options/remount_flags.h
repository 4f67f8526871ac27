// SPDX-License-Identifier: BSD-2-Clause
/* The flags of a mount and of its filesystem, as mount(2) has them. */
#ifndef SHMAPFS_REMOUNT_FLAGS_H
#define SHMAPFS_REMOUNT_FLAGS_H

#include <stdbool.h>
#include <sys/mount.h>

#define MS_ATIMES (MS_NOATIME | MS_RELATIME | MS_STRICTATIME)

struct remount_flags {
    unsigned long all;
    // This mount alone is read-only, and its filesystem is not: that is not in `all`.
    bool own_read_only;
};

/* Reads the flags of what is mounted at a path; `shown` are the options of the filesystem, as the
 * mount table has them. Returns 0 or a negative errno. */
int remount_flags_read(const char *path, const char *shown, struct remount_flags *flags);

/* Takes over what a word says. Returns false if it is no word for a flag. */
bool remount_flags_take(const char *word, unsigned long *flags);

/* Gives the filesystem and its mount at a path these flags. Returns 0 or a negative errno. */
int remount_flags_set(const char *path, unsigned long flags, bool own_read_only);

#endif
