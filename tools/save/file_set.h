// SPDX-License-Identifier: BSD-2-Clause
/* Files that are to be committed together, of paths and of what is below directories. */
#ifndef SHMAPCTL_FILE_SET_H
#define SHMAPCTL_FILE_SET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct file_set {
    int *fds; // of those that have something to commit
    size_t count;
    uint64_t bytes; // that they have to commit
    char *first;    // path, with which the device is that of the others
    dev_t device;
};

/* Opens what has to be committed, after the kernel has handed on what was stored through mappings.
 * A file that is named has to be of a class with commits; below a directory others are passed over.
 * Nothing is committed yet, but what is named and has nothing to commit is on the disk. Returns
 * EXIT_SUCCESS, or EXIT_FAILURE after a line. */
int file_set_find(char *const paths[], int count, struct file_set *set);

void file_set_close(struct file_set *set);

#endif
