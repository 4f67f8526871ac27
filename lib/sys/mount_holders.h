// SPDX-License-Identifier: BSD-2-Clause
/*
 * The mount namespaces that have a filesystem mounted, and who is in them.
 *
 * A namespace that copied a mount keeps it when it is unmounted elsewhere, unless mounts are shared
 * between the two. Everybody may read the mounts of a namespace; a namespace without a process
 * of this PID namespace is not seen.
 */
#ifndef SHMAP_MOUNT_HOLDERS_H
#define SHMAP_MOUNT_HOLDERS_H

#include <sys/types.h>

struct mount_holders {
    unsigned count; // of mounts
    // "12 (nginx), 15 (sh), …": a process of each namespace, with ? for signs that mean something.
    char names[256];
};

/* Finds who has the shmapfs with a device number (0: any), or of a store (NULL: any), mounted. */
void mount_holders_find(dev_t device, const char *store, struct mount_holders *holders);

#endif
