// SPDX-License-Identifier: BSD-2-Clause
#include "tools/broker/session.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/broker/device.h"
#include "lib/broker/message.h"
#include "lib/broker/protocol.h"
#include "lib/sys/cleanup.h"
#include "tools/broker/descriptor.h"
#include "tools/broker/rights.h"

static void drop_file(struct session *session)
{
    cleanup_fd(&session->file);
    session->file = -1;
}

/* Says in the log what was refused. */
static void log_refusal(struct session *session, const char *what, int error)
{
    char line[160];
    int length;

    // The end of a mount is no offence.
    if (session->complained || error >= 0 || error == -ENOTCONN)
        return;
    session->complained = true;
    length = snprintf(line, sizeof(line), "shmapfs-broker: user %u: %s is refused: %s\n",
                      (unsigned)session->uid, what, strerrorname_np(-error));
    if (write(STDERR_FILENO, line, (size_t)length) < 0)
        session->complained = false;
}

/* Takes a backing file, as a descriptor of the broker's own that does nothing but name it. The
 * given one is closed here, before there is a device: that may ask its filesystem. */
static int take_file(struct session *session, int *given)
{
    CLEANUP_FD int file = steal_fd(given);
    char path[32];
    int error = descriptor_check_file(file, session->uid);

    drop_file(session);
    log_refusal(session, "a backing file", error);
    if (error)
        return error;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    session->file = open(path, O_PATH | O_CLOEXEC);
    return session->file >= 0 ? 0 : -errno;
}

/* Makes a call of the device. Here alone a child has a capability: the kernel asks for it with
 * capable(CAP_SYS_ADMIN) in fuse_backing_open() and fuse_backing_close(). */
static int call_device(int device, unsigned long call, void *argument)
{
    int error = rights_raise(true);
    int result;

    if (error)
        return error;
    result = ioctl(device, call, argument);
    result = result < 0 ? -errno : result;
    error = rights_raise(false);
    return error ? error : result;
}

static int close_id(const struct session *session, int device, uint32_t connection, int id)
{
    uint32_t number = (uint32_t)id;
    int error = call_device(device, DEVICE_BACKING_CLOSE, &number);

    if (!error)
        ledger_give(session->ledger, session->uid, connection);
    return error;
}

/* Returns an id or a negative errno. */
static int register_file(struct session *session, int device, uint32_t connection)
{
    struct device_backing_map map = { .fd = session->file };
    int id = ledger_take(session->ledger, session->uid, connection);

    if (id)
        return id;
    id = call_device(device, DEVICE_BACKING_OPEN, &map);
    if (id > 0)
        return id;
    ledger_give(session->ledger, session->uid, connection);
    return id < 0 ? id : -EPROTO;
}

/* Has the broker lift the limits of a connection, which takes root's files. */
static int ask_broker(const struct session *session, uint32_t connection)
{
    struct pollfd event = { .fd = session->broker, .events = POLLIN };
    int error = message_send(session->broker, &connection, sizeof(connection), -1);
    int32_t result = -EPIPE;
    int fd;

    if (error)
        return error;
    if (poll(&event, 1, -1) < 0 ||
        message_take(session->broker, &result, sizeof(result), &fd) != (ssize_t)sizeof(result))
        return -EPIPE;
    return result;
}

static int answer(const struct session *session, uint32_t number, int result)
{
    const struct broker_answer text = { .magic = BROKER_MAGIC, .number = number, .result = result };

    return message_send(session->peer, &text, sizeof(text), -1);
}

/* Carries out a question that brings a device. */
static int use_device(struct session *session, const struct broker_question *question, int *device)
{
    uint32_t connection = 0;
    int error = descriptor_check_device(session->connections, *device, session->uid, &connection);

    log_refusal(session, "a device", error);
    if (error)
        return error;
    switch (question->verb) {
    case BROKER_REGISTER:
        return session->file < 0 ? -EINVAL : register_file(session, *device, connection);
    case BROKER_PROBE:
        return session->file < 0 ? -EINVAL : 0;
    case BROKER_CLOSE:
        return close_id(session, *device, connection, question->id);
    default:
        // The broker has no need of it.
        close(steal_fd(device));
        return ask_broker(session, connection);
    }
}

/* Takes a registration back that the peer will not hear of. */
static void take_back(const struct session *session, int device, int id)
{
    uint32_t connection;

    if (id > 0 &&
        descriptor_check_device(session->connections, device, session->uid, &connection) == 0)
        close_id(session, device, connection, id);
}

/* Serves one question. Returns 0, or a negative errno: the session ends. */
static int serve(struct session *session, const struct broker_question *question, int *fd)
{
    int result, error;

    if (question->verb == BROKER_FILE)
        result = take_file(session, fd);
    else
        result = use_device(session, question, fd);
    error = answer(session, question->number, result);
    if (error && question->verb == BROKER_REGISTER)
        take_back(session, *fd, result);
    if (question->verb != BROKER_FILE)
        drop_file(session);
    return error;
}

/* Takes a question and serves it. Returns 0, or a negative errno: the session ends. A descriptor
 * that came with it is closed here: it may be a file of a filesystem that does not answer. */
static int take_question(struct session *session)
{
    struct broker_question question;
    char bytes[sizeof(question) + 1];
    CLEANUP_FD int fd = -1;
    ssize_t length = message_take(session->peer, bytes, sizeof(bytes), &fd);
    int error;

    if (length <= 0)
        return length == 0 ? -EPIPE : (int)length;
    error = broker_question_read(bytes, (size_t)length, fd >= 0, &question);
    return error ? error : serve(session, &question, &fd);
}

/* Waits for a question. Returns 0, or a negative errno: the peer or the broker has gone, or the
 * broker wants the session's place for somebody else. */
static int await_question(const struct session *session)
{
    struct pollfd events[] = { { .fd = session->peer, .events = POLLIN },
                               { .fd = session->broker, .events = POLLIN } };

    if (poll(events, 2, -1) < 0)
        return -errno;
    return events[1].revents ? -EPIPE : 0;
}

void session_run(struct session *session)
{
    int error = await_question(session);

    while (!error) {
        // The signal ends the process.
        alarm(session->seconds);
        error = take_question(session);
        // A peer that has sent a file and not the device has the rest of the time for that.
        if (!error && session->file < 0)
            alarm(0);
        if (!error)
            error = await_question(session);
    }
}
