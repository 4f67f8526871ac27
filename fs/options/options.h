// SPDX-License-Identifier: BSD-2-Clause
/* The options of a mount, as the command line gives them. */
#ifndef SHMAPFS_OPTIONS_H
#define SHMAPFS_OPTIONS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/area/area.h"

/* Bytes that the store's journal may take. */
#define LOG_SIZE_DEFAULT (UINT64_C(256) << 20)
#define LOG_SIZE_MIN     (UINT64_C(4) << 20)
#define LOG_SIZE_MAX     (UINT64_C(1) << 40)

/* For how many seconds the kernel trusts names and attributes: where other hosts change them, and
 * before it is known. */
#define TIMEOUT_SHARED 1
#define TIMEOUT_UNSAID UINT_MAX

/* After how many seconds servers are asked about files in use: half of what GlusterFS' remember a
 * silent host for. */
#define KEEP_ALIVE_DEFAULT 30

/* The watchdog's period in seconds. */
#define WATCHDOG_DEFAULT 30

/* The hosts that use a store on a filesystem that several can reach. */
enum store_hosts {
    HOSTS_UNSAID,
    HOSTS_ONE,     // this one alone
    HOSTS_SEVERAL, // others mount it, too
};

struct options {
    const char *store; // NULL: all is RAM
    enum store_hosts hosts;
    unsigned keep_alive; // after how many seconds servers are asked about files in use; 0: never
    const char *mountpoint;
    const char *source;    // the first field of fstab, where it is no store; NULL: none was given
    const char *mounts_in; // the mount namespace to mount in, or a process there; NULL: our own
    bool helper;           // mount(8) asks
    bool remount;          // what is mounted there is to change
    bool fake;             // everything is checked, and nothing is mounted
    bool sloppy;           // unknown options are passed over
    bool foreground;
    bool help;
    bool version;

    char *given; // the options, a line each, as they were given; NULL: none
    struct ram_options ram;
    char *contexts;   // SELinux' words for the mount, a line each; NULL: none
    char *fsname;     // without a store: the source in the mount table; NULL: none was given
    bool allow_other; // a user's mount serves everybody
    char *anon;    // class roots to make: names below the store, with a colon between; NULL: none
    char *scratch; // likewise, on the disk
    char *atomic;  // directories of the class atomic, likewise
    char *checkpoint;  // and checkpoint
    uint64_t log_size; // bytes that the store's journal may take
    bool last_close;   // files of these directories, or of all, go with their last user
    bool lifetime_given;
    unsigned linger; // and so many seconds later
    bool linger_given;
    bool skeleton;    // directories in anonymous class roots come back
    bool passthrough; // in the kernel, where that is possible
    bool broker;      // a user's mount asks the broker for it
    bool writeback;   // without passthrough: FUSE's page cache holds writes back
    bool io_uring;
    bool keeper; // the process that serves can be replaced
    bool keeper_given;
    bool umount_ends;          // an unmount ends the mount for other mount namespaces, too
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
    bool nosymfollow;
    struct area_atime atime;
};

#endif
