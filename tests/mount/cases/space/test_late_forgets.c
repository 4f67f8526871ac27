// SPDX-License-Identifier: BSD-2-Clause
/*
 * A removed file keeps its space, and a descriptor of the daemon, until the daemon has served the
 * kernel's FORGET of it. That may be late: a request that needs either meanwhile waits, and does not
 * fail. So it is with a RELEASE, and with what takes a file that nobody writes any more.
 */
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/kernel.h"
#include "tests/mount/keeper/process.h"
#include "tests/mount/workspace/workspace.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* LATE and NEEDED files have room one after the other, but not together. */
enum { LIMIT = 256, LATE = 140, NEEDED = 132, CLIENTS = 12, NEARLY = 70, STALL_MS = 200 };

enum { AREA_MIB = 8, WAITS_MS = 400, FAR = 4 << 20 };

/* The daemon's limit: the io_uring transport has descriptors for each processor. */
static int limit(void)
{
    return LIMIT + (is_over_uring() ? 2 * get_nprocs_conf() : 0);
}

static void mount_small(const struct workspace *workspace, int mebibytes)
{
    const char *more = getenv("SHMAPFS_TEST_OPTIONS");
    char options[256], script[256], hold[PATH_MAX + 8];

    snprintf(options, sizeof(options), "size=%dm%s%s%s", mebibytes,
             workspace->nopassthrough ? ",nopassthrough" : "", more != NULL ? "," : "",
             more != NULL ? more : "");
    snprintf(script, sizeof(script), "ulimit -n %d && exec \"$@\"", limit());
    snprintf(hold, sizeof(hold), "%s/hold", workspace->dir);
    if (getenv("SHMAPFS_FAULTS") == NULL)
        fail_msg("SHMAPFS_FAULTS must name the program to test");
    assert_ok(mkdir("hold", 0777));
    assert_ok(chmod("hold", 0777));
    assert_ok(setenv("SHMAPFS_HOLD", hold, 1));
    struct program_result result = run_program("sh", "-c", script, "sh", getenv("SHMAPFS_FAULTS"),
                                               workspace->mnt, "-o", options, NULL);
    assert_ok(unsetenv("SHMAPFS_HOLD"));
    assert_done(&result);
}

/* Makes files and removes them at once, but keeps using them: each takes a descriptor until this
 * process ends. Counts them; returns an errno when there can be no more. */
static int keep_removed_files(unsigned client, int count, atomic_int *made)
{
    char path[64];

    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof(path), "mnt/file%u-%d", client, i);
        if (mknod(path, S_IFREG | 0644, 0) == -1 || open(path, O_PATH | O_CLOEXEC) == -1 ||
            unlink(path) == -1)
            return errno;
        atomic_fetch_add(made, 1);
    }
    return 0;
}

/* Fills the area with one file; returns an errno. */
static int fill_area(const char *path)
{
    static const char piece[1 << 20];
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    int error = 0;

    for (int i = 0; i < AREA_MIB && error == 0; i++)
        error = write(fd, piece, sizeof(piece)) == sizeof(piece) ? 0 : errno;
    if (fd == -1 || close(fd) == -1)
        error = errno;
    return error;
}

struct client {
    unsigned number;
    int count;
    atomic_int *made; // by all clients; in memory that is shared
};

static int keep_until_told(struct coprocess *parent, void *argument)
{
    const struct client *client = argument;

    coprocess_check(keep_removed_files(client->number, client->count, client->made) == 0);
    coprocess_check(coprocess_give_turn(parent) && coprocess_await_turn(parent));
    return 0;
}

/* Removes a file that takes all space, but keeps it until it is told, between two others: of what
 * a process has at its end, either end may be forgotten first. */
static int keep_removed_space(struct coprocess *parent, void *made)
{
    coprocess_check(fill_area("mnt/big") == 0 && keep_removed_files(0, 1, made) == 0);
    coprocess_check(open("mnt/big", O_PATH | O_CLOEXEC) != -1 && unlink("mnt/big") == 0);
    coprocess_check(keep_removed_files(1, 1, made) == 0);
    coprocess_check(coprocess_give_turn(parent) && coprocess_await_turn(parent));
    return 0;
}

