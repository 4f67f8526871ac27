// SPDX-License-Identifier: BSD-2-Clause
#ifndef BENCH_SIDE_H
#define BENCH_SIDE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

// A side is one kind of place that the same work is done in: a mount of ours or what it is compared
// with. The table of them is in side.c; a new side is a new row.

// What all sides are set up with.
struct setting {
    const char *shmapfs; // the daemon's path
    const char *scratch; // a directory on the filesystem that the stores lie on
    size_t size;         // of the big file
};

// Where a side does its work.
struct place {
    char path[PATH_MAX];
    char reason[256]; // why the side cannot run, otherwise empty
    bool mounted;
    int dir_fd; // the opened path, or -1
};

#define SIDE_BASELINES 2

struct side {
    const char *name;
    const char *what;                      // one phrase for the reader
    const char *baselines[SIDE_BASELINES]; // names of the sides that this one is compared with
    bool on_demand;                        // runs only when it is named
    bool in_memory;                        // needs RAM for its files, not disk
    // Makes the place and fills in its path; returns 0 or a negative errno with a reason.
    int (*set_up)(const struct side *side, struct place *place, const struct setting *setting);
    const char *mount_options;
};

extern const struct side sides[];
extern const size_t side_count;

const struct side *side_find(const char *name);
int side_open(const struct side *side, struct place *place, const struct setting *setting);
void side_close(struct place *place);

#endif
