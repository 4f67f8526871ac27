// SPDX-License-Identifier: BSD-2-Clause
/* The keeper's own watchdog, and the standby's when the keeper is gone: which workers it replaces,
 * and which it leaves alone. */
#include "tests/mount/cases/contents/disk.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/keeper.h"
#include "tests/mount/survive/mount_status.h"
#include "tests/mount/workspace/workspace.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The shortest period, and a time in which a stuck worker would surely be replaced. */
#define WATCHDOG "watchdog=2"
enum { LONG_MILLISECONDS = 7000 };

/* More clients than a worker has threads. */
enum { CLIENTS = 100, THREADS_MOST = 256 };

struct client {
    char path[64];
    bool makes; // a directory there; otherwise it asks for what is there
    int error;  // that is right; -1: any
    struct coprocess process;
};

static int call(struct coprocess *parent, void *argument)
{
    const struct client *client = argument;
    struct stat attr;

    (void)parent;
    errno = 0;
    if (client->makes)
        mkdir(client->path, 0755);
    else
        stat(client->path, &attr);
    coprocess_check(client->error == -1 || errno == client->error);
    return 0;
}

static void start_client(struct client *client)
{
    assert_int_equal(coprocess_start(&client->process, call, client), 0);
}

static void start_clients(struct client clients[CLIENTS], const char *format, bool make, int error)
{
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){ .makes = make, .error = error };
        snprintf(clients[i].path, sizeof(clients[i].path), format, i);
        start_client(&clients[i]);
    }
}

static void await_clients(struct client clients[CLIENTS])
{
    for (int i = 0; i < CLIENTS; i++)
        assert_coprocess_succeeds(&clients[i].process);
}

/* Returns whether a process lives that long. */
static bool outlasts(pid_t pid, int milliseconds)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd event = { .fd = pidfd, .events = POLLIN };

    assert_ok(pidfd);
    int ended = poll(&event, 1, milliseconds);
    assert_ok(close(pidfd));
    return ended == 0;
}

/* As df does. */
static int ask_for_space(struct coprocess *parent, void *argument)
{
    struct statvfs space;

    (void)parent;
    (void)argument;
    coprocess_check(statvfs("mnt", &space) == 0);
    return 0;
}

static void stopped_worker_is_replaced(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess client;

    pid_t keeper = keeper_start(workspace, &(struct keeper_settings){ .options = WATCHDOG });
    put_file("mnt/file", "contents");
    // The next one is watched, too.
    for (int i = 1; i <= 2; i++) {
        pid_t worker = keeper_worker(keeper);
        stop_process(worker);
        assert_int_equal(coprocess_start(&client, ask_for_space, NULL), 0);
        await_end(worker);
        assert_coprocess_succeeds(&client);
        assert_content("mnt/file", "contents");
        assert_int_not_equal(read_status_number(workspace, "pid"), worker);
        assert_int_equal(read_status_number(workspace, "restarts"), i);
    }
    assert_int_equal(log_lines("did not answer and was killed"), 2);
    keeper_stop(workspace, keeper);
}

/* A file that the worker opens, whoever it is, and whose lock holds up its threads. */
static int lock_threads(void)
{
    int lock = open("lock", O_RDONLY | O_CREAT | O_CLOEXEC, 0444);

    assert_ok(lock);
    assert_ok(flock(lock, LOCK_EX));
    return lock;
}

/* The clients have the descriptor, too. */
static void unlock_threads(int lock)
{
    assert_ok(flock(lock, LOCK_UN));
    assert_ok(close(lock));
}

static pid_t start_with_stuck_threads(const struct workspace *workspace)
{
    char lock[PATH_MAX + 8];

    snprintf(lock, sizeof(lock), "%s/lock", workspace->dir);
    return keeper_start(workspace, &(struct keeper_settings){ .variable = "SHMAPFS_FAULTS",
                                                              .options = WATCHDOG,
                                                              .stuck = lock });
}

/* All threads wait for something that does not come. */
static void worker_in_a_deadlock_is_replaced(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct client clients[CLIENTS];

    int lock = lock_threads();
    pid_t keeper = start_with_stuck_threads(workspace);
    pid_t worker = keeper_worker(keeper);
    start_clients(clients, "mnt/stuck%d", false, ENOENT);
    await_end(worker);
    unlock_threads(lock);
    await_clients(clients);
    assert_true(log_says("did not answer and was killed"));
    keeper_stop(workspace, keeper);
}

/* A thread that is held up keeps nobody else waiting, and is no reason for a kill. */
static void one_thread_may_take_long(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct client client = { .path = "mnt/stuck", .error = ENOENT };

    int lock = lock_threads();
    pid_t keeper = start_with_stuck_threads(workspace);
    pid_t worker = keeper_worker(keeper);
    start_client(&client);
    assert_true(outlasts(worker, LONG_MILLISECONDS));
    assert_false(exists("mnt/other"));
    unlock_threads(lock);
    assert_coprocess_succeeds(&client.process);
    assert_int_equal(read_status_number(workspace, "restarts"), 0);
    keeper_stop(workspace, keeper);
}

static void it_can_be_turned_off(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct client client = { .path = "mnt/none", .error = ENOENT };

    pid_t keeper = keeper_start(workspace, &(struct keeper_settings){ .options = "watchdog=0" });
    pid_t worker = keeper_worker(keeper);
    stop_process(worker);
    start_client(&client);
    assert_true(outlasts(worker, LONG_MILLISECONDS));
    assert_ok(kill(worker, SIGCONT));
    assert_coprocess_succeeds(&client.process);
    keeper_stop(workspace, keeper);
}

