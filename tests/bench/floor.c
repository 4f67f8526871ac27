// SPDX-License-Identifier: BSD-2-Clause
//
// A filesystem that answers at once and does nothing else: what a request takes here it takes
// everywhere. It knows names; all its files have one size and are of zeros that nobody can change,
// and each attribute that is asked for is empty. With -o leaders it receives as shmapfs does.
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <fuse_lowlevel.h>

#include "floor_loop.h"
#include "floor_names.h"

// The most that the kernel reads at once.
enum { ZEROS = 1 << 20 };

// As long as the kernel likes: only what is measured shall come here.
static const double day = 86400;

struct floor {
    struct floor_names *names;
    _Atomic off_t size; // of the files
    char *zeros;
};

struct own_options {
    int leaders;
};

static const struct fuse_opt own_options[] = {
    { "leaders", offsetof(struct own_options, leaders), 1 },
    FUSE_OPT_END,
};

static struct floor *floor_of(fuse_req_t req)
{
    return fuse_req_userdata(req);
}

static struct stat attributes_of(struct floor *floor, fuse_ino_t ino)
{
    bool directory = floor_is_directory(ino);

    return (struct stat){
        .st_ino = ino,
        .st_mode = directory ? S_IFDIR | 0755 : S_IFREG | 0644,
        .st_nlink = directory ? 2 : 1,
        .st_size = directory ? 0 : floor->size,
    };
}

static void floor_init(void *userdata, struct fuse_conn_info *connection)
{
    (void)userdata;
    fuse_set_feature_flag(connection, FUSE_CAP_WRITEBACK_CACHE);
    connection->max_write = FLOOR_WRITE_MAX;
}

static void floor_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
    struct stat st = attributes_of(floor_of(req), ino);

    (void)file;
    fuse_reply_attr(req, &st, day);
}

static void floor_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *wanted, int which,
                          struct fuse_file_info *file)
{
    if (which & FUSE_SET_ATTR_SIZE)
        floor_of(req)->size = wanted->st_size;
    floor_getattr(req, ino, file);
}

static struct fuse_entry_param entry_of(struct floor *floor, fuse_ino_t ino)
{
    return (struct fuse_entry_param){
        .ino = ino,
        .attr = attributes_of(floor, ino),
        .attr_timeout = day,
        .entry_timeout = day,
    };
}

// Answers with an inode number; 0: with an error.
static void reply_entry(fuse_req_t req, fuse_ino_t ino, int error)
{
    struct fuse_entry_param entry = entry_of(floor_of(req), ino);

    if (ino != 0)
        fuse_reply_entry(req, &entry);
    else
        fuse_reply_err(req, error);
}

static void floor_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    reply_entry(req, floor_names_find(floor_of(req)->names, parent, name), ENOENT);
}

static void floor_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
    (void)mode;
    reply_entry(req, floor_names_add(floor_of(req)->names, parent, name, true), ENOMEM);
}

static void floor_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
                        dev_t device)
{
    (void)mode;
    (void)device;
    reply_entry(req, floor_names_add(floor_of(req)->names, parent, name, false), ENOMEM);
}

static void floor_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
                         struct fuse_file_info *file)
{
    struct floor *floor = floor_of(req);
    struct fuse_entry_param entry;
    fuse_ino_t ino = floor_names_add(floor->names, parent, name, false);

    (void)mode;
    floor->size = 0;
    entry = entry_of(floor, ino);
    if (ino != 0)
        fuse_reply_create(req, &entry, file);
    else
        fuse_reply_err(req, ENOMEM);
}

static void floor_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
    (void)ino;
    fuse_reply_open(req, file);
}

static void floor_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    floor_names_remove(floor_of(req)->names, parent, name);
    fuse_reply_err(req, 0);
}

static void floor_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
                         const char *new_name, unsigned int flags)
{
    (void)flags;
    fuse_reply_err(req,
                   -floor_names_rename(floor_of(req)->names, parent, name, new_parent, new_name));
}

static void floor_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                       struct fuse_file_info *file)
{
    (void)ino;
    (void)offset;
    (void)file;
    fuse_reply_buf(req, floor_of(req)->zeros, size < ZEROS ? size : ZEROS);
}

static void floor_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset,
                        struct fuse_file_info *file)
{
    (void)ino;
    (void)data;
    (void)offset;
    (void)file;
    fuse_reply_write(req, size);
}

static void floor_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *file)
{
    (void)ino;
    (void)datasync;
    (void)file;
    fuse_reply_err(req, 0);
}

static void floor_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
    (void)ino;
    (void)name;
    (void)size;
    fuse_reply_xattr(req, 0);
}

static const struct fuse_lowlevel_ops operations = {
    .init = floor_init,
    .lookup = floor_lookup,
    .getattr = floor_getattr,
    .setattr = floor_setattr,
    .mkdir = floor_mkdir,
    .mknod = floor_mknod,
    .create = floor_create,
    .open = floor_open,
    .unlink = floor_unlink,
    .rmdir = floor_unlink,
    .rename = floor_rename,
    .read = floor_read,
    .write = floor_write,
    .fsync = floor_fsync,
    .getxattr = floor_getxattr,
};

static int serve(struct fuse_session *session, const struct fuse_cmdline_opts *options,
                 bool leaders)
{
    int status = -1;

    if (fuse_session_mount(session, options->mountpoint) != 0)
        return -1;
    if (fuse_daemonize(options->foreground) == 0)
        status =
            leaders ? floor_loop_leaders(session) : floor_loop_libfuse(session, options->clone_fd);
    fuse_session_unmount(session);
    return status;
}

static int run(struct fuse_args *args, const struct fuse_cmdline_opts *options)
{
    struct own_options own = { 0 };
    struct floor floor = { .zeros = calloc(1, ZEROS), .names = floor_names_new() };
    struct fuse_session *session = NULL;
    int status = -1;

    if (options->mountpoint != NULL && floor.zeros != NULL && floor.names != NULL &&
        fuse_opt_parse(args, &own, own_options, NULL) == 0)
        session = fuse_session_new(args, &operations, sizeof(operations), &floor);
    if (session != NULL && fuse_set_signal_handlers(session) == 0) {
        status = serve(session, options, own.leaders);
        fuse_remove_signal_handlers(session);
    }
    if (session != NULL)
        fuse_session_destroy(session);
    // The process ends, and the names with it.
    free(floor.zeros);
    return status;
}

int main(int argc, char **argv)
{
    struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
    struct fuse_cmdline_opts options;
    int status;

    if (fuse_parse_cmdline(&args, &options) != 0)
        return EXIT_FAILURE;
    status = run(&args, &options);
    free(options.mountpoint);
    fuse_opt_free_args(&args);
    return status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
