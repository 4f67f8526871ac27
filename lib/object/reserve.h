// SPDX-License-Identifier: BSD-2-Clause
/*
 * The reserve of a file: so many bytes from its beginning have room in the filesystem, written or
 * not, so that a store through a mapping finds room for its page (fallocate(2) with KEEP_SIZE). The
 * file keeps the number as an attribute, SHMAP_XATTR_RESERVE.
 *
 * A file is settled if nobody changes its size meanwhile, nor writes beyond it. Only what lies
 * beyond the end of a settled file is ever freed. Descriptors are open for writing.
 */
#ifndef SHMAP_RESERVE_H
#define SHMAP_RESERVE_H

#include <stdbool.h>
#include <stdint.h>

/* Returns the reserve; 0: there is none that can be read. O_PATH will do. */
uint64_t reserve_get(int fd);

/* Reserves so many bytes. A smaller reserve than before frees nothing until the file is truncated.
 * Returns 0 or a negative errno, with the former reserve left; -ENOSPC; -EOPNOTSUPP: the filesystem
 * makes no such promise, or has no attributes. */
int reserve_set(int fd, uint64_t bytes, bool settled);

/* Gives back what is reserved beyond the end of the file. Returns 0 or a negative errno; -ENODATA:
 * there is no reserve. */
int reserve_drop(int fd, bool settled);

/* Reserves again after the file was truncated, which has freed all beyond its end. Returns 0 or a
 * negative errno; -ENOSPC: others have taken the room. */
int reserve_renew(int fd, bool settled);

#endif
