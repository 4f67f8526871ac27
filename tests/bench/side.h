// SPDX-License-Identifier: BSD-2-Clause
#ifndef BENCH_SIDE_H
#define BENCH_SIDE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

// A side is one kind of place that the same work is done in: a mount of ours or what it is compared
// with. The table of them is in side.c; a new side is a new row.

#define REASON_SIZE 256

// All sides are set up with this.
struct setting {
    const char *shmapfs;  // the daemon's path
    const char *programs; // the directory with the filesystems that are built for the benchmark
    const char *scratch;  // a directory on the filesystem that the stores lie on
    size_t size;          // of the big file
};

// Where a side does its work.
struct place {
    char path[PATH_MAX];
    char mount[PATH_MAX];     // where it is mounted, if the work is done below that; or empty
    char source[PATH_MAX];    // the directory that the mount shows, or empty
    char reason[REASON_SIZE]; // why the side cannot run, otherwise empty
    bool mounted;
    bool source_mounted;
    pid_t daemon; // who serves the mount, or 0
    int dir_fd;   // the opened path, or -1
};

struct side {
    const char *name;
    const char *what;      // one phrase for the reader
    bool in_memory;        // its files need RAM, not disk
    bool needs_io_uring;   // the kernel's permission to talk over it
    const char *few_names; // why it is spared very many of them; NULL: it is not
    bool is_floor;         // answers at once: only what measures that runs there
    bool if_named;         // runs only where it is asked for by its name
    // Makes the place and fills in its path; returns 0 or a negative errno with a reason.
    int (*set_up)(const struct side *side, struct place *place, const struct setting *setting);
    const char *program; // of those that are built for the benchmark
    const char *mount_options;
    const char *below; // the directory in the mount that the work is done in; NULL: its root
};

extern const struct side sides[];
extern const size_t side_count;

// The index of the side with this name; side_count: there is none.
size_t side_index(const char *name);

int side_open(const struct side *side, struct place *place, const struct setting *setting);
void side_close(struct place *place);

// Says why a place cannot be made; returns the error.
int place_refuse(struct place *place, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
