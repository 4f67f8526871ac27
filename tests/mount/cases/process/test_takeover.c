// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the daemon and its service manager tell each other. The case is the manager: it starts the daemon in the
 * foreground, reads what it says, sends it signals, and starts another one where the first one's mount lives on.
 */
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/keeper.h"
#include "tests/mount/load/load_kinds.h"
#include "tests/mount/survive/survive.h"
#include "tests/mount/workspace/workspace.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WAIT_SECONDS = 60, PINGS = 5, RESTARTS = 10, STUCK_PERIOD = 4000000, PERIOD = 1000000 };

struct manager {
    const struct workspace *workspace;
    int socket;
};

/* What somebody has told the manager. */
struct message {
    pid_t from;
    char text[2048];
};

static struct manager listen_for(const struct workspace *workspace)
{
    struct manager manager = { .workspace = workspace,
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

static void stop_listening(struct manager *manager)
{
    assert_ok(unsetenv("NOTIFY_SOCKET"));
    assert_ok(unsetenv("WATCHDOG_USEC"));
    assert_ok(close(manager->socket));
}

static void watch_every(unsigned microseconds)
{
    char text[32];

    snprintf(text, sizeof(text), "%u", microseconds);
    assert_ok(setenv("WATCHDOG_USEC", text, 1));
}

/* Takes the next message, for a minute at most; without waiting: false if there is none. */
static bool hear(const struct manager *manager, bool wait, struct message *message)
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

/* Whether one line of the message is exactly this one. */
static bool says(const struct message *message, const char *line)
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

static bool is_ping(const struct message *message)
{
    return strncmp(message->text, "WATCHDOG=1", 10) == 0;
}

/* Takes messages up to one that has this line. Only pings may come before it. */
static struct message await_line(const struct manager *manager, const char *line)
{
    struct message message;

