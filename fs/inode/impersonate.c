// SPDX-License-Identifier: BSD-2-Clause
#include "fs/inode/impersonate.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "lib/process/threads.h"

/* The filesystem identity of a thread. */
struct identity {
    uid_t uid;
    gid_t gid;
    bool own_umask; // otherwise it shares that of the thread that started it
    mode_t umask;   // if it is its own
};

struct identities {
    pthread_key_t of_thread;
};

int impersonate_init(struct volume *volume)
{
    struct identities *identities = calloc(1, sizeof(*identities));
    int error = identities ? pthread_key_create(&identities->of_thread, free) : ENOMEM;

    if (error) {
        free(identities);
        return -error;
    }
    volume->identities = identities;
    return 0;
}

void impersonate_destroy(struct volume *volume)
{
    // The key stays: a thread that is about to end frees its identity by it.
    free(volume->identities);
    volume->identities = NULL;
}

/* Returns the identity of the calling thread; NULL: there is no memory for it. */
static struct identity *identity_of_thread(struct volume *volume)
{
    struct identity *identity = pthread_getspecific(volume->identities->of_thread);

    if (identity)
        return identity;
    identity = malloc(sizeof(*identity));
    if (!identity)
        return NULL;
    *identity =
        (struct identity){ .uid = volume->info.cred.idle_uid, .gid = volume->info.cred.idle_gid };
    // A thread inherits the identity that its creator had at that moment.
    cred_return(&volume->info.cred);
    pthread_setspecific(volume->identities->of_thread, identity);
    return identity;
}

static void take(const struct volume *volume, struct identity *identity, uid_t uid, gid_t gid)
{
    if (identity->uid == uid && identity->gid == gid)
        return;
    cred_become(&volume->info.cred, uid, gid);
    identity->uid = uid;
    identity->gid = gid;
}

/* A process in more groups than this counts as in none beyond. */
#define NGROUPS_FEW 1024

static void take_groups(const struct volume *volume, fuse_req_t req)
{
    gid_t groups[NGROUPS_FEW];
    int count;

    if (!cred_asks_servers(&volume->info.cred))
        return;
    count = fuse_req_getgroups(req, NGROUPS_FEW, groups);
    cred_take_groups(groups, count < 0 ? 0 : count < NGROUPS_FEW ? (size_t)count : NGROUPS_FEW);
}

/* Returns false, with errno set, if the thread cannot have a umask of its own. */
static bool take_umask(struct identity *identity, mode_t wanted)
{
    if (identity->own_umask && identity->umask == wanted)
        return true;
    if (!identity->own_umask && unshare(CLONE_FS) != 0)
        return false;
    umask(wanted);
    identity->own_umask = true;
    identity->umask = wanted;
    return true;
}

/* Returns whether a umask leaves what the daemon makes for itself as it is: its owner's alone. */
static bool is_harmless(mode_t mask)
{
    return (mask & S_IRWXU) == 0;
}

int impersonate_begin(struct volume *volume, fuse_req_t req, mode_t mode)
{
    const struct fuse_ctx *ctx = fuse_req_ctx(req);
    struct identity *identity = identity_of_thread(volume);

    if (!identity)
        return -ENOMEM;
    if (!take_umask(identity, ctx->umask & ACCESSPERMS))
        return -errno;
    take_groups(volume, req);
    take(volume, identity, ctx->uid, ctx->gid);
    cred_keep_setid(&volume->info.cred, mode & S_ISGID);
    return 0;
}

void impersonate_end(struct volume *volume, mode_t mode)
{
    const struct cred *kept = mode & S_ISGID ? &volume->info.cred : NULL;
    struct identity *identity = identity_of_thread(volume);

    cred_restore(&kept);
    if (identity && identity->own_umask && !is_harmless(identity->umask))
        take_umask(identity, 0);
    if (cred_asks_servers(&volume->info.cred)) {
        impersonate_none(volume);
        cred_take_groups(NULL, 0);
    }
}

void impersonate_none(struct volume *volume)
{
    struct identity *identity = identity_of_thread(volume);

    if (identity)
        take(volume, identity, volume->info.cred.idle_uid, volume->info.cred.idle_gid);
    else
        cred_return(&volume->info.cred);
}

bool impersonate_has_group(fuse_req_t req, gid_t group)
{
    const struct fuse_ctx *ctx = fuse_req_ctx(req);
    gid_t groups[NGROUPS_FEW];
    int count;

    if (ctx->gid == group || (ctx->uid == 0 && thread_has_capability(ctx->pid, CAP_FSETID, true)))
        return true;
    count = fuse_req_getgroups(req, NGROUPS_FEW, groups);
    for (int i = 0; i < count && i < NGROUPS_FEW; i++) {
        if (groups[i] == group)
            return true;
    }
    return false;
}

bool impersonate_is_mark(mode_t mode)
{
    return (mode & (S_ISGID | S_IXGRP)) == S_ISGID;
}

void impersonate_writer(struct volume *volume, fuse_req_t req, const struct stat *now)
{
    struct identity *identity;

    // A user's daemon is in the groups that its user is in.
    if (!volume->info.cred.privileged)
        return;
    // A bit that is no mark goes whoever the writer is.
    if (!impersonate_is_mark(now->st_mode))
        return;
    identity = identity_of_thread(volume);
    if (identity && impersonate_has_group(req, now->st_gid))
        take(volume, identity, volume->info.cred.idle_uid, now->st_gid);
    else
        impersonate_none(volume);
}
