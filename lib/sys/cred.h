// SPDX-License-Identifier: BSD-2-Clause
/*
 * In whose name the daemon touches an area.
 *
 * A privileged daemon serves many users. The kernel has checked their permissions before a request
 * comes, so what is left is in whose name things happen: what is created belongs to the caller, and
 * nothing that is written may use what an area keeps for root. So the daemon's threads run with a
 * filesystem identity that nobody has (no reserved blocks, no exemption from quotas) and without
 * CAP_FSETID (a write clears setuid and setgid), keep the capabilities that open every path, and
 * take the caller's identity for just the call that creates something. The kernel keeps the
 * identity of whoever registers a backing file for the writes that it passes through to it later:
 * that is why the identity of nobody is the one at rest.
 *
 * Credentials are a thread's own; threads inherit them from the one that starts them.
 */
#ifndef SHMAP_CRED_H
#define SHMAP_CRED_H

#include <linux/capability.h>
#include <stdbool.h>
#include <sys/types.h>

#include "lib/sys/complaint.h"

struct cred {
    // Otherwise all happens in the name of the daemon's user, and the calls below do nothing.
    bool privileged;
    uid_t idle_uid;
    gid_t idle_gid;
    struct __user_cap_data_struct capabilities[2]; // at rest
};

/* Decides whether the daemon serves other users too, as root does. -EPERM: root is not allowed what
 * that takes, and would make files of others its own. */
int cred_check(struct cred *cred, struct complaint *complaint);

/* Takes the identity at rest. To be called once, before other threads exist. */
int cred_init(struct cred *cred);

/* Acts in the name of a caller, until cred_return(). */
void cred_become(const struct cred *cred, uid_t uid, gid_t gid);
void cred_return(const struct cred *cred);

/* If it is wanted, lets the calling thread keep setuid and setgid bits until the end of the block. */
#define KEEP_SETID(who, wanted)                                                       \
    __attribute__((cleanup(cred_drop_setid), unused)) const struct cred *kept_setid = \
        cred_keep_setid(who, wanted)

const struct cred *cred_keep_setid(const struct cred *cred, bool wanted);
void cred_drop_setid(const struct cred **kept);

#endif
