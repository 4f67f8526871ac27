// SPDX-License-Identifier: BSD-2-Clause
/*
 * The contents of a single file of the store that is anonymous. Its name, owner and mode are those
 * of the store's file, which is empty; what is written to it is in a file of the RAM area, named
 * after the identity of the store's, where no directory of the mount leads to. Without that file it
 * is empty.
 */
#ifndef SHMAPFS_ANON_CONTENTS_H
#define SHMAPFS_ANON_CONTENTS_H

#include "fs/inode/class.h"

extern const struct contents ANON_CONTENTS;

#endif
