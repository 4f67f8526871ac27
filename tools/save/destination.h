// SPDX-License-Identifier: BSD-2-Clause
/* A file that gets its name when it is whole, and takes the place of one that has it. */
#ifndef SHMAPCTL_DESTINATION_H
#define SHMAPCTL_DESTINATION_H

#include <limits.h>
#include <sys/stat.h>

struct destination {
    char path[PATH_MAX]; // with the file's name
    const char *name;    // the end of it
    int directory;
    int fd;             // the file
    char temporary[64]; // its name until then; empty: it has none
};

/* Makes a file for a path, or for a file's own name in the directory that is there. Returns 0,
 * -EXDEV: it would take the place of the file itself, -ENOTUNIQ: of something that is no regular
 * file, or another negative errno. */
int destination_make(const char *path, const char *file, const struct stat *original,
                     struct destination *destination);

/* Brings it to the disk, and gives it its name. Returns 0 or a negative errno. */
int destination_publish(struct destination *destination);

/* Closes it, and removes what has no name of its own by now. */
void destination_end(struct destination *destination);

#endif
