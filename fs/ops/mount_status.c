// SPDX-License-Identifier: BSD-2-Clause
#include "fs/ops/mount_status.h"
#include "fs/util/version.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/api/shmap.h"
#include "lib/sys/cleanup.h"

static int fill_area(struct volume *volume, unsigned area, struct shmap_area_status *status)
{
    status->passthrough = volume->info.data_paths[area].passthrough;
    strlcpy(status->reason, volume->info.data_paths[area].reason, sizeof(status->reason));
    return area_status(volume_area(volume, area), status);
}

static void fill_life(const struct volume *volume, struct shmap_status *status)
{
    const struct life *life = &volume->state->life;

    status->pid = (uint64_t)getpid();
    status->keeper = (uint64_t)life->keeper;
    status->restarts = life->restarts;
    status->upgrades = life->upgrades;
    status->last_stall_us = life->last_stall / 1000;
    strlcpy(status->last_reason, life->last_reason, sizeof(status->last_reason));
    strlcpy(status->survival, volume->info.survival, sizeof(status->survival));
    strlcpy(status->upgrade_error, volume->state->upgrade.refusal, sizeof(status->upgrade_error));
}

char *mount_status(struct volume *volume)
{
    struct node_counts counts = node_table_counts(&volume->nodes);
    CLEANUP_FREE struct shmap_status *status = calloc(1, sizeof(*status));

    if (!status)
        return NULL;
    strlcpy(status->version, version_text(), sizeof(status->version));
    fill_life(volume, status);
    strlcpy(status->mountpoint, volume->info.mountpoint, sizeof(status->mountpoint));
    strlcpy(status->store, volume->info.store, sizeof(status->store));
    strlcpy(status->huge, volume_huge(volume), sizeof(status->huge));
    strlcpy(status->transport, volume->info.io_uring ? "io_uring" : "fuse",
            sizeof(status->transport));
    status->writeback = volume->info.writeback;
    status->nodes = counts.nodes;
    status->open_files = counts.opens;
    status->descriptors = counts.descriptors;
    status->descriptors_max = counts.cached_max;
    if (fill_area(volume, AREA_STORE, &status->store_area) != 0 ||
        fill_area(volume, AREA_RAM, &status->ram_area) != 0)
        return NULL;
    return shmap_status_to_json(status);
}
