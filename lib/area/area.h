// SPDX-License-Identifier: BSD-2-Clause
/*
 * An area: a directory tree that holds objects of one durability. A mount has several, each with an
 * index: the store, which it may lack, and RAM areas.
 */
#ifndef SHMAP_AREA_H
#define SHMAP_AREA_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/sys/complaint.h"
#include "lib/api/shmap.h"

/* Indices: the store; the mount's own RAM area; and how many there are. */
#define AREA_STORE 0U
#define AREA_RAM   1U
#define AREAS      2U

/* What an area is like, by its index. */
struct area_kind {
    bool is_memory;       // nothing in it waits for a disk, and pages that are not there are in swap
    bool is_private;      // nobody changes it but the mount
    bool reserves_blocks; // its filesystem keeps some space for root
    uint64_t ino_bit;     // that its inode numbers are shown with
};

/* Inode numbers of a RAM area are shown with a bit set, so that they differ from the store's. tmpfs
 * and the usual filesystems of disks stay far below it, and the sum still is an integer that a
 * double holds exactly, which is what JavaScript has. A store with larger numbers (overlayfs with
 * xino, some network filesystems) could show one twice; nodes are told apart all the same. */
#define AREA_RAM_INO_BIT (UINT64_C(1) << 52)

extern const struct area_kind AREA_KINDS[AREAS];

static inline const struct area_kind *area_kind(unsigned area)
{
    return &AREA_KINDS[area];
}

struct area {
    int root;     // a readable descriptor of its top directory; -1: the mount has no such area
    dev_t device; // of its filesystem
    // Objects can be opened by file handle; otherwise a descriptor must be kept for each.
    bool handles;
    int user_namespace;  // that owns a RAM area made without privilege; otherwise -1
    char filesystem[32]; // what kind it is
    char huge[16];       // the RAM area's huge= in force
};

/* What mounts of areas take over from the user's mount options: MOUNT_ATTR_… flags about access
 * times. */
struct area_atime {
    uint64_t set;
    uint64_t clear;
};

struct ram_options {
    uint64_t size;    // bytes
    uint64_t inodes;  // 0: tmpfs' own default
    const char *huge; // tmpfs' word
    mode_t mode;      // of the top directory
    bool noswap;
    struct area_atime atime;
};

#define AREA_NONE ((struct area){ .root = -1, .user_namespace = -1 })

/* Opens a directory on disk as the store and locks it: nobody else can open it until the descriptor
 * is closed. -EBUSY: somebody has it; the caller finds out who. */
int store_open(const char *path, bool read_only, const struct area_atime *atime, struct area *area,
               struct complaint *complaint);

/* Waits, at most `seconds`, for a store whose daemon is about to end. -EBUSY: it did not. */
int store_lock_wait(struct area *area, unsigned seconds);

/* Makes the RAM area: a tmpfs that no path leads to, gone when the last descriptor on it is. */
int ram_open(const struct ram_options *options, struct area *area, struct complaint *complaint);

/* Reads a limit for it: a text for shmap_size_parse(), with percentages of the machine's RAM, of at
 * least a page, which is what tmpfs counts in. */
int ram_parse_size(const char *text, uint64_t *size);

/* Gives it another limit. -EINVAL: less than what is in use. */
int ram_resize(const struct area *area, uint64_t size);

void area_close(struct area *area);

/* Fills in what an area is: its device, its kind, and whether file handles work. */
int area_identify(struct area *area, struct complaint *complaint);

/* The limit, use and kind of an area. */
int area_status(const struct area *area, struct shmap_area_status *status);

#endif
