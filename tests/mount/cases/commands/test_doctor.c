// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl doctor on mounts: what it says of them, and what a report keeps to itself. */
#include "tests/mount/cases/commands/json_output.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FAILED = 1, USAGE = 2, BETTER = 4, WRONG = 5 };

static struct json_object *doctor_json(const char *path)
{
    struct program_result result = run_program(shmapctl(), "--json", "doctor", path, NULL);

    // The machine of the test may be worse than the mount.
    assert_true(result.status == 0 || result.status == BETTER || result.status == WRONG);
    result.status = 0;
    return json_output_of(&result);
}

/* The finding about a subject at a place: the text, after a look at the verdict. */
static const char *told(struct json_object *answer, const char *place, const char *subject,
                        const char *verdict)
{
    struct json_object *findings = json_member(answer, "findings");

    for (size_t i = 0; i < json_object_array_length(findings); i++) {
        struct json_object *finding = json_object_array_get_idx(findings, i);
        const char *where = json_object_get_string(json_member(finding, "place"));

        if (!where || strcmp(where, place) != 0 ||
            strcmp(json_text(finding, "subject"), subject) != 0)
            continue;
        assert_string_equal(json_text(finding, "verdict"), verdict);
        assert_int_equal(json_member(finding, "remedy") == NULL, strcmp(verdict, "fine") == 0);
        return json_text(finding, "text");
    }
    fail_msg("nothing about %s at %s", subject, place);
    return NULL;
}

static void a_mount_and_its_store(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "size=4m,huge=never");
    struct json_object *answer = doctor_json("mnt");
    told(answer, workspace->mnt, "version", "fine");
    told(answer, workspace->mnt, "survival", "fine");
    told(answer, workspace->mnt, "room", "fine");
    told(answer, workspace->mnt, "huge pages", "better");
    told(answer, workspace->store, "filesystem", "fine");
    told(answer, workspace->store, "reflink", "fine");
    const char *way =
        told(answer, workspace->mnt, "store", workspace->passthrough ? "fine" : "better");
    assert_non_null(strstr(way, workspace->passthrough ? "passthrough" : "page cache"));
    json_object_put(answer);
    workspace_unmount(workspace);
    answer = doctor_json("store");
    told(answer, "store", "leases", "fine");
    json_object_put(answer);
}

static void a_full_area_is_wrong(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false, "size=1m");
    int fd = open("mnt/file", O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(fallocate(fd, 0, 0, 1 << 20), 0);
    struct program_result result = run_program(shmapctl(), "doctor", workspace->mnt, NULL);
    assert_int_equal(result.status, WRONG);
    assert_non_null(strstr(result.out, "1.0M of 1.0M in RAM"));
    assert_non_null(strstr(result.out, "-> shmapctl resize"));
    close(fd);
    workspace_unmount(workspace);
}

static void a_dead_mount_is_wrong(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false, "nokeeper");
    assert_ok(kill(daemon_of(workspace), SIGKILL));
    workspace_await_children();
    struct json_object *answer = doctor_json(NULL);
    told(answer, workspace->mnt, "daemon", "wrong");
    json_object_put(answer);
    struct program_result result = run_program(shmapctl(), "doctor", workspace->mnt, NULL);
    assert_int_equal(result.status, WRONG);
    result = run_program(workspace->root ? "umount" : "fusermount3", workspace->root ? "-l" : "-uz",
                         workspace->mnt, NULL);
    assert_done(&result);
}

static void a_report_has_no_names(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true,
                    "size=4m,anon=private_name,scratch=private_scratch,atomic=private_atomic,"
                    "checkpoint=private_checkpoint");
    put_file("mnt/private_file", "");
    struct program_result result =
        run_program(shmapctl(), "doctor", "--report", workspace->mnt, NULL);
    assert_true(result.status == 0 || result.status == BETTER || result.status == WRONG);
    assert_string_equal(result.err, "");
    assert_non_null(strstr(result.out, "MOUNT1: version"));
    assert_non_null(strstr(result.out, "\"mountpoint\":\"MOUNT1\""));
    assert_non_null(strstr(result.out, "size=4m"));
    assert_null(strstr(result.out, "private_"));
    assert_null(strstr(result.out, workspace->dir));
    result = run_program(shmapctl(), "--json", "doctor", "--report", workspace->mnt, NULL);
    assert_refused(&result, USAGE, "--report", NULL);
    workspace_unmount(workspace);
    workspace_mount(workspace, false, "size=4m,fsname=private_source");
    result = run_program(shmapctl(), "doctor", "--report", workspace->mnt, NULL);
    assert_non_null(strstr(result.out, "size=4m"));
    assert_null(strstr(result.out, "private_"));
    workspace_unmount(workspace);
    assert_ok(mkdir("private_store", 0755));
    result = run_program(shmapctl(), "doctor", "--report", "private_store", NULL);
    assert_non_null(strstr(result.out, "STORE1: filesystem"));
    assert_null(strstr(result.out, "private_"));
}

static void what_is_neither_mount_nor_store(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false, "");
    put_file("mnt/file", "");
    struct program_result result = run_program(shmapctl(), "doctor", "mnt/file", NULL);
    assert_refused(&result, FAILED, "mount point", NULL);
    put_file("file", "");
    result = run_program(shmapctl(), "doctor", "file", NULL);
    assert_refused(&result, FAILED, "neither", NULL);
    result = run_program(shmapctl(), "doctor", "missing", NULL);
    assert_refused(&result, FAILED, "No such file", NULL);
    workspace_unmount(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(a_mount_and_its_store),           cmocka_unit_test(a_full_area_is_wrong),
    cmocka_unit_test(a_dead_mount_is_wrong),           cmocka_unit_test(a_report_has_no_names),
    cmocka_unit_test(what_is_neither_mount_nor_store),
};

WORKSPACE_MAIN("doctor", cases)
