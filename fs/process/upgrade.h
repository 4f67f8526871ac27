// SPDX-License-Identifier: BSD-2-Clause
/*
 * The upgrade: another binary goes on with a mount, without an end to anything on it.
 *
 * The new binary is asked first, in a process of its own: it looks at the memory of the mount and
 * says whether it could go on. Only then does the worker leave its requests to the next one, and
 * the keeper becomes the new binary (execve(2)), with the descriptors and nothing else.
 */
#ifndef SHMAPFS_UPGRADE_H
#define SHMAPFS_UPGRADE_H

#include "fs/mount/mount.h"

/* Hands the mount over to the binary at a path of `length` bytes; an empty path is where the
 * running binary came from. Runs in the worker, on a request. Returns UPGRADE_LATER: the new binary
 * is to answer, and there this function returns 0. Or a negative errno: -EINVAL: not an absolute
 * path; -ENOENT, -EACCES, -ENOEXEC: the binary cannot be executed; -EPROTO: it could not go on,
 * state->upgrade.refusal says why; -EBUSY: another upgrade is under way; -EOPNOTSUPP: there is no
 * keeper. */
#define UPGRADE_LATER 1
int upgrade_request(struct mount *mount, const char *path, size_t length);

/* Finds out whether the binary that is wanted can go on. Runs in the worker, on a signal. 0: it
 * can, and the worker is to leave. */
int upgrade_begin(struct mount *mount);

/* Writes to standard output whether this binary, a new one, could go on with the mount whose state
 * is in the memory of a descriptor, or why not; and ends the process. */
_Noreturn void upgrade_answer(struct mount *mount, int memfd);

/* Goes on with a mount in the new binary, as far as the keeper needs it. Returns 0 or a negative
 * errno. */
int upgrade_resume(struct mount *mount, int memfd);

#endif
