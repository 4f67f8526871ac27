// SPDX-License-Identifier: BSD-2-Clause
#include "fs/mount/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/broker/registrar.h"
#include "fs/hosts/sharing.h"
#include "fs/inode/backing.h"
#include "fs/util/log.h"
#include "fs/vfs/hold.h"
#include "fs/vfs/writeback.h"
#include "lib/broker/protocol.h"
#include "lib/sys/cleanup.h"

/* FUSE_OVER_IO_URING of linux/fuse.h since Linux 6.14. */
#define OVER_IO_URING (UINT64_C(1) << 41)

/* So many requests that nobody waits for, such as RELEASEs and those that read ahead, are sent by
 * the kernel before earlier ones are answered. Those on a store that does not answer must not keep
 * those on RAM back, which are parked behind them. */
#define BACKGROUND_MAX 256

static void refuse_all(struct mount_info *info, const char *reason)
{
    for (unsigned area = 0; area < AREAS_OF_MOUNT; area++) {
        info->data_paths[area].passthrough = false;
        strlcpy(info->data_paths[area].reason, reason, sizeof(info->data_paths[area].reason));
    }
}

/* Returns whether the way to the broker leads through the mount, which would have to answer itself.
 * The mount is not there yet. */
static bool hides_broker(const struct mount_info *info)
{
    CLEANUP_FREE char *socket = realpath(BROKER_SOCKET, NULL);
    const char *path = socket ? socket : BROKER_SOCKET;
    size_t length = strlen(info->mountpoint);

    return strcmp(info->mountpoint, "/") == 0 ||
           (strncmp(path, info->mountpoint, length) == 0 && path[length] == '/');
}

void session_plan_data_paths(struct mount *mount)
{
    const struct options *options = &mount->options;
    struct mount_info *info = &mount->volume.info;
    bool hidden = hides_broker(info);

    info->wants_writeback = options->writeback;
    info->wants_passthrough = options->passthrough && info->cred.privileged;
    if (!options->passthrough)
        refuse_all(info, "nopassthrough was given");
    else if (!info->cred.privileged)
        refuse_all(info, !options->broker ? "passthrough takes root, and nobroker was given"
                         : hidden         ? "passthrough takes root, or the broker, whose socket "
                                            "the mount hides"
                                          : "passthrough takes root, or the broker");
    if (!options->broker || hidden)
        registrar_forbid(mount->volume.registrar);
    for (unsigned area = 0; area < AREAS_OF_MOUNT && info->wants_passthrough; area++)
        info->data_paths[area] = (struct data_path){ .passthrough = true };
}

/* Asks the broker about each area. Returns whether it passes any of them through; not if it fell
 * silent meanwhile. `why` is for all of them then. */
static bool ask_about_areas(struct volume *volume, char *why, size_t size)
{
    bool any = false;

    for (unsigned area = 0; area < AREAS_OF_MOUNT; area++) {
        struct data_path *path = &volume->info.data_paths[area];

        if (volume_area(volume, area)->root < 0)
            continue;
        switch (backing_ask_broker(volume, area)) {
        case BACKING_YES:
            any = true;
            break;
        case BACKING_SILENCE:
            strlcpy(why, path->reason, size);
            return false;
        default:
            strlcpy(why, path->reason, size);
            break;
        }
    }
    return any;
}

static int begin_brokered(struct volume *volume)
{
    int memfd = registrar_make_memory();

    if (memfd < 0)
        return memfd;
    state_set_brokered(volume->state, memfd);
    return registrar_attach(volume->registrar, memfd);
}

int session_try_broker(struct mount *mount)
{
    const struct options *options = &mount->options;
    struct volume *volume = &mount->volume;
    struct mount_info *info = &volume->info;
    char why[sizeof(info->data_paths[0].reason)] = "passthrough takes root, or the broker";

    if (info->cred.privileged || !options->passthrough || registrar_is_forbidden(volume->registrar))
        return 0;
    if (!state_kernel_offers(volume->state, STATE_PASSTHROUGH)) {
        refuse_all(info, "this kernel has no FUSE passthrough (Linux 6.9 has it)");
        return 0;
    }
    info->brokered = ask_about_areas(volume, why, sizeof(why));
    // Each process of the mount makes a connection of its own.
    registrar_disconnect(volume->registrar);
    info->wants_passthrough = info->brokered;
    if (info->brokered)
        return begin_brokered(volume);
    refuse_all(info, why);
    return 0;
}

static bool is_stacked(const struct area *area)
{
    return strcmp(area->filesystem, "overlay") == 0 || strncmp(area->filesystem, "fuse", 4) == 0;
}

static void refuse_passthrough(struct mount *mount, const char *reason)
{
    for (unsigned area = 0; area < AREAS_OF_MOUNT; area++) {
        struct data_path *path = &mount->volume.info.data_paths[area];

        if (path->passthrough)
            strlcpy(path->reason, reason, sizeof(path->reason));
        path->passthrough = false;
    }
}

/* Chooses the data path. The kernel has either passthrough or its cache for writes, for the whole
 * mount. */
static void choose_data_path(struct mount *mount, struct fuse_conn_info *conn)
{
    bool passthrough =
        mount->volume.info.wants_passthrough && fuse_set_feature_flag(conn, FUSE_CAP_PASSTHROUGH);

    if (mount->volume.info.wants_passthrough && !passthrough)
        refuse_passthrough(mount, "this kernel has no FUSE passthrough (Linux 6.9 has it)");
    if (passthrough)
        conn->max_backing_stack_depth = is_stacked(&mount->volume.info.areas[AREA_STORE])
                                            ? FUSE_BACKING_STACKED_OVER
                                            : FUSE_BACKING_STACKED_UNDER;
    else if (mount->volume.info.wants_writeback)
        mount->volume.info.writeback = fuse_set_feature_flag(conn, FUSE_CAP_WRITEBACK_CACHE);
    else
        fuse_unset_feature_flag(conn, FUSE_CAP_WRITEBACK_CACHE);
    // Writes that are passed through are no requests, and room for them would lie idle.
    conn->max_write = passthrough && mount->volume.state->caches_class != CACHES_CLASS_BEGINS
                          ? REQUEST_SMALL_MAX
                          : REQUEST_WRITE_MAX;
    mount->volume.info.request_bytes = conn->max_write + REQUEST_HEADER_MAX;
}

