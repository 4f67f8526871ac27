// SPDX-License-Identifier: BSD-2-Clause
#include "lib/broker/protocol.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

/* More than the kernel's highest errno */
#define ERRNO_END 4096

int broker_question_read(const void *bytes, size_t length, unsigned descriptors,
                         struct broker_question *question)
{
    struct broker_question read;

    if (length != sizeof(read) || descriptors != 1)
        return -EPROTO;
    memcpy(&read, bytes, sizeof(read));
    if (read.magic != BROKER_MAGIC || read.verb < BROKER_FILE || read.verb >= BROKER_VERBS ||
        read.number == 0)
        return -EPROTO;
    if (read.verb == BROKER_CLOSE ? read.id <= 0 : read.id != 0)
        return -EPROTO;
    *question = read;
    return 0;
}

int broker_answer_read(const void *bytes, size_t length, struct broker_answer *answer)
{
    struct broker_answer read;

    if (length != sizeof(read))
        return -EPROTO;
    memcpy(&read, bytes, sizeof(read));
    if (read.magic != BROKER_MAGIC || read.zero != 0 || read.result <= -ERRNO_END)
        return -EPROTO;
    // A refusal of the connection has a reason.
    if (read.number == 0 && read.result >= 0)
        return -EPROTO;
    *answer = read;
    return 0;
}
