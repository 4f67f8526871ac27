// SPDX-License-Identifier: BSD-2-Clause
#include "session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/statfs.h>
#include <time.h>

#include "backing.h"
#include "cleanup.h"
#include "mountpoint.h"

/* Enough that requests which wait for a disk do not keep the others waiting. */
#define THREADS 10

#define MAX_WRITE (1U << 20)

/* Room for handle.c to find its way through a deep tree, whatever the limit of the shell is. */
#define STACK_BYTES (4UL << 20)

#define DRAIN_SECONDS  10
#define DRAIN_QUIET_MS 200

static bool wants_passthrough(const struct mount *mount)
{
    return mount->data_paths[AREA_STORE].passthrough || mount->data_paths[AREA_RAM].passthrough;
}

static bool is_stacked(const struct area *area)
{
    return strcmp(area->filesystem, "overlay") == 0 || strcmp(area->filesystem, "fuse") == 0;
}

static void refuse_passthrough(struct mount *mount, const char *reason)
{
    for (int kind = 0; kind < AREA_KINDS; kind++) {
        if (mount->data_paths[kind].passthrough)
            strlcpy(mount->data_paths[kind].reason, reason, sizeof(mount->data_paths[kind].reason));
        mount->data_paths[kind].passthrough = false;
    }
}

/* The kernel has either passthrough or its cache for writes, for the whole mount. */
static void choose_data_path(struct mount *mount, struct fuse_conn_info *conn)
{
    if (wants_passthrough(mount) && !fuse_set_feature_flag(conn, FUSE_CAP_PASSTHROUGH))
        refuse_passthrough(mount, "this kernel has no FUSE passthrough (Linux 6.9 has it)");
    if (wants_passthrough(mount))
        conn->max_backing_stack_depth = is_stacked(&mount->areas[AREA_STORE])
                                            ? FUSE_BACKING_STACKED_OVER
                                            : FUSE_BACKING_STACKED_UNDER;
    else if (mount->options.writeback)
        mount->writeback = fuse_set_feature_flag(conn, FUSE_CAP_WRITEBACK_CACHE);
    else
        fuse_unset_feature_flag(conn, FUSE_CAP_WRITEBACK_CACHE);
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
    // changes data: its page cache is never stale, and to drop it because times or sizes look so
    // would lose stores through mappings.
    static const uint64_t unwanted[] = {
        FUSE_CAP_SPLICE_READ,     FUSE_CAP_SPLICE_WRITE,    FUSE_CAP_SPLICE_MOVE,
        FUSE_CAP_AUTO_INVAL_DATA, FUSE_CAP_HANDLE_KILLPRIV,
    };
    struct mount *mount = userdata;

    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        fuse_set_feature_flag(conn, wanted[i]);
    for (size_t i = 0; i < sizeof(unwanted) / sizeof(unwanted[0]); i++)
        fuse_unset_feature_flag(conn, unwanted[i]);
    mount->io_uring =
        mount->options.io_uring && fuse_set_feature_flag(conn, FUSE_CAP_OVER_IO_URING);
    conn->max_write = MAX_WRITE;
    conn->time_gran = 1;
    conn->no_interrupt = 1;
    choose_data_path(mount, conn);
}

/* Receives and answers requests; with `once` a single one. Returns 0, or a negative errno; -ENODEV:
 * the mount is gone. */
static int answer(struct mount *mount, bool once)
{
    struct fuse_session *session = mount->session;
    struct fuse_buf buffer = { .mem = NULL };
    int received;

    do {
        received = fuse_session_receive_buf(session, &buffer);
        if (received > 0)
            fuse_session_process_buf(session, &buffer);
    } while (received == -EINTR || (received > 0 && !once));
    free(buffer.mem);
    return received > 0 ? 0 : received == 0 ? -ENODEV : received;
}

int session_start(struct mount *mount)
{
    int error = answer(mount, true);

    if (error)
        return error;
    mount->mount_id = mountpoint_id(mount->mountpoint);
    backing_probe(mount, AREA_STORE);
    backing_probe(mount, AREA_RAM);
    return 0;
}

struct server {
    struct mount *mount;
    int ended; // an eventfd that the last thread which ends tells
    unsigned alive;
    pthread_mutex_t mutex; // guards `alive`
};

