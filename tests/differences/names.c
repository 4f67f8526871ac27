// SPDX-License-Identifier: BSD-2-Clause
/* Names, special files, execution, and events. */
#include "tests/differences/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void rename_by(struct answer *answer, unsigned flags)
{
    close(make_file("one", 1));
    close(make_file("two", 1));
    says_result(answer, renameat2(AT_FDCWD, "one", AT_FDCWD, "two", flags));
}

static void rename_exchange(struct answer *answer)
{
    rename_by(answer, RENAME_EXCHANGE);
}

static void rename_noreplace(struct answer *answer)
{
    rename_by(answer, RENAME_NOREPLACE);
}

static void rename_whiteout(struct answer *answer)
{
    rename_by(answer, RENAME_WHITEOUT);
}

static void tmpfile_linked(struct answer *answer)
{
    char path[32];
    int fd = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    says_result(answer,
                fd < 0 ? -1 : linkat(AT_FDCWD, path, AT_FDCWD, "linked", AT_SYMLINK_FOLLOW));
}

static void socket_bound(struct answer *answer)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "socket" };
    int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);

    need(server >= 0 && client >= 0, "socket");
    if (bind(server, (struct sockaddr *)&address, sizeof(address)) == -1 || listen(server, 1) == -1)
        says_result(answer, -1);
    else
        says_result(answer, connect(client, (struct sockaddr *)&address, sizeof(address)));
}

static void fifo_made(struct answer *answer)
{
    says_result(answer, mkfifo("fifo", 0600) == -1 ? -1 : open("fifo", O_RDWR | O_CLOEXEC));
}

/* A program that ends with 0 without a library. */
static void make_program(void)
{
    char bytes[65536];
    int from = open("/bin/true", O_RDONLY | O_CLOEXEC), to = make_file("program", 0);
    ssize_t length;

    while ((length = read(from, bytes, sizeof(bytes))) > 0)
        need(write(to, bytes, (size_t)length) == length, "write");
    need(length == 0 && fchmod(to, 0755) == 0 && close(to) == 0, "program");
}

static void says_executed(struct answer *answer)
{
    int status;

    pid_t child = fork();
    need(child >= 0, "fork");
    if (child == 0) {
        execl("./program", "program", NULL);
        _exit(errno);
    }
    need(waitpid(child, &status, 0) == child && WIFEXITED(status), "waitpid");
    errno = WEXITSTATUS(status);
    says_result(answer, errno == 0 ? 0 : -1);
}

static void executes(struct answer *answer)
{
    make_program();
    says_executed(answer);
}

static void executes_written(struct answer *answer)
{
    make_program();
    need(open("program", O_WRONLY) >= 0, "open");
    says_executed(answer);
}

static void executes_mapped(struct answer *answer)
{
    make_program();
    int fd = open("program", O_RDWR | O_CLOEXEC);
    need(fd >= 0, "open");
    map_file(fd, PROBE_PAGE);
    close(fd);
    says_executed(answer);
}

static void writes_executed(struct answer *answer)
{
    int ends[2], fd;
    char byte;

    // The child executes a shell, which says that it runs and waits for its input to end.
    make_program();
    int from = open("/bin/sh", O_RDONLY | O_CLOEXEC), to = open("program", O_WRONLY | O_TRUNC);
    char bytes[65536];
    ssize_t length;
    while ((length = read(from, bytes, sizeof(bytes))) > 0)
        need(write(to, bytes, (size_t)length) == length, "write");
    close(to);
    need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
    pid_t child = fork();
    need(child >= 0, "fork");
    if (child == 0) {
        dup2(ends[1], 0);
        dup2(ends[1], 1);
        execl("./program", "sh", "-c", "echo runs; read end", NULL);
        _exit(errno);
    }
    close(ends[1]);
    need(read(ends[0], &byte, 1) == 1, "read");
    fd = open("program", O_WRONLY | O_CLOEXEC);
    says_result(answer, fd);
    close(ends[0]);
    waitpid(child, NULL, 0);
}

static void inotify(struct answer *answer)
{
    char events[4096];
    int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), fd = make_file("file", 1);

    need(inotify_add_watch(watch, "file", IN_MODIFY) >= 0, "inotify_add_watch");
    need(pwrite(fd, "x", 1, 0) == 1, "pwrite");
    says(answer, read(watch, events, sizeof(events)) > 0 ? "tells" : "does not tell");
}

static void fanotify(struct answer *answer, unsigned flags, unsigned long long mask)
{
    int watch = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | flags, O_RDONLY);

    close(make_file("file", 1));
    says_result(answer,
                watch < 0 ? -1 : fanotify_mark(watch, FAN_MARK_ADD, mask, AT_FDCWD, "file"));
}

static void fanotify_files(struct answer *answer)
{
    fanotify(answer, 0, FAN_MODIFY);
}

static void fanotify_ids(struct answer *answer)
{
    fanotify(answer, FAN_REPORT_FID, FAN_MODIFY | FAN_ATTRIB);
}

const struct probe NAME_PROBES[] = {
    { "RENAME_EXCHANGE", rename_exchange },
    { "RENAME_NOREPLACE", rename_noreplace },
    { "RENAME_WHITEOUT", rename_whiteout },
    { "O_TMPFILE, linkat", tmpfile_linked },
    { "bind and connect of a socket", socket_bound },
    { "mkfifo", fifo_made },
    { "execve", executes },
    { "execve, open for writing", executes_written },
    { "execve, mapped for writing", executes_mapped },
    { "open for writing, executed", writes_executed },
    { "inotify IN_MODIFY", inotify },
    { "fanotify_mark", fanotify_files },
    { "fanotify_mark, FAN_REPORT_FID", fanotify_ids },
    { NULL, NULL },
};
