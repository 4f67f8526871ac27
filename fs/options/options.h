// SPDX-License-Identifier: BSD-2-Clause
/* What the command line says. */
#ifndef SHMAPFS_OPTIONS_H
#define SHMAPFS_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/area/area.h"
#include "lib/sys/complaint.h"

struct options {
    const char *store; // NULL: all is RAM
    const char *mountpoint;
    bool foreground;
    bool help;
    bool version;

    struct ram_options ram;
    bool ram_mode_given;
    char *anon; // class roots to make: names below the store, with a colon between; NULL: none
    bool passthrough; // in the kernel, where that is possible
    bool writeback;   // without passthrough: FUSE's page cache holds writes back
    bool io_uring;
    bool keeper; // the process that serves can be replaced
    bool keeper_given;
    bool takeover;        // of a mount that is there already
    unsigned timeout;     // seconds that the kernel may trust names and attributes for
    unsigned descriptors; // how many nodes may hold descriptors that can be had again

    bool read_only;
    bool suid;
    bool dev;
    bool noexec;
    bool dirsync;
    bool sync;
    struct area_atime atime;
};

/* Reads the command line of shmapfs, or of mount(8) when argv[0] begins with "mount.". What is not
 * given has its default. Strings point into argv, but for `anon`, which is the caller's to free.
 * Returns 0, or -EINVAL with a complaint. */
int options_parse(int argc, char **argv, struct options *options, struct complaint *complaint);

void options_print_help(FILE *stream);

#endif
