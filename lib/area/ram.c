// SPDX-License-Identifier: BSD-2-Clause
/*
 * The RAM area: a tmpfs that was never attached to a path.
 *
 * Without privilege a child makes it in a user namespace of its own and passes the descriptor back.
 * The mount lives as long as the descriptor; the namespace is kept as a descriptor too, because
 * whoever resizes the tmpfs later must enter it.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "lib/area/area.h"
#include "lib/area/tmpfs.h"
#include "lib/process/user_namespace.h"
#include "lib/sys/cleanup.h"

/* The child's report, beside the descriptors. */
struct verdict {
    int error;
    char huge[16];
    struct complaint complaint;
};

static int set_owner(int fs, const struct ram_options *options, struct tmpfs_refused *refused)
{
    int error = 0;

    tmpfs_refuse(refused, "uid");
    if (options->uid != (uid_t)-1)
        error = tmpfs_set_number(fs, "uid", "%llu", options->uid);
    if (!error && options->gid != (gid_t)-1) {
        tmpfs_refuse(refused, "gid");
        error = tmpfs_set_number(fs, "gid", "%llu", options->gid);
    }
    return error;
}

/* Makes a tmpfs with the given huge=; returns the descriptor of its mount or a negative errno. */
static int mount_tmpfs(const struct ram_options *options, const char *huge,
                       struct tmpfs_refused *refused)
{
    CLEANUP_FD int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
    int error;
    int mnt;

    tmpfs_refuse(refused, "tmpfs");
    if (fs < 0)
        return -errno;
    tmpfs_refuse(refused, "size");
    error = tmpfs_set_number(fs, "size", "%llu", options->size);
    // Otherwise it counts from 1 again after 2^32 files. Kernels of 32 bits cannot do without.
    fsconfig(fs, FSCONFIG_SET_FLAG, "inode64", NULL, 0);
    if (!error) {
        tmpfs_refuse(refused, "nr_inodes");
        error = tmpfs_set_number(fs, "nr_inodes", "%llu",
                                 options->inodes ? options->inodes
                                                 : tmpfs_default_inodes(options->size));
    }
    if (!error) {
        tmpfs_refuse(refused, "mode");
        error = tmpfs_set_number(fs, "mode", "%llo", options->mode);
    }
    if (!error)
        error = set_owner(fs, options, refused);
    if (!error && options->noswap) {
        tmpfs_refuse(refused, "noswap");
        error = fsconfig(fs, FSCONFIG_SET_FLAG, "noswap", NULL, 0) == 0 ? 0 : -errno;
    }
    if (!error)
        error = tmpfs_set_words(fs, options->parameters, refused);
    if (!error && huge) {
        tmpfs_refuse(refused, "huge");
        error = tmpfs_set(fs, "huge", huge);
    }
    if (!error)
        error = fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0 ? 0 : -errno;
    if (error)
        return error;
    tmpfs_refuse(refused, "tmpfs");
    mnt = fsmount(fs, FSMOUNT_CLOEXEC, (unsigned)options->atime.set);
    return mnt >= 0 ? mnt : -errno;
}

/* Makes a tmpfs with the huge= that was asked for if the kernel has it, and with none otherwise.
 * Returns the descriptor of its mount or a negative errno. */
static int mount_with_fallback(const struct ram_options *options, char *huge, size_t huge_size,
                               struct complaint *complaint)
{
    struct tmpfs_refused refused;
    int mnt = mount_tmpfs(options, options->huge, &refused);

    strlcpy(huge, options->huge, huge_size);
    if (mnt < 0 && strcmp(refused.word, "huge") == 0) {
        strlcpy(huge, "never", huge_size);
        mnt = mount_tmpfs(options, NULL, &refused);
    }
    if (mnt < 0 && mnt != -EPERM)
        complain(complaint, -mnt, "this kernel refuses %s for the RAM area: %s", refused.word,
                 strerror(-mnt));
    return mnt;
}

static int open_root(int mnt, struct area *area, struct complaint *complaint)
{
    // fsmount(2) gives an O_PATH descriptor; file handles and fsync(2) take another one.
    area->root = openat(mnt, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (area->root < 0)
        return complain(complaint, errno, "the RAM area cannot be opened: %s", strerror(errno));
    area->mount = fcntl(mnt, F_DUPFD_CLOEXEC, 3);
    return area_identify(area, complaint);
}

static int complain_of_namespaces(int error, struct complaint *complaint)
{
    const char *setting = user_namespace_missing_setting();

    if (setting)
        return complain(complaint, error,
                        "the RAM area needs a user namespace when not root, and this machine "
                        "forbids it (%s); root allows it with: sysctl %s",
                        strerror(error), setting);
    return complain(
        complaint, error,
        "the RAM area needs a user namespace when not root, and a security policy of "
        "this machine or container forbids it (%s); start as root, or change the policy",
        strerror(error));
}

/* Enters the user namespace of an area that is there already. */
static int enter_beside(const struct area *beside, struct complaint *complaint)
{
    if (setns(beside->user_namespace, CLONE_NEWUSER) == 0 && unshare(CLONE_NEWNS) == 0)
        return 0;
    return complain(complaint, errno, "the RAM area's user namespace cannot be entered: %s",
                    strerror(errno));
}

static int enter_namespaces(const struct area *beside, struct complaint *complaint)
{
    int error = beside ? enter_beside(beside, complaint) : user_namespace_enter();

    return error && !beside ? complain_of_namespaces(-error, complaint) : error;
}

static int send_verdict(int socket, const struct verdict *verdict, int mnt, int user_namespace)
{
    int fds[2] = { mnt, user_namespace };
    union {
        char room[CMSG_SPACE(sizeof(fds))];
        struct cmsghdr align;
    } control = { 0 };
    struct iovec data = { .iov_base = (void *)(uintptr_t)verdict, .iov_len = sizeof(*verdict) };
    struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };

    if (!verdict->error) {
        message.msg_control = control.room;
        message.msg_controllen = sizeof(control.room);
        *CMSG_FIRSTHDR(&message) = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
                                                     .cmsg_type = SCM_RIGHTS,
                                                     .cmsg_len = CMSG_LEN(sizeof(fds)) };
        memcpy(CMSG_DATA(CMSG_FIRSTHDR(&message)), fds, sizeof(fds));
    }
    return sendmsg(socket, &message, MSG_NOSIGNAL) == (ssize_t)sizeof(*verdict) ? 0 : -errno;
}

