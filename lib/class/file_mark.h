// SPDX-License-Identifier: BSD-2-Clause
/*
 * The class that a single file of the store has for itself, and not from its directory: an
 * attribute of the file. Another one says which class it gets when nobody uses it any more.
 *
 * To look for them costs each lookup of a file a system call. So a store in which no file was ever
 * given a class is known by that: it lacks a file in its private directory.
 */
#ifndef SHMAP_FILE_MARK_H
#define SHMAP_FILE_MARK_H

#include <stdbool.h>

#include "lib/area/area.h"

/* Read the class of a file (O_PATH will do), and the one that it is to get. Return 0 or a negative
 * errno; -ENODATA: there is none; -EIO: the word is not a class. */
int file_mark_get(int fd, enum shmap_class *class);
int file_mark_get_next(int fd, enum shmap_class *class);

/* Give a file a class, and one that it is to get. Return 0 or a negative errno. */
int file_mark_set(int fd, enum shmap_class class);
int file_mark_set_next(int fd, enum shmap_class class);

/* Take them away. Return 0, also if there is none, or a negative errno. */
int file_mark_clear(int fd);
int file_mark_clear_next(int fd);

/* Notes that files of a store have such classes. Returns 0 or a negative errno; -EPERM: the private
 * directory is another user's. */
int file_mark_note(const struct area *store);

/* Returns whether that was noted. */
bool file_mark_is_noted(const struct area *store);

#endif
