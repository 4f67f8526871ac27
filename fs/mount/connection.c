// SPDX-License-Identifier: BSD-2-Clause
#include "fs/mount/connection.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
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

/* Returns whether there are words of SELinux. mount(8) drops them, too, where there is none. */
static bool takes_contexts(const struct options *options)
{
    return options->contexts && access("/sys/fs/selinux", F_OK) == 0;
}

static int add_contexts(struct fuse_args *args, const struct options *options)
{
    bool wanted = takes_contexts(options);
    CLEANUP_FREE char *copy = wanted ? strdup(options->contexts) : NULL;
    char *rest = copy;
    char *word;
    int error = wanted && !copy ? -ENOMEM : 0;

    while (!error && (word = strsep(&rest, "\n")))
        error = add_option(args, "%s", word);
    return error;
}

/* Returns the source that the mount table is to show. A store is found by it
 * (mounts_find_store()). */
static const char *source_of(const struct mount *mount)
{
    if (*mount->volume.info.store)
        return mount->volume.info.store;
    if (mount->options.fsname)
        return mount->options.fsname;
    // As mount(8) looks for it, to see whether it is mounted already.
    return mount->options.source ? mount->options.source : "shmapfs";
}

static int session_arguments(const struct mount *mount, struct fuse_args *args)
{
    const struct options *options = &mount->options;
    const struct {
        bool on;
        const char *word;
    } words[] = {
        { true, "default_permissions" },
        { options->allow_other || mount->volume.info.cred.privileged, "allow_other" },
        { true, "subtype=shmapfs" },
        { options->read_only, "ro" },
        { options->suid, "suid" },
        { options->dev, "dev" },
        { options->noexec, "noexec" },
        { options->sync, "sync" },
        { options->dirsync, "dirsync" },
        { options->nosymfollow, "nosymfollow" },
        { options->atime.set & MOUNT_ATTR_NOATIME, "noatime" },
        { options->io_uring, "io_uring" },
    };
    int error = fuse_opt_add_arg(args, "shmapfs") == 0 ? 0 : -ENOMEM;

    for (size_t i = 0; !error && i < sizeof(words) / sizeof(words[0]); i++)
        error = words[i].on ? add_option(args, "%s", words[i].word) : 0;
    if (!error)
        error = add_contexts(args, options);
    return error ? error : add_option(args, "fsname=%s", source_of(mount));
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

/* Adds SELinux' words to the kernel's options, where a comma ends a word outside of quotes. */
static int append_contexts(const char *contexts, char *text, size_t size)
{
    CLEANUP_FREE char *copy = strdup(contexts);
    char *rest = copy;
    char *word;

    if (!copy)
        return -ENOMEM;
    while ((word = strsep(&rest, "\n"))) {
        const char *quote = strchr(word, ',') && !strchr(word, '"') ? "\"" : "";
        char *value = strchr(word, '=');

        if (!value)
            continue;
        *value++ = '\0';
        size_t used = strlen(text);
        if (snprintf(text + used, size - used, ",%s=%s%s%s", word, quote, value, quote) >=
            (int)(size - used))
            return -E2BIG;
    }
    return 0;
}

static unsigned long mount_flags(const struct options *options)
{
    return (options->suid ? 0 : MS_NOSUID) | (options->dev ? 0 : MS_NODEV) |
           (options->noexec ? MS_NOEXEC : 0) | (options->read_only ? MS_RDONLY : 0) |
           (options->sync ? MS_SYNCHRONOUS : 0) | (options->dirsync ? MS_DIRSYNC : 0) |
           (options->nosymfollow ? MS_NOSYMFOLLOW : 0) |
           (options->atime.set & MOUNT_ATTR_NOATIME ? MS_NOATIME : 0);
}

/* Mounts without libfuse. As root, that runs mount(8) for the sake of its own table when the mount
 * is there and nobody serves it yet: where that or its libraries look into the mount (/sys, /etc,
 * /usr), neither of them would ever end. Returns a descriptor of the connection or a negative
 * errno. */
static int mount_directly(const struct mount_info *info, const struct options *options,
                          const char *source)
{
    CLEANUP_FD int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    char text[4096];
    struct stat st;
    int error = 0;

    if (device < 0 || stat(info->mountpoint, &st) != 0)
        return -errno;
    snprintf(text, sizeof(text),
             "fd=%d,rootmode=%o,user_id=%u,group_id=%u,default_permissions,allow_other", device,
             st.st_mode & S_IFMT, getuid(), getgid());
    if (takes_contexts(options))
        error = append_contexts(options->contexts, text, sizeof(text));
    if (error)
        return error;
    if (mount(source, info->mountpoint, MOUNTS_TYPE, mount_flags(options), text) != 0)
        return -errno;
    return steal_fd(&device);
}

/* Has the mount table tell of what libfuse and its helper have no word for, where that is allowed.
 * The areas keep access times; this changes none. */
static void show_atime(const struct mount *mount)
{
    const struct area_atime *atime = &mount->options.atime;
    struct mount_attr attributes = { .attr_set = atime->set, .attr_clr = atime->clear };

    if (atime->set)
        mount_setattr(AT_FDCWD, mount->volume.info.mountpoint, 0, &attributes, sizeof(attributes));
}

int connection_check(struct complaint *complaint)
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

/* Has libfuse use a connection whose mount is there already: a path of this form tells it so. */
static int use_device(struct fuse_session *session, int device)
{
    char path[32];

    snprintf(path, sizeof(path), "/dev/fd/%d", device);
    return fuse_session_mount(session, path) == 0 ? 0 : -EBADF;
}

/* Returns a descriptor of the connection, or a negative errno with a complaint. */
static int mount_session(struct mount *mount, struct complaint *complaint)
{
    const struct mount_info *info = &mount->volume.info;
    char said[512] = "";
    int device =
        info->cred.privileged ? mount_directly(info, &mount->options, source_of(mount)) : -EPERM;

    if (device >= 0) {
        if (use_device(mount->volume.session, device) == 0)
            return device;
        close(device);
    } else if (device == -EPERM && mount_quietly(mount, said, sizeof(said)) == 0) {
        return fuse_session_fd(mount->volume.session);
    }
    if (*said == '\0')
        strlcpy(said, device < 0 ? strerror(-device) : "the kernel refuses", sizeof(said));
    return complain(complaint, EPERM, "MOUNTPOINT %s cannot be mounted on: %s", info->mountpoint,
                    said);
}

int connection_make(struct mount *mount, struct complaint *complaint)
{
    struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
    int device = connection_check(complaint);

    if (device < 0)
        return device;
    if (session_arguments(mount, &args) == 0)
        mount->volume.session = fuse_session_new(&args, mount->ops, sizeof(*mount->ops), mount);
    fuse_opt_free_args(&args);
    if (!mount->volume.session)
        return complain(complaint, ENOMEM, "the FUSE session cannot be made");
    device = mount_session(mount, complaint);
    if (device >= 0) {
        mount->volume.info.device = device;
        show_atime(mount);
        mountpoint_identify(mount->volume.info.mountpoint, &mount->volume.info);
        return 0;
    }
    fuse_session_destroy(mount->volume.session);
    mount->volume.session = NULL;
    return device;
}

int connection_continue(struct mount *mount, int device)
{
    struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
    int error = fuse_opt_add_arg(&args, "shmapfs") == 0 ? 0 : -ENOMEM;

    if (!error)
        mount->volume.session = fuse_session_new(&args, mount->ops, sizeof(*mount->ops), mount);
    fuse_opt_free_args(&args);
    if (!mount->volume.session)
        return -ENOMEM;
    return use_device(mount->volume.session, device);
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
