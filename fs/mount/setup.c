// SPDX-License-Identifier: BSD-2-Clause
#include "fs/mount/setup.h"
#include "fs/inode/impersonate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#include "lib/class/class_root.h"
#include "lib/sys/cleanup.h"
#include "fs/inode/inode.h"
#include "fs/vfs/readdir_policy.h"
#include "fs/mount/mountpoint.h"
#include "lib/sys/mounts.h"
#include "fs/mount/session.h"
#include "fs/mount/damage.h"
#include "fs/vfs/writeback.h"

/* Nodes that the table has room for. It takes address space only; memory is taken as nodes come. */
#define NODES_MAX NODE_CAPACITY_MAX

/* How long a daemon that was just unmounted may take to let go of its store. */
#define STORE_WAIT_SECONDS 5

static void raise_limit(int resource)
{
    struct rlimit limit;

    if (getrlimit(resource, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (resource == RLIMIT_NOFILE && limit.rlim_cur > NODE_FD_MAX)
        limit.rlim_cur = NODE_FD_MAX;
    setrlimit(resource, &limit);
}

static int lock_store(struct mount *mount, struct complaint *complaint)
{
    const char *given = mount->options.store;
    char where[4096];

    if (mounts_find_store(mount->facts.store, where, sizeof(where)))
        return complain(complaint, EBUSY,
                        "STORE %s is already mounted at %s; unmount it there first", given, where);
    // Not mounted, and yet locked: its last daemon is about to end.
    if (store_lock_wait(&mount->facts.areas[AREA_STORE], STORE_WAIT_SECONDS) == 0)
        return 0;
    if (mounts_find_store(mount->facts.store, where, sizeof(where)))
        return complain(complaint, EBUSY,
                        "STORE %s is already mounted at %s; unmount it there first", given, where);
    return complain(
        complaint, EBUSY,
        "STORE %s is in use: another process holds its lock, perhaps a shmapfs whose mount is not to be seen from here; end it first",
        given);
}

static int open_store(struct mount *mount, struct complaint *complaint)
{
    const struct options *options = &mount->options;
    int error;

    if (!options->store)
        return 0;
    if (!realpath(options->store, mount->facts.store))
        *mount->facts.store = '\0';
    if (!*mount->facts.store && errno == ENOENT)
        return complain(complaint, ENOENT, "STORE %s does not exist; make the directory first",
                        options->store);
    if (!*mount->facts.store)
        return complain(complaint, errno, "STORE %s cannot be used: %s", options->store,
                        strerror(errno));
    error = mountpoint_check_store(mount->facts.mountpoint, mount->facts.store, complaint);
    if (!error)
        error = store_open(mount->facts.store, options->read_only, &options->atime,
                           &mount->facts.areas[AREA_STORE], complaint);
    return error == -EBUSY ? lock_store(mount, complaint) : error;
}

/* Whether one of the names with a colon between lies below another one. */
static bool nest(const char *names)
{
    size_t outer, inner;

    for (const char *a = names; *a; a += outer + (a[outer] == ':')) {
        outer = strcspn(a, ":");
        for (const char *b = names; *b; b += inner + (b[inner] == ':')) {
            inner = strcspn(b, ":");
            if (inner > outer && strncmp(a, b, outer) == 0 && b[outer] == '/')
                return true;
        }
    }
    return false;
}

/* All names of anon= are checked before the first is made: a mistake in one leaves nothing of the
 * others behind. */
static int class_roots(struct mount *mount, bool make, struct complaint *complaint)
{
    const struct area *store = &mount->facts.areas[AREA_STORE];
    CLEANUP_FREE char *names = mount->options.anon ? strdup(mount->options.anon) : NULL;
    char *rest = names;
    char *name;
    int error = 0;

    if (names && nest(names))
        return complain(complaint, EINVAL,
                        "anon=%s: one directory is below another, which makes it anonymous already",
                        names);
    while (!error && (name = strsep(&rest, ":")))
        error = make ? classroot_prepare(store, name, mount->options.ram.mode, complaint)
                     : classroot_check(store, name, complaint);
    return error;
}

/* What the data path of the areas' files could be, as far as it is known before the kernel is
 * asked. */
static void plan_data_paths(struct mount *mount)
{
    const struct options *options = &mount->options;
    const char *reason = !options->passthrough           ? "nopassthrough was given"
                         : !mount->facts.cred.privileged ? "passthrough takes root"
                                                         : NULL;

    for (int kind = 0; kind < AREA_KINDS; kind++) {
        mount->facts.data_paths[kind].passthrough = !reason;
        strlcpy(mount->facts.data_paths[kind].reason, reason ? reason : "",
                sizeof(mount->facts.data_paths[kind].reason));
    }
    mount->facts.wants_passthrough = !reason;
    mount->facts.wants_writeback = options->writeback;
    mount->facts.wants_io_uring = options->io_uring;
    // In the background it is somebody else's service that the environment speaks of, if any.
    mount->facts.notifies = options->foreground;
    strlcpy(mount->facts.survival,
            options->io_uring  ? "requests in flight over io_uring would be lost"
            : !options->keeper ? "it was mounted without a keeper"
                               : "",
            sizeof(mount->facts.survival));
}

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

static void setup_locks(struct mount *mount)
{
    pthread_condattr_t monotonic;

    for (int i = 0; i < MOUNT_STRIPES; i++)
        pthread_mutex_init(&mount->stripes[i], NULL);
    pthread_mutex_init(&mount->class_roots, NULL);
    pthread_mutex_init(&mount->backings, NULL);
    pthread_mutex_init(&mount->stale, NULL);
    pthread_mutex_init(&mount->put_off.mutex, NULL);
    pthread_mutex_init(&mount->put_off.disposing, NULL);
    pthread_mutex_init(&mount->space, NULL);
    pthread_mutex_init(&mount->growth.mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&mount->space_came, &monotonic);
    pthread_cond_init(&mount->growth.told, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_rwlock_init(&mount->names, NULL);
    caller_setup(mount);
    pthread_key_create(&mount->serving, NULL);
    atomic_flag_clear(&mount->upgrading);
}

static int session_arguments(const struct mount *mount, struct fuse_args *args)
{
    const struct options *options = &mount->options;
    const struct {
        bool on;
        const char *word;
    } words[] = {
        { true, "default_permissions" }, { mount->facts.cred.privileged, "allow_other" },
        { true, "subtype=shmapfs" },     { options->read_only, "ro" },
        { options->suid, "suid" },       { options->dev, "dev" },
        { options->noexec, "noexec" },   { options->sync, "sync" },
        { options->dirsync, "dirsync" }, { options->io_uring, "io_uring" },
    };
    int error = fuse_opt_add_arg(args, "shmapfs") == 0 ? 0 : -ENOMEM;

    for (size_t i = 0; !error && i < sizeof(words) / sizeof(words[0]); i++)
        error = words[i].on ? add_option(args, "%s", words[i].word) : 0;
    return error ? error
                 : add_option(args, "fsname=%s",
                              *mount->facts.store ? mount->facts.store : "shmapfs");
}

/* Mounts, with what libfuse and its helper write to standard error caught: the user gets one line.
 * */
static int mount_quietly(struct mount *mount, char *said, size_t size)
{
    CLEANUP_FD int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    CLEANUP_FD int catcher = memfd_create("said", MFD_CLOEXEC);
    ssize_t length;
    int result;

    // To mount takes descriptors, too.
    if (saved < 0 || catcher < 0) {
        strlcpy(said, strerror(errno), size);
        return -1;
    }
    dup2(catcher, STDERR_FILENO);
    result = fuse_session_mount(mount->session, mount->facts.mountpoint);
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

static int make_mount(struct mount *mount, struct complaint *complaint)
{
    struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
    char said[512];
    int error = check_device(complaint);

    if (error)
        return error;
    error = session_arguments(mount, &args);
    if (!error)
        mount->session = fuse_session_new(&args, mount->ops, sizeof(*mount->ops), mount);
    fuse_opt_free_args(&args);
    if (!mount->session)
        return complain(complaint, ENOMEM, "the FUSE session cannot be made");
    if (mount_quietly(mount, said, sizeof(said)) == 0) {
        mount->facts.device = fuse_session_fd(mount->session);
        mount->facts.mount_id = mountpoint_id(mount->facts.mountpoint);
        mount->facts.device_number = mountpoint_device(mount->facts.mountpoint);
        return 0;
    }
    fuse_session_destroy(mount->session);
    mount->session = NULL;
    return complain(complaint, EPERM, "MOUNTPOINT %s cannot be mounted on: %s",
                    mount->facts.mountpoint, *said ? said : "the kernel refuses");
}

/* The conversation over the mount, as far as it does not take a worker. */
static int begin_session(struct mount *mount, struct complaint *complaint)
{
    int error;

    if (mount->facts.wants_io_uring)
        return 0;
    error = session_ask(mount);
    if (!error && !session_can_be_continued(mount)) {
        mount->options.keeper = false;
        strlcpy(mount->facts.survival, "this kernel does not send requests again (Linux 6.9 does)",
                sizeof(mount->facts.survival));
    }
    return error ? complain(complaint, -error, "the kernel did not take up the mount at %s: %s",
                            mount->facts.mountpoint, strerror(-error))
                 : 0;
}

int setup_session(struct mount *mount, int device)
{
    struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
    int error = fuse_opt_add_arg(&args, "shmapfs") == 0 ? 0 : -ENOMEM;
    char path[32];

    setup_locks(mount);
    if (!error)
        mount->session = fuse_session_new(&args, mount->ops, sizeof(*mount->ops), mount);
    fuse_opt_free_args(&args);
    if (!mount->session)
        return -ENOMEM;
    // This is how libfuse is told that there is a mount already.
    snprintf(path, sizeof(path), "/dev/fd/%d", device);
    return fuse_session_mount(mount->session, path) == 0 ? 0 : -EBADF;
}

void setup_note_program(struct state *state)
{
    char path[PATH_MAX];

    // A binary that was replaced has no path any more, and who replaces it has put the next one there.
    if (realpath("/proc/self/exe", path))
        strlcpy(state->program, path, sizeof(state->program));
}

static int make_state(struct mount *mount, struct complaint *complaint)
{
    mount->memfd = state_create(&mount->state);
    if (mount->memfd < 0)
        return complain(complaint, -mount->memfd, "the memory of the mount cannot be made: %s",
                        strerror(-mount->memfd));
    setup_note_program(mount->state);
    return 0;
}

static int make_nodes(struct mount *mount, struct complaint *complaint)
{
    uint32_t cached = mount->options.descriptors;
    struct rlimit limit;
    int error;

    // Open files, directory streams and requests under way need descriptors too.
    mount->facts.descriptors_limit = NODE_FD_MAX;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < NODE_FD_MAX)
        mount->facts.descriptors_limit = (int)limit.rlim_cur;
    if ((uint32_t)mount->facts.descriptors_limit / 2 < cached)
        cached = (uint32_t)mount->facts.descriptors_limit / 2;
    mount->nodes.corrupt = mount_damaged;
    mount->nodes.corrupt_argument = mount;
    error = node_table_create(&mount->nodes, NODES_MAX, cached);
    if (error)
        return complain(complaint, -error, "the node table cannot be made: %s", strerror(-error));
    mount->facts.nodes = mount->nodes.memfd;
    mount->state->node_layout = node_table_layout();
    error = inode_make_root(mount);
    return error ? complain(complaint, -error, "the root directory cannot be opened: %s",
                            strerror(-error))
                 : 0;
}

void setup_undo(struct mount *mount)
{
    if (mount->session) {
        fuse_session_unmount(mount->session);
        fuse_session_destroy(mount->session);
    }
    if (mount->nodes.header)
        node_table_destroy(&mount->nodes);
    if (mount->state) {
        munmap(mount->state, sizeof(*mount->state));
        close(mount->memfd);
    }
    area_close(&mount->facts.areas[AREA_RAM]);
    area_close(&mount->facts.areas[AREA_STORE]);
    free(mount->options.anon);
}

void setup_keep_descriptors(struct mount *mount)
{
    const struct facts *facts = &mount->facts;
    const struct keeper_fds *keeper = &mount->state->keeper_fds;
    const int kept[] = { STDIN_FILENO,
                         STDOUT_FILENO,
                         STDERR_FILENO,
                         facts->device,
                         mount->memfd,
                         facts->areas[AREA_STORE].root,
                         facts->areas[AREA_RAM].root,
                         facts->areas[AREA_RAM].user_namespace,
                         keeper->signals,
                         keeper->go,
                         keeper->serving,
                         keeper->alive };

    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        if (kept[i] >= 0)
            node_fd_keep(&mount->nodes, kept[i]);
    }
}

/* What has to be there whatever is mounted. */
static int check_surroundings(struct mount *mount, struct complaint *complaint)
{
    if (access("/proc/self/fd", X_OK) != 0)
        return complain(complaint, errno, "/proc is not there (%s); mount it first",
                        strerror(errno));
    return cred_check(&mount->facts.cred, complaint);
}

int setup_mount(struct mount *mount, struct complaint *complaint)
{
    struct options *options = &mount->options;
    CLEANUP_FD int place = -1;
    int error;

    mount->facts.areas[AREA_STORE] = mount->facts.areas[AREA_RAM] = AREA_NONE;
    mount->memfd = mount->facts.device = -1;
    mount->facts.timeout = options->timeout;
    mount->facts.owner = geteuid();
    setup_locks(mount);
    raise_limit(RLIMIT_NOFILE);
    raise_limit(RLIMIT_FSIZE);
    umask(0);
    error = check_surroundings(mount, complaint);
    if (!error) {
        place = mountpoint_check(options->mountpoint, mount->facts.mountpoint, complaint);
        error = place < 0 ? place : 0;
    }
    if (!error)
        error = open_store(mount, complaint);
    if (!error)
        error = class_roots(mount, false, complaint);
    if (!error)
        error = ram_open(&options->ram, &mount->facts.areas[AREA_RAM], complaint);
    if (!error)
        error = make_state(mount, complaint);
    plan_data_paths(mount);
    if (!error)
        listing_plan(mount);
    if (!error)
        error = make_mount(mount, complaint);
    if (!error)
        error = begin_session(mount, complaint);
    // From here on there is something to undo; directories in the store are made last, in the name
    // of the user.
    if (!error && !options->read_only)
        error = class_roots(mount, true, complaint);
    if (!error) {
        writeback_prepare(mount);
        error = cred_init(&mount->facts.cred);
        if (error)
            complain(complaint, -error, "the daemon's credentials cannot be set: %s",
                     strerror(-error));
    }
    if (!error)
        error = make_nodes(mount, complaint);
    if (error)
        setup_undo(mount);
    return error;
}
