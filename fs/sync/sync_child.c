// SPDX-License-Identifier: BSD-2-Clause
#include "fs/sync/sync_child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/inode/inode.h"
#include "fs/mount/mountpoint.h"
#include "fs/outage/store_watch.h"
#include "fs/sync/flush.h"
#include "fs/util/log.h"
#include "lib/api/hand_on.h"
#include "lib/area/area.h"
#include "lib/object/object.h"
#include "lib/sys/cleanup.h"

/* How often a file is looked for that is renamed again and again. */
#define TRIES_MAX 8

/* When a mount ends: so long a store may take for one WRITE. */
#define PATIENCE_MILLISECONDS 60000

/* The orders of the child; its answer is 0 or a negative errno. */
enum order_kind {
    DETACH,     // take the mount out of sight, and let later orders go to what was there
    WRITE_FILE, // write back a file, but not to the disk
    SYNC_FILE,  // write back a file
    SYNC_CACHE, // write back whatever is in FUSE's page cache, as well as that can be done
    SYNC_STORE, // bring the store to its disk
};

struct order {
    enum order_kind kind;
    // Of the file:
    uint64_t ino;        // as the mount shows it
    char path[PATH_MAX]; // below the mount's root
};

/* The child, and the socket to it. */
struct child {
    pid_t pid;
    int orders;
    const struct life *patience; // NULL: an order may take as long as it does
    bool given_up;               // an order took too long; no end of the child is waited for
};

/* The child's own: the mount that it works at, and the store. */
struct tree {
    const char *where; // the mount
    int root;          // of a mount that it has detached, or -1
    struct area store;
};

/* The descriptors of the child: the socket comes first. */
enum { FD_ORDERS = STDERR_FILENO + 1, FD_BEHIND };

