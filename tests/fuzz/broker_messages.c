// SPDX-License-Identifier: BSD-2-Clause
/* Messages between a daemon and the broker: the input is one of them. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/broker/message.h"
#include "lib/broker/protocol.h"
#include "tests/fuzz/fuzz.h"

static void try_question(const uint8_t *data, size_t size, unsigned descriptors)
{
    struct broker_question question, untouched;
    memset(&question, 0x5a, sizeof(question));
    memset(&untouched, 0x5a, sizeof(untouched));
    int error = broker_question_read(data, size, descriptors, &question);
    if (error != 0) {
        MUST(error == -EPROTO && memcmp(&question, &untouched, sizeof(question)) == 0, "question");
        return;
    }
    MUST(size == sizeof(question) && memcmp(&question, data, size) == 0, "question");
    MUST(descriptors == 1 && question.magic == BROKER_MAGIC && question.number != 0, "question");
    MUST(question.verb >= BROKER_FILE && question.verb < BROKER_VERBS, "question");
    MUST((question.verb == BROKER_CLOSE) == (question.id != 0) && question.id >= 0, "question");
}

static void try_answer(const uint8_t *data, size_t size)
{
    struct broker_answer answer, untouched;
    memset(&answer, 0x5a, sizeof(answer));
    memset(&untouched, 0x5a, sizeof(untouched));
    int error = broker_answer_read(data, size, &answer);
    if (error != 0) {
        MUST(error == -EPROTO && memcmp(&answer, &untouched, sizeof(answer)) == 0, "answer");
        return;
    }
    MUST(size == sizeof(answer) && answer.magic == BROKER_MAGIC && answer.zero == 0, "answer");
    // The result suits strerror() and exit statuses.
    MUST(answer.result > -4096 && (answer.number != 0 || answer.result < 0), "answer");
}

/* A message arrives as it was sent, and no longer than the room for it. */
static void try_socket(const uint8_t *data, size_t size)
{
    char bytes[sizeof(struct broker_question) + 1];
    int ends[2], fd = 0;
    MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
    // Nothing at all is the end of a connection.
    if (size > 0 && message_send(ends[0], data, size, ends[0]) == 0) {
        ssize_t length = message_take(ends[1], bytes, sizeof(bytes), &fd);
        MUST(length == (ssize_t)size && fd >= 0 && fd != ends[0], "length");
        MUST(memcmp(bytes, data, size < sizeof(bytes) ? size : sizeof(bytes)) == 0, "bytes");
        try_question((const uint8_t *)bytes, (size_t)length, fd >= 0);
        close(fd);
    }
    close(ends[0]);
    close(ends[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (unsigned descriptors = 0; descriptors < 3; descriptors++)
        try_question(data, size, descriptors);
    try_answer(data, size);
    try_socket(data, size);
    return 0;
}
