// SPDX-License-Identifier: BSD-2-Clause
/* The keeper's answer to workers that die, stop or get signals, and what its own death leaves. */
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/keeper.h"
#include "tests/mount/keeper/surviving_mount.h"
#include "tests/mount/workspace/workspace.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static bool is_unmounted(void *argument)
{
    const struct workspace *workspace = argument;

    return !workspace_is_mounted(workspace->mnt);
}

static void keeper_killed_leaves_no_dead_mount(void **state)
{
    struct workspace *workspace = workspace_of(state);

    mount_surviving(workspace, false, "");
    put_file("mnt/file", "contents");
    int fd = open_file("mnt/file", O_RDONLY);
    struct mount_status status = mount_status_of(workspace);
    assert_ok(kill((pid_t)status.keeper, SIGKILL));
    await_end((pid_t)status.pid);
    assert_true(becomes_true(is_unmounted, workspace));
    assert_ok(close(fd));
    // The keeper was killed; how the others end is their affair.
    assert_true(workspace_await_children() > 0);
    assert_ok(mkdir("mnt/directory", 0755));
    assert_ok(rmdir("mnt/directory"));
    workspace_mount(workspace, false, "");
    assert_false(exists("mnt/file"));
    workspace_unmount(workspace);
}

/* In the foreground, and what it says in the file «log». Returns the keeper when it is mounted. */
static pid_t start_in_foreground(struct workspace *workspace)
{
    struct rlimit no_cores = { 0, 0 };
    const char *options = workspace->nopassthrough ? "keeper,nopassthrough" : "keeper";

    pid_t pid = fork();
    if (pid == 0) {
        int log = open("log", O_WRONLY | O_CREAT | O_APPEND, 0644);
        setrlimit(RLIMIT_CORE, &no_cores);
        if (dup2(log, STDERR_FILENO) == STDERR_FILENO)
            execl(shmapfs(), shmapfs(), "-f", workspace->mnt, "-o", options, NULL);
        _exit(127);
    }
    assert_ok(pid);
    while (!workspace_is_mounted(workspace->mnt)) {
        assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
        sched_yield();
    }
    return pid;
}

static void mount_in_foreground(struct workspace *workspace)
{
    pid_t pid = start_in_foreground(workspace);

    need_survival(workspace);
    assert_int_equal(mount_status_of(workspace).keeper, pid);
}

enum { DEATHS = 30 };

/* Kills the workers, and nobody who is there to clean up after them: he comes when the log has said
 * why. */
static void kill_workers(pid_t keeper)
{
    pid_t pids[CHILDREN_MOST];
    int count = children_of(keeper, pids);

    if (log_says(" workers died "))
        return;
    while (count > 0)
        kill(pids[--count], SIGKILL);
}

static void deaths_in_a_row_end_the_mount(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct timespec start, now;
    int status = -1;

    mount_in_foreground(workspace);
    pid_t keeper = (pid_t)mount_status_of(workspace).keeper;
    // A death before the keeper knows that the mount is ready ends it at once; then it starts a
    // standby.
    while (children_of(keeper, (pid_t[CHILDREN_MOST]){ 0 }) < 2)
        sched_yield();
    clock_gettime(CLOCK_MONOTONIC, &start);
    // There is no client but us, and we ask nothing.
    while (waitpid(keeper, &status, WNOHANG) == 0) {
        kill_workers(keeper);
        clock_gettime(CLOCK_MONOTONIC, &now);
        assert_true(now.tv_sec - start.tv_sec < WAIT_SECONDS);
        sched_yield();
    }
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 0);
    assert_false(workspace_is_mounted(workspace->mnt));
    assert_true(log_says("10 workers died"));
    assert_true(log_says(workspace->mnt));
    assert_true(workspace_await_children() >= 0);
}

