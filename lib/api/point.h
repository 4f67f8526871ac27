// SPDX-License-Identifier: BSD-2-Clause
/*
 * A point: files of the classes atomic and checkpoint as they were committed at one moment, all of
 * them. No writer waits while somebody has a point, and what is committed later is not in it; but
 * it waits in the journal meanwhile, which then takes up to twice its limit. The point ends by
 * itself when nobody has read for half a minute, when the journal has no more room, when a file
 * gets another class, and with the process that serves.
 */
#ifndef SHMAP_POINT_H
#define SHMAP_POINT_H

#include <stdint.h>
#include <sys/types.h>

/* The attribute that these functions read, on a mount's root and on files; more follows in the
 * name. It is read and not set, because whoever may read a mount may do it. */
#define SHMAP_XATTR_POINT "user.shmapfs.point"

/* Takes a point; what was committed before goes to the store's files first. -EBUSY: somebody has
 * one already, and he is the mount's owner or root, or the caller is neither; -EROFS: the mount is
 * read-only; -ENODATA: it has no store, is older than this, or is no mount; or an error of
 * getxattr(2). */
int shmap_point_take(const char *mountpoint, uint64_t *point);

/* Gives it back. Returns 0; -ESTALE: it had ended before, and so the class that a file was found to
 * have may be another one than it had then; or an error of getxattr(2). */
int shmap_point_leave(const char *mountpoint, uint64_t point);

#define SHMAP_PIECE_MAX 61440 // bytes

struct shmap_piece {
    uint64_t offset; // from where on data is looked for, and where it was found
    uint64_t size;   // of the file
    int64_t mtime;   // its time of change, in nanoseconds since 1970
};

/* Reads the next data of a file as it was at a point, up to SHMAP_PIECE_MAX bytes. The caller knows
 * that `path`, which is followed, is on that mount. Returns how many bytes; 0: the rest is a hole.
 * -ENODATA: the file's class is neither atomic nor checkpoint; -ESTALE: the point has ended, and
 * what was read may be of another moment, so that all has to be read again from another point;
 * -EPROTO: this version does not understand the answer; or an error of getxattr(2) or read(2). */
ssize_t shmap_point_read(const char *path, uint64_t point, struct shmap_piece *piece, void *data);

#endif
