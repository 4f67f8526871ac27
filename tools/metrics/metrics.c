// SPDX-License-Identifier: BSD-2-Clause
#include "tools/metrics/metrics.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ui/array.h"

/* The format that node_exporter reads has fewer types than OpenMetrics: so what is said of a mount
 * is a gauge that is 1, and no info. */
const struct metric_family METRIC_FAMILIES[METRICS] = {
    [METRIC_UP] = { "shmapfs_up", "gauge", NULL, "1 if the mount tells its state." },
    [METRIC_INFO] = { "shmapfs_mount", "gauge", NULL, "The mount itself; always 1." },
    [METRIC_SURVIVES] = { "shmapfs_survives", "gauge", NULL,
                          "1 if the mount survives the end of its worker." },
    [METRIC_RESTARTS] = { "shmapfs_restarts", "counter", NULL,
                          "Workers that ended and were replaced." },
    [METRIC_UPGRADES] = { "shmapfs_upgrades", "counter", NULL, "Binaries that were replaced." },
    [METRIC_STALL] = { "shmapfs_last_stall_seconds", "gauge", "seconds",
                       "How long no request was served at the last restart or upgrade." },
    [METRIC_REQUESTS] = { "shmapfs_requests", "counter", NULL,
                          "Requests that the worker has served." },
    [METRIC_NODES] = { "shmapfs_nodes", "gauge", NULL, "Files that the kernel knows." },
    [METRIC_OPEN_FILES] = { "shmapfs_open_files", "gauge", NULL, "Open handles of regular files." },
    [METRIC_DESCRIPTORS] = { "shmapfs_descriptors", "gauge", NULL,
                             "Descriptors that the daemon holds for nodes." },
    [METRIC_DESCRIPTORS_LIMIT] = { "shmapfs_descriptors_limit", "gauge", NULL,
                                   "Descriptors that it holds at most." },
    [METRIC_WRITEBACK] = { "shmapfs_writeback", "gauge", NULL,
                           "1 if the page cache of FUSE holds writes back." },
    [METRIC_STORE_ANSWERS] = { "shmapfs_store_answers", "gauge", NULL,
                               "1 if calls on the store return, and not all of them fail." },
    [METRIC_STORE_SILENT] = { "shmapfs_store_silent_timestamp_seconds", "gauge", "seconds",
                              "Since when the store does not answer; 0 if it does." },
    [METRIC_SHARED] = { "shmapfs_shared", "gauge", NULL, "1 if other hosts mount the store, too." },
    [METRIC_HOSTS] = { "shmapfs_hosts", "gauge", NULL,
                       "Hosts that have the store, as of the last half a minute." },
    [METRIC_JOURNAL_SIZE] = { "shmapfs_journal_size_bytes", "gauge", "bytes",
                              "Room that the journal of commits may take in the store." },
    [METRIC_JOURNAL_USED] = { "shmapfs_journal_used_bytes", "gauge", "bytes",
                              "Room of that which is in use." },
    [METRIC_JOURNAL_UNCOMMITTED] = { "shmapfs_journal_uncommitted_bytes", "gauge", "bytes",
                                     "Data that was written and is not committed." },
    [METRIC_JOURNAL_UNAPPLIED] = { "shmapfs_journal_unapplied_bytes", "gauge", "bytes",
                                   "Data that is committed, and not in the store yet." },
    [METRIC_JOURNAL_COMMITS] = { "shmapfs_journal_commits", "counter", NULL,
                                 "Commits since the worker began." },
    [METRIC_JOURNAL_LAST_COMMIT] = { "shmapfs_journal_last_commit_timestamp_seconds", "gauge",
                                     "seconds", "When the last of them was; 0 without one." },
    [METRIC_JOURNAL_WAITS] = { "shmapfs_journal_waits", "gauge", NULL,
                               "1 if data waits because the store or the journal is full." },
    [METRIC_JOURNAL_FAILED] = { "shmapfs_journal_failed", "gauge", NULL,
                                "1 if the journal or a file of the store cannot be written." },
    [METRIC_AREA_INFO] = { "shmapfs_area", "gauge", NULL, "The area itself; always 1." },
    [METRIC_AREA_SIZE] = { "shmapfs_area_size_bytes", "gauge", "bytes",
                           "Room of the area: its limit, or the filesystem of the store." },
    [METRIC_AREA_USED] = { "shmapfs_area_used_bytes", "gauge", "bytes",
                           "Room of that which is in use, in the store by anybody." },
    [METRIC_AREA_INODES] = { "shmapfs_area_inodes", "gauge", NULL,
                             "Files that the area can hold; there is none without a limit." },
    [METRIC_AREA_INODES_USED] = { "shmapfs_area_inodes_used", "gauge", NULL,
                                  "Files that there are." },
    [METRIC_AREA_PASSTHROUGH] = { "shmapfs_area_passthrough", "gauge", NULL,
                                  "1 if reads, writes and mappings stay in the kernel." },
};

void metrics_add(struct metrics *metrics, enum metric metric, const struct label *labels,
                 uint64_t value)
{
    struct sample sample = { .value = value };

    for (; labels->name && sample.count < LABELS_MAX; labels++) {
        struct label *copy = &sample.labels[sample.count++];

        *copy = (struct label){ labels->name, strdup(labels->value) };
        if (!copy->value)
            err(EXIT_FAILURE, NULL);
    }
    metrics->samples[metric].all =
        array_grow(metrics->samples[metric].all, metrics->samples[metric].count, sizeof(sample));
    metrics->samples[metric].all[metrics->samples[metric].count++] = sample;
}

void metrics_free(struct metrics *metrics)
{
    for (size_t i = 0; i < METRICS; i++) {
        for (size_t k = 0; k < metrics->samples[i].count; k++) {
            for (size_t l = 0; l < metrics->samples[i].all[k].count; l++)
                free(metrics->samples[i].all[k].labels[l].value);
        }
        free(metrics->samples[i].all);
    }
}
