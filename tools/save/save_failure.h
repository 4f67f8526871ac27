// SPDX-License-Identifier: BSD-2-Clause
/* Lines about commits that failed. */
#ifndef SHMAPCTL_SAVE_FAILURE_H
#define SHMAPCTL_SAVE_FAILURE_H

#include <errno.h>
#include <string.h>

#include "tools/ui/output.h"

/* Prints why nothing could be committed. Returns EXIT_FAILURE. */
static inline int fail_commit(const char *path, int error)
{
    if (error == -ENOSPC || error == -EDQUOT)
        return fail(path, "the store has no room, and nothing is committed; make room, and save "
                          "again");
    if (error == -EIO)
        return fail(path, "the disk of the store's journal fails, and nothing is committed; the "
                          "log of the mount tells more");
    return fail(path, "nothing is committed: %s", strerror(-error));
}

#endif
