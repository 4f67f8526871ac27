// SPDX-License-Identifier: BSD-2-Clause
/*
 * The skeleton of an anonymous class root: its directories, with their owners, modes, ACLs, other
 * attributes and flags, without the files. Where it is kept, the class root's directory in the
 * store has the same directories as the one in the RAM area, and carries the attribute
 * SHMAP_XATTR_SKELETON. These directories are the mirror.
 *
 * Nothing that others put into the mirror is trusted: no symlink is followed, no other filesystem
 * is entered, only directories are taken from it, and only directories are removed there. None gets
 * the attributes of one in RAM that has another owner: it is made anew instead. Directories whose
 * path below the class root is longer than a path can be are not kept.
 */
#ifndef SHMAP_SKELETON_H
#define SHMAP_SKELETON_H

#include <stdbool.h>
#include <sys/types.h>

/* How a class root's skeleton comes back. */
struct skeleton_return {
    // Takes room for one more directory; returns whether there was any.
    bool (*take)(void *argument);
    void *argument;
    bool full; // becomes true when some directories found no room
};

/* Returns whether a class root's directory in the store is marked to keep its skeleton. */
bool skeleton_is_kept(int store_dir);

/* Mark it, or take the mark away. Return 0 or a negative errno. */
int skeleton_mark(int store_dir);
int skeleton_unmark(int store_dir);

/* Returns 1 if there are only directories in a directory, 0 if there is anything else, or a
 * negative errno. */
int skeleton_is_alone(int store_dir);

/* Makes the directories of a mirror in the RAM directory of its class root, the upper ones first.
 * Those that find no room are left out. Without `how` (NULL) there is enough. Returns 0 or a
 * negative errno. */
int skeleton_restore(int store_dir, int ram_dir, struct skeleton_return *how);

/* Make the mirror as the directories in RAM are: below two directories, where the mirror may have
 * more, which found no room; of one name in them; of one that was just made. Mirrors that
 * are right already stay. The modes in the mirror get the bits `besides` in addition. Return 0 or a
 * negative errno; -ENOTEMPTY, -EEXIST: something else is in the mirror's place. */
int skeleton_keep(int ram_dir, int store_dir, mode_t besides);
int skeleton_keep_name(int ram_dir, int store_dir, const char *name, mode_t besides);
int skeleton_keep_new(int ram_dir, int store_dir, const char *name, mode_t besides);

/* Removes a directory with those below it; and those below one. Return 0, also if there is none, or
 * a negative errno; -ENOTEMPTY: there is something else among them. */
int skeleton_remove(int parent, const char *name);
int skeleton_drop(int dir);

#endif
