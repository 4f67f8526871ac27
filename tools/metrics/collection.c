// SPDX-License-Identifier: BSD-2-Clause
#include "tools/metrics/collection.h"

#include <stdint.h>

/* Labels are copied where they are added, and changed nowhere. */
static char *text(const char *value)
{
    return (char *)(uintptr_t)value;
}

/* The labels of an area: those of its mount, and what tells it from the mount's others. */
struct area_labels {
    struct label all[5];
};

static struct area_labels labels_of(const char *mountpoint, const char *area,
                                    enum shmap_class class, const char *directory)
{
    return (struct area_labels){ { { "mountpoint", text(mountpoint) },
                                   { "area", text(area) },
                                   { "class", text(shmap_class_name(class)) },
                                   { "directory", text(directory) },
                                   { NULL, NULL } } };
}

static void collect_room(struct metrics *metrics, const struct label *labels, uint64_t size,
                         uint64_t used)
{
    metrics_add(metrics, METRIC_AREA_SIZE, labels, size);
    metrics_add(metrics, METRIC_AREA_USED, labels, used);
}

static void collect_inodes(struct metrics *metrics, const struct label *labels, uint64_t inodes,
                           uint64_t used)
{
    if (inodes > 0)
        metrics_add(metrics, METRIC_AREA_INODES, labels, inodes);
    metrics_add(metrics, METRIC_AREA_INODES_USED, labels, used);
}

static void collect_area(struct metrics *metrics, const struct area_labels *labels,
                         const struct shmap_area_status *area, const char *huge)
{
    const struct label info[] = { labels->all[0],
                                  labels->all[1],
                                  labels->all[2],
                                  labels->all[3],
                                  { "filesystem", text(area->filesystem) },
                                  { "huge", text(huge) },
                                  { NULL, NULL } };

    if (!area->present)
        return;
    metrics_add(metrics, METRIC_AREA_INFO, info, 1);
    collect_room(metrics, labels->all, area->size, area->used);
    collect_inodes(metrics, labels->all, area->inodes, area->inodes_used);
    metrics_add(metrics, METRIC_AREA_PASSTHROUGH, labels->all, area->passthrough);
}

static void collect_store(struct metrics *metrics, const struct label *mount,
                          const struct shmap_status *status)
{
    if (!status->store_area.present)
        return;
    metrics_add(metrics, METRIC_STORE_ANSWERS, mount,
                status->store_silent_since == 0 && *status->store_error == '\0');
    metrics_add(metrics, METRIC_STORE_SILENT, mount,
                status->store_silent_since * UINT64_C(1000000));
}

static void collect_journal(struct metrics *metrics, const struct label *mount,
                            const struct shmap_status *status)
{
    if (status->journal_size == 0)
        return;
    metrics_add(metrics, METRIC_JOURNAL_SIZE, mount, status->journal_size);
    metrics_add(metrics, METRIC_JOURNAL_USED, mount, status->journal_used);
    metrics_add(metrics, METRIC_JOURNAL_UNCOMMITTED, mount, status->journal_uncommitted);
    metrics_add(metrics, METRIC_JOURNAL_UNAPPLIED, mount, status->journal_unapplied);
    metrics_add(metrics, METRIC_JOURNAL_COMMITS, mount, status->journal_commits);
    metrics_add(metrics, METRIC_JOURNAL_LAST_COMMIT, mount,
                status->journal_last_commit * UINT64_C(1000000));
    metrics_add(metrics, METRIC_JOURNAL_WAITS, mount, *status->journal_waits != '\0');
    metrics_add(metrics, METRIC_JOURNAL_FAILED, mount, *status->journal_error != '\0');
}

void collect_mount(struct metrics *metrics, const char *mountpoint,
                   const struct shmap_status *status)
{
    const struct label mount[] = { { "mountpoint", text(mountpoint) }, { NULL, NULL } };
    const struct label info[] = { mount[0],
                                  { "store", text(status->store) },
                                  { "version", text(status->version) },
                                  { "transport", text(status->transport) },
                                  { NULL, NULL } };
    struct area_labels store = labels_of(mountpoint, "store", SHMAP_PERSIST, "");
    struct area_labels ram = labels_of(mountpoint, "ram", SHMAP_ANON, "");

    metrics_add(metrics, METRIC_UP, mount, 1);
    metrics_add(metrics, METRIC_INFO, info, 1);
    metrics_add(metrics, METRIC_SURVIVES, mount, *status->survival == '\0');
    metrics_add(metrics, METRIC_RESTARTS, mount, status->restarts);
    metrics_add(metrics, METRIC_UPGRADES, mount, status->upgrades);
    metrics_add(metrics, METRIC_STALL, mount, status->last_stall_us);
    metrics_add(metrics, METRIC_NODES, mount, status->nodes);
    metrics_add(metrics, METRIC_OPEN_FILES, mount, status->open_files);
    metrics_add(metrics, METRIC_DESCRIPTORS, mount, status->descriptors);
    metrics_add(metrics, METRIC_DESCRIPTORS_LIMIT, mount, status->descriptors_max);
    metrics_add(metrics, METRIC_WRITEBACK, mount, status->writeback);
    collect_store(metrics, mount, status);
    metrics_add(metrics, METRIC_SHARED, mount, status->shared);
    if (status->hosts > 0)
        metrics_add(metrics, METRIC_HOSTS, mount, status->hosts);
    collect_journal(metrics, mount, status);
    collect_area(metrics, &store, &status->store_area, "");
    collect_area(metrics, &ram, &status->ram_area, status->huge);
}

void collect_requests(struct metrics *metrics, const char *mountpoint,
                      const struct shmap_requests *requests)
{
    for (size_t i = 0; i < requests->count; i++) {
        const struct label kind[] = { { "mountpoint", text(mountpoint) },
                                      { "kind", text(requests->all[i].name) },
                                      { NULL, NULL } };

        metrics_add(metrics, METRIC_REQUESTS, kind, requests->all[i].served);
    }
}

void collect_own_area(struct metrics *metrics, const char *mountpoint,
                      const struct shmap_status *status, const struct shmap_own_area *area)
{
    struct area_labels own = labels_of(mountpoint, "own", SHMAP_ANON, area->directory);
    struct shmap_area_status as_area = status->ram_area;

    // Data goes the way that it goes to the RAM area of the mount.
    as_area.present = true;
    as_area.size = area->size;
    as_area.used = area->used;
    as_area.inodes = area->inodes;
    as_area.inodes_used = area->inodes_used;
    collect_area(metrics, &own, &as_area, area->huge);
}

void collect_silent_mount(struct metrics *metrics, const char *mountpoint)
{
    const struct label mount[] = { { "mountpoint", text(mountpoint) }, { NULL, NULL } };

    metrics_add(metrics, METRIC_UP, mount, 0);
}
