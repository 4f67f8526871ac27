// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl ls: how it prints, what it counts, and what it refuses. */
#include "tests/mount/cases/commands/json_output.h"
#include "tests/mount/cases/commands/ls_output.h"
#include "tests/mount/harness/class_attribute.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/workspace/workspace.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static int uses_twice(struct coprocess *parent, void *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);

    coprocess_check(fd >= 0 && open(path, O_RDONLY | O_CLOEXEC) >= 0);
    coprocess_check(map_path(path, page_size()) != NULL);
    coprocess_check(coprocess_give_turn(parent));
    coprocess_check(coprocess_await_turn(parent));
    return 0;
}

static void processes_are_counted(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess coprocesses[3];

    workspace_mount(workspace, true, "anon=scratch");
    assert_ok(close(new_file("mnt/file", PAGE)));
    assert_ok(close(new_file("mnt/scratch/file", PAGE)));
    assert_ok(close(new_file("mnt/unused", PAGE)));
    assert_ok(prctl(PR_SET_DUMPABLE, 1));
    for (int i = 0; i < 3; i++) {
        const char *path = i < 2 ? "mnt/file" : "mnt/scratch/file";
        assert_int_equal(coprocess_start(&coprocesses[i], uses_twice, (char *)(uintptr_t)path), 0);
        assert_true(coprocess_await_turn(&coprocesses[i]));
    }
    assert_int_equal(ls_number("file", "users"), 2);
    assert_int_equal(ls_number("scratch/file", "users"), 1);
    assert_int_equal(ls_number("unused", "users"), 0);
    for (int i = 0; i < 3; i++) {
        assert_true(coprocess_give_turn(&coprocesses[i]));
        assert_coprocess_succeeds(&coprocesses[i]);
    }
    assert_int_equal(ls_number("file", "users"), 0);
    workspace_unmount(workspace);
}

static bool nothing_is_open(void *workspace)
{
    return read_status_number(workspace, "open_files") == 0;
}

static void listing_leaves_no_trace(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "anon=scratch,strictatime");
    put_file("mnt/file", "contents");
    put_file("mnt/scratch/file", "contents");
    struct stat before = stat_of("mnt/file"), before_anon = stat_of("mnt/scratch/file");
    next_tick();
    json_object_put(ls_json("mnt"));
    struct stat after = stat_of("mnt/file"), after_anon = stat_of("mnt/scratch/file");
    assert_int_equal(compare_times(before.st_atim, after.st_atim), 0);
    assert_int_equal(compare_times(before.st_ctim, after.st_ctim), 0);
    assert_int_equal(compare_times(before_anon.st_atim, after_anon.st_atim), 0);
    assert_int_equal(compare_times(before_anon.st_ctim, after_anon.st_ctim), 0);
    assert_true(becomes_true(nothing_is_open, workspace));
    workspace_unmount(workspace);
}

static void answers_in_words(void **state)
{
    struct workspace *workspace = workspace_of(state);

    need_cachestat();
    workspace_mount(workspace, true, "anon=scratch,huge=never");
    int fd = new_file("mnt/scratch/file", 0);
    write_pages(fd);
    assert_ok(close(fd));
    put_file("mnt/empty", "");
    struct program_result result = run_program(shmapctl(), "ls", "mnt", NULL);
    assert_done_or_incomplete(&result);
    if (page_size() == 4096)
        assert_string_equal(result.out,
                            area_is_passthrough(workspace, "ram_area")
                                ? "CLASS    SIZE  ALLOCATED  RESIDENT  DIRTY  USERS  PATH\n"
                                  "persist    0B         0B         0      0      0  empty\n"
                                  "anon        -          -         -      -      0  scratch/\n"
                                  "anon      40K        40K        10      0      0  scratch/file\n"
                                  "total     40K        40K        10      0      -  "
                                  "2 objects, 1 directory\n"
                                : "CLASS    SIZE  ALLOCATED  RESIDENT  DIRTY  USERS  PATH\n"
                                  "persist    0B         0B         0      0      0  empty\n"
                                  "anon        -          -         -      -      0  scratch/\n"
                                  "anon      40K        40K        20      0      0  scratch/file\n"
                                  "total     40K        40K        20      0      -  "
                                  "2 objects, 1 directory\n");
    workspace_unmount(workspace);
}

/* A file has its own class, and the one that it is to get. */
static void classes_of_files_are_shown(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct program_result result;
    struct json_object *answer;

    workspace_mount(workspace, true, "");
    put_file("mnt/file", "");
    put_file("mnt/other", "");
    assert_ok(set_class("mnt/other", "anon"));
    int fd = open_file("mnt/file", O_RDONLY);
    assert_ok(set_class("mnt/file", "anon"));
    result = run_program(shmapctl(), "ls", "mnt", NULL);
    assert_done_or_incomplete(&result);
    assert_non_null(strstr(result.out, "\npersist->anon "));
    answer = ls_json("mnt");
    assert_string_equal(json_text(ls_object(answer, "file"), "class"), "persist");
    assert_string_equal(json_text(ls_object(answer, "file"), "next_class"), "anon");
    assert_string_equal(json_text(ls_object(answer, "other"), "class"), "anon");
    assert_null(json_object_object_get(ls_object(answer, "other"), "next_class"));
    json_object_put(answer);
    assert_ok(close(fd));
    workspace_unmount(workspace);
}

static void refusals(void **state)
{
    struct workspace *workspace = workspace_of(state);

    struct program_result result = run_program(shmapctl(), "ls", workspace->store, NULL);
    assert_refused(&result, FAILED, workspace->store, "not a file or directory of a shmapfs mount",
                   NULL);
    result = run_program(shmapctl(), "ls", "missing", NULL);
    assert_refused(&result, FAILED, "missing", "No such file", NULL);
    result = run_program(shmapctl(), "ls", NULL);
    assert_int_equal(result.status, USAGE);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(processes_are_counted),
    cmocka_unit_test(listing_leaves_no_trace),
    cmocka_unit_test(classes_of_files_are_shown),
    cmocka_unit_test(answers_in_words),
    cmocka_unit_test(refusals),
};

WORKSPACE_MAIN("ls", cases)
