// SPDX-License-Identifier: BSD-2-Clause
#ifndef BENCH_FLOOR_NAMES_H
#define BENCH_FLOOR_NAMES_H

#include <stdbool.h>
#include <stdint.h>

// The names of the floor, each with its inode number: a table in memory, which several threads may
// use at once. Whether a file or a directory has a number can be seen from the number.

struct floor_names;

// NULL: there is no memory.
struct floor_names *floor_names_new(void);

// The inode number behind a name in a directory; 0: there is no such name.
uint64_t floor_names_find(struct floor_names *names, uint64_t parent, const char *name);

// Gives a name to a new file or directory; returns its inode number, 0: there is no memory.
uint64_t floor_names_add(struct floor_names *names, uint64_t parent, const char *name,
                         bool directory);

// Takes a name away, if it is there.
void floor_names_remove(struct floor_names *names, uint64_t parent, const char *name);

// Gives what has one name another one. Returns 0 or a negative errno.
int floor_names_rename(struct floor_names *names, uint64_t parent, const char *name,
                       uint64_t new_parent, const char *new_name);

bool floor_is_directory(uint64_t ino);

#endif
