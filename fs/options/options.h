// SPDX-License-Identifier: BSD-2-Clause
/* The options of a mount, as the command line gives them. */
#ifndef SHMAPFS_OPTIONS_H
#define SHMAPFS_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/area/area.h"

/* The watchdog's period in seconds. */
#define WATCHDOG_DEFAULT 30

struct options {
    const char *store; // NULL: all is RAM
    const char *mountpoint;
    bool foreground;
    bool help;
    bool version;

    struct ram_options ram;
    bool size_given;
    char *anon; // class roots to make: names below the store, with a colon between; NULL: none
    bool passthrough; // in the kernel, where that is possible
    bool writeback;   // without passthrough: FUSE's page cache holds writes back
    bool io_uring;
    bool keeper; // the process that serves can be replaced
    bool keeper_given;
    bool nolinger;             // an unmount ends the mount for other mount namespaces, too
    bool takeover;             // upgrade the mount that is there already
    unsigned watchdog;         // after how many seconds a stuck worker is replaced; 0: never
    unsigned timeout;          // how many seconds the kernel may trust names and attributes
    unsigned descriptors;      // how many nodes may hold descriptors that can be opened again
    unsigned user_descriptors; // the percentage of the descriptors that one user can pin

    bool read_only;
    bool suid;
    bool dev;
    bool noexec;
    bool dirsync;
    bool sync;
    struct area_atime atime;
};

#endif