/* The one of the keeper's children that does not serve. */
static pid_t standby_of(const struct workspace *workspace)
{
    struct mount_status status = mount_status_of(workspace);
    pid_t pids[CHILDREN_MOST];
    int count;

    while ((count = children_of((pid_t)status.keeper, pids)) < 2)
        sched_yield();
    assert_int_equal(count, 2);
    return pids[0] == status.pid ? pids[1] : pids[0];
}

/* A standby that is stopped is woken when it is needed; one that is gone is replaced. */
static void stopped_or_killed_standby(void **state)
{
    struct workspace *workspace = workspace_of(state);

    mount_surviving(workspace, false, "");
    put_file("mnt/file", "contents");
    for (int i = 0; i < 6; i++) {
        pid_t standby = standby_of(workspace);
        assert_ok(kill(standby, i % 2 ? SIGSTOP : SIGKILL));
        assert_ok(kill((pid_t)mount_status_of(workspace).pid, SIGKILL));
        assert_content("mnt/file", "contents");
        // One more if the killed standby was taken for the next worker before it was missed.
        assert_true(mount_status_of(workspace).restarts >= i + 1);
    }
    workspace_unmount(workspace);
}

/* Only the keeper ends the mount or the worker by a signal that asks for it, and nothing but
 * SIGTERM and SIGINT asks the keeper. */
static void stray_signals(void **state)
{
    static const int strays[] = { SIGILL,  SIGSEGV, SIGBUS,  SIGFPE, SIGSYS,  SIGTRAP,
                                  SIGQUIT, SIGPIPE, SIGALRM, SIGPWR, SIGTSTP, SIGXCPU };
    struct workspace *workspace = workspace_of(state);

    mount_surviving(workspace, false, "");
    put_file("mnt/file", "contents");
    struct mount_status status = mount_status_of(workspace);
    pid_t standby = standby_of(workspace);
    for (size_t i = 0; i < sizeof(strays) / sizeof(strays[0]); i++)
        assert_ok(kill((pid_t)status.keeper, strays[i]));
    assert_ok(kill((pid_t)status.keeper, SIGRTMIN));
    assert_ok(kill((pid_t)status.pid, SIGTERM));
    assert_ok(kill((pid_t)status.pid, SIGINT));
    assert_ok(kill(standby, SIGTERM));
    for (int i = 0; i < 100; i++)
        assert_content("mnt/file", "contents");
    assert_int_equal(mount_status_of(workspace).pid, status.pid);
    assert_int_equal(mount_status_of(workspace).restarts, 0);
    workspace_unmount(workspace);
}

/* A file that the daemon opens does not take the place of a closed stream. */
static void closed_streams(void **state)
{
    struct workspace *workspace = workspace_of(state);

    for (int i = 0; i < 3; i++) {
        const char *script = i == 0   ? "exec \"$@\" <&- >&- 2>&-"
                             : i == 1 ? "exec \"$@\" 2>&-"
                                      : "exec \"$@\" <&-";
        struct program_result result =
            run_program("sh", "-c", script, "sh", shmapfs(), workspace->mnt, "-o",
                        workspace->nopassthrough ? "nopassthrough" : "defaults", NULL);
        assert_int_equal(result.status, 0);
        put_file("mnt/file", "contents");
        for (int deaths = 0; deaths < 3; deaths++) {
            assert_ok(kill((pid_t)mount_status_of(workspace).pid, SIGKILL));
            assert_content("mnt/file", "contents");
        }
        result = run_program(shmapctl(), "upgrade", workspace->mnt, NULL);
        assert_done(&result);
        assert_content("mnt/file", "contents");
        workspace_unmount(workspace);
    }
}

