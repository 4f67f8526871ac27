// SPDX-License-Identifier: BSD-2-Clause
#include "fs/inode/impersonate.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/stat.h>

/* What is a thread's own. */
struct identity {
    uid_t uid;
    gid_t gid;
};

void caller_setup(struct mount *mount)
{
    pthread_key_create(&mount->identity, free);
}

/* Of the calling thread; NULL: there is no memory for it. */
static struct identity *identity_of_thread(struct mount *mount)
{
    struct identity *identity = pthread_getspecific(mount->identity);

    if (identity)
        return identity;
    identity = malloc(sizeof(*identity));
    if (!identity)
        return NULL;
    *identity =
        (struct identity){ .uid = mount->facts.cred.idle_uid, .gid = mount->facts.cred.idle_gid };
    // A thread begins as what the one that started it was at that moment.
    cred_return(&mount->facts.cred);
    // The umask belongs to the process unless a thread asks for one of its own.
    unshare(CLONE_FS);
    pthread_setspecific(mount->identity, identity);
    return identity;
}

static void take(const struct mount *mount, struct identity *identity, uid_t uid, gid_t gid)
{
    if (identity->uid == uid && identity->gid == gid)
        return;
    cred_become(&mount->facts.cred, uid, gid);
    identity->uid = uid;
    identity->gid = gid;
}

void caller_become(fuse_req_t req, mode_t mode)
{
    struct mount *mount = mount_of(req);
    const struct fuse_ctx *ctx = fuse_req_ctx(req);
    struct identity *identity = identity_of_thread(mount);

    umask(ctx->umask);
    if (identity)
        take(mount, identity, ctx->uid, ctx->gid);
    else
        cred_become(&mount->facts.cred, ctx->uid, ctx->gid);
    cred_keep_setid(&mount->facts.cred, mode & S_ISGID);
}

void caller_leave(fuse_req_t req, mode_t mode)
{
    struct mount *mount = mount_of(req);
    const struct cred *kept = mode & S_ISGID ? &mount->facts.cred : NULL;

    cred_drop_setid(&kept);
    if (!pthread_getspecific(mount->identity))
        cred_return(&mount->facts.cred);
    umask(0);
}

void caller_rest(struct mount *mount)
{
    struct identity *identity = identity_of_thread(mount);

    if (identity)
        take(mount, identity, mount->facts.cred.idle_uid, mount->facts.cred.idle_gid);
    else
        cred_return(&mount->facts.cred);
}
