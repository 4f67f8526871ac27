// SPDX-License-Identifier: BSD-2-Clause
/*
 * Files and mappings in one call each, for cases that are about what comes after. The functions
 * fail the case when the kernel refuses, except those that say otherwise.
 */
#ifndef SHMAPFS_TESTS_MAPPING_H
#define SHMAPFS_TESTS_MAPPING_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct fixture;

size_t page_size(void);

/* A new file of the given size (a hole), open for reading and writing. */
int new_file(const char *path, off_t size);

/* Opens with these flags; with O_CREAT in them, a new file has mode 0644. */
int open_file(const char *path, int flags);

/* The size of the file behind the descriptor. */
off_t size_of(int fd);

/* Maps [0, length) of the file. */
char *map_fd(int fd, size_t length, int protection, int flags);
char *map_shared(int fd, size_t length);
void unmap(void *address, size_t length);

/* Opens the path anew, maps it shared and closes the descriptor. NULL when that fails: made for
 * coprocesses. */
char *map_path(const char *path, size_t length);

/* Reads one byte, or writes 1 to it, in a child process that shares the mapping. Returns the signal
 * that this raises, or 0. */
int touch_signal(char *address, bool writes);

/* Returns whether all bytes are the given one. */
bool all_bytes(const char *bytes, size_t count, char value);

/*
 * A file of the same kind as the area under test, but reached without the mount: on the store's own
 * disk, or a tmpfs file. The mount has to answer what the kernel answers for it. Unlinked already.
 */
int reference_file(const struct fixture *fixture);

#endif
