// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl top: each request is counted once, by whichever thread, and for whom it may concern. */
#include "tests/mount/cases/commands/json_output.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/sandbox.h"
#include "tests/mount/keeper/process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { FAILED = 1, USAGE = 2, DIRECTORIES = 20 };

static struct json_object *top_json(void)
{
    struct program_result result = run_program(shmapctl(), "--json", "top", "--once", "mnt", NULL);

    return json_output_of(&result);
}

static int64_t served(struct json_object *answer, const char *kind)
{
    struct json_object *count;

    return json_object_object_get_ex(json_member(answer, "requests"), kind, &count)
               ? json_object_get_int64(count)
               : 0;
}

static void each_request_counts_once(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char path[64];

    workspace_mount(workspace, false, "");
    struct json_object *before = top_json();
    for (int i = 0; i < DIRECTORIES; i++) {
        snprintf(path, sizeof(path), "mnt/%d", i);
        assert_ok(mkdir(path, 0755));
    }
    struct json_object *after = top_json();
    assert_int_equal(served(after, "MKDIR") - served(before, "MKDIR"), DIRECTORIES);
    assert_true(served(after, "LOOKUP") - served(before, "LOOKUP") >= DIRECTORIES);
    assert_int_equal(served(after, "RMDIR"), 0);
    assert_int_equal(json_number(after, "pid"), read_status_number(workspace, "pid"));
    assert_string_equal(json_text(json_member(after, "status"), "mountpoint"), workspace->mnt);
    json_object_put(before);
    json_object_put(after);
    struct program_result result = run_program(shmapctl(), "top", "--once", "mnt", NULL);
    assert_done(&result);
    assert_non_null(strstr(result.out, "MKDIR"));
    // There is one mount, which need not be named.
    result = run_program(shmapctl(), "top", "--once", NULL);
    assert_done(&result);
    workspace_unmount(workspace);
}

static void a_new_worker_counts_anew(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false, "");
    need_survival(workspace);
    assert_ok(mkdir("mnt/directory", 0755));
    int64_t worker = read_status_number(workspace, "pid");
    assert_ok(kill((pid_t)worker, SIGKILL));
    while (read_status_number(workspace, "pid") == worker)
        ;
    struct json_object *answer = top_json();
    assert_int_not_equal(json_number(answer, "pid"), worker);
    assert_int_equal(served(answer, "MKDIR"), 0);
    json_object_put(answer);
    workspace_unmount(workspace);
}

static int ask_as_another(void *argument)
{
    const struct workspace *workspace = argument;
    char value[4096];

    // The kernel itself may keep others out of a user's mount.
    assert_int_equal(getxattr(workspace->mnt, "user.shmapfs.requests", value, sizeof(value)), -1);
    assert_true(errno == EPERM || errno == EACCES);
    return 0;
}

static void others_are_not_told(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false, "");
    struct program_result result = run_program(shmapctl(), "top", "--json", "mnt", NULL);
    assert_refused(&result, USAGE, "--once", NULL);
    result = run_program(shmapctl(), "top", "--once", "store", NULL);
    assert_refused(&result, FAILED, "store", "not a shmapfs mount", NULL);
    if (workspace->root)
        assert_int_equal(harness_as(NOBODY, NOBODY, 0, NULL, ask_as_another, workspace), 0);
    workspace_unmount(workspace);
    result = run_program(shmapctl(), "top", "--once", NULL);
    assert_refused(&result, FAILED, "no mount", NULL);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(each_request_counts_once),
    cmocka_unit_test(a_new_worker_counts_anew),
    cmocka_unit_test(others_are_not_told),
};

WORKSPACE_MAIN("top", cases)
