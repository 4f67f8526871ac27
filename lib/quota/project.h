// SPDX-License-Identifier: BSD-2-Clause
/*
 * Project quotas, as ext4 and xfs have them: an object counts for the project whose id it has, and
 * what is made in a directory that hands its id on has that, too.
 *
 * Descriptors are none of O_PATH.
 */
#ifndef SHMAP_PROJECT_H
#define SHMAP_PROJECT_H

#include <stdbool.h>
#include <stdint.h>

struct project {
    uint32_t id;
    bool inherited; // by what is made in it; of a directory
};

struct project_limits {
    uint64_t size, inodes; // 0: none
};

struct project_usage {
    struct project_limits limits;
    uint64_t used, inodes_used;
};

/* Returns 0 if the filesystem counts and enforces project quotas; otherwise -EOPNOTSUPP. */
int project_check(int fd);

/* Read what a project has, and set its limits. Return 0 or a negative errno. */
int project_usage(int fd, uint32_t id, struct project_usage *usage);
int project_limit(int fd, uint32_t id, const struct project_limits *limits);

/* Read and set the project of an object. Where there are no projects it is 0. Return 0 or a
 * negative errno. */
int project_get(int fd, struct project *project);
int project_set(int fd, const struct project *project);

/* Has an object that exists count for another project. Returns 0 or a negative errno; -EDQUOT: it
 * takes more than that may still have. */
int project_move(int fd, const struct project *project);

#endif
