// SPDX-License-Identifier: BSD-2-Clause
/* The ways to use a file that goes with its last user. */
#include "tests/mount/cases/classes/last_close.h"

#include "tests/mount/harness/files.h"

#include <fcntl.h>
#include <linux/io_uring.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static bool by_descriptor(void)
{
    return open_used_file() >= 0;
}

/* Returns a mapping whose descriptor is closed. */
static char *map_and_close(int protection, int flags)
{
    int fd = open_used_file();
    char *mapping = mmap(NULL, FILE_PAGES * page_size(), protection, flags, fd, 0);

    return close(fd) == 0 ? mapping : MAP_FAILED;
}

static bool by_shared_mapping(void)
{
    return map_and_close(PROT_READ | PROT_WRITE, MAP_SHARED) != MAP_FAILED;
}

static bool by_private_mapping(void)
{
    return map_and_close(PROT_READ | PROT_WRITE, MAP_PRIVATE) != MAP_FAILED;
}

static bool by_reading_mapping(void)
{
    return map_and_close(PROT_READ, MAP_SHARED) != MAP_FAILED;
}

static bool by_part_of_a_mapping(void)
{
    char *mapping = map_and_close(PROT_READ | PROT_WRITE, MAP_SHARED);

    return mapping != MAP_FAILED && munmap(mapping, page_size()) == 0;
}

/* Starts a child that goes on when the caller has let go of what the child has, and ends with the
 * caller, however that ends. In the child `end` is readable then. Returns as fork(2). */
static pid_t start_child(int *end)
{
    int ends[2];
    pid_t pid = pipe2(ends, O_CLOEXEC) == 0 ? fork() : -1;

    if (pid == 0)
        close(ends[1]);
    *end = ends[0];
    return pid;
}

static bool by_mapping_of_a_child(void)
{
    char *mapping = map_and_close(PROT_READ | PROT_WRITE, MAP_SHARED);
    int end;
    pid_t pid = mapping == MAP_FAILED ? -1 : start_child(&end);
    char byte;

    if (pid == 0)
        _exit(read(end, &byte, 1) == 0 ? 0 : 1);
    return pid > 0 && munmap(mapping, FILE_PAGES * page_size()) == 0;
}

/* Makes the file a copy of a program that reads its standard input to the end. Returns a descriptor
 * that cannot write to it. */
static int put_program(void)
{
    int from = open("/bin/cat", O_RDONLY | O_CLOEXEC), to = open_used_file();
    int reader = open(USED_FILE, O_RDONLY | O_CLOEXEC);
    bool copied = from >= 0 && to >= 0;

    for (ssize_t count = 1; copied && count > 0;) {
        count = sendfile(to, from, NULL, 1 << 20);
        copied = count >= 0;
    }
    close(from);
    close(to);
    return copied ? reader : -1;
}

static bool by_running_it(void)
{
    static char name[] = "cat", *const words[] = { name, NULL };
    int program = put_program(), started[2], end;
    pid_t pid = program < 0 || pipe2(started, O_CLOEXEC) != 0 ? -1 : start_child(&end);
    char byte;

    if (pid == 0) {
        dup2(end, STDIN_FILENO);
        execv(USED_FILE, words);
        _exit(write(started[1], "!", 1) == 1 ? 126 : 127);
    }
    close(started[1]);
    // The end of that pipe is closed by execve(2).
    return pid > 0 && read(started[0], &byte, 1) == 0 && close(program) == 0;
}

static bool by_message(void)
{
    int ends[2], fd = open_used_file();
    char control[CMSG_SPACE(sizeof(fd))] = { 0 };
    struct iovec byte = { .iov_base = control, .iov_len = 1 };
    struct msghdr message = {
        .msg_iov = &byte, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
    };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    if (fd < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        return false;
    *header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(fd)),
                                .cmsg_level = SOL_SOCKET,
                                .cmsg_type = SCM_RIGHTS };
    memcpy(CMSG_DATA(header), &fd, sizeof(fd));
    return sendmsg(ends[0], &message, 0) == 1 && close(fd) == 0;
}

/* Makes a ring of io_uring(7). Returns a descriptor or -1. */
static int make_ring(void)
{
    struct io_uring_params parameters = { 0 };

    return (int)syscall(SYS_io_uring_setup, 1, &parameters);
}

static bool has_rings(const struct workspace *workspace)
{
    int ring = make_ring();

    (void)workspace;
    return ring >= 0 && close(ring) == 0;
}

static bool has_rings_for_mappings(const struct workspace *workspace)
{
    // The kernel pins no pages of FUSE's page cache for longer.
    return workspace->passthrough && has_rings(workspace);
}

static bool by_registered_file(void)
{
    int ring = make_ring(), fd = open_used_file();

    return syscall(SYS_io_uring_register, ring, IORING_REGISTER_FILES, &fd, 1) == 0 &&
           close(fd) == 0;
}

static bool by_registered_buffer(void)
{
    char *mapping = map_and_close(PROT_READ | PROT_WRITE, MAP_SHARED);
    struct iovec buffer = { mapping, FILE_PAGES * page_size() };

    return mapping != MAP_FAILED &&
           syscall(SYS_io_uring_register, make_ring(), IORING_REGISTER_BUFFERS, &buffer, 1) == 0;
}

const struct way_to_use WAYS_TO_USE[] = {
    { "a descriptor", by_descriptor, NULL },
    { "a shared mapping", by_shared_mapping, NULL },
    { "a private mapping", by_private_mapping, NULL },
    { "a mapping for reading", by_reading_mapping, NULL },
    { "a part of a mapping", by_part_of_a_mapping, NULL },
    { "a mapping of a child", by_mapping_of_a_child, NULL },
    { "a running program", by_running_it, NULL },
    { "a message under way", by_message, NULL },
    { "a file of io_uring", by_registered_file, has_rings },
    { "a buffer of io_uring", by_registered_buffer, has_rings_for_mappings },
};
const size_t WAYS_COUNT = sizeof(WAYS_TO_USE) / sizeof(WAYS_TO_USE[0]);