static void *server_thread(void *argument)
{
    struct server *server = argument;
    uint64_t one = 1;
    bool last;

    answer(server->mount, false);
    pthread_mutex_lock(&server->mutex);
    last = --server->alive == 0;
    pthread_mutex_unlock(&server->mutex);
    if (last && write(server->ended, &one, sizeof(one)) != sizeof(one))
        abort(); // an eventfd takes any first number
    return NULL;
}

/* libfuse's own loop knows how to end the threads of the io_uring transport. */
static void *uring_thread(void *argument)
{
    struct server *server = argument;
    struct fuse_loop_config *config = fuse_loop_cfg_create();
    uint64_t one = 1;

    fuse_session_loop_mt(server->mount->session, config);
    fuse_loop_cfg_destroy(config);
    if (write(server->ended, &one, sizeof(one)) != sizeof(one))
        abort();
    return NULL;
}

static int start_threads(struct server *server, pthread_t threads[], unsigned count)
{
    void *(*body)(void *) = server->mount->io_uring ? uring_thread : server_thread;
    pthread_attr_t attributes;
    int error = 0;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    // Held so that a thread that ends at once does not take itself for the last one.
    pthread_mutex_lock(&server->mutex);
    while (!error && server->alive < count) {
        error = pthread_create(&threads[server->alive], &attributes, body, server);

        server->alive += !error;
    }
    count = server->alive;
    pthread_mutex_unlock(&server->mutex);
    pthread_attr_destroy(&attributes);
    return count > 0 ? (int)count : -error;
}

/* Waits until the threads have ended by themselves, because the mount is gone (true), or a signal
 * wants the end (false). */
static bool wait_for_end(int ended, int signals)
{
    struct pollfd fds[] = { { .fd = ended, .events = POLLIN },
                            { .fd = signals, .events = POLLIN } };

    while (poll(fds, 2, -1) < 0 && errno == EINTR)
        ;
    return fds[0].revents != 0;
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits until what the page cache held has arrived. For a FUSE file system syncfs(2) only wakes the
 * kernel's writer, and there is nothing to wait on; so requests of our own are sent, which queue up
 * behind the writes, until no write came for a while. */
static void drain(struct mount *mount, int root)
{
    int64_t end = now_ms() + DRAIN_SECONDS * 1000;
    int64_t quiet_since = now_ms();
    unsigned seen = atomic_load(&mount->writes_begun);
    struct statfs ignored;

    while (root >= 0 && now_ms() < end && now_ms() - quiet_since < DRAIN_QUIET_MS) {
        unsigned begun = atomic_load(&mount->writes_begun);

        if (begun != seen || begun != atomic_load(&mount->writes_ended))
            quiet_since = now_ms();
        seen = begun;
        if (fstatfs(root, &ignored) != 0)
            break;
    }
}

/* Whether FUSE's page cache may hold what the daemon does not have yet. */
static bool caches_writes(const struct mount *mount)
{
    for (int kind = 0; kind < AREA_KINDS; kind++) {
        if (mount->areas[kind].root >= 0 && !mount->data_paths[kind].passthrough)
            return true;
    }
    return false;
}

int session_serve(struct mount *mount, const sigset_t *signals)
{
    unsigned wanted = mount->io_uring ? 1 : THREADS;
    struct server *server = calloc(1, sizeof(*server));
    CLEANUP_FD int signal_fd = signalfd(-1, signals, SFD_CLOEXEC);
    CLEANUP_FD int root = -1;
    pthread_t threads[THREADS];
    int started;

    if (!server || signal_fd < 0)
        return -errno;
    server->mount = mount;
    server->ended = eventfd(0, EFD_CLOEXEC);
    pthread_mutex_init(&server->mutex, NULL);
    started = server->ended < 0 ? -errno : start_threads(server, threads, wanted);
    if (started > 0 && !wait_for_end(server->ended, signal_fd)) {
        root = mountpoint_detach(mount->mount_id);
        if (caches_writes(mount))
            drain(mount, root);
        // Who still uses the mount keeps the threads waiting, for ever perhaps. So they keep what
        // is theirs, and the end of the process ends the connection.
        return 1;
    }
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    if (server->ended >= 0)
        close(server->ended);
    free(server);
    return started < 0 ? started : 0;
}
