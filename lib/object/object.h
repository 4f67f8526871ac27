// SPDX-License-Identifier: BSD-2-Clause
/*
 * The two names that an object (or directory, symlink …) of an area has for as long as it exists:
 * its identity, which tells that two lookups have found the same one, and its file handle, which
 * opens it again, so that no descriptor need stay open.
 */
#ifndef SHMAP_OBJECT_H
#define SHMAP_OBJECT_H

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* Handles of ext4, xfs, btrfs and tmpfs fit. A filesystem with larger ones is served with
 * descriptors. */
#define OBJECT_HANDLE_MAX 44

struct object_handle {
    uint16_t type;
    uint8_t length; // 0: there is none
    uint8_t bytes[OBJECT_HANDLE_MAX];
};

/* The attributes that a node needs: those of struct stat, and the birth time. */
#define OBJECT_STATX_MASK (STATX_BASIC_STATS | STATX_BTIME)

/* Reads the attributes of what a descriptor (O_PATH will do) stands for. Returns 0 or a negative
 * errno. */
int object_stat(int fd, struct statx *stx);

/* Returns the birth time in nanoseconds since 1970; 0: the filesystem has none. Inode number and
 * birth time together are not used twice. */
uint64_t object_birth(const struct statx *stx);

/* Reads the file handle. Returns 0, or -EOVERFLOW when it is too large, or a negative errno. */
int object_handle_of(int fd, struct object_handle *handle);

/* Opens an object by its handle; `area_root` is any descriptor on the area's filesystem. Returns a
 * descriptor with O_CLOEXEC, or a negative errno; -ESTALE: the object is gone; -EPERM: the process
 * has no CAP_DAC_READ_SEARCH. */
int object_open(int area_root, const struct object_handle *handle, int flags);

/* Opens what a descriptor (O_PATH will do) stands for once more, with other flags. The caller makes
 * sure that it is a regular file or directory, or passes O_PATH. Returns a descriptor with
 * O_CLOEXEC, or a negative errno. */
int object_reopen(int fd, int flags);

/* Opens what a name in a directory stands for (O_PATH), also a symlink. Returns a descriptor with
 * O_CLOEXEC, or a negative errno. */
int object_open_in(int dir, const char *name);

/* Opens a directory beneath another one; "." is that one itself. Never goes by a symlink, out of
 * it, or to another filesystem. Returns a descriptor with O_CLOEXEC, or a negative errno. */
int object_open_beneath(int dir, const char *path, int flags);

/* Sets the mode of what a descriptor (O_PATH will do) stands for. Returns 0 or a negative errno. */
int object_set_mode(int fd, mode_t mode);

/* Returns whether an entry is a directory, or may be one: some filesystems do not tell. */
static inline bool object_may_be_directory(const struct dirent64 *entry)
{
    return entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN;
}

/* Returns whether the name of an entry is `.` or `..`. */
bool object_is_dot(const char *name);

/* Finds the first entry of a directory (O_PATH will do), `.` and `..` aside, for which `matches`
 * returns true, and writes its name to `name`. Returns 1; 0: there is none; or a negative errno. */
int object_find_entry(int dir, bool (*matches)(const struct dirent64 *entry, const void *argument),
                      const void *argument, char name[NAME_MAX + 1]);

/* Room for a path by which system calls that take no descriptor reach what it stands for. */
struct object_path {
    char text[32];
};

/* Writes that path and returns it. It leads to the object itself, even when that is a symlink. */
const char *object_path_of(int fd, struct object_path *path);

/* Writes the path that the kernel tells of what a descriptor stands for, and returns it: for a line
 * that a person reads. Empty: it tells none. */
const char *object_shown_path(int fd, char path[PATH_MAX]);

#endif
