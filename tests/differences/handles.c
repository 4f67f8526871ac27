// SPDX-License-Identifier: BSD-2-Clause
/* Handles of files, and what is done to a whole filesystem. */
#include "tests/differences/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/quota.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/quota.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of linux/fcntl.h since Linux 6.5. */
enum { HANDLE_FID = 0x200 };

static struct file_handle *make_handle(void)
{
    struct file_handle *handle = calloc(1, sizeof(*handle) + MAX_HANDLE_SZ);

    need(handle != NULL, "calloc");
    handle->handle_bytes = MAX_HANDLE_SZ;
    close(make_file("file", 1));
    return handle;
}

static int ask_handle(struct file_handle *handle, int flags)
{
    int mount;

    return name_to_handle_at(AT_FDCWD, "file", handle, &mount, flags);
}

static void handle(struct answer *answer)
{
    says_result(answer, ask_handle(make_handle(), 0));
}

static void handle_fid(struct answer *answer)
{
    says_result(answer, ask_handle(make_handle(), HANDLE_FID));
}

static void handle_opened(struct answer *answer)
{
    struct file_handle *handle = make_handle();
    int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    says_result(answer, ask_handle(handle, 0) == -1
                            ? -1
                            : open_by_handle_at(here, handle, O_RDONLY | O_CLOEXEC));
}

static void write_map(pid_t pid, const char *name)
{
    char path[64];
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    need(fd >= 0 && write(fd, "0 100000 1000", 13) == 13, path);
    close(fd);
}

/* Returns a descriptor of a user namespace with other numbers for users. */
static int make_user_namespace(void)
{
    char path[64], byte;
    int ends[2], fd;

    need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
    pid_t child = fork();
    need(child >= 0, "fork");
    if (child == 0) {
        close(ends[0]);
        if (unshare(CLONE_NEWUSER) == 0 && write(ends[1], "", 1) == 1)
            _exit(read(ends[1], &byte, 1) != 0);
        _exit(EXIT_FAILURE);
    }
    close(ends[1]);
    need(read(ends[0], &byte, 1) == 1, "unshare");
    write_map(child, "uid_map");
    write_map(child, "gid_map");
    snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)child);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    need(fd >= 0, path);
    close(ends[0]);
    waitpid(child, NULL, 0);
    return fd;
}

static void idmapped(struct answer *answer)
{
    struct mount_attr attributes = { .attr_set = MOUNT_ATTR_IDMAP };
    int copy = (int)syscall(SYS_open_tree, AT_FDCWD, ".", OPEN_TREE_CLONE | O_CLOEXEC);

    need(copy >= 0, "open_tree");
    attributes.userns_fd = (unsigned)make_user_namespace();
    says_result(answer, syscall(SYS_mount_setattr, copy, "", AT_EMPTY_PATH, &attributes,
                                sizeof(attributes)));
}

static void swaps(struct answer *answer)
{
    enum { SIZE = 16 * PROBE_PAGE };
    unsigned char header[PROBE_PAGE] = { 0 };
    unsigned version = 1, last = SIZE / PROBE_PAGE - 1;
    int fd = make_file("file", SIZE), result;

    memcpy(header + 1024, &version, sizeof(version));
    memcpy(header + 1028, &last, sizeof(last));
    memcpy(header + PROBE_PAGE - 10, "SWAPSPACE2", 10);
    need(fchmod(fd, 0600) == 0 && pwrite(fd, header, sizeof(header), 0) == sizeof(header), "file");
    need(fsync(fd) == 0 && close(fd) == 0, "fsync");
    result = swapon("file", 0);
    says_result(answer, result);
    if (result == 0)
        need(swapoff("file") == 0, "swapoff");
}

static void quotas(struct answer *answer)
{
    struct if_dqblk quota;
    int fd = open(".", O_RDONLY | O_CLOEXEC);

    says_result(answer, syscall(SYS_quotactl_fd, fd, QCMD(Q_GETQUOTA, USRQUOTA), 0, &quota));
}

const struct probe HANDLE_PROBES[] = {
    { "name_to_handle_at", handle },
    { "name_to_handle_at, AT_HANDLE_FID", handle_fid },
    { "open_by_handle_at", handle_opened },
    { "MOUNT_ATTR_IDMAP", idmapped },
    { "swapon", swaps },
    { "Q_GETQUOTA", quotas },
    { NULL, NULL },
};