    for (;;) {
        hear(manager, true, &message);
        if (says(&message, line))
            return message;
        if (!is_ping(&message))
            fail_msg("wanted %s, but %d says %s", line, (int)message.from, message.text);
    }
}

static void await_pings(const struct manager *manager, pid_t from)
{
    for (int i = 0; i < PINGS; i++)
        assert_int_equal(await_line(manager, "WATCHDOG=1").from, from);
}

static void hear_nothing_from(const struct manager *manager, pid_t stranger)
{
    struct message message;

    while (hear(manager, false, &message))
        if (message.from == stranger)
            fail_msg("%d, which is not known, says %s", (int)stranger, message.text);
}

/* Starts a daemon as a service manager does; what it says goes to the file «log». */
static pid_t start(const struct manager *manager, const char *binary, const char *more)
{
    const struct workspace *workspace = manager->workspace;
    char options[256];

    snprintf(options, sizeof(options), "keeper,takeover,%s%s",
             workspace->passthrough ? "" : "nopassthrough,", more);
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

/* Starts a service whose mount is new. */
static pid_t start_new(const struct manager *manager)
{
    pid_t pid = start(manager, shmapfs(), "");
    char line[64];
    struct message message = await_line(manager, "READY=1");

    snprintf(line, sizeof(line), "MAINPID=%d", (int)pid);
    assert_true(says(&message, line));
    assert_int_equal(message.from, pid);
    assert_int_equal(read_status_number(manager->workspace, "keeper"), pid);
    return pid;
}

/* Starts it where its mount lives; returns what the manager is told when the start is done. */
static struct message start_again(const struct manager *manager, const char *binary, pid_t keeper)
{
    pid_t pid = start(manager, binary, "");
    char line[64];

    snprintf(line, sizeof(line), "MAINPID=%d", (int)keeper);
    struct message message = await_line(manager, line);
    assert_true(says(&message, "READY=1"));
    assert_int_equal(message.from, pid);
    assert_int_equal(wait_for_process(pid), 0);
    assert_int_equal(read_status_number(manager->workspace, "keeper"), keeper);
    return message;
}

/* The first half of a restart; returns the new keeper. */
static pid_t pass_on(const struct manager *manager, pid_t keeper)
{
    assert_ok(kill(keeper, SIGUSR1));
    assert_int_equal(wait_for_process(keeper), 0);
    pid_t next = (pid_t)read_status_number(manager->workspace, "keeper");
    assert_int_not_equal(next, keeper);
    // Our own child, as the first one was.
    assert_int_equal(waitpid(next, NULL, WNOHANG), 0);
    return next;
}

static void stop(struct manager *manager, pid_t keeper)
{
    assert_ok(kill(keeper, SIGTERM));
    assert_int_equal(await_line(manager, "STOPPING=1").from, keeper);
    assert_int_equal(wait_for_process(keeper), 0);
    assert_false(workspace_is_mounted(manager->workspace->mnt));
    assert_int_equal(workspace_await_children(), 0);
    stop_listening(manager);
}

static void skip_without_survival(const struct manager *manager)
{
    struct mount_status status;

    assert_int_equal(read_mount_status(manager->workspace->mnt, &status), 0);
    if (status.survival[0] != '\0')
        harness_skip_case(status.survival);
}

static void ready_and_stopping(void **state)
{
    struct manager manager = listen_for(workspace_of(state));
    struct message message;

    pid_t keeper = start_new(&manager);
    put_file("mnt/file", "contents");
    assert_ok(kill(keeper, SIGTERM));
    assert_int_equal(await_line(&manager, "STOPPING=1").from, keeper);
    assert_int_equal(wait_for_process(keeper), 0);
    // Nobody has asked to be told that it lives.
    assert_false(hear(&manager, false, &message));
    assert_false(workspace_is_mounted(manager.workspace->mnt));
    assert_content("store/file", "contents");
    assert_int_equal(workspace_await_children(), 0);
    stop_listening(&manager);
}

static void ready_without_a_keeper(void **state)
{
    struct manager manager = listen_for(workspace_of(state));

    watch_every(PERIOD);
    pid_t pid = start(&manager, shmapfs(), "nokeeper");
    struct message message = await_line(&manager, "READY=1");
    // The manager must not wait for what will not come.
    assert_true(says(&message, "WATCHDOG_USEC=0"));
    assert_int_equal(message.from, pid);
    put_file("mnt/file", "contents");
    // There is nobody to pass it on to.
    assert_ok(kill(pid, SIGUSR1));
    assert_int_equal(wait_for_process(pid), 0);
    assert_false(workspace_is_mounted(manager.workspace->mnt));
    assert_content("store/file", "contents");
    stop_listening(&manager);
}

static void watchdog_is_fed(void **state)
{
    struct manager manager = listen_for(workspace_of(state));

    watch_every(PERIOD);
    pid_t keeper = start_new(&manager);
    await_pings(&manager, keeper);
    assert_int_equal(read_status_number(manager.workspace, "restarts"), 0);
    stop(&manager, keeper);
}

static void stuck_worker_is_replaced(void **state)
{
    struct manager manager = listen_for(workspace_of(state));

    watch_every(STUCK_PERIOD);
    pid_t keeper = start_new(&manager);
    skip_without_survival(&manager);
    put_file("mnt/file", "contents");
    int fd = open_file("mnt/file", O_RDWR);
    int64_t worker = read_status_number(manager.workspace, "pid");
    stop_process((pid_t)worker);
    // All of this waits for the next one.
    put_file("mnt/other", "contents");
    assert_content("mnt/file", "contents");
    assert_int_equal(pwrite(fd, "C", 1, 0), 1);
    assert_ok(close(fd));
    assert_content("mnt/file", "Contents");
    assert_int_not_equal(read_status_number(manager.workspace, "pid"), worker);
    assert_int_equal(read_status_number(manager.workspace, "restarts"), 1);
    assert_int_equal(read_status_number(manager.workspace, "keeper"), keeper);
    assert_true(log_says("did not answer"));
    await_pings(&manager, keeper);
    stop(&manager, keeper);
}

static void hangup_upgrades(void **state)
{
    struct manager manager = listen_for(workspace_of(state));

    watch_every(PERIOD);
    pid_t keeper = start_new(&manager);
    skip_without_survival(&manager);
    int64_t worker = read_status_number(manager.workspace, "pid");
    put_file("mnt/file", "contents");
    int fd = open_file("mnt/file", O_RDONLY);
    assert_ok(flock(fd, LOCK_EX));
    assert_ok(kill(keeper, SIGHUP));
    while (read_status_number(manager.workspace, "upgrades") == 0)
        sched_yield();
    assert_int_equal(read_status_number(manager.workspace, "keeper"), keeper);
    assert_int_not_equal(read_status_number(manager.workspace, "pid"), worker);
    await_pings(&manager, keeper);
    int other = open_file("mnt/file", O_RDONLY);
    assert_errno(flock(other, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    assert_ok(close(other));
    assert_ok(close(fd));
    stop(&manager, keeper);
}

/* Everything that a restart must leave as it is: an open file, a mapping, a lock, a file without a name. */
static void restart_keeps_what_is_in_use(void **state)
{
    struct manager manager = listen_for(workspace_of(state));
    char byte;

    watch_every(PERIOD);
    pid_t keeper = start_new(&manager);
    skip_without_survival(&manager);
    put_file("mnt/file", "contents");
    int fd = open_file("mnt/file", O_RDWR);
    char *mapping = map_shared(fd, 8);
    assert_ok(flock(fd, LOCK_EX));
    int nameless = open_file("mnt/nameless", O_RDWR | O_CREAT);
    assert_ok(unlink("mnt/nameless"));

    pid_t next = pass_on(&manager, keeper);
    mapping[0] = 'C';
    assert_content("mnt/file", "Contents");
    hear_nothing_from(&manager, next);
    assert_true(strchr(start_again(&manager, shmapfs(), next).text, 'S') == NULL);
    await_pings(&manager, next);
    assert_int_equal(read_status_number(manager.workspace, "upgrades"), 1);
    assert_int_equal(read_status_number(manager.workspace, "restarts"), 0);

    assert_int_equal(pwrite(fd, "K", 1, 7), 1);
    assert_int_equal(mapping[7], 'K');
    int other = open_file("mnt/file", O_RDONLY);
    assert_errno(flock(other, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    assert_ok(close(other));
    assert_int_equal(pwrite(nameless, "x", 1, 0), 1);
    assert_int_equal(pread(nameless, &byte, 1, 0), 1);
    assert_ok(close(nameless));
    unmap(mapping, 8);
    assert_ok(close(fd));
    stop(&manager, next);
    assert_content("store/file", "ContentK");
}

static void restarts_under_load(void **state)
{
    struct manager manager = listen_for(workspace_of(state));
    const char *binaries[] = { binary_in("SHMAPFS_NEXT"), shmapfs() };

    watch_every(30000000);
    pid_t keeper = start_new(&manager);
    skip_without_survival(&manager);
    assert_ok(mkdir("mnt/load", 0755));
    struct load *load = load_start("mnt/load", load_everything, (uint64_t)time(NULL));
    assert_non_null(load);
    assert_int_equal(load_run(load), 0);
    for (int i = 0; i < RESTARTS; i++) {
        assert_int_equal(load_await_calls(load, 500), 0);
        keeper = pass_on(&manager, keeper);
        assert_int_equal(load_await_calls(load, 500), 0);
        hear_nothing_from(&manager, keeper);
        start_again(&manager, binaries[i % 2], keeper);
    }
    assert_int_equal(load_await_calls(load, 500), 0);
    assert_int_equal(load_rest(load), 0);
    struct load_figures figures = load_stop(load);
    assert_int_equal(figures.failed, 0);
    assert_int_equal(figures.different, 0);
    assert_int_equal(read_status_number(manager.workspace, "upgrades"), RESTARTS);
    assert_int_equal(read_status_number(manager.workspace, "restarts"), 0);
    stop(&manager, keeper);
}

/* The manager may have been told to watch since the keeper was started. */
static void watchdog_that_came_later_is_fed(void **state)
{
    struct manager manager = listen_for(workspace_of(state));

    pid_t keeper = start_new(&manager);
    skip_without_survival(&manager);
    keeper = pass_on(&manager, keeper);
    watch_every(PERIOD);
    start_again(&manager, shmapfs(), keeper);
    await_pings(&manager, keeper);
    // The next binary has to know of it, too.
    struct program_result result = run_program(shmapctl(), "upgrade", manager.workspace->mnt, NULL);
    assert_done(&result);
    await_pings(&manager, keeper);
    stop(&manager, keeper);
}

static void mount_that_refuses_the_upgrade_is_adopted(void **state)
{
    struct manager manager = listen_for(workspace_of(state));

    pid_t keeper = start_new(&manager);
    skip_without_survival(&manager);
    put_file("mnt/file", "contents");
    keeper = pass_on(&manager, keeper);
    struct message message = start_again(&manager, binary_in("SHMAPFS_ALIEN"), keeper);
    assert_non_null(strstr(message.text, "\nSTATUS="));
    assert_non_null(strstr(message.text, "layout"));
    assert_true(log_says("could not be upgraded"));
    assert_int_equal(read_status_number(manager.workspace, "upgrades"), 0);
    assert_content("mnt/file", "contents");
    stop(&manager, keeper);
}

/* All processes of the mount die at once: stopped, none of them sees the end of another. */
static void kill_all(pid_t keeper)
{
    pid_t workers[16];
    size_t count = 0;
    char path[64];

    stop_process(keeper);
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)keeper, (int)keeper);
    FILE *children = fopen(path, "re");
    assert_non_null(children);
    while (count < 16 && fscanf(children, "%d", &workers[count]) == 1)
        stop_process(workers[count++]);
    fclose(children);
    assert_true(count > 0);
    assert_ok(kill(keeper, SIGKILL));
    assert_int_equal(wait_for_process(keeper), 128 + SIGKILL);
    while (count > 0)
        assert_ok(kill(workers[--count], SIGKILL));
}

static void dead_mount_is_replaced(void **state)
{
    struct manager manager = listen_for(workspace_of(state));

    pid_t keeper = start_new(&manager);
    put_file("mnt/file", "contents");
    kill_all(keeper);
    assert_true(workspace_await_children() >= 0);
    assert_true(workspace_is_mounted(manager.workspace->mnt));
    assert_errno(open("mnt/file", O_RDONLY), ENOTCONN);
    keeper = start_new(&manager);
    assert_content("mnt/file", "contents");
    assert_true(log_says("was taken away"));
    stop(&manager, keeper);
}

static void mount_without_a_keeper_is_not_adopted(void **state)
{
    const struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "nokeeper");
    struct program_result result =
        run_program(shmapfs(), "-f", workspace->mnt, "-o", "keeper,takeover", NULL);
    assert_refused(&result, 1, workspace->mnt, "without a keeper", "unmount", NULL);
    assert_true(workspace_is_mounted(workspace->mnt));
    workspace_unmount(workspace);
}

/* Only root can have the file that tells of a process's control groups look otherwise. */
static void mount_of_another_service_is_not_adopted(void **state)
{
    const struct workspace *workspace = workspace_of(state);
    char path[64];

    if (!workspace->root)
        return;
    workspace_mount(workspace, true, "");
    int64_t worker = read_status_number(workspace, "pid");
    snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)read_status_number(workspace, "keeper"));
    put_file("cgroup", "0::/system.slice/another.service\n");
    assert_ok(mount("cgroup", path, NULL, MS_BIND, NULL));
    struct program_result result =
        run_program(shmapfs(), "-f", workspace->mnt, "-o", "keeper,takeover", NULL);
    assert_ok(umount(path));
    assert_refused(&result, 1, workspace->mnt, "not of this service", "unmount", NULL);
    assert_int_equal(read_status_number(workspace, "pid"), worker);
    workspace_unmount(workspace);
}

/* In the background it is not the daemon's service that the environment speaks of. */
static void in_the_background_nobody_is_told(void **state)
{
    struct manager manager = listen_for(workspace_of(state));
    struct message message;

    watch_every(PERIOD);
    workspace_mount(manager.workspace, true, "takeover");
    put_file("mnt/file", "contents");
    workspace_unmount(manager.workspace);
    assert_false(hear(&manager, false, &message));
    stop_listening(&manager);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(ready_and_stopping),
    cmocka_unit_test(ready_without_a_keeper),
    cmocka_unit_test(watchdog_is_fed),
    cmocka_unit_test(stuck_worker_is_replaced),
    cmocka_unit_test(hangup_upgrades),
    cmocka_unit_test(restart_keeps_what_is_in_use),
    cmocka_unit_test(restarts_under_load),
    cmocka_unit_test(watchdog_that_came_later_is_fed),
    cmocka_unit_test(mount_that_refuses_the_upgrade_is_adopted),
    cmocka_unit_test(dead_mount_is_replaced),
    cmocka_unit_test(mount_without_a_keeper_is_not_adopted),
    cmocka_unit_test(mount_of_another_service_is_not_adopted),
    cmocka_unit_test(in_the_background_nobody_is_told),
};

WORKSPACE_MAIN("supervise", cases)