/* A request that ends whoever serves it, again and again. */
static void poison_is_refused(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct stat attr;

    mount_failing(workspace, "SHMAPFS_POISON", "poisoned", mount_in_foreground);
    put_file("mnt/file", "contents");
    int fd = open_file("mnt/file", O_RDONLY);
    for (int i = 1; i <= 3; i++) {
        assert_errno(stat("mnt/poisoned", &attr), EIO);
        assert_int_equal(mount_status_of(workspace).restarts, 3 * i);
        assert_content("mnt/file", "contents");
    }
    assert_errno(mkdir("mnt/poisoned", 0755), EIO);
    assert_ok(rename("mnt/file", "mnt/other"));
    assert_int_equal(fstat_of(fd).st_size, 8);
    assert_ok(close(fd));
    assert_true(log_says("LOOKUP"));
    assert_true(log_says("refused"));
    workspace_unmount(workspace);
}

static int stat_file(struct coprocess *parent, void *argument)
{
    struct stat attr;

    (void)parent;
    (void)argument;
    coprocess_check(stat("mnt/file", &attr) == 0);
    return 0;
}

static bool has_failed(void *argument)
{
    (void)argument;
    return log_says("cannot be served") || log_says("cannot recover") || log_says("its rights");
}

/* While descriptors are short no worker can serve. The clients wait, and the mount goes on when
 * there are some again. */
static void shortage_passes(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess client;
    struct rlimit usual;

    mount_in_foreground(workspace);
    put_file("mnt/file", "contents");
    struct mount_status status = mount_status_of(workspace);
    pid_t keeper = (pid_t)status.keeper, standby = standby_of(workspace);
    assert_ok(prlimit(keeper, RLIMIT_NOFILE, NULL, &usual));
    struct rlimit none = { 3, usual.rlim_max };
    assert_ok(prlimit(keeper, RLIMIT_NOFILE, &none, NULL));
    assert_ok(kill(standby, SIGKILL));
    assert_ok(kill((pid_t)status.pid, SIGKILL));
    assert_ok(coprocess_start(&client, stat_file, NULL));
    assert_true(becomes_true(has_failed, NULL));
    assert_ok(prlimit(keeper, RLIMIT_NOFILE, &usual, NULL));
    assert_coprocess_succeeds(&client);
    assert_content("mnt/file", "contents");
    workspace_unmount(workspace);
}

/* A worker that dies as soon as it has answered has answered somebody: that is no crash loop. */
static void deaths_after_answers_end_no_mount(void **state)
{
    struct workspace *workspace = workspace_of(state);

    mount_failing(workspace, "SHMAPFS_FAULT", "after-reply:1", mount_in_foreground);
    // Each look is an answer, and the last one of a worker.
    while (mount_status_of(workspace).restarts < DEATHS)
        continue;
    workspace_unmount(workspace);
}

/* The first process of a PID namespace cannot hand its role to a sibling. The name in parentheses
 * is for those that can, and of which the service manager knows nothing. */
static void keeper_that_has_to_stay_has_its_name(void **state)
{
    struct workspace *workspace = workspace_of(state);

    if (!workspace->root)
        return; // Only root can make a PID namespace alone.
    int own = open_file("/proc/self/ns/pid", O_RDONLY);
    assert_ok(unshare(CLONE_NEWPID));
    pid_t keeper = start_in_foreground(workspace);
    assert_ok(setns(own, CLONE_NEWPID));
    assert_ok(close(own));
    assert_ok(kill(keeper, SIGUSR1));
    await_log("this process keeps it");
    put_file("mnt/file", "contents");
    assert_true(has_name(keeper, "shmapfs"));
    keeper_stop(workspace, keeper);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(keeper_killed_leaves_no_dead_mount),
    cmocka_unit_test(deaths_in_a_row_end_the_mount),
    cmocka_unit_test(stopped_or_killed_standby),
    cmocka_unit_test(stray_signals),
    cmocka_unit_test(closed_streams),
    cmocka_unit_test(poison_is_refused),
    cmocka_unit_test(shortage_passes),
    cmocka_unit_test(deaths_after_answers_end_no_mount),
    cmocka_unit_test(keeper_that_has_to_stay_has_its_name),
};

WORKSPACE_MAIN("keeper", cases)
