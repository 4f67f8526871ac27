// SPDX-License-Identifier: BSD-2-Clause
#include "fs/sync/save_all.h"

#include <stdlib.h>

#include "fs/sync/sync_child.h"
#include "lib/class/commit_mark.h"

/* Returns whether a file may have pages that are to be committed with the others. */
static bool is_saved_by_all(struct volume *volume, uint64_t id)
{
    INODE struct inode inode = INODE_NONE;

    return inode_hold(volume, id, &inode) == 0 && inode_has_commits(&inode) &&
           !(inode.ref.policy & COMMIT_SYNC_ALONE);
}

static int find_saved(struct volume *volume, struct node_list *files)
{
    uint32_t slot = 0;
    uint64_t id;
    int error = 0;

    while (!error && (id = node_next_writer(&volume->nodes, &slot))) {
        if (is_saved_by_all(volume, id))
            error = node_list_add(files, id);
    }
    return error;
}

int save_all(struct mount *mount, struct common_commit *done)
{
    struct node_list files = { .count = 0 };
    int error = find_saved(&mount->volume, &files);

    *done = (struct common_commit){ .files = 0 };
    if (!error && files.count > 0)
        error = sync_child_files(mount, &files, false);
    free(files.ids);
    return error ? error : common_commit_all(&mount->volume, done);
}
