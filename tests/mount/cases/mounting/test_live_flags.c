// SPDX-License-Identifier: BSD-2-Clause
// The flags of a mount, and what follows from them, change while it is in use.
#include "tests/mount/cases/mounting/mount_helper.h"
#include "tests/mount/harness/class_attribute.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/workspace/workspace.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

static void names_are_anonymous_after_it_was_read_only(void **state)
{
    static const char line[] = "ro,skeleton,anon=scratch:later";
    struct workspace *workspace = workspace_of(state);

    begin_helper(workspace);
    workspace_mount(workspace, true, "anon=scratch");
    workspace_unmount(workspace);
    workspace_mount(workspace, true, line);
    assert_true(stat_of("mnt/scratch").st_ino != 0);
    remount(workspace, line); // A line of fstab passes
    remount(workspace, "rw");
    assert_ok(mkdir("mnt/scratch/kept", 0700));
    assert_ok(access("store/scratch/kept", F_OK));
    assert_ok(mkdir("mnt/later", 0755));
    assert_class("mnt/later", "anon");
    assert_ok(mkdir("mnt/later/kept", 0700));
    put_file("mnt/later/file", "contents");
    assert_errno(access("store/later/file", F_OK), ENOENT);
    workspace_unmount(workspace);
    workspace_mount(workspace, true, "");
    assert_ok(access("mnt/scratch/kept", F_OK));
    assert_ok(access("mnt/later/kept", F_OK));
    workspace_unmount(workspace);
    end_helper(workspace);
}

static void nothing_becomes_persistent_unsaid(void **state)
{
    struct workspace *workspace = workspace_of(state);

    begin_helper(workspace);
    assert_ok(mkdir("store/scratch", 0755));
    workspace_mount(workspace, true, "ro,anon=scratch");
    remount(workspace, "ro,anon=scratch");
    struct program_result result = try_remount(workspace, "rw");
    assert_refused(&result, 32, "'rw'", "scratch", NULL);
    assert_errno(mkdir("mnt/scratch/dir", 0755), EROFS);
    workspace_unmount(workspace);
    end_helper(workspace);
}

/* As an administrator does who protects one mount, while containers have others of its
 * filesystem. */
static void one_mount_that_is_read_only_stays_alone(void **state)
{
    struct workspace *workspace = workspace_of(state);

    begin_helper(workspace);
    workspace_mount(workspace, true, "size=4m");
    assert_ok(mkdir("other", 0755));
    assert_ok(mount("mnt", "other", NULL, MS_BIND, NULL));
    assert_ok(mount(NULL, "mnt", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
    remount(workspace, "size=8m");
    assert_int_equal(read_status_number(workspace, "ram_area.size"), 8 << 20);
    assert_true(flags_of(workspace) & ST_RDONLY);
    put_file("other/file", "1");
    remount(workspace, "ro,noexec");
    assert_int_equal(flags_of(workspace) & (ST_RDONLY | ST_NOEXEC), ST_RDONLY | ST_NOEXEC);
    put_file("other/file", "2");
    remount(workspace, "rw");
    put_file("mnt/file", "3");
    assert_content("other/file", "3");
    assert_ok(umount("other"));
    workspace_unmount(workspace);
    end_helper(workspace);
}

struct asker {
    const char *mnt;
    atomic_bool ends;
};

static void *ask(void *argument)
{
    struct asker *asker = argument;
    char value[8];

    while (!asker->ends)
        getxattr(asker->mnt, "user.shmapfs.options?rw", value, sizeof(value));
    return NULL;
}

static void questions_meanwhile_change_nothing(void **state)
{
    enum { ROUNDS = 20, ASKERS = 6 };
    struct workspace *workspace = workspace_of(state);
    pthread_t threads[ASKERS];

    begin_helper(workspace);
    for (int round = 0; round < ROUNDS; round++) {
        struct asker asker = { .mnt = workspace->mnt };

        workspace_mount(workspace, true, "ro");
        for (int i = 0; i < ASKERS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, ask, &asker), 0);
        remount(workspace, "rw");
        asker.ends = true;
        for (int i = 0; i < ASKERS; i++)
            pthread_join(threads[i], NULL);
        put_file("mnt/file", "contents");
        workspace_unmount(workspace);
    }
    end_helper(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(names_are_anonymous_after_it_was_read_only),
    cmocka_unit_test(nothing_becomes_persistent_unsaid),
    cmocka_unit_test(one_mount_that_is_read_only_stays_alone),
    cmocka_unit_test(questions_meanwhile_change_nothing),
};

WORKSPACE_MAIN("live_flags", cases)
