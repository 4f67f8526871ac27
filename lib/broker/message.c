// SPDX-License-Identifier: BSD-2-Clause
#include "lib/broker/message.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Room for one descriptor, and not for another. */
union one_descriptor {
    char room[CMSG_LEN(sizeof(int))];
    struct cmsghdr align;
};

int message_send(int socket, const void *bytes, size_t length, int fd)
{
    union one_descriptor control = { .room = { 0 } };
    struct iovec data = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = length };
    struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };
    struct cmsghdr *header;
    ssize_t sent;

    if (fd >= 0) {
        message.msg_control = control.room;
        message.msg_controllen = sizeof(control.room);
        header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &fd, sizeof(fd));
    }
    do
        sent = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    if (sent < 0)
        return -errno;
    return (size_t)sent == length ? 0 : -EMSGSIZE;
}

/* Returns the descriptor that a message brought, or -1. */
static int descriptor_of(struct msghdr *message)
{
    const struct cmsghdr *header = CMSG_FIRSTHDR(message);
    int fd = -1;

    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
        header->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(&fd, CMSG_DATA(header), sizeof(fd));
    return fd;
}

ssize_t message_take(int socket, void *bytes, size_t size, int *fd)
{
    union one_descriptor control;
    struct iovec data = { .iov_base = bytes, .iov_len = size };
    struct msghdr message = { .msg_iov = &data,
                              .msg_iovlen = 1,
                              .msg_control = control.room,
                              .msg_controllen = sizeof(control.room) };
    ssize_t length;

    *fd = -1;
    do
        length = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | MSG_TRUNC);
    while (length < 0 && errno == EINTR);
    if (length < 0)
        return -errno;
    *fd = descriptor_of(&message);
    // There were more of them than one. The first is not taken for all of them.
    if (*fd >= 0 && (message.msg_flags & MSG_CTRUNC)) {
        close(*fd);
        *fd = -1;
    }
    return length;
}
