// SPDX-License-Identifier: BSD-2-Clause
/*
 * Another binary goes on with a mount, without an end to anything on it.
 *
 * The new binary is asked first, in a process of its own: it looks at the memory of the mount and
 * says whether it could go on. Only then does the worker leave its requests to the next one, and the
 * keeper becomes the new binary (execve(2)), with the descriptors and nothing else.
 */
#ifndef SHMAPFS_UPGRADE_H
#define SHMAPFS_UPGRADE_H

#include "fs/mount/mount.h"

/* In the worker, on a request: has the mount handed over to the binary at a path of `length` bytes;
 * an empty one is where the running binary came from. UPGRADE_LATER: it is for the new binary to
 * answer, for which this returns 0. Or a negative errno: -EINVAL: not an absolute path; -ENOENT, -EACCES,
 * -ENOEXEC: it cannot be executed; -EPROTO: it could not go on, state->upgrade.refusal says why;
 * -EBUSY: another upgrade is under way; -EOPNOTSUPP: there is no keeper. */
#define UPGRADE_LATER 1
int upgrade_request(struct mount *mount, const char *path, size_t length);

/* In the worker, on a signal: finds out whether the binary that is wanted can go on. 0: it can, and
 * the worker is to leave. */
int upgrade_begin(struct mount *mount);

/* In the new binary: whether it could go on with the mount whose state is in the memory of a
 * descriptor. Writes that, or why not, to standard output, and ends the process. */
_Noreturn void upgrade_answer(struct mount *mount, int memfd);

/* In the new binary: takes the mount over, as far as the keeper needs it. Returns 0 or a negative
 * errno. */
int upgrade_resume(struct mount *mount, int memfd);

#endif
