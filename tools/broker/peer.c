// SPDX-License-Identifier: BSD-2-Clause
#include "tools/broker/peer.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/sys/cleanup.h"
#include "tools/broker/rights.h"

static int read_groups(int connection, struct peer *peer)
{
    socklen_t size = 0;
    CLEANUP_FREE gid_t *groups = NULL;

    // Without room for them, the kernel says how much it takes.
    if (getsockopt(connection, SOL_SOCKET, SO_PEERGROUPS, NULL, &size) == 0)
        size = 0;
    else if (errno != ERANGE)
        return -errno;
    if (size > PEER_GROUPS_MAX * sizeof(*groups))
        return -E2BIG;
    groups = malloc(size + sizeof(*groups));
    if (!groups)
        return -ENOMEM;
    if (size > 0 && getsockopt(connection, SOL_SOCKET, SO_PEERGROUPS, groups, &size) != 0)
        return -errno;
    peer->group_count = size / sizeof(*groups);
    peer->groups = groups;
    groups = NULL;
    return 0;
}

int peer_identify(int connection, struct peer *peer)
{
    struct ucred who;
    socklen_t size = sizeof(who);

    *peer = (struct peer){ .groups = NULL };
    if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0)
        return -errno;
    peer->uid = who.uid;
    peer->gid = who.gid;
    return read_groups(connection, peer);
}

int peer_become(const struct peer *peer)
{
    int error = rights_keep(RIGHTS_BOUND);

    if (error)
        return error;
    // Otherwise the change of user would take the one capability that is left.
    if (prctl(PR_SET_KEEPCAPS, 1) != 0 || setgroups(peer->group_count, peer->groups) != 0 ||
        setresgid(peer->gid, peer->gid, peer->gid) != 0 ||
        setresuid(peer->uid, peer->uid, peer->uid) != 0)
        return -errno;
    return rights_keep(RIGHTS_OF_CHILD);
}
