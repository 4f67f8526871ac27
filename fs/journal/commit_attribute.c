// SPDX-License-Identifier: BSD-2-Clause
#include "fs/journal/commit_attribute.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fs/journal/journaled_file.h"
#include "lib/class/commit_mark.h"

static bool has_commits(const struct inode *inode)
{
    return inode_class(inode)->contents && (inode_is_dir(inode) || inode_is_regular(inode));
}

int commit_attribute_get_word(struct inode *inode, char **value)
{
    if (!has_commits(inode))
        return -ENODATA;
    *value = strdup(commit_mark_word(inode->ref.policy));
    return 0;
}

int commit_attribute_get_interval(struct inode *inode, char **value)
{
    if (!has_commits(inode) || !inode_class(inode)->works_in_ram)
        return -ENODATA;
    if (asprintf(value, "%u", inode->ref.policy & COMMIT_INTERVAL) < 0)
        *value = NULL;
    return 0;
}

int commit_attribute_get_uncommitted(struct inode *inode, char **value)
{
    uint64_t bytes;

    if (!inode_has_commits(inode) || !journaled_is_uncommitted(inode, &bytes))
        return -ENODATA;
    if (asprintf(value, "%" PRIu64, bytes) < 0)
        *value = NULL;
    return 0;
}

int commit_attribute_set_word(struct inode *inode, const char *value, size_t size)
{
    bool sync_alone;
    int error = commit_mark_parse_word(value, size, &sync_alone);

    if (!inode_is_dir(inode))
        return -ENOTDIR;
    if (error || !has_commits(inode))
        return -EINVAL;
    error = commit_mark_set_word(inode->fd, sync_alone);
    if (!error)
        node_set_policy(&inode->volume->nodes, &inode->ref,
                        (uint16_t)((inode->ref.policy & COMMIT_INTERVAL) |
                                   (sync_alone ? COMMIT_SYNC_ALONE : 0)));
    return error;
}

int commit_attribute_set_interval(struct inode *inode, const char *value, size_t size)
{
    unsigned seconds;
    int error = commit_mark_parse_interval(value, size, &seconds);

    if (!inode_is_dir(inode))
        return -ENOTDIR;
    if (error || !has_commits(inode) || !inode_class(inode)->works_in_ram)
        return error ? error : -EINVAL;
    error = commit_mark_set_interval(inode->fd, seconds);
    if (!error)
        node_set_policy(&inode->volume->nodes, &inode->ref,
                        (uint16_t)((inode->ref.policy & COMMIT_SYNC_ALONE) | seconds));
    return error;
}
