// SPDX-License-Identifier: BSD-2-Clause
/*
 * All that the journal does to a disk goes through these functions. A test is linked with others in
 * their place, which lose what was not synced.
 */
#ifndef SHMAP_REDO_DISK_H
#define SHMAP_REDO_DISK_H

#include <stddef.h>
#include <stdint.h>

/* Named points of the journal's work, at which a test stops or kills its process. Nothing happens
 * there otherwise. */
enum disk_point {
    DISK_POINT_WRITTEN,   // data is written, and no record tells of it
    DISK_POINT_RECORDED,  // a record tells of it
    DISK_POINT_COMMITTED, // the record of a commit is written, and not synced
    DISK_POINT_SYNCED,    // it is synced, and nobody was told
    DISK_POINT_APPLYING,  // a part of an object is in the store's file
    DISK_POINT_APPLIED,   // all is in the store's files, and the journal has it, too
    DISK_POINT_TURNING,   // the next half is being written
    DISK_POINT_FLIPPED,   // the superblock is written, and not synced
    DISK_POINT_TURNED,    // it is synced
};

void disk_point(enum disk_point point);

/* Writes all of it to the journal's file or the spill file. Returns 0 or a negative errno. */
int disk_write(int fd, const void *data, size_t size, uint64_t offset);

/* Writes zeros to the journal's file, page by page. The page cache keeps what came with one call in
 * one piece, and a filesystem looks at all blocks of a piece when a page of it is written. Returns
 * 0 or a negative errno. */
int disk_warm(int fd, size_t size, uint64_t offset);

/* Reads all of it; beyond the end there are zeros. Returns 0 or a negative errno. */
int disk_read(int fd, void *data, size_t size, uint64_t offset);

/* Brings what was written to the journal's file to its disk (fdatasync(2)). Returns 0 or a negative
 * errno. */
int disk_sync(int fd);

/* Writes to a file of the store. Returns 0 or a negative errno. */
int disk_write_store(int fd, const void *data, size_t size, uint64_t offset);

/* Sets the size of a file of the store. Returns 0 or a negative errno. */
int disk_resize_store(int fd, uint64_t size);

/* Makes zeros of a range that is in a file of the store. Returns 0 or a negative errno. */
int disk_zero_store(int fd, uint64_t from, uint64_t end);

/* Brings a file or directory of the store to its disk, with `metadata` also what its data does not
 * need (fsync(2)). Returns 0 or a negative errno. */
int disk_sync_store(int fd, int metadata);

#endif
