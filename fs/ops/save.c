// SPDX-License-Identifier: BSD-2-Clause
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/inode/impersonate.h"
#include "fs/journal/common_commit.h"
#include "fs/ops/ops.h"
#include "fs/ops/sync.h"
#include "lib/api/shmap_save.h"
#include "lib/object/object.h"
#include "lib/object/xattr.h"
#include "lib/sys/cleanup.h"

#define ACCESS_ACL "system.posix_acl_access"

/* A client, and the file by which it asks. */
struct asking {
    fuse_req_t req;
    uint64_t number; // of the file: the kernel has checked that the client may write to it
};

/* Returns whether the client may write to a file. With an access ACL the bits of the group are no
 * group's: then the owner alone may, and root. */
static bool may_write(struct inode *inode, void *context)
{
    const struct asking *asking = context;
    uid_t uid = fuse_req_ctx(asking->req)->uid;
    struct statx stx;

    if (uid == 0 || inode_number(inode->volume, inode->ref.area, inode->ref.ino) == asking->number)
        return true;
    if (object_stat(inode->fd, &stx) != 0)
        return false;
    if (uid == stx.stx_uid)
        return stx.stx_mode & S_IWUSR;
    if (xattr_get(inode->fd, ACCESS_ACL, NULL, 0) >= 0)
        return false;
    return stx.stx_mode & (impersonate_has_group(asking->req, stx.stx_gid) ? S_IWGRP : S_IWOTH);
}

/* Reads numbers that a space is between. Returns how many; -EINVAL: it is something else; -E2BIG:
 * they are more than there is room for. */
static ssize_t read_numbers(const char *text, uint64_t numbers[SHMAP_SAVE_MAX])
{
    size_t count = 0;

    while (*text != '\0') {
        char *end;

        if (!isdigit((unsigned char)*text))
            return -EINVAL;
        if (count == SHMAP_SAVE_MAX)
            return -E2BIG;
        errno = 0;
        numbers[count++] = strtoull(text, &end, 10);
        if (errno != 0 || (*end != '\0' && (*end != ' ' || end[1] == '\0')))
            return -EINVAL;
        text = *end == ' ' ? end + 1 : end;
    }
    return (ssize_t)count;
}

static int compare_inode_numbers(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}

int save_files(fuse_req_t req, struct inode *inode, const char *numbers, size_t size)
{
    struct asking asking = { req, inode_number(inode->volume, inode->ref.area, inode->ref.ino) };
    CLEANUP_FREE char *text = strndup(numbers, size);
    CLEANUP_FREE uint64_t *meant = calloc(SHMAP_SAVE_MAX + 1, sizeof(*meant));
    struct common_files files = { .numbers = meant, .is_allowed = may_write, .context = &asking };
    struct common_commit done;
    ssize_t count;

    if (!inode_has_commits(inode))
        return -EOPNOTSUPP;
    if (!text || !meant)
        return -ENOMEM;
    count = strlen(text) == size ? read_numbers(text, meant) : -EINVAL;
    if (count < 0)
        return (int)count;
    meant[count] = asking.number;
    files.count = (size_t)count + 1;
    qsort(meant, files.count, sizeof(*meant), compare_inode_numbers);
    volume_will_wait(inode->volume);
    return common_commit_files(inode->volume, &files, &done);
}

void save_request(fuse_req_t req, size_t size)
{
    uid_t uid = fuse_req_ctx(req)->uid;

    if (uid == 0 || uid == volume_of(req)->info.owner)
        sync_request(req, AWAITED_SAVE, size);
    else
        reply_err(req, EPERM);
}
