// SPDX-License-Identifier: BSD-2-Clause
/*
 * An area: a directory tree that holds objects of one durability. A mount has several, each with an
 * index: the store, which it may lack, and RAM areas.
 */
#ifndef SHMAP_AREA_H
#define SHMAP_AREA_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/statvfs.h>
#include <sys/types.h>

#include "lib/api/shmap.h"
#include "lib/sys/complaint.h"

/* Indices. Each mount begins with the first two, though it may lack a store; from AREA_OWN on there
 * are RAM areas that directories have for themselves. */
#define AREA_STORE     0U
#define AREA_RAM       1U
#define AREAS_OF_MOUNT 2U
#define AREA_OWN       2U
#define AREAS_OWN_MAX  100U
#define AREAS          (AREA_OWN + AREAS_OWN_MAX)

/* The properties that all areas of a kind share. */
struct area_kind {
    bool lasts;      // it outlives the mount
    bool is_memory;  // nothing in it waits for a disk, and pages that are not there are in swap
    bool is_private; // nobody changes it but the mount
    bool is_apart;   // its filesystem is not the store's: both may have an inode number
    bool reserves_blocks; // its filesystem keeps some space for root
    unsigned data_path;   // which of the mount's first areas has the way to programs that it has
};

/* The kinds, by the index of the first area that is of it. */
extern const struct area_kind AREA_KINDS[AREA_OWN];

static inline const struct area_kind *area_kind(unsigned area)
{
    return &AREA_KINDS[area < AREA_OWN ? area : AREA_RAM];
}

struct area {
    int root; // a readable descriptor of its top directory; -1: the mount has no such area
    // The mount that `root` is on, if it is the area's own, so that its flags can be changed;
    // otherwise -1. An older version has left it unset.
    int mount;
    dev_t device; // of its filesystem
    // Objects can be opened by file handle; otherwise each needs a descriptor that stays open.
    bool handles;
    bool reserves;       // what truncate(2) lets a file grow by has room
    bool has_servers;    // its filesystem is one that other hosts can reach
    int user_namespace;  // that owns a RAM area made without privilege; otherwise -1
    char filesystem[32]; // its kind, such as "ext4"
    char huge[16];       // the RAM area's huge= in force
};

/* The MOUNT_ATTR_… flags about access times that an area's own mount takes over from the user's
 * mount options. */
struct area_atime {
    uint64_t set;
    uint64_t clear;
};

struct ram_options {
    uint64_t size;    // bytes
    uint64_t inodes;  // 0: as many as follow from the size
    const char *huge; // tmpfs' word
    mode_t mode;      // of the top directory
    uid_t uid;        // whose it is; -1: of whoever mounts
    gid_t gid;        // likewise
    bool noswap;
    bool reserves;
    char *parameters; // tmpfs' further words, with or without a value, a line each; NULL: none
    struct area_atime atime;
};

#define AREA_NONE ((struct area){ .root = -1, .mount = -1, .user_namespace = -1 })

/* Opens a directory on disk as the store; store_lock.h locks it. Returns 0 or a negative errno
 * after a complaint. */
int store_open(const char *path, bool read_only, const struct area_atime *atime, struct area *area,
               struct complaint *complaint);

/* Brings all that was written to the store to its disk. Nothing is to be done without a store
 * (`area` is AREA_NONE), and where it was opened for reading. It takes as long as the disk does,
 * and no signal ends it. Returns 0 or a negative errno. */
int store_sync(const struct area *area);

/* Makes the RAM area: a tmpfs that no path leads to, and that ends with the last descriptor on it.
 * Returns 0 or a negative errno after a complaint. */
int ram_open(const struct ram_options *options, struct area *area, struct complaint *complaint);

/* Makes another RAM area, in the user namespace of one that has one; the result has none of its
 * own. The process may have several threads. Returns as ram_open() does. */
int ram_open_beside(const struct ram_options *options, const struct area *beside, struct area *area,
                    struct complaint *complaint);

/* Reads a limit for it in bytes: a text for shmap_size_parse(), with percentages of the machine's
 * RAM. -EINVAL and -ERANGE as there; -ERANGE: less than a page, which is what tmpfs counts in. */
int ram_parse_size(const char *text, uint64_t *size);

/* tmpfs' words for huge=. */
extern const char *const RAM_HUGE_WORDS[];
extern const size_t RAM_HUGE_WORD_COUNT;

/* A change of a RAM area in use. */
struct ram_changes {
    uint64_t size;     // bytes; 0: nothing
    uint64_t inodes;   // 0: what follows from a new size
    const char *huge;  // NULL: nothing
    const char *words; // tmpfs' further parameters, a line each; NULL: none
    bool dry;          // the kernel reads all of it, and changes nothing
};

/* Changes all of it or nothing. Returns 0 or a negative errno; -EINVAL: the kernel refuses; a limit
 * that is below what is in use is one reason. */
int ram_change(const struct area *area, const struct ram_changes *changes);

/* Does the same for an area of ram_open_beside(). */
int ram_change_beside(const struct area *area, const struct area *beside,
                      const struct ram_changes *changes);

/* Gives it another limit, in bytes. Returns 0 or a negative errno; -EINVAL: it is less than what is
 * in use. */
int ram_resize(const struct area *area, uint64_t size);

/* Changes the MOUNT_ATTR_… flags of an area's own mount. Returns 0 or a negative errno;
 * -EOPNOTSUPP: it has none. */
int area_set_flags(const struct area *area, uint64_t set, uint64_t clear);

/* Closes its descriptors; it is AREA_NONE then. */
void area_close(struct area *area);

/* Fills in the device, the kind, and whether file handles work, of an area whose `root` is open.
 * Returns 0 or a negative errno after a complaint. */
int area_identify(struct area *area, struct complaint *complaint);

/* Fills in the limit, the use and the kind of an area whose filesystem was asked before. */
void area_fill_status(const struct area *area, const struct statvfs *vfs,
                      struct shmap_area_status *status);

/* Reads the limit, the use and the kind of an area. Returns 0 or a negative errno. */
int area_status(const struct area *area, struct shmap_area_status *status);

#endif
