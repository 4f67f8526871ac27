// SPDX-License-Identifier: BSD-2-Clause
//
// A filesystem that answers at once and does nothing else: what a request takes here it takes
// everywhere. Its directory has one file at most, of zeros that nobody can change, and each
// attribute that is asked for is empty.
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <fuse_lowlevel.h>

// The most that the kernel reads at once.
enum { ZEROS = 1 << 20 };

static const fuse_ino_t file_number = FUSE_ROOT_ID + 1;

// As long as the kernel likes: only what is measured shall come here.
static const double day = 86400;

struct floor {
    atomic_bool has_file;
    _Atomic off_t size; // of the file
    char *zeros;
};

static struct floor *floor_of(fuse_req_t req)
{
    return fuse_req_userdata(req);
}

static struct stat attributes_of(struct floor *floor, fuse_ino_t ino)
{
    bool is_file = ino == file_number;

    return (struct stat){
        .st_ino = ino,
        .st_mode = is_file ? S_IFREG | 0644 : S_IFDIR | 0755,
        .st_nlink = is_file ? 1 : 2,
        .st_size = is_file ? floor->size : 0,
    };
}

static void floor_init(void *userdata, struct fuse_conn_info *connection)
{
    (void)userdata;
    fuse_set_feature_flag(connection, FUSE_CAP_WRITEBACK_CACHE);
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

static struct fuse_entry_param file_entry(struct floor *floor)
{
    return (struct fuse_entry_param){
        .ino = file_number,
        .attr = attributes_of(floor, file_number),
        .attr_timeout = day,
        .entry_timeout = day,
    };
}

static void floor_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct fuse_entry_param entry = file_entry(floor_of(req));

    (void)parent;
    (void)name;
    if (floor_of(req)->has_file)
        fuse_reply_entry(req, &entry);
    else
        fuse_reply_err(req, ENOENT);
}

static void floor_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
                         struct fuse_file_info *file)
{
    struct fuse_entry_param entry;

    (void)parent;
    (void)name;
    (void)mode;
    floor_of(req)->has_file = true;
    floor_of(req)->size = 0;
    entry = file_entry(floor_of(req));
    fuse_reply_create(req, &entry, file);
}

static void floor_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    (void)parent;
    (void)name;
    floor_of(req)->has_file = false;
    fuse_reply_err(req, 0);
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
    .create = floor_create,
    .unlink = floor_unlink,
    .read = floor_read,
    .write = floor_write,
    .fsync = floor_fsync,
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

static int run(struct fuse_args *args, const struct fuse_cmdline_opts *options)
{
    struct floor floor = { .zeros = calloc(1, ZEROS) };
    struct fuse_session *session =
        options->mountpoint == NULL || floor.zeros == NULL
            ? NULL
            : fuse_session_new(args, &operations, sizeof(operations), &floor);
    int status = -1;

    if (session != NULL && fuse_set_signal_handlers(session) == 0) {
        status = serve(session, options);
        fuse_remove_signal_handlers(session);
    }
    if (session != NULL)
        fuse_session_destroy(session);
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
