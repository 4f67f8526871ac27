// SPDX-License-Identifier: BSD-2-Clause
/* The properties of the machine, and of whoever asks, that matter to a mount. */
#ifndef SHMAPCTL_MACHINE_H
#define SHMAPCTL_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/doctor/findings.h"

/* A number that the machine does not tell. */
enum { UNTOLD = -1 };

/* Numbers are as the files of /proc and /sys have them, UNTOLD where there is no such file; texts
 * are empty then. */
struct machine {
    char release[65]; // of the kernel
    unsigned major, minor;
    char architecture[65];
    bool root;                  // has CAP_SYS_ADMIN where the machine's own user namespace is
    bool namespaced;            // is in another user namespace
    int fuse_error;             // of opening /dev/fuse; 0: it can be opened
    bool fusermount;            // is there for users, with the rights that it takes
    char namespaces[64];        // the setting that would let users have namespaces; empty: they may
    char uring[8];              // "Y", "N"
    int64_t background;         // requests that a user's mount may have in the background
    int64_t descriptors;        // the hard limit of open files
    int64_t locked;             // that of locked memory, in bytes
    int64_t watches, instances; // of inotify, for each user
    int64_t leases;             // 0: nobody can have any
    int64_t memory, swap;       // bytes
    int64_t group;       // the least limit of memory of the control groups that this process is in
    char shmem_huge[16]; // the word in force for huge pages of shared memory
    char governor[32];   // of idle processors
    bool virtual;        // runs on a hypervisor
    int64_t halt_poll;   // nanoseconds that idle processors look before they sleep
    char clock[32];      // the clock source
    char clocks[128];    // those that there are
    bool synchronised;   // with other machines' clocks
    int broker_error;    // of connecting to the broker; 0: it is there
};

/* Looks at the machine. Nothing is changed. */
void machine_read(struct machine *machine);

/* Says what is to be thought of it. */
void machine_judge(const struct machine *machine, struct findings *findings);

/* Returns the least limit of memory, in bytes, of the control groups that a process is in: its
 * directory in /proc is open. UNTOLD: there is no limit, or it cannot be known. */
int64_t machine_group_limit(int process);

#endif
