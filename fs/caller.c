// SPDX-License-Identifier: BSD-2-Clause
#include "caller.h"

#include <sched.h>
#include <sys/stat.h>

/* The umask belongs to the process unless a thread asks for one of its own. Threads of the io_uring
 * transport are libfuse's, so each is asked when it is first met. */
static void own_umask(struct mount *mount)
{
    if (pthread_getspecific(mount->own_umask))
        return;
    if (unshare(CLONE_FS) == 0)
        pthread_setspecific(mount->own_umask, mount);
}

void caller_become(fuse_req_t req, mode_t mode)
{
    struct mount *mount = mount_of(req);
    const struct fuse_ctx *ctx = fuse_req_ctx(req);

    own_umask(mount);
    umask(ctx->umask);
    cred_become(&mount->facts.cred, ctx->uid, ctx->gid);
    if (mode & S_ISGID)
        cred_keep_setid(&mount->facts.cred, true);
}

void caller_leave(fuse_req_t req, mode_t mode)
{
    struct mount *mount = mount_of(req);

    if (mode & S_ISGID)
        cred_keep_setid(&mount->facts.cred, false);
    cred_return(&mount->facts.cred);
    umask(0);
}
