// SPDX-License-Identifier: BSD-2-Clause
/*
 * A remount: options of a mount change while it is in use.
 *
 * mount(8) hands on those of fstab, or of the mount table, together with those that were asked for.
 * So an option that is in force already is no mistake, whatever it is.
 */
#ifndef SHMAPFS_REMOUNT_H
#define SHMAPFS_REMOUNT_H

#include "fs/options/options.h"
#include "lib/sys/complaint.h"

/* Changes what is mounted at the mount point as the options say, or only checks it (`fake`). All
 * that can be checked is checked before anything changes. Returns 0, or a negative errno with a
 * complaint and everything as it was. */
int remount(const struct options *options, struct complaint *complaint);

#endif
