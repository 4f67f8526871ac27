// SPDX-License-Identifier: BSD-2-Clause
/*
 * The inventory of a mount: a list of all names, each directory before what is in it.
 *
 * Names change at once, whatever the class. So directories of the classes atomic and checkpoint,
 * and what is in them, are held from the moment when they are listed: whoever removes or replaces
 * a name does not take its file away from the snapshot. And the directories are looked at once more
 * when the point is taken: if none has changed, then the names are those of that moment, too.
 */
#ifndef SHMAPCTL_INVENTORY_H
#define SHMAPCTL_INVENTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "lib/api/shmap.h"
#include "tools/ui/interruption.h"

struct inventory_entry {
    char *path;             // from the mount's root, which is "."
    size_t parent;          // index of the directory; of the root its own
    int fd;                 // O_PATH, if it is held; otherwise -1
    struct stat st;         // when it was listed
    enum shmap_class class; // of a file below a committed directory first that of the directory
    bool waits;             // its entries were not listed yet
    bool made;              // it is in the snapshot
};

struct inventory {
    int root;
    bool anon; // what does not last is wanted, too
    struct inventory_entry *entries;
    size_t count;
    size_t plain;    // so many of them are no files and directories that are committed
    size_t left_out; // names that could not be looked at
    size_t plain_left_out;
    uint64_t bytes;   // of all regular files
    int64_t began_at; // when the committed directories were begun, CLOCK_REALTIME in nanoseconds
    size_t held;
    size_t held_max;
};

/* Lists all but what is in directories of the classes atomic and checkpoint; `root` stays the
 * caller's. Returns 0, -EINTR, or another negative errno, also after this inventory_free(). */
int inventory_begin(struct inventory *inventory, int root, bool anon,
                    struct interruption *interruption);

/* Lists these, or lists them anew. Likewise. */
int inventory_add_committed(struct inventory *inventory, struct interruption *interruption);

/* Returns whether the names of what is in them may have changed since. */
bool inventory_has_changed(const struct inventory *inventory);

void inventory_free(struct inventory *inventory);

/* Opens (O_PATH) what is listed, if it is still there. Returns a descriptor or a negative errno. */
int inventory_open(const struct inventory *inventory, size_t index);

/* Opens what is beneath a directory, and never goes by a symlink or to another filesystem. Returns
 * a descriptor or a negative errno. */
int inventory_open_beneath(int root, const char *path, uint64_t flags);

/* Reads the class of a file or directory of the mount (O_PATH will do). Returns 0 or a negative
 * errno. */
int inventory_read_class(int fd, enum shmap_class *class);

bool inventory_is_committed(enum shmap_class class);

/* Returns whether files of a class are gone with the mount. */
bool inventory_is_passing(enum shmap_class class);

/* Returns whether a class begins at a directory. */
bool inventory_begins_class(const struct inventory *inventory, size_t index);

#endif
