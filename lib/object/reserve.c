// SPDX-License-Identifier: BSD-2-Clause
#include "lib/object/reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/api/shmap.h"
#include "lib/object/xattr.h"

#define DIGITS_MAX 20
#define STAT_BLOCK 512

/* btrfs writes each change elsewhere, and reserves room for the first one alone. */
static bool keeps_promises(const struct statfs *vfs)
{
    return vfs->f_type != BTRFS_SUPER_MAGIC;
}

/* Returns whether there is surely too little room. Some filesystems keep what they have reserved
 * before they find that out. */
static bool is_too_much(const struct statfs *vfs, const struct stat *st, uint64_t bytes)
{
    uint64_t present = (uint64_t)st->st_blocks * STAT_BLOCK;

    // A limit of 0 is none.
    return vfs->f_blocks > 0 && bytes > present &&
           (bytes - present) / (uint64_t)vfs->f_bsize > vfs->f_bavail;
}

static int allocate(int fd, uint64_t bytes)
{
    struct statfs vfs;
    struct stat st;

    if (bytes == 0)
        return 0;
    if (fstat(fd, &st) != 0 || fstatfs(fd, &vfs) != 0)
        return -errno;
    if (!keeps_promises(&vfs))
        return -EOPNOTSUPP;
    if (is_too_much(&vfs, &st, bytes))
        return -ENOSPC;
    return fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)bytes) == 0 ? 0 : -errno;
}

/* Frees what is allocated beyond the end of the file. */
static int free_beyond_end(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && ftruncate(fd, st.st_size) == 0 ? 0 : -errno;
}

static int write_attribute(int fd, uint64_t bytes)
{
    char text[DIGITS_MAX + 1];
    int length = snprintf(text, sizeof(text), "%" PRIu64, bytes);

    return xattr_set(fd, SHMAP_XATTR_RESERVE, text, (size_t)length, 0);
}

uint64_t reserve_get(int fd)
{
    char text[DIGITS_MAX + 1];
    ssize_t length = xattr_get(fd, SHMAP_XATTR_RESERVE, text, DIGITS_MAX);
    uint64_t bytes;

    if (length < 0)
        return 0;
    // The file's owner may have written anything there.
    text[length] = '\0';
    return shmap_size_parse(text, 0, &bytes) == 0 ? bytes : 0;
}

int reserve_set(int fd, uint64_t bytes, bool settled)
{
    uint64_t former = reserve_get(fd);
    int error = allocate(fd, bytes);

    if (!error)
        error = write_attribute(fd, bytes);
    // The space of a former reserve must not be free for a moment.
    if (error && former == 0 && settled)
        free_beyond_end(fd);
    return error;
}

int reserve_drop(int fd, bool settled)
{
    int error = reserve_get(fd) == 0 ? -ENODATA : settled ? free_beyond_end(fd) : 0;

    return error ? error : xattr_remove(fd, SHMAP_XATTR_RESERVE);
}

int reserve_renew(int fd, bool settled)
{
    int error = allocate(fd, reserve_get(fd));

    if (error && settled)
        free_beyond_end(fd);
    // Where there is no such promise, somebody has put the attribute there from outside.
    return error == -EOPNOTSUPP ? 0 : error;
}
