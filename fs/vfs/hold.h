// SPDX-License-Identifier: BSD-2-Clause
/*
 * Keeps the kernel's side of a mount until what it writes back has arrived.
 *
 * Before Linux 6.16 FUSE writes the pages of a mapping from copies: a page is clean as soon as it
 * is copied. munmap(2), exit and sync(2) wait for no more than that, and return while WRITE
 * requests are still queued. The end of the last mount begins with fuse_abort_conn(), which throws
 * away what is queued. So `umount` right after a munmap lost what was written through the mapping.
 * Later kernels have no copies: the end of a mapping waits until the daemon has answered.
 *
 * Two things mend that. close(2) waits there: files of the store are opened without FOPEN_NOFLUSH,
 * and then the kernel waits for the writes of the file. FLUSH itself is not implemented, so it
 * costs one request in a mount's life. But a file may be closed first and unmapped later. So the
 * daemon keeps the filesystem alive beside its mounts, by a context for its reconfiguration
 * (fspick(2)): that is no mount which would be busy, propagate, or be seen by others. The daemon
 * lets go when no mount is left and every file is closed. The kernel sends RELEASE after the last
 * WRITE of an open file was answered, so nothing is under way then.
 *
 * `umount` itself does not wait for that: the kernel does nothing that could be held up before it
 * aborts the connection. So data of a file that was closed last is in the store when umount
 * returns; data of a file that was unmapped after its close is there when the daemon has ended, for
 * which the next mount of the store waits.
 */
#ifndef SHMAPFS_HOLD_H
#define SHMAPFS_HOLD_H

#include "fs/inode/volume.h"

/* Returns 0 or -ENOMEM. */
int hold_init(struct volume *volume);
void hold_destroy(struct volume *volume);

/* Takes hold of a mount that begins, where that is needed; completes `info`. Without the privilege,
 * and without user namespaces, there is no hold. */
void hold_take(struct volume *volume);

/* Begins to look after the hold, if there is one. The mount may have gone before. */
void hold_begin(struct volume *volume);

/* Notes that nothing is mounted any more, as far as can be seen from here. */
void hold_detached(struct volume *volume);

/* Notes that a file was closed. */
void hold_file_closed(struct volume *volume);

/* Lets go of a mount that is gone when nothing is under way any more. Call it from the ticker.
 * Returns whether to look again soon. */
bool hold_tick(struct volume *volume);

/* Waits, when the mount is to end and is gone already, until what is under way has arrived, but not
 * for processes that still have files open. Requests must be served meanwhile; `ended` becomes
 * readable when nobody serves them any more. */
void hold_finish(struct volume *volume, int ended);

#endif
