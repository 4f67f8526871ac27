// SPDX-License-Identifier: BSD-2-Clause
#ifndef BENCH_WORK_H
#define BENCH_WORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "side.h"

// Something that is measured. Works that go on from one another (touch a file first, then use it
// warm) form a group and share its subject; a group runs as a whole on one side before the next
// side's turn. New works are new rows in the tables of work_*.c, new groups a new row in work.c.

struct work;

// The subject that the works of a group act on.
struct subject {
    const struct side *side;
    const char *path;        // the side's directory
    const char *scratch;     // a directory beside the stores, for what all sides and rounds share
    pid_t daemon;            // who serves the mount, or 0 where nobody does
    int dir_fd;              // the side's directory, opened
    unsigned run;            // a number that another run does not have
    unsigned round;          // counted from 0
    const struct work *work; // the one that runs
    bool quick;              // a small measurement is wanted
    char *reason;            // REASON_SIZE bytes: what subject_refuse said
    void *state;             // the group's own, from its begin to its end; NULL before

    int fd;      // the group's file, or -1
    size_t size; // of the file
    char *map;   // its mapping, or NULL
};

struct work {
    const char *name;
    const char *unit; // of the value; NULL: it is seconds
    bool once;        // too costly to be tried several times in a round
    // Too costly for more rounds than these, which are the last: what is left of it in the daemons
    // and on the disk then spoils no other round. 0: it has all rounds.
    unsigned rounds_at_most;
    // Does the work and gives the value, mostly the seconds that one operation took; returns 0 or a
    // negative errno, with the reason said by subject_refuse where the number is not enough. Can be
    // called again at once. The group's other works go on without one that fails.
    int (*run)(struct subject *subject, double *value);
    const void *kind; // the group's own: what tells works apart that share their function
};

struct work_group {
    // Either may be NULL. When begin fails, no work of the group runs on the side in this round;
    // end comes all the same.
    int (*begin)(struct subject *subject);
    void (*end)(struct subject *subject);
    const struct work *works;
    size_t count;
    bool on_floor; // for the sides that serve nothing, and only for them
    bool anywhere; // for these and the others
    bool dear;     // with very many names: left out of a quick run
};

extern const struct work_group floor_works;
extern const struct work_group map_works;
extern const struct work_group commit_works;
extern const struct work_group pingpong_works;
extern const struct work_group call_works;
extern const struct work_group name_works;
extern const struct work_group last_close_works;
extern const struct work_group readdir_works_10;
extern const struct work_group readdir_works_1k;
extern const struct work_group readdir_works_100k;
extern const struct work_group known_works_1k;
extern const struct work_group known_works_100k;
extern const struct work_group known_works_1M;
extern const struct work_group program_works;
extern const struct work_group git_works;
extern const struct work_group sort_works;
extern const struct work_group sqlite_works;
extern const struct work_group idle_works;

extern const struct work_group *const work_groups[];
extern const size_t work_group_count;

// Seconds on a clock that only goes forward.
double work_clock(void);

// Seconds of the fastest of several laps: as many as fit into a small part of a second, but one at
// least. prepare (or NULL) comes before each, and is not timed.
int work_fastest(struct subject *subject, int (*prepare)(struct subject *subject),
                 int (*lap)(struct subject *subject), double *seconds);

// Has the filesystem of the directory write everything back; returns 0 or a negative errno.
int work_sync(const char *path);

// The next of a sequence of numbers that looks random, and is the same each time. It starts from
// RANDOM_SEED.
#define RANDOM_SEED 0x9e3779b97f4a7c15
uint64_t work_random(uint64_t *state);

// Says why a work cannot run; returns the error.
int subject_refuse(struct subject *subject, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Opens (and creates empty) the group's file.
int subject_create(struct subject *subject);
// Opens it once more, by its name; returns the descriptor or a negative errno.
int subject_open_again(const struct subject *subject);
// Unmaps, closes and removes what the subject has.
void subject_remove(struct subject *subject);

#endif
