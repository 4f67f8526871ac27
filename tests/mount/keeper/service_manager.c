// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/keeper/service_manager.h"

#include "tests/mount/harness/coprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PINGS = 5 };

struct service_manager service_manager_listen(const struct workspace *workspace)
{
    struct service_manager manager = { .workspace = workspace,
                                       .socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) };
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int on = 1;

    assert_ok(manager.socket);
    snprintf(address.sun_path, sizeof(address.sun_path), "%.90s/notify", workspace->dir);
    assert_ok(bind(manager.socket, (struct sockaddr *)&address, sizeof(address)));
    assert_ok(setsockopt(manager.socket, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
    assert_ok(setenv("NOTIFY_SOCKET", address.sun_path, 1));
    return manager;
}

void service_manager_close(struct service_manager *manager)
{
    assert_ok(unsetenv("NOTIFY_SOCKET"));
    assert_ok(unsetenv("WATCHDOG_USEC"));
    assert_ok(close(manager->socket));
}

void set_watchdog_period(unsigned microseconds)
{
    char text[32];

    snprintf(text, sizeof(text), "%u", microseconds);
    assert_ok(setenv("WATCHDOG_USEC", text, 1));
}

bool hear_message(const struct service_manager *manager, bool wait, struct service_message *message)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(struct ucred))];
    } control;
    struct iovec part = { .iov_base = message->text, .iov_len = sizeof(message->text) - 1 };
    struct msghdr header = { .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control) };
    struct pollfd event = { .fd = manager->socket, .events = POLLIN };
    struct ucred sender;

    if (poll(&event, 1, wait ? WAIT_SECONDS * 1000 : 0) != 1) {
        if (wait)
            fail_msg("nobody tells the manager anything");
        return false;
    }
    ssize_t length = recvmsg(manager->socket, &header, 0);
    assert_ok(length);
    message->text[length] = '\0';
    memcpy(&sender, CMSG_DATA(&control.header), sizeof(sender));
    message->from = sender.pid;
    return true;
}

bool message_says(const struct service_message *message, const char *line)
{
    size_t length = strlen(line);

    for (const char *at = message->text; at != NULL && *at != '\0';) {
        if (strncmp(at, line, length) == 0 && (at[length] == '\n' || at[length] == '\0'))
            return true;
        at = strchr(at, '\n');
        at += at != NULL;
    }
    return false;
}

static bool is_ping(const struct service_message *message)
{
    return strncmp(message->text, "WATCHDOG=1", 10) == 0;
}

struct service_message await_message(const struct service_manager *manager, const char *line)
{
    struct service_message message;

    for (;;) {
        hear_message(manager, true, &message);
        if (message_says(&message, line))
            return message;
        if (!is_ping(&message))
            fail_msg("wanted %s, but %d says %s", line, (int)message.from, message.text);
    }
}

void await_pings(const struct service_manager *manager, pid_t from)
{
    for (int i = 0; i < PINGS; i++)
        assert_int_equal(await_message(manager, "WATCHDOG=1").from, from);
}

void hear_nothing_from(const struct service_manager *manager, pid_t stranger)
{
    struct service_message message;

    while (hear_message(manager, false, &message))
        if (message.from == stranger)
            fail_msg("%d, which is not known, says %s", (int)stranger, message.text);
}

pid_t start_service(const struct service_manager *manager, const char *binary, const char *more)
{
    const struct workspace *workspace = manager->workspace;
    char options[256];

    snprintf(options, sizeof(options), "keeper,takeover,%s%s",
             workspace->nopassthrough ? "nopassthrough," : "", more);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        char self[32];
        sigset_t none;
        int log = open("log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        snprintf(self, sizeof(self), "%d", (int)getpid());
        setenv("WATCHDOG_PID", self, 1);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        if (dup2(log, STDERR_FILENO) == STDERR_FILENO)
            execl(binary, binary, "-f", workspace->store, workspace->mnt, "-o", options, NULL);
        _exit(127);
    }
    assert_ok(pid);
    return pid;
}

pid_t start_new_service(const struct service_manager *manager)
{
    pid_t pid = start_service(manager, shmapfs(), "");
    char line[64];
    struct service_message message = await_message(manager, "READY=1");

    need_survival(manager->workspace);
    snprintf(line, sizeof(line), "MAINPID=%d", (int)pid);
    assert_true(message_says(&message, line));
    assert_int_equal(message.from, pid);
    assert_int_equal(read_status_number(manager->workspace, "keeper"), pid);
    return pid;
}

struct service_message restart_service(const struct service_manager *manager, const char *binary,
                                       pid_t keeper)
{
    pid_t pid = start_service(manager, binary, "");
    char line[64];

    snprintf(line, sizeof(line), "MAINPID=%d", (int)keeper);
    struct service_message message = await_message(manager, line);
    assert_true(message_says(&message, "READY=1"));
    assert_int_equal(message.from, pid);
    assert_int_equal(wait_for_process(pid), 0);
    assert_int_equal(read_status_number(manager->workspace, "keeper"), keeper);
    return message;
}

pid_t pass_on_mount(const struct service_manager *manager, pid_t keeper)
{
    assert_ok(kill(keeper, SIGUSR1));
    assert_int_equal(wait_for_process(keeper), 0);
    pid_t next = (pid_t)read_status_number(manager->workspace, "keeper");
    assert_int_not_equal(next, keeper);
    // Our own child, as the first one was.
    assert_int_equal(waitpid(next, NULL, WNOHANG), 0);
    return next;
}

void stop_service(struct service_manager *manager, pid_t keeper)
{
    assert_ok(kill(keeper, SIGTERM));
    assert_int_equal(await_message(manager, "STOPPING=1").from, keeper);
    assert_int_equal(wait_for_process(keeper), 0);
    assert_false(workspace_is_mounted(manager->workspace->mnt));
    assert_int_equal(workspace_await_children(), 0);
    service_manager_close(manager);
}
