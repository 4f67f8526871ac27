// SPDX-License-Identifier: BSD-2-Clause
#include "fs/mount/setup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/hosts/presence.h"
#include "fs/inode/inode.h"
#include "fs/locks/file_locks.h"
#include "fs/mount/connection.h"
#include "fs/mount/damage.h"
#include "fs/mount/limits.h"
#include "fs/mount/modules.h"
#include "fs/mount/mountpoint.h"
#include "fs/mount/session.h"
#include "fs/mount/store_setup.h"
#include "fs/nodes/node_fd.h"
#include "fs/options/option_table.h"
#include "fs/options/option_text.h"
#include "fs/vfs/readdir_policy.h"
#include "fs/vfs/writeback.h"
#include "lib/area/inode_number.h"
#include "lib/class/file_mark.h"
#include "lib/process/oom.h"
#include "lib/sys/cleanup.h"

/* How many nodes the table has room for. This takes address space only; memory is taken as nodes
 * come. */
#define NODES_MAX NODE_CAPACITY_MAX

/* Plans how requests travel, and what becomes of them when the process ends. */
static void plan_transport(struct mount *mount)
{
    const struct options *options = &mount->options;
    struct mount_info *info = &mount->volume.info;

    info->wants_io_uring = options->io_uring;
    // In the background, the environment speaks of somebody else's service, if of any.
    info->notifies = options->foreground;
    strlcpy(info->survival,
            options->io_uring  ? "requests in flight over io_uring would be lost"
            : !options->keeper ? "it was mounted without a keeper"
                               : "",
            sizeof(info->survival));
}

/* Has the broker pass files through, where the daemon may not do that itself. */
static int try_broker(struct mount *mount, struct complaint *complaint)
{
    int error = session_try_broker(mount);

    return error ? complain(complaint, -error, "the memory for the broker cannot be made: %s",
                            strerror(-error))
                 : 0;
}

/* Begins the conversation over the mount, as far as that needs no worker. */
static int begin_session(struct mount *mount, struct complaint *complaint)
{
    struct mount_info *info = &mount->volume.info;
    int error = session_ask(mount);

    if (error)
        return complain(complaint, -error,
                        "the kernel did not send its first request for the mount at %s: %s",
                        info->mountpoint, strerror(-error));
    if (info->wants_io_uring && !session_can_use_uring(mount))
        return complain(complaint, EOPNOTSUPP,
                        "option 'io_uring': this kernel does not offer it; it takes Linux 6.14 or "
                        "later, and Y in /sys/module/fuse/parameters/enable_uring");
    state_set_parked(mount->volume.state, mount->volume.parking.memfd);
    return 0;
}

void setup_note_program(struct state *state)
{
    char path[PATH_MAX];

    // A binary that was replaced has no path any more, and the path that it had leads to the next
    // one.
    if (realpath("/proc/self/exe", path))
        strlcpy(state->program, path, sizeof(state->program));
}

static int make_state(struct mount *mount, struct complaint *complaint)
{
    int error;

    mount->memfd = state_create(&mount->volume.state);
    error = mount->memfd < 0 ? mount->memfd : parking_create(&mount->volume.parking);
    if (!error)
        error = area_table_create(&mount->volume.areas);
    if (!error && mount->volume.info.shared)
        error = file_locks_create(&mount->volume);
    if (error)
        return complain(complaint, -error, "the memory of the mount cannot be made: %s",
                        strerror(-error));
    mount->volume.state->areas = mount->volume.areas.memfd;
    setup_note_program(mount->volume.state);
    mount->volume.state->read_only = mount->options.read_only;
    mount->volume.state->umount_ends = mount->options.umount_ends;
    if (file_mark_is_noted(&mount->volume.info.areas[AREA_STORE]))
        state_set_file_classes(mount->volume.state);
    store_identity_read(&mount->volume.info.areas[AREA_STORE],
                        &state_outage(mount->volume.state)->identity);
    state_outage(mount->volume.state)->record = mount->store_lock.record;
    mount->volume.state->keep_alive = (uint16_t)mount->options.keep_alive;
    if (mount->volume.info.shared)
        state_set_shared(mount->volume.state);
    mount->volume.state->journal_blocks = (uint32_t)(mount->options.log_size >> 12);
    if (mount->options.atomic || mount->options.checkpoint)
        state_set_cached_class(mount->volume.state, CACHES_CLASS_BEGINS);
    option_text(&mount->options, mount->volume.state->options,
                sizeof(mount->volume.state->options));
    return 0;
}

