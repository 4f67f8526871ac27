// SPDX-License-Identifier: BSD-2-Clause
/* The abilities of a store's filesystem that a mount can use. */
#ifndef SHMAPCTL_DOCTOR_STORE_H
#define SHMAPCTL_DOCTOR_STORE_H

#include <stdbool.h>

#include "tools/doctor/findings.h"

/* An ability of a filesystem. It is tried on files that have no name, so that nothing is left and
 * nobody sees them; UNTRIED where such a file cannot be made, as for want of a right. */
enum ability { ABILITY_NO, ABILITY_YES, ABILITY_UNTRIED };

struct store {
    char filesystem[64]; // its type, as the mount table has it
    bool network;        // another machine has it
    bool stacked;        // it stands on another filesystem
    bool attributes;     // user.* extended ones
    bool read_only;      // the filesystem is mounted so
    bool writable;
    bool projects; // directories can belong to projects, which can have quotas
    bool quotas;   // these are in force
    enum ability reflink, leases, handles;
    unsigned free, free_inodes; // percent
    double ahead;               // how far in the future it was changed, in seconds; 0: it was not
};

/* Looks at a directory. Returns 0 or a negative errno. */
int store_read(const char *path, struct store *store);

/* Says what is to be thought of it. */
void store_judge(const char *path, const struct store *store, struct findings *findings);

#endif
