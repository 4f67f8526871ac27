// SPDX-License-Identifier: BSD-2-Clause
/* A directory's entries, in an order of their own. */
#ifndef SHMAPFS_TESTS_FUZZ_LISTING_H
#define SHMAPFS_TESTS_FUZZ_LISTING_H

#include <dirent.h>
#include <stddef.h>

/* Names and types of all entries but «.» and «..», sorted. Closes the directory; NULL gives -1 with
 * errno as it is. Returns how many there are. */
int list_directory(DIR *directory, char *text, size_t size);

#endif
