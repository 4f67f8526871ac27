// SPDX-License-Identifier: BSD-2-Clause
/*
 * shmapfs-broker: registers backing files for the mounts of ordinary users. The process itself only
 * takes connections, sees to it that nobody has too many, and lifts limits of writeback; what comes
 * over a connection is read by a child that has become the peer (session.c).
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/broker/message.h"
#include "lib/broker/protocol.h"
#include "lib/sys/cleanup.h"
#include "tools/broker/callers.h"
#include "tools/broker/descriptor.h"
#include "tools/broker/peer.h"
#include "tools/broker/relief.h"
#include "tools/broker/rights.h"
#include "tools/broker/session.h"

#define FILES_DEFAULT   65536
#define RATIO_DEFAULT   20
#define SECONDS_DEFAULT 20

#define SECOND             UINT64_C(1000000000)
#define SWEEP_MILLISECONDS 60000

/* systemd hands the socket over as this descriptor. */
#define ACTIVATED_FD 3

/* The descriptors of a child: the standard streams, and these. */
enum { CHILD_PEER = 3, CHILD_BROKER, CHILD_CONNECTIONS, CHILD_FDS };

struct broker_service {
    int socket;
    int connections;
    struct ledger *ledger;
    unsigned seconds; // that a request may take
    struct relief relief;
    struct callers callers;
    uint64_t swept;
};

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Puts the child's descriptors where they belong, and closes what is others'. */
static int arrange_descriptors(int peer, int broker, int connections)
{
    const int wanted[] = { peer, broker, connections };
    int high[CHILD_FDS - CHILD_PEER];

    for (int i = 0; i < CHILD_FDS - CHILD_PEER; i++) {
        high[i] = fcntl(wanted[i], F_DUPFD_CLOEXEC, CHILD_FDS);
        if (high[i] < 0)
            return -errno;
    }
    for (int i = 0; i < CHILD_FDS - CHILD_PEER; i++) {
        if (dup3(high[i], CHILD_PEER + i, O_CLOEXEC) < 0)
            return -errno;
    }
    return close_range(CHILD_FDS, ~0U, 0) == 0 ? 0 : -errno;
}

/* Makes the child the peer, and one that can do no more than it has to. */
static int confine_child(const struct peer *peer)
{
    int error = peer_become(peer);

    if (!error)
        error = rights_filter();
    return error == -EOPNOTSUPP ? 0 : error;
}

static _Noreturn void be_session(const struct broker_service *service, int peer_fd, int broker_fd,
                                 const struct peer *peer)
{
    struct session session = { .peer = CHILD_PEER,
                               .broker = CHILD_BROKER,
                               .connections = CHILD_CONNECTIONS,
                               .uid = peer->uid,
                               .ledger = service->ledger,
                               .seconds = service->seconds,
                               .file = -1 };
    int error = arrange_descriptors(peer_fd, broker_fd, service->connections);

    if (!error)
        error = confine_child(peer);
    if (!error)
        session_run(&session);
    else
        warnx("a session cannot be confined: %s", strerrorname_np(-error));
    _exit(error ? EXIT_FAILURE : EXIT_SUCCESS);
}

static int start_session(struct broker_service *service, int peer_fd, const struct peer *peer)
{
    CLEANUP_FD int end = -1;
    int ends[2];
    pid_t pid;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return -errno;
    end = ends[1];
    pid = fork();
    if (pid == 0)
        be_session(service, peer_fd, end, peer);
    if (pid < 0) {
        close(ends[0]);
        return -errno;
    }
    callers_add(&service->callers, ends[0], peer->uid);
    callers_make_room(&service->callers);
    return 0;
}

/* Decides about a new connection. Returns 0 or a negative errno. */
static int admit(struct broker_service *service, int peer_fd)
{
    struct peer peer;
    int error = peer_identify(peer_fd, &peer);
    CLEANUP_FREE gid_t *groups = peer.groups;

    // Root without CAP_SYS_ADMIN is not to get it here.
    if (!error && peer.uid == 0)
        error = -EPERM;
    if (!error)
        error = callers_admit(&service->callers, peer.uid, now_ns());
    return error ? error : start_session(service, peer_fd, &peer);
}

