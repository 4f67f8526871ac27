// SPDX-License-Identifier: BSD-2-Clause
/*
 * The protocol of the broker: a service of root's that registers backing files for the mounts of
 * ordinary users, which the kernel lets nobody do without CAP_SYS_ADMIN (docs/security.md).
 *
 * Messages of a fixed size travel over a socket of the type SOCK_SEQPACKET. Each question comes
 * with one descriptor and gets one answer, which has its number. A registration takes two: the
 * first has the backing file, and the second the connection's device. So the broker has no device
 * while it looks at a file whose filesystem may not answer, and lets go of it with its answer: a
 * device that it held would keep the mount of a dead daemon.
 */
#ifndef SHMAP_BROKER_PROTOCOL_H
#define SHMAP_BROKER_PROTOCOL_H

#include <stddef.h>
#include <stdint.h>

#define BROKER_SOCKET "/run/shmapfs/broker.sock"

#define BROKER_MAGIC UINT32_C(0x736d6231) // "smb1"

enum broker_verb {
    BROKER_FILE = 1, // here is a backing file; 0: it may be registered
    BROKER_REGISTER, // here is the device: register the file. The result is its id
    BROKER_PROBE,    // here is the device: say whether the file would be registered, and drop it
    BROKER_CLOSE,    // here is the device: close the registration `id`
    BROKER_LIMITS,   // here is the device: lift the kernel's limits of writeback for its mount
    BROKER_VERBS
};

struct broker_question {
    uint32_t magic;
    uint32_t verb;
    uint32_t number; // not 0
    int32_t id;      // for BROKER_CLOSE; otherwise 0
};

struct broker_answer {
    uint32_t magic;
    uint32_t number; // of the question; 0: the connection is refused
    int32_t result;  // 0, an id, or a negative errno
    uint32_t zero;
};

/* Read a message of so many bytes, which came with so many descriptors. Return 0, or -EPROTO with
 * the message unchanged. */
int broker_question_read(const void *bytes, size_t length, unsigned descriptors,
                         struct broker_question *question);
int broker_answer_read(const void *bytes, size_t length, struct broker_answer *answer);

#endif
