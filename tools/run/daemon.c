// SPDX-License-Identifier: BSD-2-Clause
#include "tools/run/daemon.h"

#include <err.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <linux/close_range.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/sys/streams.h"
#include "tools/run/privileges.h"
#include "tools/ui/exit_status.h"

/* Opens a socket for the protocol of sd_notify(3). The kernel chooses an abstract name, so that
 * there is no file to be removed; and tells the sender, because anybody can send to such a name. */
static int open_notice_socket(struct daemon *daemon)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    socklen_t length = sizeof(address);
    const int yes = 1;

    daemon->notices = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (daemon->notices < 0 ||
        setsockopt(daemon->notices, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)) != 0 ||
        bind(daemon->notices, (struct sockaddr *)&address, sizeof(address.sun_family)) != 0 ||
        getsockname(daemon->notices, (struct sockaddr *)&address, &length) != 0)
        return -errno;
    length -= (socklen_t)offsetof(struct sockaddr_un, sun_path) + 1;
    snprintf(daemon->address, sizeof(daemon->address), "@%.*s", (int)length, address.sun_path + 1);
    return 0;
}

int daemon_prepare(struct daemon *daemon)
{
    char program[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);

    // In another namespace, and below a changed root, the path is another one.
    if (length > 0) {
        program[length] = '\0';
        snprintf(daemon->home, sizeof(daemon->home), "%s", dirname(program));
    }
    return open_notice_socket(daemon);
}

/* execv(3) has no const, and changes nothing. */
static char *const *argv_of(const char *const arguments[])
{
    return (char *const *)arguments;
}

/* Executes the shmapfs of the installation or of the build directory that this program is in. */
static void execute_neighbour(const char *directory, const char *const arguments[])
{
    static const char *const places[] = { "shmapfs", "../fs/shmapfs" };
    char path[PATH_MAX + 32];

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", directory, places[i]);
        execv(path, argv_of(arguments));
    }
}

/* Lifts limits that are meant for COMMAND, not for its daemon. Only root can go beyond the hard
 * limits. */
static void raise_limits(void)
{
    static const int resources[] = { RLIMIT_AS, RLIMIT_CPU, RLIMIT_DATA, RLIMIT_FSIZE,
                                     RLIMIT_NOFILE };
    const struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };
    struct rlimit limit;

    for (size_t i = 0; i < sizeof(resources) / sizeof(resources[0]); i++) {
        if (setrlimit(resources[i], &none) == 0 || getrlimit(resources[i], &limit) != 0)
            continue;
        limit.rlim_cur = limit.rlim_max;
        setrlimit(resources[i], &limit);
    }
}

_Noreturn void daemon_execute(struct daemon *daemon, const char *const arguments[])
{
    int error;

    held_wait(&daemon->process);
    // The terminal sends its signals to COMMAND.
    setsid();
    // Nothing that the caller has open is the daemon's, but for what it complains to.
    streams_silence(STDOUT_FILENO);
    close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    raise_limits();
    setenv("NOTIFY_SOCKET", daemon->address, 1);
    // A service manager that watches the caller does not watch the daemon.
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    error = privileges_pass_on_mounting();
    if (error) {
        warnx("shmapfs cannot be allowed to mount: %s", strerror(-error));
        _exit(EXIT_NOT_STARTED);
    }
    if (*daemon->home)
        execute_neighbour(daemon->home, arguments);
    execvp(arguments[0], argv_of(arguments));
    warnx("shmapfs cannot be started: %s; install it beside shmapctl, or in a directory of PATH",
          strerror(errno));
    _exit(EXIT_NOT_STARTED);
}

/* Returns the process that sent a message; 0: unknown. */
static pid_t sender_of(struct msghdr *message)
{
    struct ucred sender;

    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header;
         header = CMSG_NXTHDR(message, header)) {
        if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_CREDENTIALS) {
            memcpy(&sender, CMSG_DATA(header), sizeof(sender));
            return sender.pid;
        }
    }
    return 0;
}

bool daemon_is_ready(struct daemon *daemon)
{
    char text[1024];
    union {
        char room[CMSG_SPACE(sizeof(struct ucred))];
        struct cmsghdr align;
    } control;
    struct iovec data = { .iov_base = text, .iov_len = sizeof(text) - 1 };
    struct msghdr message = { .msg_iov = &data,
                              .msg_iovlen = 1,
                              .msg_control = control.room,
                              .msg_controllen = sizeof(control.room) };
    ssize_t length = recvmsg(daemon->notices, &message, MSG_CMSG_CLOEXEC);

    if (length < 0 || sender_of(&message) != daemon->process.pid)
        return false;
    text[length] = '\0';
    if (strncmp(text, "READY=1", strlen("READY=1")) != 0)
        return false;
    // It may go on telling; without a listener it is not held up.
    close(daemon->notices);
    daemon->notices = -1;
    return true;
}
