// SPDX-License-Identifier: BSD-2-Clause
/*
 * The journal's file, as it is on disk (docs/journal.md).
 *
 * All numbers are little-endian words of 64 bits, except in headers, where the table says so.
 * Neither programs' data nor a file's name ever lies where records are looked for.
 */
#ifndef SHMAP_REDO_FORMAT_H
#define SHMAP_REDO_FORMAT_H

#include <assert.h>
#include <endian.h>
#include <stdint.h>

#define REDO_PAGE_SHIFT 12
#define REDO_PAGE       (UINT64_C(1) << REDO_PAGE_SHIFT)

#define REDO_VERSION 1
#define REDO_SESSION 16

/* Two superblocks, two halves of records, blocks of data. */
#define REDO_SUPERBLOCK_AT(i) ((uint64_t)(i)*REDO_PAGE)
#define REDO_HALF_SIZE        (UINT64_C(1) << 30)
#define REDO_HALF_AT(half)    (((uint64_t)(half) + 1) * REDO_HALF_SIZE)
#define REDO_DATA_AT          (UINT64_C(4) << 30)

#define REDO_SUPERBLOCK_MAGIC "SHMAPJNL"
#define REDO_RECORD_MAGIC     UINT32_C(0x4c4a4853)

struct redo_superblock {
    uint8_t magic[8];
    uint32_t version;
    uint32_t features; // which a reader must know; 0
    uint64_t size;     // the limit of the data, in bytes
    uint64_t generation;
    uint64_t half; // which has the records
    uint8_t session[REDO_SESSION];
    uint64_t reserved[8];
    uint64_t checksum; // XXH3 of all before it
};
static_assert(sizeof(struct redo_superblock) == 128, "the superblock is part of the format");

enum redo_type {
    REDO_OBJECT = 1,
    REDO_WRITE,
    REDO_SIZE,
    REDO_HOLE,
    REDO_COMMIT,
    REDO_DROP,
    REDO_FORGET,
    REDO_TURNED,
    REDO_FAILED,
};

struct redo_header {
    uint32_t magic;
    uint16_t type;
    uint16_t reserved;
    uint64_t length;     // of header and body, in bytes: a multiple of 8
    uint64_t sequence;   // from 1 on in each generation, without a gap
    uint64_t generation; // of the superblock that names the half
    uint64_t checksum;   // XXH3 of the body, seeded with that of the header with 0 here
};
static_assert(sizeof(struct redo_header) == 40, "a record's header is part of the format");

/* The longest record: so many pages in a WRITE, and so many objects in a COMMIT. */
#define REDO_WRITE_PAGES    8192U
#define REDO_COMMIT_OBJECTS 1024U
#define REDO_RECORD_MAX     (sizeof(struct redo_header) + 128 + REDO_WRITE_PAGES * sizeof(uint64_t))

#define REDO_HANDLE_ROOM 48

/* Gives a number to an object, for the records after it. */
struct redo_object {
    uint64_t object;
    uint64_t inode;
    uint64_t birth; // nanoseconds since 1970; 0: unknown
    uint64_t size;  // of the store's file, in bytes
    uint64_t mtime; // likewise, in nanoseconds since 1970
    uint64_t flags; // REDO_OBJECT_SPILLS
    uint64_t handle_type;
    uint64_t handle_length; // 0: there is none
    uint8_t handle[REDO_HANDLE_ROOM];
};

#define REDO_OBJECT_SPILLS UINT64_C(1)

/* Blocks of the spill file, which only the same session has. */
#define REDO_SPILLED (UINT64_C(1) << 63)

/* Pages were written. There are no checksums of spilled ones. */
struct redo_write {
    uint64_t object;
    uint64_t size; // of the object afterwards
    uint64_t mtime;
    uint64_t page;
    uint64_t pages;
    uint64_t block;
    uint64_t checksums[]; // of each page: XXH3
};

/* The size was set. From `limit` on, rounded up to a page, nothing from before is left. */
struct redo_size {
    uint64_t object;
    uint64_t size;
    uint64_t mtime;
    uint64_t limit; // UINT64_MAX: all is left
};

/* Pages became zeros. */
struct redo_hole {
    uint64_t object;
    uint64_t size;
    uint64_t mtime;
    uint64_t page;
    uint64_t pages;
};

struct redo_committed {
    uint64_t object;
    uint64_t size;
    uint64_t mtime;
};

/* All that was recorded of these objects is committed, as one. */
struct redo_commit {
    uint64_t synced; // the sequence of the last record that was known to be on disk
    uint64_t count;
    struct redo_committed objects[];
};

/* DROP, FORGET: an object; FAILED: an errno. */
struct redo_one {
    uint64_t value;
};

#endif