/* Stops all threads of a process as a debugger does; returns how many. */
static int trace(pid_t process, pid_t threads[THREADS_MOST])
{
    char path[64];
    struct dirent *entry;
    int count = 0;

    snprintf(path, sizeof(path), "/proc/%d/task", (int)process);
    DIR *directory = opendir(path);
    assert_non_null(directory);
    while (count < THREADS_MOST && (entry = readdir(directory)) != NULL) {
        pid_t thread = (pid_t)atoi(entry->d_name);
        if (thread == 0)
            continue;
        if (ptrace(PTRACE_SEIZE, thread, NULL, NULL) == -1 && errno == EPERM)
            harness_skip_case("no debugger is allowed here");
        assert_ok(ptrace(PTRACE_INTERRUPT, thread, NULL, NULL));
        assert_int_equal(waitpid(thread, NULL, __WALL), thread);
        threads[count++] = thread;
    }
    closedir(directory);
    return count;
}

static void debugger_may_stop_a_worker(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct client client = { .path = "mnt/none", .error = ENOENT };
    pid_t threads[THREADS_MOST];

    pid_t keeper = keeper_start(workspace, &(struct keeper_settings){ .options = WATCHDOG });
    pid_t worker = keeper_worker(keeper);
    int count = trace(worker, threads);
    start_client(&client);
    assert_true(outlasts(worker, LONG_MILLISECONDS));
    while (count > 0)
        assert_ok(ptrace(PTRACE_DETACH, threads[--count], NULL, NULL));
    assert_coprocess_succeeds(&client.process);
    assert_int_equal(read_status_number(workspace, "pid"), worker);
    keeper_stop(workspace, keeper);
}

/* How often a process has gone to sleep. */
static long sleeps_of(pid_t pid)
{
    char path[64], line[128];
    long count = -1;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *status = fopen(path, "re");
    assert_non_null(status);
    while (fgets(line, sizeof(line), status) != NULL)
        if (sscanf(line, "voluntary_ctxt_switches: %ld", &count) == 1)
            break;
    fclose(status);
    return count;
}

/* Returns whether a process sleeps on for a while. */
static bool sleeps_on(pid_t pid)
{
    long before = sleeps_of(pid);

    return outlasts(pid, LONG_MILLISECONDS) && sleeps_of(pid) == before;
}

/* Returns whether the keeper sleeps on, sooner or later. Its last looks take the first while or, on
 * a busy machine, two. Where memory is short it is woken again when the kernel forgets the file. So
 * three would be too few. */
static bool comes_to_rest(pid_t keeper)
{
    enum { WHILES = 5 };

    for (int i = 0; i < WHILES; i++)
        if (sleeps_on(keeper))
            return true;
    return false;
}

static void idle_mount_wakes_nobody(void **state)
{
    struct workspace *workspace = workspace_of(state);

    pid_t keeper = keeper_start(workspace, &(struct keeper_settings){ .options = WATCHDOG });
    put_file("mnt/file", "contents");
    // It looks once more or twice whether there is something to do.
    assert_true(comes_to_rest(keeper));
    long before = sleeps_of(keeper);
    // And wakes when there is.
    stop_process(keeper_worker(keeper));
    assert_content("mnt/file", "contents");
    assert_true(sleeps_of(keeper) > before);
    keeper_stop(workspace, keeper);
}

/* Nobody but the standby can end it. */
static void worker_in_a_deadlock_follows_its_keeper(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct client clients[CLIENTS];

    int lock = lock_threads();
    pid_t keeper = start_with_stuck_threads(workspace);
    pid_t worker = keeper_worker(keeper);
    assert_ok(kill(keeper, SIGSTOP));
    start_clients(clients, "mnt/stuck%d", false, -1);
    assert_true(outlasts(worker, LONG_MILLISECONDS));
    assert_ok(kill(keeper, SIGKILL));
    await_end(worker);
    await_clients(clients);
    keeper_await_end_of_mount(workspace);
    unlock_threads(lock);
}

static void hung_disk_is_no_reason(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct client clients[CLIENTS];
    struct coprocess thawer;
    char path[64];

    disk_make(workspace, 16, "", "");
    for (int i = 0; i < CLIENTS; i++) {
        snprintf(path, sizeof(path), "store/directory%d", i);
        assert_ok(mkdir(path, 0755));
    }
    pid_t keeper = keeper_start(
        workspace, &(struct keeper_settings){ .with_store = true, .options = WATCHDOG });
    pid_t worker = keeper_worker(keeper);
    disk_freeze(&thawer);
    start_clients(clients, "mnt/directory%d/new", true, 0);
    bool lived = outlasts(worker, LONG_MILLISECONDS);
    disk_thaw(&thawer);
    await_clients(clients);
    assert_true(lived);
    assert_int_equal(read_status_number(workspace, "pid"), worker);
    assert_int_equal(read_status_number(workspace, "restarts"), 0);
    keeper_stop(workspace, keeper);
    disk_remove(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(stopped_worker_is_replaced),
    cmocka_unit_test(worker_in_a_deadlock_is_replaced),
    cmocka_unit_test(one_thread_may_take_long),
    cmocka_unit_test(it_can_be_turned_off),
    cmocka_unit_test(debugger_may_stop_a_worker),
    cmocka_unit_test(idle_mount_wakes_nobody),
    cmocka_unit_test(worker_in_a_deadlock_follows_its_keeper),
    cmocka_unit_test(hung_disk_is_no_reason), // disks are root's
};

ROOT_LAST_MAIN("watchdog", cases, 1)