/* Returns how many nodes may hold descriptors that can be opened again: open files, directory
 * streams and requests under way need some too. */
static uint32_t plan_descriptors(struct mount *mount)
{
    struct mount_info *info = &mount->volume.info;
    struct rlimit limit;
    uint32_t half;

    info->descriptors_limit = NODE_FD_MAX;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < NODE_FD_MAX)
        info->descriptors_limit = (int)limit.rlim_cur;
    half = (uint32_t)info->descriptors_limit / 2;
    return half < mount->options.descriptors ? half : mount->options.descriptors;
}

static int make_nodes(struct mount *mount, struct complaint *complaint)
{
    struct volume *volume = &mount->volume;
    int error;

    volume->nodes.corrupt = mount_damaged;
    volume->nodes.corrupt_argument = mount;
    error = node_table_create(&volume->nodes, NODES_MAX, plan_descriptors(mount));
    if (error)
        return complain(complaint, -error, "the node table cannot be made: %s", strerror(-error));
    volume->info.nodes = volume->nodes.memfd;
    volume->state->node_layout = node_table_layout();
    error = inode_make_root(volume);
    return error ? complain(complaint, -error, "the root directory cannot be opened: %s",
                            strerror(-error))
                 : 0;
}

void setup_undo(struct mount *mount)
{
    // To find the mount takes a descriptor, and that there was none may be why the set-up ends.
    if (mount->volume.state)
        close(mount->memfd);
    if (mount->volume.session)
        connection_end(mount);
    if (mount->volume.nodes.header)
        node_table_destroy(&mount->volume.nodes);
    if (mount->volume.state) {
        if (mount->volume.state->streams)
            close(mount->volume.state->streams);
        if (mount->volume.state->unclosed)
            close(mount->volume.state->unclosed);
        munmap(mount->volume.state, sizeof(*mount->volume.state));
    }
    parking_destroy(&mount->volume.parking);
    presence_forget(&mount->volume, mount->store_lock.record);
    store_lock_drop(volume_area(&mount->volume, AREA_STORE), &mount->store_lock);
    area_table_destroy(&mount->volume.areas);
    for (unsigned area = 0; area < AREAS_OF_MOUNT; area++)
        area_close(volume_area(&mount->volume, area));
    modules_destroy(&mount->volume);
    option_free(&mount->options);
}

static void keep_descriptors(struct node_table *nodes, const int *descriptors, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (descriptors[i] >= 0)
            node_fd_keep(nodes, descriptors[i]);
    }
}

void setup_keep_descriptors(struct mount *mount)
{
    struct node_table *nodes = &mount->volume.nodes;
    const struct mount_info *info = &mount->volume.info;
    const struct keeper_fds *keeper = &mount->volume.state->keeper_fds;
    const int own[] = {
        STDIN_FILENO,
        STDOUT_FILENO,
        STDERR_FILENO,
        info->device,
        mount->memfd,
        keeper->go,
        keeper->signals,
        keeper->alive,
        keeper->serving,
        mount->store_lock.fd,
        mount->store_lock.record,
        mount->volume.state->streams,
        mount->volume.state->unclosed,
    };

    keep_descriptors(nodes, own, sizeof(own) / sizeof(own[0]));
    for (unsigned area = 0; area < AREAS_OF_MOUNT; area++) {
        const struct area *own_area = &info->areas[area];
        const int of_area[] = { own_area->root, own_area->mount, own_area->user_namespace };

        keep_descriptors(nodes, of_area, sizeof(of_area) / sizeof(of_area[0]));
    }
    area_table_keep(&mount->volume.areas, nodes);
    file_locks_keep(&mount->volume);
}

/* Checks what has to be there whatever is mounted. */
static int check_surroundings(struct mount *mount, struct complaint *complaint)
{
    if (access("/proc/self/fd", X_OK) != 0)
        return complain(complaint, errno, "/proc is not there (%s); mount it first",
                        strerror(errno));
    return cred_check(&mount->volume.info.cred, complaint);
}

static int make_modules(struct mount *mount, struct complaint *complaint)
{
    int error = modules_init(&mount->volume);

    return error ? complain(complaint, -error, "the mount cannot be set up: %s", strerror(-error))
                 : 0;
}

