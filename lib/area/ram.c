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
#include <sys/statvfs.h>
#include <sys/wait.h>

#include "lib/area/area.h"
#include "lib/process/user_namespace.h"
#include "lib/sys/cleanup.h"

/* A small area is as good as any for files without contents. */
#define INODES_LEAST 1024

/* What the child reports, beside the descriptors. */
struct verdict {
    int error;
    char huge[16];
    struct complaint complaint;
};

/* What the kernel does not take. */
struct refused {
    char word[64];
};

static void refuse(struct refused *refused, const char *word)
{
    strlcpy(refused->word, word, sizeof(refused->word));
}

static int set_parameter(int fs, const char *key, const char *value)
{
    return fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0) == 0 ? 0 : -errno;
}

static int set_number_parameter(int fs, const char *key, const char *format,
                                unsigned long long value)
{
    char text[32];

    snprintf(text, sizeof(text), format, value);
    return set_parameter(fs, key, text);
}

/* The limit of files that a size has by default. tmpfs has its own for a size of half the machine's
 * RAM: a file for each page. A smaller area gets as many fewer, because the size does not count
 * what files cost beside their contents: the kernel's memory for inodes and extended attributes
 * (tmpfs takes 1 KiB of attributes for one file more) and the daemon's for nodes. */
static uint64_t default_inodes(uint64_t size)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t most = (uint64_t)sysconf(_SC_PHYS_PAGES) / 2;
    uint64_t inodes = size / page;

    if (inodes > most)
        inodes = most;
    return inodes > INODES_LEAST ? inodes : INODES_LEAST;
}

static int set_word(int fs, char *word)
{
    char *value = strchr(word, '=');

    if (!value)
        return fsconfig(fs, FSCONFIG_SET_FLAG, word, NULL, 0) == 0 ? 0 : -errno;
    *value++ = '\0';
    return set_parameter(fs, word, value);
}

/* Sets parameters that stand in a line each. `refused` receives the one that the kernel does not
 * take. */
static int set_words(int fs, const char *words, struct refused *refused)
{
    CLEANUP_FREE char *copy = words ? strdup(words) : NULL;
    char *rest = copy;
    char *word;
    int error = words && !copy ? -ENOMEM : 0;

    while (!error && (word = strsep(&rest, "\n"))) {
        error = *word ? set_word(fs, word) : 0;
        refuse(refused, word);
    }
    return error;
}

static int set_owner(int fs, const struct ram_options *options, struct refused *refused)
{
    int error = 0;

    refuse(refused, "uid");
    if (options->uid != (uid_t)-1)
        error = set_number_parameter(fs, "uid", "%llu", options->uid);
    if (!error && options->gid != (gid_t)-1) {
        refuse(refused, "gid");
        error = set_number_parameter(fs, "gid", "%llu", options->gid);
    }
    return error;
}

/* Makes a tmpfs with the given huge=; returns the descriptor of its mount or a negative errno. */
static int mount_tmpfs(const struct ram_options *options, const char *huge, struct refused *refused)
{
    CLEANUP_FD int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
    int error;
    int mnt;

    refuse(refused, "tmpfs");
    if (fs < 0)
        return -errno;
    refuse(refused, "size");
    error = set_number_parameter(fs, "size", "%llu", options->size);
    // Otherwise it counts from 1 again after 2^32 files. Kernels of 32 bits cannot do without.
    fsconfig(fs, FSCONFIG_SET_FLAG, "inode64", NULL, 0);
    if (!error) {
        refuse(refused, "nr_inodes");
        error =
            set_number_parameter(fs, "nr_inodes", "%llu",
                                 options->inodes ? options->inodes : default_inodes(options->size));
    }
    if (!error) {
        refuse(refused, "mode");
        error = set_number_parameter(fs, "mode", "%llo", options->mode);
    }
    if (!error)
        error = set_owner(fs, options, refused);
    if (!error && options->noswap) {
        refuse(refused, "noswap");
        error = fsconfig(fs, FSCONFIG_SET_FLAG, "noswap", NULL, 0) == 0 ? 0 : -errno;
    }
    if (!error)
        error = set_words(fs, options->parameters, refused);
    if (!error && huge) {
        refuse(refused, "huge");
        error = set_parameter(fs, "huge", huge);
    }
    if (!error)
        error = fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0 ? 0 : -errno;
    if (error)
        return error;
    refuse(refused, "tmpfs");
    mnt = fsmount(fs, FSMOUNT_CLOEXEC, (unsigned)options->atime.set);
    return mnt >= 0 ? mnt : -errno;
}

