// SPDX-License-Identifier: BSD-2-Clause
/*
 * Files whose contents are committed as a whole.
 *
 * Nothing that a client writes goes to the store's file. It goes to the journal, and is committed
 * by fsync(2) and msync(2), when the last descriptor and mapping goes that can write, or, where the
 * directory wants that (lib/class/commit_mark.h), only by the former; then what was not committed
 * before is taken back. FUSE's page cache still has that, and the kernel the size. So pages and
 * attributes are dropped before the next open is answered. But that open was allowed by attributes
 * from before, and the kernel may write at an end that the file has not any more: so it is told to
 * look at the file once more (ESTALE), unless it has done so.
 *
 * A request that comes again after a worker's death finds in the journal what it has done before,
 * and does no harm by doing it once more.
 */
#ifndef SHMAPFS_JOURNALED_FILE_H
#define SHMAPFS_JOURNALED_FILE_H

#include "fs/inode/inode.h"

extern const struct contents JOURNALED_CONTENTS;

/* Returns whether anything was written to a file that is not committed, as far as the kernel has
 * handed it on; `bytes` receives how much of it is data. */
bool journaled_is_uncommitted(const struct inode *inode, uint64_t *bytes);

#endif
