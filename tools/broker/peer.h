// SPDX-License-Identifier: BSD-2-Clause
/* The peer: the process at the other end of a connection, as the kernel noted it when the
 * connection was made. */
#ifndef SHMAPFS_TOOLS_PEER_H
#define SHMAPFS_TOOLS_PEER_H

#include <sys/types.h>

#define PEER_GROUPS_MAX 65536

struct peer {
    uid_t uid;
    gid_t gid;
    gid_t *groups; // the others; for free()
    size_t group_count;
};

/* Finds out whose a connection is. Returns 0 or a negative errno. */
int peer_identify(int connection, struct peer *peer);

/* Makes the calling process the peer, for good, with CAP_SYS_ADMIN as the one capability that it
 * may still make effective. Returns 0 or a negative errno: then the process must end. */
int peer_become(const struct peer *peer);

#endif
