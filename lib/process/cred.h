// SPDX-License-Identifier: BSD-2-Clause
/*
 * The credentials with which the daemon works on an area.
 *
 * A privileged daemon serves many users. The kernel has checked their permissions before a request
 * comes. The rest is the owner of what happens: what is created belongs to the caller, and nothing
 * that is written may use what an area keeps for root. So the daemon's threads run with a
 * filesystem identity that nobody has (no reserved blocks, no exemption from quotas) and without
 * CAP_FSETID (a write clears setuid and setgid), keep the capabilities that open every path, and
 * take the caller's identity for just the call that creates something. The thread that registers a
 * backing file leaves its identity to the writes that the kernel later passes through to that file:
 * that is why the identity of nobody is the idle one.
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
    // Otherwise the daemon's own user owns all that happens, and the calls below do nothing.
    bool privileged;
    uid_t idle_uid;
    gid_t idle_gid;
    struct __user_cap_data_struct capabilities[2]; // when idle
};

/* Decides whether the daemon serves other users too, as root does. Returns 0 or a negative errno
 * after a complaint; -EPERM: root lacks a capability for that, and would own the files of
 * others. */
int cred_check(struct cred *cred, struct complaint *complaint);

/* Takes the idle identity, and gives up the capabilities that no daemon needs. `servers`: the idle
 * identity is root's, because servers on other hosts ask who it is, and know of no capabilities. To
 * be called once, before other threads exist. Returns 0 or a negative errno. */
int cred_init(struct cred *cred, bool servers);

/* Gives up what a process that executes no other daemon does not need either. To be called before
 * other threads exist; also for a `cred` that another process has made, to find out what this one
 * has. Returns 0 or a negative errno. */
int cred_confine(struct cred *cred);

/* Takes the filesystem identity of a caller, until cred_return() takes the idle one again. */
void cred_become(const struct cred *cred, uid_t uid, gid_t gid);
void cred_return(const struct cred *cred);

/* Returns whether servers on other hosts ask who the daemon is. Then a caller's identity includes
 * the groups that a process is in; the calling thread takes these, or none again. */
bool cred_asks_servers(const struct cred *cred);
void cred_take_groups(const gid_t *groups, size_t count);

/* If it is wanted, lets the calling thread keep setuid and setgid bits until the end of the
 * block. */
#define KEEP_SETID(who, wanted)                                                    \
    __attribute__((cleanup(cred_restore), unused)) const struct cred *kept_setid = \
        cred_keep_setid(who, wanted)

/* Lets the calling thread, which has a caller's identity, set flags of files as that caller may,
 * until the end of the block: root with the right to make a file immutable, others as the file's
 * owner and without any capability. */
#define SET_FLAGS(who, root)                                                       \
    __attribute__((cleanup(cred_restore), unused)) const struct cred *sets_flags = \
        cred_set_flags(who, root)

/* Lets the calling thread give a directory whatever attributes another one has, until the end of
 * the block. */
#define COPY_ATTRIBUTES(who)                                                              \
    __attribute__((cleanup(cred_restore), unused)) const struct cred *copies_attributes = \
        cred_copy_attributes(who)

const struct cred *cred_copy_attributes(const struct cred *cred);
const struct cred *cred_set_flags(const struct cred *cred, bool root);
const struct cred *cred_keep_setid(const struct cred *cred, bool wanted);
void cred_restore(const struct cred **kept);

#endif
