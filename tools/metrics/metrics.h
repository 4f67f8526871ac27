// SPDX-License-Identifier: BSD-2-Clause
/* Metrics of mounts, as OpenMetrics has them: families of one name, type and unit, with a sample
 * for each set of labels. */
#ifndef SHMAPCTL_METRICS_H
#define SHMAPCTL_METRICS_H

#include <stddef.h>
#include <stdint.h>

enum metric {
    METRIC_UP,
    METRIC_INFO,
    METRIC_SURVIVES,
    METRIC_RESTARTS,
    METRIC_UPGRADES,
    METRIC_STALL,
    METRIC_REQUESTS,
    METRIC_NODES,
    METRIC_OPEN_FILES,
    METRIC_DESCRIPTORS,
    METRIC_DESCRIPTORS_LIMIT,
    METRIC_WRITEBACK,
    METRIC_STORE_ANSWERS,
    METRIC_STORE_SILENT,
    METRIC_SHARED,
    METRIC_HOSTS,
    METRIC_JOURNAL_SIZE,
    METRIC_JOURNAL_USED,
    METRIC_JOURNAL_UNCOMMITTED,
    METRIC_JOURNAL_UNAPPLIED,
    METRIC_JOURNAL_COMMITS,
    METRIC_JOURNAL_LAST_COMMIT,
    METRIC_JOURNAL_WAITS,
    METRIC_JOURNAL_FAILED,
    METRIC_AREA_INFO,
    METRIC_AREA_SIZE,
    METRIC_AREA_USED,
    METRIC_AREA_INODES,
    METRIC_AREA_INODES_USED,
    METRIC_AREA_PASSTHROUGH,
    METRICS
};

struct metric_family {
    const char *name; // without the suffix that the samples of a counter have
    const char *type; // "gauge" or "counter"
    const char *unit; // with which the name ends; NULL: it is a number of things
    const char *help;
};
extern const struct metric_family METRIC_FAMILIES[METRICS];

enum { LABELS_MAX = 6 };

struct label {
    const char *name;
    char *value; // any bytes
};

struct sample {
    struct label labels[LABELS_MAX];
    size_t count;
    uint64_t value; // in seconds: of microseconds
};

struct metrics {
    struct {
        struct sample *all;
        size_t count;
    } samples[METRICS];
};

/* Adds a sample. `labels` end with one that has no name, and are copied. */
void metrics_add(struct metrics *metrics, enum metric metric, const struct label *labels,
                 uint64_t value);

void metrics_free(struct metrics *metrics);

#endif
