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

enum { FAILED = 1, USAGE = 2, ROUNDS = 20 };

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

/* Returns a number of how long requests of a kind lasted. */
static int64_t lasted(struct json_object *answer, const char *kind, const char *number)
{
    return json_number(json_member(json_member(answer, "latencies"), kind), number);
}

/* Each request has a duration, some time after its client was answered. */
static void assert_durations(const char *kind)
{
    struct json_object *answer = top_json();

    while (lasted(answer, kind, "count") < served(answer, kind)) {
        json_object_put(answer);
        answer = top_json();
    }
    assert_int_equal(lasted(answer, kind, "count"), served(answer, kind));
    assert_true(lasted(answer, kind, "median_ns") >= 1000);
    assert_true(lasted(answer, kind, "p99_ns") >= lasted(answer, kind, "median_ns"));
    json_object_put(answer);
}

static void each_request_counts_once(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char path[64];

    workspace_mount(workspace, false, "");
    struct json_object *before = top_json();
    for (int i = 0; i < ROUNDS; i++) {
        snprintf(path, sizeof(path), "mnt/%d", i);
        assert_ok(mkdir(path, 0755));
    }
    struct json_object *after = top_json();
    assert_int_equal(served(after, "MKDIR") - served(before, "MKDIR"), ROUNDS);
    assert_true(served(after, "LOOKUP") - served(before, "LOOKUP") >= ROUNDS);
    assert_int_equal(served(after, "RMDIR"), 0);
    assert_durations("MKDIR");
    assert_int_equal(json_number(after, "pid"), read_status_number(workspace, "pid"));
    assert_string_equal(json_text(json_member(after, "status"), "mountpoint"), workspace->mnt);
    json_object_put(before);
    json_object_put(after);
    struct program_result result = run_program(shmapctl(), "top", "--once", "mnt", NULL);
    assert_done(&result);
    assert_non_null(strstr(result.out, "MKDIR"));
    assert_non_null(strstr(result.out, "MEDIAN"));
    // There is one mount, which need not be named.
    result = run_program(shmapctl(), "top", "--once", NULL);
    assert_done(&result);
    workspace_unmount(workspace);
}

/* Makes, renames and removes a name of each kind. */
static void work_with_names(int number)
{
    char path[64], other[64];

    snprintf(path, sizeof(path), "mnt/%d", number);
    snprintf(other, sizeof(other), "mnt/other%d", number);
    close(new_file(path, 0));
    assert_ok(rename(path, other));
    assert_ok(unlink(other));
    assert_ok(symlink("nowhere", path));
    assert_ok(unlink(path));
    assert_ok(mkdir(path, 0755));
    assert_ok(rmdir(path));
}

/* The counts are those of a caller who counts, too. */
static void counts_are_those_of_the_caller(void **state)
{
    static const struct {
        const char *kind;
        int calls;
    } done[] = { { "CREATE", 1 }, { "RENAME", 1 }, { "UNLINK", 2 }, { "SYMLINK", 1 },
                 { "MKDIR", 1 },  { "RMDIR", 1 },  { "LINK", 0 } };
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false, "");
    struct json_object *before = top_json();
    for (int i = 0; i < ROUNDS; i++)
        work_with_names(i);
    struct json_object *after = top_json();
    for (size_t i = 0; i < sizeof(done) / sizeof(done[0]); i++)
        assert_int_equal(served(after, done[i].kind) - served(before, done[i].kind),
                         done[i].calls * ROUNDS);
    json_object_put(before);
    json_object_put(after);
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
    assert_int_equal(getxattr(workspace->mnt, "user.shmapfs.latencies", value, sizeof(value)), -1);
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
    cmocka_unit_test(counts_are_those_of_the_caller),
    cmocka_unit_test(a_new_worker_counts_anew),
    cmocka_unit_test(others_are_not_told),
};

WORKSPACE_MAIN("top", cases)
