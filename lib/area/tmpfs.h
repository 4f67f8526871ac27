// SPDX-License-Identifier: BSD-2-Clause
/* The parameters of a tmpfs, on a descriptor of fsopen(2) or fspick(2). */
#ifndef SHMAP_TMPFS_H
#define SHMAP_TMPFS_H

#include <stdint.h>

/* The parameter that the kernel does not take. */
struct tmpfs_refused {
    char word[64];
};

/* Notes the parameter that is set next. */
void tmpfs_refuse(struct tmpfs_refused *refused, const char *word);

/* Set a parameter; return 0 or a negative errno. */
int tmpfs_set(int fs, const char *key, const char *value);
int tmpfs_set_number(int fs, const char *key, const char *format, unsigned long long value);

/* Sets parameters that stand in a line each, with a value or without one; NULL: none. Returns as
 * these do; `refused` receives the last one. */
int tmpfs_set_words(int fs, const char *words, struct tmpfs_refused *refused);

/* The limit of files that a size has by default. tmpfs has its own for a size of half the machine's
 * RAM: a file for each page. A smaller area gets as many fewer, because the size does not count
 * what files cost beside their contents: the kernel's memory for inodes and extended attributes
 * (tmpfs takes 1 KiB of attributes for one file more) and the daemon's for nodes. */
uint64_t tmpfs_default_inodes(uint64_t size);

#endif
