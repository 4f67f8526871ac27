// SPDX-License-Identifier: BSD-2-Clause
/*
 * The mounts of shmapfs on the machine, as one pass over /proc finds them.
 *
 * The kernel shows every process' mount table to everybody, so mounts are found that the caller
 * cannot reach. The daemon of none is asked.
 */
#ifndef SHMAPCTL_MOUNT_LIST_H
#define SHMAPCTL_MOUNT_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct listed_mount {
    pid_t pid; // of a process in the mount namespace that has it; 0: it is the caller's own
    uint64_t id;
    uint64_t parent; // the id of the mount that it is on
    dev_t device;    // of its filesystem
    char *directory; // as that process sees it
    char *path;      // as the caller can reach it: /proc/PID/root/… if it is another's
    char *root;      // the directory of its filesystem that is there: "/" is all of it
    char *type;
    char *source;
    char *flags; // the kernel's own options
};

struct mount_list {
    struct listed_mount *all; // the caller's own first; one that covers another comes after it
    size_t count;
};

/* Finds the mounts of shmapfs, or, unless `device` is 0, those of that filesystem and those of any
 * filesystem that are on one of it. */
void mount_list_find(dev_t device, struct mount_list *list);

/* Finds those of shmapfs among the caller's own, and in other namespaces only if the path is in
 * none of these. */
void mount_list_find_around(const char *path, struct mount_list *list);

/* Takes out mounts of other namespaces whose filesystem comes before them in the list. */
void mount_list_drop_copies(struct mount_list *list);

/* Leaves one mount of each filesystem in the list, one of all of it if there is any. Unless `count`
 * is 0, only the filesystems of these devices stay. */
void mount_list_reduce(struct mount_list *list, const dev_t *devices, size_t count);

void mount_list_free(struct mount_list *list);

/* Returns the mount that a path is in; NULL: it is in none of the list. */
const struct listed_mount *mount_list_at(const struct mount_list *list, const char *path);

/* Returns the mount that a path is the root of; NULL: it is none of the list. The daemon need not
 * be serving. */
const struct listed_mount *mount_list_rooted(const struct mount_list *list, const char *path);

/* Returns the caller's own mount of all of a filesystem; NULL: there is none. */
const struct listed_mount *mount_list_whole(const struct mount_list *list, dev_t device);

#endif
