// SPDX-License-Identifier: BSD-2-Clause
/* Descriptors from strangers: nothing is believed of them. */
#ifndef SHMAPFS_TOOLS_DESCRIPTOR_H
#define SHMAPFS_TOOLS_DESCRIPTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Where the kernel shows its FUSE connections, by number and owner. */
#define CONNECTIONS "/sys/fs/fuse/connections"

/* Opens CONNECTIONS. Returns a descriptor; -ENODEV: fusectl is not mounted there; or another
 * negative errno. */
int connections_open(void);

/* Returns whether a connection is there, and is the user's. */
bool connections_has(int connections, uint32_t number, uid_t uid);

/* Checks that a descriptor is the device of a user's connection. Returns 0 and its number;
 * -ENOTCONN: nothing is mounted with it; or another negative errno. It asks no filesystem, so it
 * waits for none. */
int descriptor_check_device(int connections, int device, uid_t uid, uint32_t *number);

/* Checks, as the user, that he may read and write a file, in any way; or that it is his, so that he
 * could give himself that right. Returns 0 or a negative errno. A filesystem that does not answer
 * keeps the caller waiting. */
int descriptor_check_file(int file, uid_t uid);

#endif