static atomic_int *shared_count(void)
{
    void *memory =
        mmap(NULL, sizeof(atomic_int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(memory, MAP_FAILED);
    return memory;
}

/* Has the FORGETs of what the process uses until it is told come all at once, and the thread that
 * serves them go no further than the first. Returns what holds it: it goes on when that is
 * unlocked. */
static int hold_forgets(const struct workspace *workspace, coprocess_body *keep, void *argument)
{
    pid_t daemon = (pid_t)read_status_number(workspace, "pid");
    struct coprocess coprocess;

    assert_int_equal(coprocess_start(&coprocess, keep, argument), 0);
    assert_true(coprocess_await_turn(&coprocess));
    int hold = open("hold/in-forget", O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    assert_ok(hold);
    assert_ok(flock(hold, LOCK_EX));
    // The kernel puts together what waits.
    stop_process(daemon);
    assert_true(coprocess_give_turn(&coprocess));
    assert_coprocess_succeeds(&coprocess);
    assert_ok(kill(daemon, SIGCONT));
    while (exists("hold/in-forget"))
        sched_yield();
    return hold;
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * (int64_t)1000 + now.tv_nsec / 1000000;
}

/* How many of the clients have not ended. */
static int count_running(const struct coprocess coprocesses[], int clients)
{
    int count = 0;

    for (int i = 0; i < clients; i++) {
        siginfo_t info = { 0 };
        assert_ok(waitid(P_PID, (id_t)coprocesses[i].pid, &info, WEXITED | WNOHANG | WNOWAIT));
        count += info.si_pid == 0;
    }
    return count;
}

/* Until the clients get no further because descriptors are short, or have ended. */
static void await_shortage(pid_t daemon, const struct coprocess coprocesses[], int clients,
                           const atomic_int *made)
{
    int64_t since = now_ms();
    int before = 0;

    while (count_running(coprocesses, clients) > 0 && now_ms() - since < STALL_MS) {
        int now = atomic_load(made);
        if (now != before || (int)descriptors_of(daemon) < limit() - NEARLY)
            since = now_ms();
        before = now;
        sched_yield();
    }
}

/* So many clients need what is left, and more, while FORGETs are late. */
static void need_descriptors(const struct workspace *workspace, int clients)
{
    struct client client = { .count = LATE, .made = shared_count() };
    struct coprocess coprocesses[CLIENTS];

    mount_small(workspace, 64);
    pid_t daemon = (pid_t)read_status_number(workspace, "pid");
    int hold = hold_forgets(workspace, keep_until_told, &client);
    atomic_store(client.made, 0);
    client.count = NEEDED / clients;
    for (int i = 0; i < clients; i++) {
        client.number = (unsigned)i + 1;
        assert_int_equal(coprocess_start(&coprocesses[i], keep_until_told, &client), 0);
    }
    await_shortage(daemon, coprocesses, clients, client.made);
    assert_ok(flock(hold, LOCK_UN));
    for (int i = 0; i < clients; i++)
        assert_true(coprocess_await_turn(&coprocesses[i]));
    assert_int_equal(atomic_load(client.made), clients * client.count);
    for (int i = 0; i < clients; i++) {
        assert_true(coprocess_give_turn(&coprocesses[i]));
        assert_coprocess_succeeds(&coprocesses[i]);
    }
    assert_ok(close(hold));
    assert_ok(munmap(client.made, sizeof(*client.made)));
    workspace_unmount(workspace);
}

static void late_forgets_are_waited_for(void **state)
{
    need_descriptors(workspace_of(state), 1);
}

static void late_forgets_are_waited_for_by_many(void **state)
{
    need_descriptors(workspace_of(state), CLIENTS);
}

static void late_space_is_waited_for(void **state)
{
    struct workspace *workspace = workspace_of(state);

    mount_small(workspace, AREA_MIB);
    atomic_int *made = shared_count();
    int hold = hold_forgets(workspace, keep_removed_space, made);
    int64_t since = now_ms();
    pid_t pid = fork();
    if (pid == 0)
        _exit(fill_area("mnt/next"));
    siginfo_t info = { 0 };
    while (now_ms() - since < WAITS_MS && info.si_pid == 0) {
        assert_ok(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT));
        sched_yield();
    }
    assert_ok(flock(hold, LOCK_UN));
    assert_int_equal(wait_for_process(pid), 0);
    assert_ok(close(hold));
    assert_ok(munmap(made, sizeof(*made)));
    workspace_unmount(workspace);
}

/* Nothing is late: the files are in use. */
static void files_in_use_are_not_waited_for_long(void **state)
{
    enum { TOO_MANY = 400 };
    struct workspace *workspace = workspace_of(state);
    atomic_int *made = shared_count();

    mount_small(workspace, 64);
    pid_t pid = fork();
    if (pid == 0)
        _exit(keep_removed_files(1, TOO_MANY, made));
    assert_int_equal(wait_for_process(pid), ENFILE);
    assert_in_range(atomic_load(made), LIMIT / 2, TOO_MANY - 1);
    // With their process they go, and there is room again.
    pid = fork();
    if (pid == 0)
        _exit(keep_removed_files(2, LIMIT / 2, made));
    assert_int_equal(wait_for_process(pid), 0);
    assert_ok(munmap(made, sizeof(*made)));
    workspace_unmount(workspace);
}

static int find_data(struct coprocess *parent, void *argument)
{
    off_t found = lseek(*(int *)argument, 0, SEEK_DATA);

    coprocess_check(coprocess_give_turn(parent) && coprocess_await_turn(parent));
    coprocess_check(found > 0 && found <= FAR);
    return 0;
}

/* Makes a file append-only, and ends that. */
static int guard(struct coprocess *parent, void *argument)
{
    int flags, error;

    coprocess_check(ioctl(*(int *)argument, FS_IOC_GETFLAGS, &flags) == 0);
    flags |= FS_APPEND_FL;
    error = ioctl(*(int *)argument, FS_IOC_SETFLAGS, &flags) == 0 ? 0 : errno;
    coprocess_check(coprocess_give_turn(parent) && coprocess_await_turn(parent));
    coprocess_check(error == 0);
    flags &= ~FS_APPEND_FL;
    coprocess_check(ioctl(*(int *)argument, FS_IOC_SETFLAGS, &flags) == 0);
    return 0;
}

/* close(2) returns before its RELEASE is served, and until then the daemon knows a writer. */
static void wait_for_a_late_release(const struct workspace *workspace, coprocess_body *body)
{
    struct coprocess client;

    if (is_over_uring())
        return; // There the daemon cannot see what is on its way.
    mount_small(workspace, AREA_MIB);
    int fd = new_file("mnt/file", 0);
    assert_int_equal(pwrite(fd, "d", 1, FAR), 1);
    int reader = open_file("mnt/file", O_RDONLY);
    int hold = open("hold/before-execution", O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    assert_ok(hold);
    assert_ok(flock(hold, LOCK_EX));
    assert_ok(close(fd));
    while (exists("hold/before-execution"))
        sched_yield();
    assert_int_equal(coprocess_start(&client, body, &reader), 0);
    // A client that does not wait answers meanwhile.
    struct pollfd answer = { .fd = client.in, .events = POLLIN };
    assert_ok(poll(&answer, 1, WAITS_MS));
    // The other process has the descriptor, too.
    assert_ok(flock(hold, LOCK_UN));
    assert_true(coprocess_await_turn(&client));
    assert_true(coprocess_give_turn(&client));
    assert_coprocess_succeeds(&client);
    assert_ok(close(hold));
    assert_ok(close(reader));
    workspace_unmount(workspace);
}

static void holes_wait_for_a_late_release(void **state)
{
    wait_for_a_late_release(workspace_of(state), find_data);
}

static void flags_wait_for_a_late_release(void **state)
{
    if (workspace_of(state)->root)
        wait_for_a_late_release(workspace_of(state), guard);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(late_forgets_are_waited_for),
    cmocka_unit_test(late_forgets_are_waited_for_by_many),
    cmocka_unit_test(late_space_is_waited_for),
    cmocka_unit_test(files_in_use_are_not_waited_for_long),
    cmocka_unit_test(holes_wait_for_a_late_release),
    cmocka_unit_test(flags_wait_for_a_late_release),
};

WORKSPACE_MAIN("late_forgets", cases)
