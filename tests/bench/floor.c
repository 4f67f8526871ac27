// SPDX-License-Identifier: BSD-2-Clause
//
// A filesystem that answers at once and does nothing else: what a request takes here it takes
// everywhere. Its directory has no entries, and each attribute that is asked for is empty.
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <fuse_lowlevel.h>

// As long as the kernel likes: only what is measured shall come here.
static const double day = 86400;

static void floor_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
    struct stat st = { .st_ino = ino, .st_mode = S_IFDIR | 0755, .st_nlink = 2 };

    (void)file;
    if (ino == FUSE_ROOT_ID)
        fuse_reply_attr(req, &st, day);
    else
        fuse_reply_err(req, ENOENT);
}

static void floor_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
    (void)ino;
    (void)name;
    (void)size;
    fuse_reply_xattr(req, 0);
}

static const struct fuse_lowlevel_ops operations = {
    .getattr = floor_getattr,
    .getxattr = floor_getxattr,
};

static int serve(struct fuse_session *session, const struct fuse_cmdline_opts *options)
{
    struct fuse_loop_config *config = fuse_loop_cfg_create();
    int status = -1;

    if (config == NULL)
        return -1;
    fuse_loop_cfg_set_clone_fd(config, (unsigned)options->clone_fd);
    if (fuse_session_mount(session, options->mountpoint) == 0) {
        if (fuse_daemonize(options->foreground) == 0)
            status = fuse_session_loop_mt(session, config);
        fuse_session_unmount(session);
    }
    fuse_loop_cfg_destroy(config);
    return status;
}

int main(int argc, char **argv)
{
    struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
    struct fuse_cmdline_opts options;
    int status = -1;

    if (fuse_parse_cmdline(&args, &options) != 0)
        return EXIT_FAILURE;
    struct fuse_session *session =
        options.mountpoint == NULL ? NULL
                                   : fuse_session_new(&args, &operations, sizeof(operations), NULL);
    if (session != NULL && fuse_set_signal_handlers(session) == 0) {
        status = serve(session, &options);
        fuse_remove_signal_handlers(session);
    }
    if (session != NULL)
        fuse_session_destroy(session);
    free(options.mountpoint);
    fuse_opt_free_args(&args);
    return status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
