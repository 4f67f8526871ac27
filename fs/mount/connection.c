// SPDX-License-Identifier: BSD-2-Clause
#include "fs/mount/connection.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include "fs/mount/mountpoint.h"
#include "lib/sys/cleanup.h"
#include "lib/sys/mounts.h"

static int add_option(struct fuse_args *args, const char *format, const char *value)
{
    CLEANUP_FREE char *option = NULL;
    CLEANUP_FREE char *list = NULL;

    if (asprintf(&option, format, value) < 0)
        return -ENOMEM;
    if (fuse_opt_add_opt_escaped(&list, option) != 0 || fuse_opt_add_arg(args, "-o") != 0 ||
        fuse_opt_add_arg(args, list) != 0)
        return -ENOMEM;
    return 0;
}

static int session_arguments(const struct mount *mount, struct fuse_args *args)
{
    const struct options *options = &mount->options;
    const struct {
        bool on;
        const char *word;
    } words[] = {
        { true, "default_permissions" },
        { mount->volume.info.cred.privileged, "allow_other" },
        { true, "subtype=shmapfs" },
        { options->read_only, "ro" },
        { options->suid, "suid" },
        { options->dev, "dev" },
        { options->noexec, "noexec" },
        { options->sync, "sync" },
        { options->dirsync, "dirsync" },
        { options->io_uring, "io_uring" },
        { options->atime.set & MOUNT_ATTR_NOATIME, "noatime" },
    };
    int error = fuse_opt_add_arg(args, "shmapfs") == 0 ? 0 : -ENOMEM;

    for (size_t i = 0; !error && i < sizeof(words) / sizeof(words[0]); i++)
        error = words[i].on ? add_option(args, "%s", words[i].word) : 0;
    return error ? error
                 : add_option(args, "fsname=%s",
                              *mount->volume.info.store ? mount->volume.info.store : "shmapfs");
}

/* Shows in the mount table what is done with access times, for most of which libfuse, or its
 * helper, has no word. It is the areas that heed it, so nothing is lost where a user may not. */
static void show_access_times(const struct mount *mount)
{
    struct mount_attr attributes = { .attr_set = mount->options.atime.set,
                                     .attr_clr = mount->options.atime.clear };

    mount_setattr(AT_FDCWD, mount->volume.info.mountpoint, 0, &attributes, sizeof(attributes));
}

/* Mounts, and catches what libfuse and its helper write to standard error: the user gets one
 * line. */
static int mount_quietly(struct mount *mount, char *said, size_t size)
{
    CLEANUP_FD int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    CLEANUP_FD int catcher = memfd_create("said", MFD_CLOEXEC);
    ssize_t length;
    int result;

    // Mounting takes descriptors, too.
    if (saved < 0 || catcher < 0) {
        strlcpy(said, strerror(errno), size);
        return -1;
    }
    dup2(catcher, STDERR_FILENO);
    result = fuse_session_mount(mount->volume.session, mount->volume.info.mountpoint);
    dup2(saved, STDERR_FILENO);
    length = pread(catcher, said, size - 1, 0);
    said[length > 0 ? length : 0] = '\0';
    said[strcspn(said, "\n")] = '\0';
    return result;
}

static int check_device(struct complaint *complaint)
{
    CLEANUP_FD int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);

    if (device >= 0)
        return 0;
    if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
        return complain(complaint, errno,
                        "this kernel has no FUSE (/dev/fuse: %s); load it with: modprobe fuse",
                        strerror(errno));
    return complain(complaint, errno, "/dev/fuse cannot be opened: %s; its usual mode is 0666",
                    strerror(errno));
}

int connection_make(struct mount *mount, struct complaint *complaint)
{
    struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
    char said[512];
    int error = check_device(complaint);

    if (error)
        return error;
    error = session_arguments(mount, &args);
    if (!error)
        mount->volume.session = fuse_session_new(&args, mount->ops, sizeof(*mount->ops), mount);
    fuse_opt_free_args(&args);
    if (!mount->volume.session)
        return complain(complaint, ENOMEM, "the FUSE session cannot be made");
    if (mount_quietly(mount, said, sizeof(said)) == 0) {
        mount->volume.info.device = fuse_session_fd(mount->volume.session);
        mountpoint_identify(mount->volume.info.mountpoint, &mount->volume.info);
        show_access_times(mount);
        return 0;
    }
    fuse_session_destroy(mount->volume.session);
    mount->volume.session = NULL;
    return complain(complaint, EPERM, "MOUNTPOINT %s cannot be mounted on: %s",
                    mount->volume.info.mountpoint, *said ? said : "the kernel refuses");
}

int connection_continue(struct mount *mount, int device)
{
    struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
    int error = fuse_opt_add_arg(&args, "shmapfs") == 0 ? 0 : -ENOMEM;
    char path[32];

    if (!error)
        mount->volume.session = fuse_session_new(&args, mount->ops, sizeof(*mount->ops), mount);
    fuse_opt_free_args(&args);
    if (!mount->volume.session)
        return -ENOMEM;
    // A path of this form tells libfuse that there is a mount already.
    snprintf(path, sizeof(path), "/dev/fd/%d", device);
    return fuse_session_mount(mount->volume.session, path) == 0 ? 0 : -EBADF;
}

void connection_close(const struct mount *mount)
{
    // Threads that still answer need not complain that nobody listens.
    CLEANUP_FD int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (nothing >= 0)
        dup3(nothing, mount->volume.info.device, O_CLOEXEC);
}

void connection_end(struct mount *mount)
{
    // By its id: something else may be at the path by now, which libfuse would unmount.
    mountpoint_take_away(&mount->volume.info);
    fuse_session_destroy(mount->volume.session);
    mount->volume.session = NULL;
}
