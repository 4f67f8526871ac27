// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/cases/broker/attacker.h"

#include "tests/mount/harness/harness.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int attacker_connect(void)
{
    const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = BROKER_SOCKET };
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    if (fd == -1)
        return -errno;
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    int error = -errno;
    close(fd);
    return error;
}

bool attacker_send(int socket, const void *bytes, size_t length, const int *fds, unsigned count)
{
    union {
        char room[CMSG_SPACE(8 * sizeof(int))];
        struct cmsghdr align;
    } control = { .room = { 0 } };
    struct iovec data = { (void *)(uintptr_t)bytes, length };
    struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };

    if (count > 0) {
        message.msg_control = control.room;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        *header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(count * sizeof(int)),
                                    .cmsg_level = SOL_SOCKET,
                                    .cmsg_type = SCM_RIGHTS };
        memcpy(CMSG_DATA(header), fds, count * sizeof(int));
    }
    return sendmsg(socket, &message, MSG_NOSIGNAL) == (ssize_t)length;
}

int attacker_answer(int socket)
{
    struct pollfd event = { .fd = socket, .events = POLLIN };
    struct broker_answer answer;

    if (poll(&event, 1, WAIT_SECONDS * 1000) != 1)
        return NO_ANSWER;
    ssize_t length = recv(socket, &answer, sizeof(answer), 0);
    // Closed without a look at what was sent: the answer comes after that.
    if (length < 0 && errno == ECONNRESET)
        length = recv(socket, &answer, sizeof(answer), 0);
    return length == sizeof(answer) ? answer.result : NO_ANSWER;
}

int attacker_ask(int socket, enum broker_verb verb, int fd, int id)
{
    struct broker_question question = { BROKER_MAGIC, verb, 7, id };

    // A connection that was refused has an answer before there is a question.
    attacker_send(socket, &question, sizeof(question), &fd, 1);
    return attacker_answer(socket);
}

static int hold_attack(void *argument)
{
    const struct attack *attack = argument;
    int socket = attacker_connect();
    int result = socket < 0 ? socket : 0;

    if (result == 0 && attack->file >= 0)
        result = attacker_ask(socket, BROKER_FILE, attack->file, 0);
    if (result == 0 && attack->verb)
        result = attacker_ask(socket, attack->verb, attack->device, attack->id);
    return result < 0 ? -result : result;
}

int attack_as(uid_t uid, gid_t group, const struct attack *attack)
{
    return harness_as(uid, uid, group ? 1 : 0, &group, hold_attack, (void *)(uintptr_t)attack);
}

void assert_file(uid_t uid, int file, int expected)
{
    assert_ok(file);
    assert_int_equal(attack_as(uid, 0, &(struct attack){ .file = file }), expected);
    assert_ok(close(file));
}

/* The kernel's interface since Linux 6.9, of which older headers lack something. */
enum { OPCODE_OPEN = 14, OPCODE_RELEASE = 18, OPCODE_FLUSH = 25, OPCODE_INIT = 26 };
enum { OPCODE_FORGET = 2, OPCODE_BATCH_FORGET = 42, OPEN_PASSTHROUGH = 1 << 7 };
#define HAS_FLAGS2         (UINT32_C(1) << 30)
#define FLAGS2_PASSTHROUGH (UINT32_C(1) << 5)

struct request_header {
    uint32_t len, opcode;
    uint64_t unique, node;
    uint32_t uid, gid, pid, more;
};

struct reply_header {
    uint32_t len;
    int32_t error;
    uint64_t unique;
};

struct init_reply {
    struct reply_header header;
    uint32_t major, minor, max_readahead, flags;
    uint16_t max_background, congestion_threshold;
    uint32_t max_write, time_gran;
    uint16_t max_pages, map_alignment;
    uint32_t flags2, max_stack_depth;
    uint32_t unused[6];
};

struct open_reply {
    struct reply_header header;
    uint64_t fh;
    uint32_t flags;
    int32_t backing_id;
};

static void agree(int device)
{
    char buffer[65536];
    const struct request_header *asked = (void *)buffer;
    const uint32_t *version = (void *)(buffer + sizeof(*asked));

    assert_ok(read(device, buffer, sizeof(buffer)));
    assert_int_equal(asked->opcode, OPCODE_INIT);
    struct init_reply reply = { .header = { .len = sizeof(reply), .unique = asked->unique },
                                .major = version[0],
                                .minor = version[1],
                                .max_write = 4096,
                                .flags = HAS_FLAGS2,
                                .flags2 = FLAGS2_PASSTHROUGH,
                                .max_stack_depth = 1 };
    assert_int_equal(write(device, &reply, sizeof(reply)), sizeof(reply));
}

void raw_mount(struct raw_mount *mount_, const char *path, mode_t mode, uid_t owner)
{
    char options[128];

    snprintf(mount_->path, sizeof(mount_->path), "%s", path);
    mount_->device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    assert_ok(mount_->device);
    snprintf(options, sizeof(options), "fd=%d,rootmode=%o,user_id=%u,group_id=%u", mount_->device,
             mode, owner, owner);
    assert_ok(mount("raw", path, "fuse.raw", MS_NOSUID | MS_NODEV, options));
    agree(mount_->device);
}

void raw_unmount(struct raw_mount *mount_)
{
    assert_ok(umount2(mount_->path, MNT_DETACH));
    assert_ok(close(mount_->device));
}

static void reply_to(int device, const struct request_header *asked, int id)
{
    struct open_reply reply = { .header = { .len = sizeof(reply), .unique = asked->unique },
                                .flags = id > 0 ? OPEN_PASSTHROUGH : 0,
                                .backing_id = id };

    if (asked->opcode == OPCODE_FORGET || asked->opcode == OPCODE_BATCH_FORGET)
        return;
    if (asked->opcode != OPCODE_OPEN) {
        reply.header.len = sizeof(reply.header);
        reply.header.error = asked->opcode == OPCODE_RELEASE ? 0 : -ENOSYS;
    }
    if (write(device, &reply, reply.header.len) < 0)
        perror("reply");
}

static void serve_requests(int device, int id, bool hangs)
{
    char buffer[65536];
    const struct request_header *asked = (void *)buffer;

    while (read(device, buffer, sizeof(buffer)) > 0) {
        if (!hangs || asked->opcode != OPCODE_FLUSH)
            reply_to(device, asked, id);
    }
}

pid_t raw_serve(const struct raw_mount *mount_, int id, bool hangs)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve_requests(mount_->device, id, hangs);
        _exit(0);
    }
    assert_ok(pid);
    return pid;
}
