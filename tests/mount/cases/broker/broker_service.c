// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/cases/broker/broker_service.h"

#include "lib/broker/protocol.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/kernel.h"
#include "tests/mount/harness/sandbox.h"
#include "tests/mount/harness/users.h"
#include "tests/mount/keeper/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECTIONS_PLACE "/sys/fs/fuse/connections"

void broker_prepare(void)
{
    if (!kernel_is_at_least(6, 16))
        harness_skip_case("this kernel does not tell whose a FUSE device is (Linux 6.16 does)");
    if (access("/run/shmapfs", F_OK) == 0)
        return;
    assert_ok(mount("none", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755"));
    // Not in the case's own directory, where no mount may be left.
    struct sandbox sandbox = { .top = "/run" };
    assert_ok(sandbox_share_fuse_device(&sandbox));
    assert_ok(mkdir("/run/shmapfs", 0755));
    // With systemd it is mounted already.
    if (mount("none", CONNECTIONS_PLACE, "fusectl", 0, NULL) != 0)
        assert_int_equal(errno, EBUSY);
}

static bool takes_connections(void *unused)
{
    const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = BROKER_SOCKET };
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    (void)unused;
    bool taken = connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
    close(fd);
    return taken;
}

pid_t broker_start(const char *argument)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execl(getenv("SHMAPFS_BROKER"), "shmapfs-broker", "--socket=" BROKER_SOCKET, argument,
              NULL);
        _exit(127);
    }
    assert_ok(pid);
    await_true(takes_connections, NULL, "a broker that takes connections");
    assert_ok(chmod(BROKER_SOCKET, 0666));
    return pid;
}

struct only_child {
    pid_t broker, pid;
};

static bool is_alone(void *argument)
{
    struct only_child *child = argument;
    pid_t children[CHILDREN_MOST];
    int count = children_of(child->broker, children);

    child->pid = children[0];
    return count == 1;
}

pid_t broker_only_child(pid_t broker)
{
    struct only_child child = { .broker = broker };

    await_true(is_alone, &child, "a broker with one session");
    return child.pid;
}

void broker_stop(pid_t broker)
{
    pid_t children[CHILDREN_MOST];
    int count = children_of(broker, children);

    assert_ok(kill(broker, SIGTERM));
    assert_int_equal(wait_for_process(broker), 128 + SIGTERM);
    for (int i = 0; i < count; i++)
        await_end(children[i]);
}
