// SPDX-License-Identifier: BSD-2-Clause
#include "lib/broker/client.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/broker/message.h"
#include "lib/broker/protocol.h"
#include "lib/sys/cleanup.h"

/* A question that is to be asked. */
struct step {
    enum broker_verb verb;
    int fd;
    int id;
};

static int connect_to_broker(struct broker *broker)
{
    const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = BROKER_SOCKET };
    // The broker may have more callers than it can take at once.
    const struct timeval limit = { .tv_sec = broker->limit / 1000,
                                   .tv_usec = broker->limit % 1000 * 1000L };
    CLEANUP_FD int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) != 0 ||
        connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
        return -errno;
    broker->socket = steal_fd(&fd);
    return 0;
}

void broker_disconnect(struct broker *broker)
{
    if (broker->socket >= 0)
        close(broker->socket);
    broker->socket = -1;
}

/* Waits for an answer. Returns whether it did not come in time. Then the other side cannot deliver
 * it any more, and takes back what it did; unless it comes at this very moment. */
static bool wait_for_answer(const struct broker *broker)
{
    struct pollfd event = { .fd = broker->socket, .events = POLLIN };
    int ready;

    do
        ready = poll(&event, 1, broker->limit);
    while (ready < 0 && errno == EINTR);
    if (ready == 0)
        shutdown(broker->socket, SHUT_RDWR);
    return ready == 0;
}

static int take_answer(struct broker *broker, int *result)
{
    struct broker_answer answer;
    char bytes[sizeof(answer) + 1];
    CLEANUP_FD int fd = -1;
    ssize_t length;
    bool late;

    late = wait_for_answer(broker);
    length = message_take(broker->socket, bytes, sizeof(bytes), &fd);
    // The broker has closed without a look at the question. Its earlier messages are still there.
    if (length == -ECONNRESET)
        length = message_take(broker->socket, bytes, sizeof(bytes), &fd);
    if (length <= 0)
        return late ? -ETIMEDOUT : length == 0 || length == -EAGAIN ? -EPIPE : (int)length;
    if (broker_answer_read(bytes, (size_t)length, &answer) != 0)
        return -EPROTO;
    // A connection that is refused.
    if (answer.number == 0)
        return answer.result;
    if (answer.number != broker->number)
        return -EPROTO;
    *result = answer.result;
    return 0;
}

static int ask(struct broker *broker, const struct step *step, int *result)
{
    struct broker_question question = { .magic = BROKER_MAGIC, .verb = step->verb, .id = step->id };
    int error;

    broker->number = broker->number == UINT32_MAX ? 1 : broker->number + 1;
    question.number = broker->number;
    error = message_send(broker->socket, &question, sizeof(question), step->fd);
    // A broker that refuses the connection has said why before it closed it.
    if (error)
        return error == -EPIPE ? take_answer(broker, result) : error;
    if (step->verb == BROKER_REGISTER)
        broker->unsure = true;
    error = take_answer(broker, result);
    if (!error && step->verb == BROKER_REGISTER)
        broker->unsure = false;
    return error;
}

/* Asks one question after the other, until one is refused. */
static int ask_all(struct broker *broker, const struct step *steps, unsigned count, int *result)
{
    int error = 0;

    *result = 0;
    for (unsigned i = 0; !error && *result >= 0 && i < count; i++)
        error = ask(broker, &steps[i], result);
    return error;
}

/* Holds a conversation. A connection that was there before may have ended since: another one is
 * tried, unless what was asked may have been done. */
static int converse(struct broker *broker, const struct step *steps, unsigned count, int *result)
{
    bool fresh, again;
    int error;

    *result = 0;
    do {
        fresh = broker->socket < 0;
        error = fresh ? connect_to_broker(broker) : 0;
        if (!error)
            error = ask_all(broker, steps, count, result);
        if (error)
            broker_disconnect(broker);
        again = error && error != -ETIMEDOUT && !fresh && !broker->unsure;
    } while (again);
    return error;
}

int broker_register(struct broker *broker, int device, int file, int *result)
{
    const struct step steps[] = { { BROKER_FILE, file, 0 }, { BROKER_REGISTER, device, 0 } };

    broker->unsure = false;
    return converse(broker, steps, 2, result);
}

int broker_probe(struct broker *broker, int device, int file, int *result)
{
    const struct step steps[] = { { BROKER_FILE, file, 0 }, { BROKER_PROBE, device, 0 } };

    return converse(broker, steps, 2, result);
}

int broker_close(struct broker *broker, int device, int id, int *result)
{
    const struct step step = { BROKER_CLOSE, device, id };

    return converse(broker, &step, 1, result);
}

int broker_raise_limits(struct broker *broker, int device, int *result)
{
    const struct step step = { BROKER_LIMITS, device, 0 };

    return converse(broker, &step, 1, result);
}
