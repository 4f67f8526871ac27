// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include "lib/api/shmap_reattach.h"

#define ANSWER_MAX 128

int shmap_reattach(const char *mountpoint, struct shmap_reattached *done)
{
    struct statfs filesystem;
    char answer[ANSWER_MAX];
    ssize_t length;
    int needless;

    *done = (struct shmap_reattached){ .needless = false };
    if (statfs(mountpoint, &filesystem) != 0)
        return -errno;
    if (filesystem.f_type != FUSE_SUPER_MAGIC)
        return -ENODATA;
    length = getxattr(mountpoint, SHMAP_XATTR_REATTACH, answer, sizeof(answer) - 1);
    if (length < 0)
        return -errno;
    answer[length] = '\0';
    if (sscanf(answer, "needless=%d found=%" SCNu64 " lost=%" SCNu64, &needless, &done->found,
               &done->lost) != 3)
        return -EPROTO;
    done->needless = needless != 0;
    return 0;
}
