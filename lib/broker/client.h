// SPDX-License-Identifier: BSD-2-Clause
/*
 * A connection to the broker, which is made when it is needed and again when it is lost.
 *
 * Functions return 0 when the broker has answered, and store its result: 0, an id, or the negative
 * errno of a refusal. They return a negative errno when there is no answer. None waits for longer
 * than the limit for each of its messages.
 */
#ifndef SHMAP_BROKER_CLIENT_H
#define SHMAP_BROKER_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

struct broker {
    int limit;       // how long an answer is waited for, in milliseconds
    int socket;      // -1: none
    uint32_t number; // of the last question
    // A registration was asked for, and its answer did not come: it may have happened.
    bool unsure;
};

#define BROKER_NONE(milliseconds) ((struct broker){ .limit = (milliseconds), .socket = -1 })

/* Registers a backing file with a connection, or says whether it would be registered. */
int broker_register(struct broker *broker, int device, int file, int *result);
int broker_probe(struct broker *broker, int device, int file, int *result);

/* Closes a registration. */
int broker_close(struct broker *broker, int device, int id, int *result);

/* Lifts the kernel's limits of writeback for a mount. */
int broker_raise_limits(struct broker *broker, int device, int *result);

void broker_disconnect(struct broker *broker);

#endif
