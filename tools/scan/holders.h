// SPDX-License-Identifier: BSD-2-Clause
/* The mounts that keep a filesystem, or its mount point, in use. */
#ifndef SHMAPCTL_HOLDERS_H
#define SHMAPCTL_HOLDERS_H

#include "tools/scan/mount_list.h"

enum holder_kind {
    HOLDER_BIND,      // it is mounted a second time
    HOLDER_BELOW,     // another filesystem is mounted on a directory of it
    HOLDER_NAMESPACE, // another mount namespace has a copy
};

/* Returns the next mount that holds the filesystem which is mounted at `whole`, after `at`; NULL
 * for both: the first, and the last. `list` is that of the filesystem's device. Of another
 * namespace the first copy stands for all. */
const struct listed_mount *holders_next(const struct mount_list *list,
                                        const struct listed_mount *whole,
                                        const struct listed_mount *at, enum holder_kind *kind);

#endif
