// SPDX-License-Identifier: BSD-2-Clause
/* The notify socket: a service manager gets what it is told, and one that does not listen does no
 * harm. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/util/notify.h"

#define PATIENCE 120 /* seconds until a test that hangs is ended */

/* A socket at a name of its own, which is in $NOTIFY_SOCKET: abstract, or below /tmp. */
struct manager {
    int fd;
    char name[64];
};

static struct manager make_manager(bool abstract)
{
    struct manager manager = { .fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) };
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    assert_true(manager.fd >= 0);
    snprintf(manager.name, sizeof(manager.name), "%sshmapfs-notify-%d", abstract ? "@" : "/tmp/",
             (int)getpid());
    strcpy(address.sun_path, manager.name);
    if (abstract)
        address.sun_path[0] = '\0';
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(manager.name));
    assert_int_equal(bind(manager.fd, (const struct sockaddr *)&address, length), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", manager.name, 1), 0);
    return manager;
}

static void remove_manager(const struct manager *manager)
{
    close(manager->fd);
    if (manager->name[0] == '/')
        unlink(manager->name);
    unsetenv("NOTIFY_SOCKET");
}

static struct notify prepare(void)
{
    struct notify notify;
    memset(&notify, 0x55, sizeof(notify));
    notify_prepare(&notify);
    return notify;
}

static void assert_received(const struct manager *manager, const char *wanted)
{
    char text[2048];
    ssize_t got = recv(manager->fd, text, sizeof(text) - 1, MSG_DONTWAIT);
    assert_true(got >= 0);
    text[got] = '\0';
    assert_string_equal(text, wanted);
}

static void messages_arrive_as_they_are(bool abstract)
{
    struct manager manager = make_manager(abstract);
    struct notify notify = prepare();
    int before = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
    close(before);
    assert_int_equal(notify_send(&notify, "READY=1"), 0);
    assert_int_equal(notify_send(&notify, "MAINPID=%d\nSTATUS=%s", 17, "100% served"), 0);
    int after = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
    close(after);
    assert_int_equal(after, before);
    assert_received(&manager, "READY=1");
    assert_received(&manager, "MAINPID=17\nSTATUS=100% served");
    remove_manager(&manager);
}

static void a_socket_with_a_path(void **state)
{
    (void)state;
    messages_arrive_as_they_are(false);
}

static void a_socket_with_an_abstract_name(void **state)
{
    (void)state;
    messages_arrive_as_they_are(true);
}

static void without_a_manager_nothing_is_sent(void **state)
{
    (void)state;
    char long_path[200];
    memset(long_path, 'x', sizeof(long_path));
    long_path[0] = '/';
    long_path[sizeof(long_path) - 1] = '\0';
    const char *const names[] = { "", "@", "/", "relative", "vsock:2:1234", long_path };
    unsetenv("NOTIFY_SOCKET");
    struct notify notify = prepare();
    assert_int_equal(notify.length, 0);
    assert_int_equal(notify_send(&notify, "READY=1"), 0);
    for (size_t i = 0; i < COUNT(names); i++) {
        assert_int_equal(setenv("NOTIFY_SOCKET", names[i], 1), 0);
        assert_int_equal(prepare().length, 0);
    }
    unsetenv("NOTIFY_SOCKET");
}

static void a_manager_that_is_gone_is_an_error(void **state)
{
    (void)state;
    struct manager manager = make_manager(false);
    struct notify notify = prepare();
    close(manager.fd);
    assert_int_equal(notify_send(&notify, "READY=1"), -ECONNREFUSED);
    assert_int_equal(unlink(manager.name), 0);
    assert_int_equal(notify_send(&notify, "READY=1"), -ENOENT);
    unsetenv("NOTIFY_SOCKET");
}

static void a_manager_that_does_not_listen_holds_nobody_up(void **state)
{
    (void)state;
    struct manager manager = make_manager(true);
    struct notify notify = prepare();
    int sent = 0;
    int error;
    alarm(PATIENCE);
    while ((error = notify_send(&notify, "WATCHDOG=1")) == 0)
        sent++;
    alarm(0);
    assert_int_equal(error, -EAGAIN);
    assert_true(sent > 0);
    remove_manager(&manager);
}

static void a_message_that_is_too_long_is_not_sent(void **state)
{
    (void)state;
    struct manager manager = make_manager(true);
    struct notify notify = prepare();
    char text[1024];
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(notify_send(&notify, "%s", text), 0);
    assert_received(&manager, text);
    assert_int_equal(notify_send(&notify, "%s.", text), -EMSGSIZE);
    assert_int_equal(recv(manager.fd, text, sizeof(text), MSG_DONTWAIT), -1);
    remove_manager(&manager);
}

static uint64_t watchdog(const char *period, const char *pid)
{
    assert_int_equal(period ? setenv("WATCHDOG_USEC", period, 1) : unsetenv("WATCHDOG_USEC"), 0);
    assert_int_equal(pid ? setenv("WATCHDOG_PID", pid, 1) : unsetenv("WATCHDOG_PID"), 0);
    return prepare().watchdog_us;
}

static void who_is_watched_and_how_often(void **state)
{
    (void)state;
    char own[32], other[32];
    snprintf(own, sizeof(own), "%d", (int)getpid());
    snprintf(other, sizeof(other), "%d", (int)getppid());
    assert_int_equal(watchdog("30000000", own), 30000000);
    assert_int_equal(watchdog("30000000", NULL), 30000000);
    assert_int_equal(watchdog("30000000", other), 0);
    assert_int_equal(watchdog(NULL, own), 0);
    assert_int_equal(watchdog("", own), 0);
    assert_int_equal(watchdog("-1", own), 0);
    assert_int_equal(watchdog("3x", own), 0);
    assert_int_equal(watchdog("99999999999999999999", own), 0);
    assert_int_equal(watchdog("30000000", "x"), 0);
    assert_int_equal(watchdog("30000000", ""), 0);
    watchdog(NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_socket_with_a_path),
        cmocka_unit_test(a_socket_with_an_abstract_name),
        cmocka_unit_test(without_a_manager_nothing_is_sent),
        cmocka_unit_test(a_manager_that_is_gone_is_an_error),
        cmocka_unit_test(a_manager_that_does_not_listen_holds_nobody_up),
        cmocka_unit_test(a_message_that_is_too_long_is_not_sent),
        cmocka_unit_test(who_is_watched_and_how_often),
    };
    return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}
