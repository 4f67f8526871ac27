// SPDX-License-Identifier: BSD-2-Clause
/* Set-up: the way from a command line to a mount that is ready to be served. */
#ifndef SHMAPFS_SETUP_H
#define SHMAPFS_SETUP_H

#include "fs/mount/mount.h"

/* Checks everything, makes the areas, mounts. On errors nothing is left behind, and the complaint
 * says what is wrong. With the option `fake`, nothing is left behind either way. `mount->options`
 * is set; the rest is all zero. */
int setup_mount(struct mount *mount, struct complaint *complaint);

/* Sets up what a process needs for a mount that is there already, over its connection to the
 * kernel. Returns 0 or a negative errno. */
int setup_continue(struct mount *mount, int device);

/* Notes where the running binary is, for the next upgrade. */
void setup_note_program(struct state *state);

/* Tells the node table which descriptors are the mount's own. */
void setup_keep_descriptors(struct mount *mount);

/* Gives back what is left of the mount, when nobody serves it any more. */
void setup_undo(struct mount *mount);

#endif