/* Looks which mounts have gone, at most once a second: a flood of connections is not to cost a look
 * at each of them. */
static void sweep(struct broker_service *service)
{
    uint64_t now = now_ns();

    if (now - service->swept < SECOND)
        return;
    ledger_sweep(service->ledger, service->connections, now / SECOND);
    service->swept = now;
}

static void take_connection(struct broker_service *service)
{
    CLEANUP_FD int fd = accept4(service->socket, NULL, NULL, SOCK_CLOEXEC);
    struct broker_answer refusal = { .magic = BROKER_MAGIC };

    if (fd < 0)
        return;
    sweep(service);
    refusal.result = admit(service, fd);
    if (refusal.result < 0)
        message_send(fd, &refusal, sizeof(refusal), -1);
}

/* Serves what a child asks for, or sees it off. */
static void hear_child(struct broker_service *service, unsigned index)
{
    const struct caller caller = service->callers.all[index];
    CLEANUP_FD int none = -1;
    uint32_t connection;
    int32_t result;
    ssize_t length = message_take(caller.fd, &connection, sizeof(connection), &none);

    if (length == (ssize_t)sizeof(connection)) {
        result = relief_give(&service->relief, service->connections, caller.uid, connection);
        message_send(caller.fd, &result, sizeof(result), -1);
        return;
    }
    if (length == -EAGAIN)
        return;
    // It has ended, or is about to.
    close(caller.fd);
    callers_remove(&service->callers, index);
}

static void serve_for_ever(struct broker_service *service)
{
    static struct pollfd events[1 + CALLERS_MAX];
    unsigned count;
    int ready;

    for (;;) {
        count = service->callers.count;
        events[0] = (struct pollfd){ .fd = service->socket, .events = POLLIN };
        for (unsigned i = 0; i < count; i++)
            events[1 + i] = (struct pollfd){ .fd = service->callers.all[i].fd, .events = POLLIN };
        // Time forgives users their registrations while some session goes on.
        ready = poll(events, 1 + count, count > 0 ? SWEEP_MILLISECONDS : -1);
        if (ready < 0 && errno != EINTR)
            err(EXIT_FAILURE, "poll");
        if (ready <= 0) {
            sweep(service);
            continue;
        }
        // From the end: whoever takes the place of one that is removed was looked at.
        for (unsigned i = count; i-- > 0;) {
            if (events[1 + i].revents)
                hear_child(service, i);
        }
        if (events[0].revents)
            take_connection(service);
    }
}

/* Makes a socket where there is no service manager that has made one. */
static int make_socket(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    struct stat st;

    if (strlen(path) >= sizeof(address.sun_path))
        errx(2, "--socket=%s: the path is longer than %zu bytes", path,
             sizeof(address.sun_path) - 1);
    memcpy(address.sun_path, path, strlen(path));
    if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
        errx(2, "--socket=%s: there is something else that is no socket", path);
    unlink(path);
    // It is root's alone: who may use it is for whoever starts the broker to say, by its group and
    // mode.
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(fd, SOMAXCONN) != 0)
        err(EXIT_FAILURE, "--socket=%s", path);
    return fd;
}

static int inherit_socket(void)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    int type = 0;
    socklen_t size = sizeof(type);

    if (!pid || !count || strtol(pid, NULL, 10) != getpid() || strcmp(count, "1") != 0)
        errx(2, "no socket was handed over; start shmapfs-broker.socket, or give --socket=PATH");
    if (getsockopt(ACTIVATED_FD, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_SEQPACKET)
        errx(2, "the socket that was handed over is not of the type SOCK_SEQPACKET");
    if (fcntl(ACTIVATED_FD, F_SETFD, FD_CLOEXEC) != 0)
        err(EXIT_FAILURE, "the socket that was handed over");
    return ACTIVATED_FD;
}

