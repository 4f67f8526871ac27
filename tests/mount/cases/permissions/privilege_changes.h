// SPDX-License-Identifier: BSD-2-Clause
/* Changes of a file that may take setuid and setgid from it. */
#ifndef SHMAPFS_TESTS_PRIVILEGE_CHANGES_H
#define SHMAPFS_TESTS_PRIVILEGE_CHANGES_H

#include <stdbool.h>

/* The size of the files that are changed. Beside each is another one, with "-source" behind its
 * name, from which six bytes are copied. */
enum { CHANGED_SIZE = 9000 };

/* A change. Those by descriptor have it from root, and so need no permission. */
struct change {
    const char *name; // NULL: the end of the list
    bool (*make)(int fd, const char *path);
    bool by_descriptor;
};

extern const struct change privilege_changes[];

#endif
