// SPDX-License-Identifier: BSD-2-Clause
/* An error of an area, as the mount passes it on. */
#ifndef SHMAPFS_PASSED_ERROR_H
#define SHMAPFS_PASSED_ERROR_H

#include <errno.h>

static inline int passed_error(int error)
{
    switch (error) {
    // A call that some kernel lacks must not end this kind of request for good.
    case ENOSYS:
        return EOPNOTSUPP;
    // The mount itself lives, although the servers of its store are away. GlusterFS says EBADFD of
    // a descriptor whose server has gone.
    case ENOTCONN:
    case ECONNABORTED:
    case EBADFD:
        return EIO;
    default:
        return error;
    }
}

#endif
