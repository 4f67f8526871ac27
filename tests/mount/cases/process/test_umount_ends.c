// SPDX-License-Identifier: BSD-2-Clause
/* A mount that was unmounted and yet lives on: in another mount namespace, or by open files. */
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/keeper.h"
#include "tests/mount/workspace/workspace.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Has a copy of the mount in a mount namespace of its own, which no change reaches, as a container
 * has. Looks at it when told to, and then goes with it. */
static int keep_a_copy(struct coprocess *parent, void *argument)
{
    const struct workspace *workspace = argument;
    struct stat st;

    // As if that were the end of its name, and advice.
    coprocess_check(prctl(PR_SET_NAME, "a), or: kill 1") == 0);
    coprocess_check(unshare(CLONE_NEWNS | (workspace->root ? 0 : CLONE_NEWUSER)) == 0);
    coprocess_check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
    coprocess_check(coprocess_give_turn(parent) && coprocess_await_turn(parent));
    bool lives = stat("mnt/file", &st) == 0;
    coprocess_check(lives || errno == ENOTCONN);
    coprocess_check(coprocess_give_turn(parent) && coprocess_await_turn(parent));
    return lives ? 0 : ENOTCONN;
}

static void unmount_here(const struct workspace *workspace, bool detach)
{
    if (workspace->root) {
        assert_ok(umount2(workspace->mnt, detach ? MNT_DETACH : 0));
        return;
    }
    struct program_result result =
        run_program("fusermount3", detach ? "-uz" : "-u", workspace->mnt, NULL);
    assert_done(&result);
}

/* Mounts, has a coprocess copy the mount, and unmounts. Returns the keeper. */
static pid_t unmount_a_copied_mount(struct workspace *workspace, struct coprocess *holder,
                                    const char *options)
{
    const struct keeper_settings settings = { .with_store = true, .options = options };

    pid_t keeper = keeper_start(workspace, &settings);
    put_file("mnt/file", "contents");
    assert_int_equal(coprocess_start(holder, keep_a_copy, workspace), 0);
    assert_true(coprocess_await_turn(holder));
    unmount_here(workspace, false);
    return keeper;
}

static void the_log_and_the_next_mount_name_the_holder(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess holder;
    char name[32], way[64];

    pid_t keeper = unmount_a_copied_mount(workspace, &holder, "");
    snprintf(name, sizeof(name), "%d (a???or:?kill?1)", (int)holder.pid);
    await_log("lives on in the mount namespaces of");
    assert_true(log_says(name));
    snprintf(way, sizeof(way), "kill %d", (int)keeper);
    assert_true(log_says(way));
    struct program_result result = workspace_try_mount(workspace, true, "");
    assert_refused(&result, 1, "STORE", name, way, NULL);
    // Its namespace has what programs and paths it likes: no command that enters it is proposed.
    assert_null(strstr(result.err, "nsenter"));
    assert_null(strstr(result.err, workspace->mnt));
    // It works there all the while.
    assert_true(coprocess_give_turn(&holder) && coprocess_await_turn(&holder));
    assert_true(coprocess_give_turn(&holder));
    assert_int_equal(coprocess_end(&holder), 0);
    assert_int_equal(wait_for_process(keeper), 0);
    assert_int_equal(log_lines("lives on"), 1);
    workspace_mount(workspace, true, "");
    assert_content("mnt/file", "contents");
    workspace_unmount(workspace);
}

static void with_umount_ends_it_ends_everywhere(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess holder;

    pid_t keeper = unmount_a_copied_mount(workspace, &holder, "umount_ends");
    assert_int_equal(wait_for_process(keeper), 0);
    struct program_result result = run_program("flock", "-n", "store/.shmapfs/lock", "true", NULL);
    assert_done(&result);
    assert_content("store/file", "contents");
    assert_true(coprocess_give_turn(&holder) && coprocess_await_turn(&holder));
    assert_true(coprocess_give_turn(&holder));
    assert_int_equal(coprocess_end(&holder), ENOTCONN);
    assert_false(log_says("lives on"));
}

static void open_files_are_told_of(void **state)
{
    struct workspace *workspace = workspace_of(state);
    const struct keeper_settings settings = { .with_store = true };

    pid_t keeper = keeper_start(workspace, &settings);
    int fd = open_file("mnt/file", O_RDWR | O_CREAT);
    unmount_here(workspace, true);
    await_log("lives on while processes use its files");
    assert_int_equal(pwrite(fd, "contents", 8, 0), 8);
    assert_ok(close(fd));
    assert_int_equal(wait_for_process(keeper), 0);
    assert_content("store/file", "contents");
}

/* An umount that is under way looks the same from the daemon: it says nothing for a while. */
static void a_place_in_it_is_told_of_late(void **state)
{
    struct workspace *workspace = workspace_of(state);
    const struct keeper_settings settings = { .with_store = true };
    struct timespec begun, told;

    pid_t keeper = keeper_start(workspace, &settings);
    int place = open_file("mnt", O_PATH | O_DIRECTORY);
    // It counts from somewhere within the call.
    assert_ok(clock_gettime(CLOCK_MONOTONIC, &begun));
    unmount_here(workspace, true);
    await_log("lives on while processes use its files");
    assert_ok(clock_gettime(CLOCK_MONOTONIC, &told));
    assert_true(told.tv_sec - begun.tv_sec > 5);
    assert_ok(close(place));
    assert_int_equal(wait_for_process(keeper), 0);
}

/* The filesystem has gone from a namespace with the last of its mounts there. */
static void another_mount_of_it_is_no_end(void **state)
{
    struct workspace *workspace = workspace_of(state);
    const struct keeper_settings settings = { .with_store = true, .options = "umount_ends" };

    if (!workspace->root)
        return; // Only root can bind it.
    pid_t keeper = keeper_start(workspace, &settings);
    assert_ok(mkdir("bound", 0755));
    assert_ok(mount(workspace->mnt, "bound", NULL, MS_BIND, NULL));
    unmount_here(workspace, false);
    put_file("bound/file", "contents");
    assert_int_equal(kill(keeper_worker(keeper), SIGKILL), 0);
    assert_content("bound/file", "contents");
    assert_ok(umount2("bound", 0));
    assert_int_equal(wait_for_process(keeper), 0);
    assert_false(log_says("lives on"));
}

/* While somebody uses the mount, umount -f leaves it where it is; the daemon takes it away then. */
static void a_connection_that_is_ended_is_told_of(void **state)
{
    struct workspace *workspace = workspace_of(state);
    const struct keeper_settings settings = { .with_store = true };

    if (!workspace->root)
        return; // Only root can end it.
    pid_t keeper = keeper_start(workspace, &settings);
    int place = open_file("mnt", O_PATH | O_DIRECTORY);
    // The daemon may be quicker than the rest of the call, which finds no mount then.
    assert_true(umount2(workspace->mnt, MNT_FORCE) == 0 || errno == EBUSY || errno == EINVAL);
    assert_int_equal(wait_for_process(keeper), 0);
    assert_int_equal(log_lines("was ended, by umount -f"), 1);
    assert_ok(close(place));
    assert_int_equal(umount2(workspace->mnt, 0), -1);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(the_log_and_the_next_mount_name_the_holder),
    cmocka_unit_test(with_umount_ends_it_ends_everywhere),
    cmocka_unit_test(open_files_are_told_of),
    cmocka_unit_test(a_place_in_it_is_told_of_late),
    cmocka_unit_test(another_mount_of_it_is_no_end),
    cmocka_unit_test(a_connection_that_is_ended_is_told_of),
};

WORKSPACE_MAIN("umount_ends", cases)
