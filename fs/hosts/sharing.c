// SPDX-License-Identifier: BSD-2-Clause
#include "fs/hosts/sharing.h"

#include <errno.h>

#include "fs/util/log.h"
#include "lib/area/shared_filesystem.h"

int sharing_check(const struct volume *volume, const struct options *options,
                  struct complaint *complaint)
{
    const struct area *store = &volume->info.areas[AREA_STORE];

    // Names and contents that another host changes would go unseen, and its locks would not hold.
    if (options->hosts == HOSTS_UNSAID && store->has_servers)
        return complain(complaint, EOPNOTSUPP,
                        "STORE %s is on %s, where other hosts may use it at the same time, and "
                        "this mount would not see what they change; if they mount it, too, add -o "
                        "shared; if this host alone uses it, -o noshared",
                        options->store, store->filesystem);
    if (options->hosts != HOSTS_SEVERAL)
        return 0;
    // Several mounts of one host may share a store, too, where all see the same at once.
    if (store->has_servers && filesystem_mappings(store->filesystem) == MAPPINGS_REFUSED)
        return complain(complaint, EOPNOTSUPP,
                        "STORE %s is on %s, of which it is not known that all hosts see the same; "
                        "'shared' is for GlusterFS, OCFS2, NFS, CephFS, GFS2 and Lustre",
                        options->store, store->filesystem);
    return 0;
}

int sharing_require(const struct volume *volume)
{
    const struct data_path *path = &volume->info.data_paths[AREA_STORE];

    if (!volume_is_shared(volume) || path->passthrough)
        return 0;
    log_event(LOG_ERR,
              "option 'shared' needs passthrough, without which the page cache of FUSE would hide "
              "what other hosts write: %s",
              path->reason);
    return -EOPNOTSUPP;
}