static int receive_verdict(int socket, struct verdict *verdict, int fds[2])
{
    union {
        char room[CMSG_SPACE(2 * sizeof(int))];
        struct cmsghdr align;
    } control = { 0 };
    struct iovec data = { .iov_base = verdict, .iov_len = sizeof(*verdict) };
    struct msghdr message = { .msg_iov = &data,
                              .msg_iovlen = 1,
                              .msg_control = control.room,
                              .msg_controllen = sizeof(control.room) };
    struct cmsghdr *header;

    if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_WAITALL) != (ssize_t)sizeof(*verdict))
        return -EIO;
    header = CMSG_FIRSTHDR(&message);
    if (verdict->error)
        return verdict->error;
    if (!header || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(2 * sizeof(int)))
        return -EIO;
    memcpy(fds, CMSG_DATA(header), 2 * sizeof(int));
    return 0;
}

static void make_in_child(const struct ram_options *options, const struct area *beside, int socket)
{
    struct verdict verdict = { 0 };
    int user_namespace = -1;
    int mnt = -1;

    verdict.error = enter_namespaces(beside, &verdict.complaint);
    if (!verdict.error) {
        mnt = mount_with_fallback(options, verdict.huge, sizeof(verdict.huge), &verdict.complaint);
        user_namespace = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
        if (mnt == -EPERM)
            complain_of_namespaces(EPERM, &verdict.complaint);
        verdict.error = mnt < 0 ? mnt : user_namespace < 0 ? -errno : 0;
    }
    _exit(send_verdict(socket, &verdict, mnt, user_namespace) == 0 ? 0 : 1);
}

/* Makes it in the user namespace of another area, or a new one (NULL). */
static int open_in_namespace(const struct ram_options *options, const struct area *beside,
                             struct area *area, struct complaint *complaint)
{
    CLEANUP_FD int ours = -1, theirs = -1, mnt = -1;
    struct verdict verdict = { 0 };
    int pair[2], fds[2];
    pid_t child;
    int error;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return complain(complaint, errno, "the RAM area cannot be made: %s", strerror(errno));
    ours = pair[0];
    theirs = pair[1];
    child = fork();
    if (child < 0)
        return complain(complaint, errno, "the RAM area cannot be made: %s", strerror(errno));
    if (child == 0)
        make_in_child(options, beside, theirs);
    close(steal_fd(&theirs));
    error = receive_verdict(ours, &verdict, fds);
    waitpid(child, NULL, 0);
    if (error && verdict.complaint.text[0])
        *complaint = verdict.complaint;
    else if (error)
        complain(complaint, -error, "the RAM area cannot be made: %s", strerror(-error));
    if (error)
        return error;
    mnt = fds[0];
    if (beside)
        close(fds[1]);
    else
        area->user_namespace = fds[1];
    strlcpy(area->huge, verdict.huge, sizeof(area->huge));
    return open_root(mnt, area, complaint);
}

int ram_open(const struct ram_options *options, struct area *area, struct complaint *complaint)
{
    CLEANUP_FD int mnt = -1;
    int error;

    *area = AREA_NONE;
    area->reserves = options->reserves;
    mnt = mount_with_fallback(options, area->huge, sizeof(area->huge), complaint);
    if (mnt >= 0)
        error = open_root(mnt, area, complaint);
    else if (mnt == -EPERM)
        error = open_in_namespace(options, NULL, area, complaint);
    else
        error = mnt;
    if (error)
        area_close(area);
    return error;
}

int ram_open_beside(const struct ram_options *options, const struct area *beside, struct area *area,
                    struct complaint *complaint)
{
    CLEANUP_FD int mnt = -1;
    int error;

    *area = AREA_NONE;
    area->reserves = options->reserves;
    if (beside->user_namespace >= 0) {
        error = open_in_namespace(options, beside, area, complaint);
    } else {
        mnt = mount_with_fallback(options, area->huge, sizeof(area->huge), complaint);
        error = mnt < 0 ? mnt : open_root(mnt, area, complaint);
    }
    if (error && !complaint->text[0])
        complain(complaint, -error, "the RAM area cannot be made: %s", strerror(-error));
    if (error)
        area_close(area);
    return error;
}

int ram_parse_size(const char *text, uint64_t *size)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    int error = shmap_size_parse(text, (uint64_t)sysconf(_SC_PHYS_PAGES) * page, size);

    // For tmpfs a size of 0 would be no limit at all.
    return !error && *size < page ? -ERANGE : error;
}

const char *const RAM_HUGE_WORDS[] = { "never", "always", "within_size", "advise" };
const size_t RAM_HUGE_WORD_COUNT = sizeof(RAM_HUGE_WORDS) / sizeof(RAM_HUGE_WORDS[0]);
