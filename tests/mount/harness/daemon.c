// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/harness/daemon.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static int failed(int error, const char *what)
{
    fprintf(stderr, "FAILED: %s: %s\n", what, strerror(-error));
    return error;
}

static void execute_daemon(const struct fixture *fixture)
{
    const char *daemon = getenv("SHMAPFS"), *more = getenv("SHMAPFS_TEST_OPTIONS");
    char options[512];
    // The daemon has a keeper, as every mount does; the options can say otherwise.
    snprintf(options, sizeof(options), "keeper,size=%d%s%s%s%s%s%s%s", HARNESS_AREA_SIZE,
             fixture->store != NULL ? ",anon=anon" : "", fixture->class != NULL ? "," : "",
             fixture->class != NULL ? fixture->class : "", fixture->class != NULL ? "=persist" : "",
             fixture->nopassthrough ? ",nopassthrough" : "", more != NULL ? "," : "",
             more != NULL ? more : "");

    const char *arguments[8] = { daemon, "-f" };
    size_t count = 2;
    if (fixture->store != NULL)
        arguments[count++] = fixture->store;
    arguments[count++] = fixture->mnt;
    arguments[count++] = "-o";
    arguments[count++] = options;
    execv(daemon, (char *const *)arguments);
}

static pid_t launch(const struct sandbox *sandbox, const struct fixture *fixture, int log)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    int null = open("/dev/null", O_RDONLY);
    int error = fixture->root ? 0 : sandbox_drop_privileges(sandbox, true);
    if (error == 0 && dup2(null, 0) == 0 && dup2(log, 1) == 1 && dup2(log, 2) == 2)
        execute_daemon(fixture);
    dprintf(log, "cannot be started: %s\n", strerror(error < 0 ? -error : errno));
    _exit(127);
}

// The fifth field of a line is the mount point; ours has no character that the kernel would escape.
static bool is_mounted(FILE *mountinfo, const char *path)
{
    char *line = NULL, mounted_on[4096];
    size_t size = 0;
    bool found = false;
    rewind(mountinfo);
    while (!found && getline(&line, &size, mountinfo) > 0)
        found = sscanf(line, "%*d %*d %*s %*s %4095s", mounted_on) == 1 &&
                strcmp(mounted_on, path) == 0;
    free(line);
    return found;
}

static int await_mount(const struct fixture *fixture, FILE *mountinfo, int pidfd)
{
    long long deadline = now_ms() + WAIT_SECONDS * 1000;
    while (!is_mounted(mountinfo, fixture->mnt)) {
        struct pollfd events[] = { { .fd = fileno(mountinfo), .events = POLLPRI },
                                   { .fd = pidfd, .events = POLLIN } };
        long long left = deadline - now_ms();
        int ready = left > 0 ? poll(events, 2, (int)left) : 0;
        if (ready == 0)
            return failed(-ETIMEDOUT, "no mount appeared");
        if (ready > 0 && events[1].revents != 0) {
            daemon_has_ended(fixture);
            return failed(-ENOTCONN, "the daemon ended before it mounted");
        }
    }
    return 0;
}

int daemon_start(const struct sandbox *sandbox, struct fixture *fixture, int log)
{
    FILE *mountinfo = fopen("/proc/self/mountinfo", "re");
    if (mountinfo == NULL)
        return failed(-errno, "/proc/self/mountinfo");
    int error, pidfd = -1;
    fixture->daemon = launch(sandbox, fixture, log);
    if (fixture->daemon < 0 || (pidfd = (int)syscall(SYS_pidfd_open, fixture->daemon, 0)) < 0)
        error = failed(-errno, "the daemon's process");
    else
        error = await_mount(fixture, mountinfo, pidfd);
    fclose(mountinfo);
    if (pidfd >= 0)
        close(pidfd);
    return error;
}

static int unmount_as_user(const struct sandbox *sandbox, const char *mnt)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        if (sandbox_drop_privileges(sandbox, true) == 0)
            execlp("fusermount3", "fusermount3", "-u", mnt, NULL);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) < 0)
        return failed(-errno, "fusermount3");
    if (status == 0)
        return 0;
    fprintf(stderr, "FAILED: fusermount3 -u: status %#x\n", (unsigned)status);
    return -EBUSY;
}

static int unmount(const struct sandbox *sandbox, const struct fixture *fixture)
{
    if (sandbox->by_root && !fixture->root)
        return unmount_as_user(sandbox, fixture->mnt);
    return umount2(fixture->mnt, 0) < 0 ? failed(-errno, "umount") : 0;
}

int daemon_stop(const struct sandbox *sandbox, const struct fixture *fixture)
{
    int error = unmount(sandbox, fixture);
    if (error < 0)
        return error;

    int pidfd = (int)syscall(SYS_pidfd_open, fixture->daemon, 0);
    struct pollfd event = { .fd = pidfd, .events = POLLIN };
    int ready = poll(&event, 1, WAIT_SECONDS * 1000);
    close(pidfd);
    if (ready <= 0)
        return failed(-ETIMEDOUT, "the daemon does not end after umount");

    int status;
    waitpid(fixture->daemon, &status, 0);
    if (status == 0)
        return 0;
    fprintf(stderr, "FAILED: the daemon ended with %s %d\n",
            WIFSIGNALED(status) ? "signal" : "status",
            WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    return -EPROTO;
}

bool daemon_has_ended(const struct fixture *fixture)
{
    siginfo_t info = { 0 };
    if (fixture->daemon == 0 ||
        waitid(P_PID, (id_t)fixture->daemon, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
        info.si_pid == 0)
        return false;
    fprintf(stderr, "FAILED: the daemon has ended with %s %d\n",
            info.si_code == CLD_EXITED ? "status" : "signal", info.si_status);
    return true;
}

bool daemon_log_show(int log)
{
    char text[4096];
    bool any = false;
    ssize_t length;
    for (off_t offset = 0; (length = pread(log, text, sizeof(text), offset)) > 0;
         offset += length) {
        if (!any)
            fprintf(stderr, "FAILED: the daemon wrote:\n");
        any = true;
        fwrite(text, 1, (size_t)length, stderr);
    }
    return any;
}