/* Opens a file of the mount by its path, if it is the one that is meant. */
static int open_ordered(int root, const struct order *order)
{
    struct open_how how = { .flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC,
                            .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
    CLEANUP_FD int fd = (int)syscall(SYS_openat2, root, order->path, &how, sizeof(how));
    struct stat st;

    // A user's file may be one that the user can only write to.
    if (fd < 0 && errno == EACCES) {
        how.flags = O_WRONLY | O_NONBLOCK | O_CLOEXEC;
        fd = (int)syscall(SYS_openat2, root, order->path, &how, sizeof(how));
    }
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? -EAGAIN : -errno;
    if (fstat(fd, &st) != 0)
        return -errno;
    return S_ISREG(st.st_mode) && st.st_ino == order->ino ? steal_fd(&fd) : -EAGAIN;
}

/* Opens the root of the mount, and not what may have been mounted on it since. */
static int open_root(const struct volume *volume, const char *where)
{
    CLEANUP_FD int root = open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat st;

    if (root < 0 || fstat(root, &st) != 0)
        return -errno;
    return st.st_dev == volume->info.device_number ? steal_fd(&root) : -ENXIO;
}

static int sync_file(int root, const struct order *order)
{
    int fd = open_ordered(root, order);
    int result;

    if (fd < 0)
        return fd;
    if (order->kind == WRITE_FILE)
        return pages_hand_on(fd);
    result = fdatasync(fd) == 0 ? 0 : -errno;
    close(fd);
    return result;
}

/* In the child. */
static int carry_out(struct volume *volume, struct tree *tree, const struct order *order)
{
    CLEANUP_FD int reached = -1;
    int root = tree->root;

    if (order->kind == SYNC_STORE)
        return store_sync(&tree->store);
    if (order->kind == DETACH) {
        tree->root = mountpoint_detach(&volume->info);
        return tree->root < 0 ? -ENOENT : 0;
    }
    if (root < 0) {
        reached = open_root(volume, tree->where);
        root = reached;
    }
    if (root < 0)
        return root;
    if (order->kind != SYNC_CACHE)
        return sync_file(root, order);
    syncfs(root);
    flush_wait(volume, root);
    return 0;
}

/* Closes what is the daemon's: with the connection the child would keep the mount alive, and with
 * the store's own descriptor its lock. */
static int keep_only(int orders, struct area *store)
{
    int opened = openat(store->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int kept = fcntl(opened, F_DUPFD_CLOEXEC, FD_BEHIND);

    if (kept < 0)
        return -errno;
    dup2(orders, FD_ORDERS);
    if (kept > FD_BEHIND)
        close_range(FD_BEHIND, (unsigned)kept - 1, 0);
    close_range((unsigned)kept + 1, ~0U, 0);
    store->root = kept;
    return 0;
}

static _Noreturn void work(struct volume *volume, const char *where, int orders)
{
    struct tree tree = { .where = where, .root = -1, .store = *volume_area(volume, AREA_STORE) };
    struct order order;
    int result;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setproctitle("syncs %s", volume->info.mountpoint);
    if (keep_only(orders, &tree.store) != 0)
        _exit(1);
    while (recv(FD_ORDERS, &order, sizeof(order), 0) == sizeof(order)) {
        result = carry_out(volume, &tree, &order);
        if (send(FD_ORDERS, &result, sizeof(result), MSG_NOSIGNAL) != sizeof(result))
            break;
    }
    _exit(0);
}

static int start_child(struct volume *volume, const char *where, struct child *child)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return -errno;
    child->orders = ends[0];
    child->pid = fork();
    if (child->pid == 0)
        work(volume, where, ends[1]);
    close(ends[1]);
    if (child->pid > 0)
        return 0;
    close(ends[0]);
    return -EAGAIN;
}

/* Starts one for the mount as the daemon sees it. `needed`: without that there is none. */
static int start_at_mount(struct volume *volume, bool needed, struct child *child)
{
    char where[PATH_MAX] = "";

    if (needed && !mountpoint_find(&volume->info, where))
        return -ENXIO;
    return start_child(volume, where, child);
}

static void end_child(const struct child *child)
{
    close(child->orders);
    while (!child->given_up && waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

/* Waits for the answer to an order, with patience while WRITEs are answered. */
static bool await_answer(const struct child *child)
{
    struct pollfd answer = { .fd = child->orders, .events = POLLIN };
    uint32_t ended;
    int ready;

    if (!child->patience)
        return true;
    do {
        ended = child->patience->writes_ended;
        ready = poll(&answer, 1, PATIENCE_MILLISECONDS);
    } while (ready < 0 || (ready == 0 && child->patience->writes_ended != ended));
    return ready > 0;
}

static int give_order(struct child *child, const struct order *order)
{
    int result;

    if (child->given_up)
        return -ETIMEDOUT;
    if (send(child->orders, order, sizeof(*order), MSG_NOSIGNAL) != sizeof(*order))
        return -EIO;
    child->given_up = !await_answer(child);
    if (child->given_up)
        return -ETIMEDOUT;
    return recv(child->orders, &result, sizeof(result), 0) == sizeof(result) ? result : -EIO;
}

/* Finds the path of a file below the root of its area, which is the one below the mount's root. */
static bool find_path(const struct inode *inode, char path[PATH_MAX])
{
    char root[PATH_MAX];
    size_t length;

    if (!*object_shown_path(inode_area(inode)->root, root) || !*object_shown_path(inode->fd, path))
        return false;
    length = strcmp(root, "/") == 0 ? 0 : strlen(root);
    if (strncmp(path, root, length) != 0 || path[length] != '/' || path[length + 1] == '\0')
        return false;
    memmove(path, path + length + 1, strlen(path + length + 1) + 1);
    return true;
}

/* Writes the order for a node. Returns 0; 1: there is nothing to be synced; or -EAGAIN: it has no
 * path, now. */
static int write_order(struct volume *volume, uint64_t id, struct order *order)
{
    INODE struct inode inode = INODE_NONE;
    struct statx stx;

    // One that is gone, closed or deleted by now needs none.
    if (inode_acquire(volume, id, &inode) != 0 || inode.ref.writers == 0 ||
        !inode_is_regular(&inode) || inode_is_passthrough(&inode) || !inode_class(&inode)->lasts ||
        object_stat(inode.fd, &stx) != 0 || stx.stx_nlink == 0)
        return 1;
    // Others than its users do not commit such a file.
    if (order->kind == SYNC_FILE && inode_contents(&inode) && !inode_class(&inode)->works_in_ram)
        order->kind = WRITE_FILE;
    order->ino = inode_number(volume, inode.ref.area, inode.ref.ino);
    return find_path(&inode, order->path) ? 0 : -EAGAIN;
}

static int write_back_node(struct volume *volume, struct child *child, enum order_kind kind,
                           uint64_t id)
{
    struct order order = { .kind = kind };
    int result = -EAGAIN;

    for (int i = 0; result == -EAGAIN && i < TRIES_MAX; i++) {
        result = write_order(volume, id, &order);
        if (result == 0)
            result = give_order(child, &order);
    }
    return result;
}

/* The fate of several files. */
struct outcome {
    bool unknown; // one of them has no path
    int first;    // error
};

static void note_outcome(struct outcome *outcome, int error)
{
    outcome->unknown |= error == -EAGAIN;
    if (error < 0 && error != -EAGAIN && !outcome->first)
        outcome->first = error;
}

/* A file that was reached by its handle may have no path that the kernel knows. */
static int end_outcome(const struct outcome *outcome, struct child *child)
{
    if (outcome->unknown && !outcome->first)
        return give_order(child, &(struct order){ .kind = SYNC_CACHE });
    return outcome->first;
}

/* Writes back what the page cache of FUSE has of the store. */
static int write_back(struct volume *volume, struct child *child, enum order_kind kind)
{
    struct outcome outcome = { .first = 0 };
    uint32_t slot = 0;
    uint64_t id;

    while ((id = node_next_writer(&volume->nodes, &slot)))
        note_outcome(&outcome, write_back_node(volume, child, kind, id));
    return end_outcome(&outcome, child);
}

int sync_child_run(struct mount *mount)
{
    struct volume *volume = &mount->volume;
    struct child child = { .pid = -1, .orders = -1 };
    int error, store_error;

    if (volume->info.areas[AREA_STORE].root < 0)
        return 0;
    error = start_at_mount(volume, volume_caches_store(volume), &child);
    if (error)
        return error;
    if (volume_caches_store(volume))
        error = write_back(volume, &child, SYNC_FILE);
    store_error = give_order(&child, &(struct order){ .kind = SYNC_STORE });
    end_child(&child);
    return error ? error : store_error;
}

int sync_child_files(struct mount *mount, const struct node_list *files, bool commit)
{
    enum order_kind kind = commit ? SYNC_FILE : WRITE_FILE;
    struct child child = { .pid = -1, .orders = -1 };
    struct outcome outcome = { .first = 0 };
    int error = start_at_mount(&mount->volume, true, &child);

    if (error)
        return error;
    for (size_t i = 0; i < files->count; i++)
        note_outcome(&outcome, write_back_node(&mount->volume, &child, kind, files->ids[i]));
    error = end_outcome(&outcome, &child);
    end_child(&child);
    return error;
}

/* Returns 0 or a negative errno; 1: there is no mount any more. */
static int detach_and_write_back(struct volume *volume, struct child *child)
{
    int error = give_order(child, &(struct order){ .kind = DETACH });

    if (error)
        return error == -ENOENT ? 1 : error;
    error = write_back(volume, child, WRITE_FILE);
    // One of them, perhaps, cannot be opened.
    if (error)
        give_order(child, &(struct order){ .kind = SYNC_CACHE });
    return error;
}

/* Starts the child that brings the last writes back, unless the store does not answer: whoever
 * looks for the paths of files would have to wait. */
static int start_last_child(struct volume *volume, struct child *child)
{
    struct store_look look;

    store_watch_look(volume, &look);
    return look.answered ? start_child(volume, "", child) : -ETIMEDOUT;
}

void sync_child_end(struct volume *volume)
{
    struct child child = { .pid = -1, .orders = -1, .patience = &volume->state->life };
    bool cached = volume_caches_store(volume);
    int error = cached ? start_last_child(volume, &child) : 1;

    if (error == 0) {
        error = detach_and_write_back(volume, &child);
        end_child(&child);
    }
    if (error < 0)
        log_event(
            LOG_WARNING,
            "the mount at %s ends; what was written to its files last may not be in STORE: %s",
            volume->info.mountpoint, strerror(-error));
    // Without a child, or with one that came to nothing.
    mountpoint_take_away(&volume->info);
}
