// SPDX-License-Identifier: BSD-2-Clause
#include "fs/notice/notice.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/util/log.h"

/* How long anybody waits for the kernel to be told. Telling it takes some microseconds on an idle
 * machine. */
#define WAIT_MS 900

#define STACK_BYTES (64UL << 10)

struct message {
    struct fuse_out_header header;
    struct notice notice;
    char data[NAME_MAX + 1];
    struct iovec parts[3];
};

/* The memory of the process, on its own stack: the thread that started it may be gone before. */
struct memory {
    int device;
    int count;
    struct message messages[2];
};

static void put_message(struct memory *memory, const struct notice *notice)
{
    struct message *message = &memory->messages[memory->count++];
    size_t bytes = sizeof(message->header) + notice->body_bytes + notice->data_bytes;

    message->header = (struct fuse_out_header){ .len = (uint32_t)bytes, .error = notice->code };
    message->notice = *notice;
    message->parts[0] = (struct iovec){ &message->header, sizeof(message->header) };
    message->parts[1] = (struct iovec){ &message->notice.body, notice->body_bytes };
    message->parts[2] = (struct iovec){ NULL, notice->data_bytes };
    if (!notice->data)
        return;
    memcpy(message->data, notice->data, notice->data_bytes);
    message->parts[2].iov_base = message->data;
}

/* The process. A sanitizer would take it for a thread. */
__attribute__((no_sanitize("address", "undefined", "thread"))) static int
write_notice(void *argument)
{
    struct memory *memory = argument;
    bool done = false;

    // Called without the C library, whose checks in a sanitizer's build would not let this pass.
    for (int i = 0; i < memory->count && !done; i++)
        done = syscall(SYS_writev, memory->device, memory->messages[i].parts, 3) > 0;
    syscall(SYS_exit, 0);
    return 0;
}

int notice_send(int device, const struct notice *notice, const struct notice *other)
{
    char *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    struct memory *memory = (struct memory *)(void *)stack;
    struct pollfd end = { .fd = -1, .events = POLLIN };
    siginfo_t info;
    int error;

    if (stack == MAP_FAILED)
        return -errno;
    memory->device = device;
    put_message(memory, notice);
    if (other)
        put_message(memory, other);
    if (clone(write_notice, stack + STACK_BYTES, CLONE_VM | CLONE_FILES | CLONE_PIDFD, memory,
              &end.fd) < 0) {
        error = -errno;
        munmap(stack, STACK_BYTES);
        return error;
    }
    // If the process takes longer, its stack is left to it.
    if (poll(&end, 1, WAIT_MS) == 1 && waitid(P_PIDFD, (id_t)end.fd, &info, WEXITED | __WALL) == 0)
        munmap(stack, STACK_BYTES);
    close(end.fd);
    return 0;
}

void notice_drop_contents(int device, uint64_t node)
{
    const struct notice dropped = {
        .code = FUSE_NOTIFY_INVAL_INODE,
        .body.inode = { .ino = node },
        .body_bytes = sizeof(dropped.body.inode),
    };
    int error = notice_send(device, &dropped, NULL);

    if (error)
        log_event(LOG_WARNING, "the kernel was not told that a file's contents are others: %s",
                  strerror(-error));
}
