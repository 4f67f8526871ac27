// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl who of a mount point: all that keeps the mount in use. */
#include "tests/mount/cases/commands/json_output.h"
#include "tests/mount/cases/commands/who_output.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/workspace/workspace.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static int goes_there(struct coprocess *parent, void *path)
{
    coprocess_check(chdir(path) == 0);
    return keep_until_told(parent);
}

static int opens_a_directory(struct coprocess *parent, void *path)
{
    coprocess_check(open_as(path, O_RDONLY | O_DIRECTORY, 100) == 0);
    coprocess_check(open_as(path, O_PATH, 101) == 0);
    return keep_until_told(parent);
}

static const char *path_of(struct json_object *uses, const char *how)
{
    struct json_object *use = json_find(uses, "how", how);

    assert_non_null(use);
    return json_text(use, "path");
}

static void users_of_any_file(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess cwd, directory, mapping;
    char path[PATH_MAX + 16];

    workspace_mount(workspace, true, "anon=scratch");
    struct json_object *answer = who_json(workspace->mnt);
    assert_int_equal(count_processes(answer), 0);
    assert_int_equal(json_object_array_length(json_member(answer, "mounts")), 0);
    json_object_put(answer);
    assert_ok(mkdir("mnt/directory", 0755));
    assert_ok(close(new_file("mnt/scratch/file", 4 * PAGE)));
    start_user(&cwd, goes_there, "mnt/directory");
    start_user(&directory, opens_a_directory, "mnt/scratch");
    start_user(&mapping, maps, "mnt/scratch/file");
    // A mount point is asked about as a whole; a directory below it is not.
    answer = who_json("mnt");
    assert_int_equal(count_processes(answer), 3);
    snprintf(path, sizeof(path), "%s/directory", workspace->mnt);
    assert_string_equal(path_of(uses_of(answer, cwd.pid), "cwd"), path);
    snprintf(path, sizeof(path), "%s/scratch", workspace->mnt);
    struct json_object *uses = uses_of(answer, directory.pid);
    assert_string_equal(path_of(uses, "open"), path);
    assert_open(uses, 100, "r");
    assert_open(uses, 101, "path");
    snprintf(path, sizeof(path), "%s/scratch/file", workspace->mnt);
    assert_string_equal(path_of(uses_of(answer, mapping.pid), "mapped"), path);
    json_object_put(answer);
    answer = who_json("mnt/directory");
    assert_int_equal(count_processes(answer), 1);
    json_object_put(answer);
    end_user(&cwd);
    end_user(&directory);
    end_user(&mapping);
    workspace_unmount(workspace);
}

/* A mount whose daemon does not answer is in use by the same processes. */
static void without_a_daemon(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess cwd;

    workspace_mount(workspace, false, "nokeeper");
    start_user(&cwd, goes_there, "mnt");
    assert_ok(kill((pid_t)read_status_number(workspace, "pid"), SIGKILL));
    struct json_object *answer = who_json("mnt");
    assert_non_null(json_find(uses_of(answer, cwd.pid), "how", "cwd"));
    json_object_put(answer);
    end_user(&cwd);
    assert_int_not_equal(workspace_await_children(), -ETIMEDOUT);
    struct program_result result = run_program(workspace->root ? "umount" : "fusermount3",
                                               workspace->root ? "-i" : "-u", workspace->mnt, NULL);
    assert_done(&result);
}

static int has_a_copy(struct coprocess *parent, void *path)
{
    (void)path;
    coprocess_check(unshare(CLONE_NEWNS) == 0);
    coprocess_check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
    return keep_until_told(parent);
}

static void mounts_that_hold_it(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess coprocess;

    workspace_mount(workspace, true, "");
    assert_ok(mkdir("mnt/one", 0755));
    assert_ok(mkdir("mnt/two", 0755));
    assert_ok(mkdir("bind", 0755));
    assert_ok(mount("mnt/one", "bind", NULL, MS_BIND, NULL));
    assert_ok(mount("none", "mnt/two", "tmpfs", 0, NULL));
    struct json_object *answer = who_json("mnt"), *mounts = json_member(answer, "mounts");
    assert_int_equal(json_object_array_length(mounts), 2);
    assert_string_equal(json_text(json_find(mounts, "how", "mounted again"), "root"), "/one");
    assert_string_equal(json_text(json_find(mounts, "how", "mounted on it"), "type"), "tmpfs");
    json_object_put(answer);
    struct program_result result = run_program(shmapctl(), "who", "mnt", NULL);
    assert_done_or_incomplete(&result);
    assert_non_null(strstr(result.out, "mounted again"));
    assert_non_null(strstr(result.out, "/bind\n"));
    assert_non_null(strstr(result.out, "mounted on it (tmpfs)"));
    assert_non_null(strstr(result.out, "/mnt/two\n"));
    assert_ok(umount("mnt/two"));
    assert_ok(umount("bind"));
    start_user(&coprocess, has_a_copy, "");
    answer = who_json("mnt");
    mounts = json_member(answer, "mounts");
    struct json_object *copy = json_find(mounts, "how", "in its mount namespace");
    assert_non_null(copy);
    assert_int_equal(json_number(copy, "pid"), coprocess.pid);
    assert_string_equal(json_text(copy, "mountpoint"), workspace->mnt);
    json_object_put(answer);
    end_user(&coprocess);
    workspace_unmount(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(users_of_any_file),
    cmocka_unit_test(without_a_daemon),
    cmocka_unit_test(mounts_that_hold_it),
};

ROOT_LAST_MAIN("who_mount", cases, 1)