void session_init(void *userdata, struct fuse_conn_info *conn)
{
    static const uint64_t wanted[] = {
        FUSE_CAP_ASYNC_READ,         FUSE_CAP_ASYNC_DIO,         FUSE_CAP_ATOMIC_O_TRUNC,
        FUSE_CAP_CACHE_SYMLINKS,     FUSE_CAP_DONT_MASK,         FUSE_CAP_POSIX_ACL,
        FUSE_CAP_HANDLE_KILLPRIV_V2, FUSE_CAP_NO_EXPORT_SUPPORT, FUSE_CAP_PARALLEL_DIROPS,
        FUSE_CAP_READDIRPLUS,        FUSE_CAP_READDIRPLUS_AUTO,  FUSE_CAP_EXPLICIT_INVAL_DATA,
    };
    // The daemon copies: spliced pages could change after they were sent. Nobody but the kernel
    // changes data: its page cache is never stale, and dropping it because times or sizes look so
    // would lose writes through mappings.
    static const uint64_t unwanted[] = {
        FUSE_CAP_SPLICE_READ,     FUSE_CAP_SPLICE_WRITE,    FUSE_CAP_SPLICE_MOVE,
        FUSE_CAP_AUTO_INVAL_DATA, FUSE_CAP_HANDLE_KILLPRIV,
    };
    static const uint64_t of_locks[] = { FUSE_CAP_POSIX_LOCKS, FUSE_CAP_FLOCK_LOCKS };
    struct mount *mount = userdata;
    bool forwards = volume_forwards_locks(&mount->volume);

    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        fuse_set_feature_flag(conn, wanted[i]);
    for (size_t i = 0; i < sizeof(unwanted) / sizeof(unwanted[0]); i++)
        fuse_unset_feature_flag(conn, unwanted[i]);
    // Without them the kernel keeps locks by itself, on this host alone.
    for (size_t i = 0; i < sizeof(of_locks) / sizeof(of_locks[0]); i++) {
        if (forwards)
            fuse_set_feature_flag(conn, of_locks[i]);
        else
            fuse_unset_feature_flag(conn, of_locks[i]);
    }
    mount->volume.info.io_uring =
        mount->volume.info.wants_io_uring && fuse_set_feature_flag(conn, FUSE_CAP_OVER_IO_URING);
    if (!fuse_get_feature_flag(conn, FUSE_CAP_NO_OPENDIR_SUPPORT))
        mount->volume.info.lists_unopened = false;
    conn->time_gran = 1;
    conn->no_interrupt = 1;
    conn->max_background = BACKGROUND_MAX;
    choose_data_path(mount, conn);
    // The structure has no padding: it is compared as bytes. How much may wait in the background is
    // no part of it: the first answer counts, and any other does as well.
    mount->agreed = (struct agreement){ .features = conn->want_ext,
                                        .max_write = conn->max_write,
                                        .max_readahead = conn->max_readahead,
                                        .stack_depth = conn->max_backing_stack_depth,
                                        .made = true };
}

int session_ask(struct mount *mount)
{
    struct question *asked = &mount->volume.state->asked;
    // The kernel demands this size of every buffer, however short the request is.
    CLEANUP_FREE char *buffer = malloc(REQUEST_BYTES);
    ssize_t length;

    if (!buffer)
        return -ENOMEM;
    do
        length = read(mount->volume.info.device, buffer, REQUEST_BYTES);
    while (length < 0 && (errno == EINTR || errno == EAGAIN));
    if (length < 0 || (size_t)length > sizeof(asked->bytes))
        return length < 0 ? -errno : -EPROTO;
    memcpy(asked->bytes, buffer, (size_t)length);
    asked->length = (uint32_t)length;
    return 0;
}

bool session_can_use_uring(const struct mount *mount)
{
    return state_kernel_offers(mount->volume.state, OVER_IO_URING);
}

int session_agree(struct mount *mount)
{
    struct agreement *agreed = &mount->volume.state->agreed;
    struct question asked = mount->volume.state->asked;
    struct fuse_buf buffer = { .mem = asked.bytes, .size = asked.length };

    mount->agreed = (struct agreement){ .made = false };
    // If there is an answer already, the kernel does not know what this one is for and drops it.
    fuse_session_process_buf(mount->volume.session, &buffer);
    if (!mount->agreed.made)
        return -EPROTO;
    if (!agreed->made)
        *agreed = mount->agreed;
    return memcmp(agreed, &mount->agreed, sizeof(*agreed)) == 0 ? 0 : -EPROTO;
}

int session_prepare(struct mount *mount)
{
    int error;

    if (!mount->volume.state->agreed.made)
        return 0;
    error = session_agree(mount);
    if (error)
        log_event(LOG_ERR, "this binary would come to another agreement with the kernel");
    else
        state_populate_buffers(mount->volume.state, mount->volume.info.request_bytes);
    return error;
}

int session_probe(struct mount *mount)
{
    for (unsigned area = 0; area < AREAS_OF_MOUNT; area++)
        backing_probe(&mount->volume, area);
    writeback_raise_limits(&mount->volume);
    hold_take(&mount->volume);
    return sharing_require(&mount->volume);
}