static int make_ram(struct mount *mount, struct complaint *complaint)
{
    const struct ram_options *ram = &mount->options.ram;

    if (!mount->volume.info.cred.privileged && ((ram->uid != (uid_t)-1 && ram->uid != geteuid()) ||
                                                (ram->gid != (gid_t)-1 && ram->gid != getegid())))
        return complain(complaint, EPERM,
                        "options 'uid' and 'gid': only root can give a mount to others; leave them "
                        "out");
    return ram_open(&mount->options.ram, volume_area(&mount->volume, AREA_RAM), complaint);
}

static int make_plans(struct mount *mount, struct complaint *complaint)
{
    int error;

    session_plan_data_paths(mount);
    plan_transport(mount);
    error = readdir_policy_choose(&mount->volume);
    return error ? complain(complaint, -error, "the memory for listings cannot be made: %s",
                            strerror(-error))
                 : 0;
}

static int drop_privileges(struct mount *mount, struct complaint *complaint)
{
    int error;

    writeback_prepare(&mount->volume);
    if (mount->options.keeper) {
        oom_go_last();
        limits_forbid_cores();
    }
    error = cred_init(&mount->volume.info.cred, mount->volume.info.areas[AREA_STORE].has_servers);
    return error ? complain(complaint, -error, "the daemon's credentials cannot be set: %s",
                            strerror(-error))
                 : 0;
}

/* The steps of a set-up. Directories in the store are made as late as possible: after everything
 * that can fail for a reason of the user's, and in the user's name. Before FIRST_STEP_TO_STAY, the
 * steps leave nothing that would not be gone with the process. */
#define FIRST_STEP_TO_STAY 5
static int (*const STEPS[])(struct mount *mount, struct complaint *complaint) = {
    store_setup_open,
    store_setup_check_anon,
    store_setup_check_scratch,
    store_setup_check_journaled,
    make_ram,
    make_state,
    make_plans,
    connection_make,
    begin_session,
    try_broker,
    store_setup_make_scratch,
    store_setup_make_anon,
    store_setup_make_journaled,
    drop_privileges,
    make_nodes,
};
#define STEP_COUNT (sizeof(STEPS) / sizeof(STEPS[0]))

static int take_steps(struct mount *mount, struct complaint *complaint)
{
    size_t count = mount->options.fake ? FIRST_STEP_TO_STAY : STEP_COUNT;
    int error = mount->options.fake ? connection_check(complaint) : 0;

    for (size_t i = 0; !error && i < count; i++)
        error = STEPS[i](mount, complaint);
    return error;
}

int setup_mount(struct mount *mount, struct complaint *complaint)
{
    struct mount_info *info = &mount->volume.info;
    CLEANUP_FD int place = -1; // locked until the mount is there
    int error;

    for (unsigned area = 0; area < AREAS_OF_MOUNT; area++)
        info->areas[area] = AREA_NONE;
    mount->memfd = info->device = -1;
    mount->store_lock = STORE_LOCK_NONE;
    info->timeout = mount->options.timeout;
    info->skeletons = mount->options.skeleton;
    info->shared = mount->options.hosts == HOSTS_SEVERAL;
    info->owner = geteuid();
    info->user_descriptors = (uint8_t)mount->options.user_descriptors;
    info->numbering = NUMBERING_SHARED;
    atomic_flag_clear(&mount->upgrading);
    atomic_flag_clear(&mount->damaged);
    mount_init_syncs(mount);
    umask(0);
    error = make_modules(mount, complaint);
    if (!error)
        error = limits_raise(complaint);
    if (!error)
        error = check_surroundings(mount, complaint);
    if (!error) {
        place = mountpoint_check(mount->options.mountpoint, info->mountpoint, complaint);
        error = place < 0 ? place : 0;
    }
    if (!error)
        error = take_steps(mount, complaint);
    if (error || mount->options.fake)
        setup_undo(mount);
    // The lock's file and directory stay from now on.
    mount->store_lock.made = false;
    return error;
}

int setup_continue(struct mount *mount, int device)
{
    int error = modules_init(&mount->volume);

    atomic_flag_clear(&mount->upgrading);
    atomic_flag_clear(&mount->damaged);
    mount_init_syncs(mount);
    return error ? error : connection_continue(mount, device);
}
