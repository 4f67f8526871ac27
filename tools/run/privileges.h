// SPDX-License-Identifier: BSD-2-Clause
/*
 * The privileges that a process has beyond its user's. A process that enters a user namespace gets
 * every capability there, and COMMAND is to have neither more nor less than it has outside.
 */
#ifndef SHMAPCTL_PRIVILEGES_H
#define SHMAPCTL_PRIVILEGES_H

#include <linux/capability.h>
#include <stdint.h>

struct privileges {
    struct __user_cap_data_struct sets[2]; // effective, permitted, inheritable
    uint64_t bounding;
    uint64_t ambient;
    int securebits;
};

/* Saves those of this process. Returns 0 or a negative errno. */
int privileges_save(struct privileges *saved);

/* Goes back to what was saved before a user namespace was entered. Returns 0 or a negative
 * errno. */
int privileges_restore(const struct privileges *saved);

/* Lets the program that is executed next mount, whoever the user is. Returns 0 or a negative
 * errno. */
int privileges_pass_on_mounting(void);

#endif