static unsigned number_of(const char *word, const char *value, unsigned low, unsigned high)
{
    const char *wrong;
    unsigned number = (unsigned)strtonum(value, low, high, &wrong);

    if (wrong)
        errx(2, "--%s=%s: it must be a number from %u to %u", word, value, low, high);
    return number;
}

static const char *value_of(const char *argument, const char *word)
{
    size_t length = strlen(word);

    return strncmp(argument, "--", 2) == 0 && strncmp(argument + 2, word, length) == 0 &&
                   argument[2 + length] == '='
               ? argument + 2 + length + 1
               : NULL;
}

#define USAGE                                                                               \
    "usage: shmapfs-broker [OPTION...]\n"                                                   \
    "\n"                                                                                    \
    "Gives the mounts of ordinary users the kernel's passthrough. shmapfs-broker.socket\n"  \
    "starts it; shmapfs(8), THE BROKER, and docs/security.md tell more.\n"                  \
    "\n"                                                                                    \
    "  --files=N        registered files that a user may have (65536)\n"                    \
    "  --ratio=PERCENT  share of the page cache that waits for writing back, for a mount\n" \
    "                   without passthrough (20); 0: as the kernel has it\n"                \
    "  --seconds=N      how long a request may take (20)\n"                                 \
    "  --socket=PATH    make a socket of root's there, instead of taking systemd's"

struct settings {
    const char *socket;
    unsigned files, ratio, seconds;
};

static void read_arguments(int argc, char **argv, struct settings *settings)
{
    const char *value;

    for (int i = 1; i < argc; i++) {
        if ((value = value_of(argv[i], "socket"))) {
            settings->socket = value;
        } else if ((value = value_of(argv[i], "files"))) {
            settings->files = number_of("files", value, 1, 1U << 24);
        } else if ((value = value_of(argv[i], "ratio"))) {
            settings->ratio = number_of("ratio", value, 0, RELIEF_PERCENT_MAX);
        } else if ((value = value_of(argv[i], "seconds"))) {
            settings->seconds = number_of("seconds", value, 1, 3600);
        } else if (strcmp(argv[i], "--version") == 0) {
            puts("shmapfs-broker " SHMAPFS_VERSION);
            exit(EXIT_SUCCESS);
        } else if (strcmp(argv[i], "--help") == 0) {
            puts(USAGE);
            exit(EXIT_SUCCESS);
        } else {
            errx(2, "%s: no such argument; see shmapfs-broker --help", argv[i]);
        }
    }
}

/* The process that has started it may have left signals blocked or ignored. */
static void settle_signals(void)
{
    const struct sigaction no_zombies = { .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT };
    sigset_t none;

    sigaction(SIGCHLD, &no_zombies, NULL);
    signal(SIGALRM, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

int main(int argc, char **argv)
{
    static struct broker_service service;
    struct settings settings = { .files = FILES_DEFAULT,
                                 .ratio = RATIO_DEFAULT,
                                 .seconds = SECONDS_DEFAULT };
    int error;

    read_arguments(argc, argv, &settings);
    if (geteuid() != 0)
        errx(EXIT_FAILURE, "it must be started as root");
    umask(077);
    settle_signals();
    service.socket = settings.socket ? make_socket(settings.socket) : inherit_socket();
    service.connections = connections_open();
    if (service.connections < 0)
        errx(EXIT_FAILURE, "%s: %s; mount it with: mount -t fusectl none %s", CONNECTIONS,
             strerror(-service.connections), CONNECTIONS);
    service.seconds = settings.seconds;
    service.relief.ratio = settings.ratio;
    service.ledger = ledger_make(settings.files);
    error = service.ledger ? rights_keep(RIGHTS_OF_BROKER) : -ENOMEM;
    if (error)
        errx(EXIT_FAILURE, "the rights that it does not need cannot be given up: %s",
             strerror(-error));
    serve_for_ever(&service);
}
