// SPDX-License-Identifier: BSD-2-Clause
// The directories that are kept of an anonymous directory, while the processes of the mount die.
#include "tests/mount/cases/classes/skeleton.h"
#include "tests/mount/harness/class_attribute.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/interrupted_call.h"
#include "tests/mount/keeper/keeper.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/xattr.h>
#include <unistd.h>

static pid_t start(const struct workspace *workspace)
{
    pid_t keeper = keeper_start_with_crashpoints(workspace, true);

    make_class_root("mnt/scratch", "anon");
    assert_ok(keep_skeleton("mnt/scratch", true));
    return keeper;
}

/* Calls that change a directory; the argument says which of two ways. */

static int make(void *argument)
{
    (void)argument;
    return mkdir("mnt/scratch/new", 0751);
}

static int take_away(void *argument)
{
    (void)argument;
    return rmdir("mnt/scratch/new");
}

static int move(void *argument)
{
    return argument ? rename("mnt/scratch/a", "mnt/scratch/other/moved")
                    : rename("mnt/scratch/other/moved", "mnt/scratch/a");
}

/* The one that is replaced has attributes of its own. */
static int replace(void *argument)
{
    (void)argument;
    return rename("mnt/scratch/a", "mnt/scratch/replaced");
}

static int exchange(void *argument)
{
    (void)argument;
    return renameat2(AT_FDCWD, "mnt/scratch/a", AT_FDCWD, "mnt/scratch/other", RENAME_EXCHANGE);
}

static int change_mode(void *argument)
{
    return chmod("mnt/scratch/a", argument ? 0711 : 0755);
}

static int change_attribute(void *argument)
{
    return argument ? setxattr("mnt/scratch/a", "user.word", "value", 5, XATTR_CREATE)
                    : removexattr("mnt/scratch/a", "user.word");
}

static int change_switch(void *argument)
{
    return keep_skeleton("mnt/scratch", argument != NULL);
}

static char yes[] = "yes";

static void names_change_once(void **state)
{
    struct workspace *workspace = workspace_of(state);

    pid_t keeper = start(workspace);
    for (unsigned i = 0; i < CRASHPOINTS; i++) {
        call_and_die(keeper, i, make, NULL);
        assert_mirrored("scratch");
        assert_true(exists("store/scratch/new"));
        call_and_die(keeper, i, take_away, NULL);
        assert_mirrored("scratch");
        assert_false(exists("store/scratch/new"));
    }
    keeper_stop(workspace, keeper);
}

static void renames_happen_once(void **state)
{
    struct workspace *workspace = workspace_of(state);

    pid_t keeper = start(workspace);
    assert_true(mkdir("mnt/scratch/other", 0700) == 0 && mkdir("mnt/scratch/a", 0711) == 0);
    assert_ok(mkdir("mnt/scratch/a/below", 0700));
    for (unsigned i = 0; i < CRASHPOINTS; i++) {
        call_and_die(keeper, i, move, yes);
        assert_mirrored("scratch");
        assert_true(exists("store/scratch/other/moved/below"));
        assert_ok(move(NULL));
        call_and_die(keeper, i, exchange, NULL);
        assert_mirrored("scratch");
        assert_true(exists("store/scratch/other/below"));
        assert_ok(exchange(NULL));
        assert_ok(mkdir("mnt/scratch/replaced", 0770));
        call_and_die(keeper, i, replace, NULL);
        assert_mirrored("scratch");
        assert_true(exists("store/scratch/replaced/below"));
        assert_ok(rename("mnt/scratch/replaced", "mnt/scratch/a"));
    }
    keeper_stop(workspace, keeper);
}

static void attributes_change_once(void **state)
{
    struct workspace *workspace = workspace_of(state);

    pid_t keeper = start(workspace);
    assert_ok(mkdir("mnt/scratch/a", 0755));
    bool has_attributes = has_user_attributes("mnt/scratch/a");
    for (unsigned i = 0; i < CRASHPOINTS; i++) {
        call_and_die(keeper, i, change_mode, i % 2 ? NULL : yes);
        assert_mirrored("scratch");
        if (has_attributes) {
            call_and_die(keeper, i, change_attribute, yes);
            assert_int_equal(getxattr("store/scratch/a", "user.word", NULL, 0), 5);
            assert_ok(change_attribute(NULL));
        }
        call_and_die(keeper, i, change_switch, NULL);
        assert_false(exists("store/scratch/a"));
        call_and_die(keeper, i, change_switch, yes);
        assert_mirrored("scratch");
    }
    keeper_stop(workspace, keeper);
}

/* A directory that gets the name again is anonymous, whoever serves by then. */
static void name_stays_anonymous(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct keeper_settings settings = { .with_store = true,
                                        .options = "anon=new",
                                        .variable = "SHMAPFS_FAULTS",
                                        .stops_at_points = true };
    char path[] = "mnt/new";

    pid_t keeper = keeper_start(workspace, &settings);
    for (unsigned i = 0; i < CRASHPOINTS; i++) {
        assert_ok(rmdir(path));
        call_and_die(keeper, i, make_directory_at, path);
        assert_class(path, "anon");
        assert_int_equal(stat_of(path).st_mode & 07777, 0755);
    }
    struct program_result result = run_program(shmapctl(), "upgrade", workspace->mnt, NULL);
    assert_int_equal(result.status, 0);
    assert_true(rmdir(path) == 0 && mkdir(path, 0700) == 0);
    assert_class(path, "anon");
    keeper_stop(workspace, keeper);
}

/* A change that was answered is there, whenever all processes are killed at once. */
static void all_processes_are_killed(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct keeper_settings settings = { .with_store = true, .options = "anon=scratch,skeleton" };
    char path[64];

    for (int round = 0; round < 4; round++) {
        pid_t keeper = keeper_start(workspace, &settings);
        for (int i = 0; i < 5 * round; i++) {
            snprintf(path, sizeof(path), "mnt/scratch/%d", i);
            assert_true(exists(path));
        }
        for (int i = 5 * round; i < 5 * round + 5; i++) {
            snprintf(path, sizeof(path), "mnt/scratch/%d", i);
            assert_ok(mkdir(path, 0700 + i));
        }
        char *skeleton = skeleton_of("mnt/scratch");
        pid_t worker = keeper_worker(keeper), standby = keeper_standby(keeper);
        assert_ok(kill(keeper, SIGSTOP)); // It is not to start others.
        assert_true(kill(worker, SIGKILL) == 0 && kill(standby, SIGKILL) == 0);
        assert_ok(kill(keeper, SIGKILL));
        workspace_await_children();
        run_program("fusermount3", "-uz", workspace->mnt, NULL);
        assert_skeleton("store/scratch", skeleton);
        free(skeleton);
    }
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(names_change_once),        cmocka_unit_test(renames_happen_once),
    cmocka_unit_test(attributes_change_once),   cmocka_unit_test(name_stays_anonymous),
    cmocka_unit_test(all_processes_are_killed),
};

WORKSPACE_MAIN("skeleton_deaths", cases)