/* Makes a tmpfs with the huge= that was asked for if the kernel has it, and with none otherwise.
 * Returns the descriptor of its mount or a negative errno. */
static int mount_with_fallback(const struct ram_options *options, char *huge, size_t huge_size,
                               struct complaint *complaint)
{
    struct refused refused;
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

static int enter_namespaces(struct complaint *complaint)
{
    int error = user_namespace_enter();

    return error ? complain_of_namespaces(-error, complaint) : 0;
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

static void make_in_child(const struct ram_options *options, int socket)
{
    struct verdict verdict = { 0 };
    int user_namespace = -1;
    int mnt = -1;

    verdict.error = enter_namespaces(&verdict.complaint);
    if (!verdict.error) {
        mnt = mount_with_fallback(options, verdict.huge, sizeof(verdict.huge), &verdict.complaint);
        user_namespace = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
        if (mnt == -EPERM)
            complain_of_namespaces(EPERM, &verdict.complaint);
        verdict.error = mnt < 0 ? mnt : user_namespace < 0 ? -errno : 0;
    }
    _exit(send_verdict(socket, &verdict, mnt, user_namespace) == 0 ? 0 : 1);
}

static int open_in_namespace(const struct ram_options *options, struct area *area,
                             struct complaint *complaint)
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
        make_in_child(options, theirs);
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
    area->user_namespace = fds[1];
    strlcpy(area->huge, verdict.huge, sizeof(area->huge));
    return open_root(mnt, area, complaint);
}

int ram_open(const struct ram_options *options, struct area *area, struct complaint *complaint)
{
    CLEANUP_FD int mnt = -1;
    int error;

    *area = AREA_NONE;
    mnt = mount_with_fallback(options, area->huge, sizeof(area->huge), complaint);
    if (mnt >= 0)
        error = open_root(mnt, area, complaint);
    else if (mnt == -EPERM)
        error = open_in_namespace(options, area, complaint);
    else
        error = mnt;
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

/* Returns the limit of files for a new size: more than before where the old limit was that of the
 * old size or above it; a lower one was asked for, and stays. */
static uint64_t inodes_after_resize(int root, uint64_t size)
{
    struct statvfs vfs;
    uint64_t next = default_inodes(size);

    if (fstatvfs(root, &vfs) != 0)
        return 0;
    if (vfs.f_files < default_inodes((uint64_t)vfs.f_blocks * vfs.f_frsize) || vfs.f_files > next)
        return vfs.f_files;
    return next;
}

static int reconfigure(int root, uint64_t size)
{
    CLEANUP_FD int fs = fspick(root, "", FSPICK_EMPTY_PATH | FSPICK_CLOEXEC);
    uint64_t inodes = inodes_after_resize(root, size);
    int error;

    if (fs < 0)
        return -errno;
    error = set_number_parameter(fs, "size", "%llu", size);
    if (!error && inodes)
        error = set_number_parameter(fs, "nr_inodes", "%llu", inodes);
    if (!error && fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0) != 0)
        error = -errno;
    return error;
}

int ram_resize(const struct area *area, uint64_t size)
{
    pid_t child;
    int status;

    if (area->user_namespace < 0)
        return reconfigure(area->root, size);
    // A process with several threads cannot enter a user namespace; a child has one thread.
    child = fork();
    if (child < 0)
        return -errno;
    if (child == 0) {
        if (setns(area->user_namespace, CLONE_NEWUSER) != 0 || unshare(CLONE_NEWNS) != 0)
            _exit(errno);
        _exit(-reconfigure(area->root, size));
    }
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR)
            return -errno;
    }
    return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}
