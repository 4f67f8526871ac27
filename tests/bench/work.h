// SPDX-License-Identifier: BSD-2-Clause
#ifndef BENCH_WORK_H
#define BENCH_WORK_H

#include <stdbool.h>
#include <stddef.h>

// What is measured. Works that go on from one another (touch a file first, then use it warm) form a
// group and share its subject; a group runs as a whole on one side before the next side's turn.
// New works are new rows in the tables of work_*.c, new groups a new row in work.c.

// What the works of a group act on.
struct subject {
    int dir_fd;  // the side's directory
    int fd;      // the group's file, or -1
    size_t size; // of the file
    char *map;   // its mapping, or NULL
};

struct work {
    const char *name;
    double at_most; // the ratio to the first baseline that is promised, or 0
    bool once;      // too costly to be tried several times in a round
    // Does the work and gives the seconds that one operation took; returns 0 or a negative errno.
    // Can be called again at once.
    int (*run)(struct subject *subject, double *seconds);
};

struct work_group {
    int (*begin)(struct subject *subject);
    void (*end)(struct subject *subject);
    const struct work *works;
    size_t count;
};

extern const struct work_group map_works;
extern const struct work_group call_works;
extern const struct work_group name_works;

extern const struct work_group *const work_groups[];
extern const size_t work_group_count;

// Seconds on a clock that only goes forward.
double work_clock(void);

// Opens (and creates empty) the group's file.
int subject_create(struct subject *subject);
// Unmaps, closes and removes what the subject has.
void subject_remove(struct subject *subject);

#endif
