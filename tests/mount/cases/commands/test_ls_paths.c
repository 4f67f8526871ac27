// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl ls: which files it finds below a directory, and how it prints their paths. */
#include "tests/mount/cases/commands/json_output.h"
#include "tests/mount/cases/commands/ls_output.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/sandbox.h"
#include "tests/mount/workspace/workspace.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* The paths that ls finds below a path, with a space after each. For free(). */
static char *paths_in(const char *path)
{
    struct json_object *answer = ls_json(path);
    char *text = strdup(""), *longer;

    for (size_t i = 0; i < json_object_array_length(objects_of(answer)); i++) {
        struct json_object *one = json_object_array_get_idx(objects_of(answer), i);
        assert_ok(asprintf(&longer, "%s%s ", text, json_text(one, "path")));
        free(text);
        text = longer;
    }
    json_object_put(answer);
    return text;
}

static void assert_paths(const char *path, const char *wanted)
{
    char *paths = paths_in(path);

    assert_string_equal(paths, wanted);
    free(paths);
}

static void paths_are_sorted_and_relative(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "anon=scratch");
    assert_paths("mnt", "");
    assert_ok(mkdir("mnt/a", 0755));
    assert_ok(mkdir("mnt/a/deep", 0755));
    put_file("mnt/b", "");
    put_file("mnt/a-b", "");
    put_file("mnt/a/deep/2", "");
    put_file("mnt/a/1", "");
    put_file("mnt/scratch/file", "");
    assert_ok(symlink("b", "mnt/link"));
    assert_ok(symlink("a", "mnt/other"));
    assert_ok(mkfifo("mnt/fifo", 0644));
    assert_paths("mnt", "a-b a/1 a/deep/2 b scratch/file ");
    assert_paths("mnt//", "a-b a/1 a/deep/2 b scratch/file ");
    assert_paths("mnt/a", "1 deep/2 ");
    assert_paths("mnt/a/1", "1 ");
    // ls follows a link that is named, and none that it finds.
    assert_paths("mnt/other", "1 deep/2 ");
    struct json_object *answer = ls_json("mnt");
    assert_string_equal(json_text(ls_object(answer, "a/deep/2"), "class"), "persist");
    assert_string_equal(json_text(ls_object(answer, "scratch/file"), "class"), "anon");
    json_object_put(answer);
    answer = ls_json("mnt/scratch/file");
    assert_string_equal(json_text(ls_object(answer, "file"), "class"), "anon");
    json_object_put(answer);
    workspace_unmount(workspace);
}

static void odd_names_are_one_line(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false, "");
    put_file("mnt/two\nlines\033[1m", "");
    struct program_result result = run_program(shmapctl(), "ls", "mnt", NULL);
    assert_done_or_incomplete(&result);
    assert_non_null(strstr(result.out, "  two\\012lines\\033[1m\n"));
    assert_null(strchr(result.out, '\033'));
    struct json_object *answer = ls_json("mnt");
    ls_object(answer, "two\nlines\033[1m");
    json_object_put(answer);
    workspace_unmount(workspace);
}

static void other_mounts_are_not_entered(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false, "");
    assert_ok(mkdir("mnt/below", 0755));
    put_file("mnt/file", "");
    put_file("mnt/covered", "");
    assert_ok(mount("none", "mnt/below", "tmpfs", 0, NULL));
    put_file("mnt/below/foreign", "");
    assert_ok(mount("mnt/below/foreign", "mnt/covered", NULL, MS_BIND, NULL));
    assert_paths("mnt", "file ");
    assert_ok(umount2("mnt/covered", 0));
    assert_ok(umount2("mnt/below", 0));
    workspace_unmount(workspace);
}

enum { NESTED = 300, NAME_LENGTH = 250 };

/* Makes that many directories, one in the other, and takes them away again. */
static int nests(struct coprocess *parent, void *path)
{
    char name[NAME_LENGTH + 1] = "";

    memset(name, 'd', NAME_LENGTH);
    coprocess_check(chdir(path) == 0);
    for (int i = 0; i < NESTED; i++)
        coprocess_check(mkdir(name, 0755) == 0 && chdir(name) == 0);
    coprocess_check(coprocess_give_turn(parent) && coprocess_await_turn(parent));
    for (int i = 0; i < NESTED; i++)
        coprocess_check(chdir("..") == 0 && rmdir(name) == 0);
    return 0;
}

/* Paths that no program could use are left out, and nothing else is. */
static void directories_nested_too_deeply(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess coprocess;

    workspace_mount(workspace, false, "");
    assert_ok(mkdir("mnt/b", 0755));
    put_file("mnt/a", "");
    put_file("mnt/b/file", "");
    put_file("mnt/c", "");
    assert_int_equal(coprocess_start(&coprocess, nests, (char *)(uintptr_t) "mnt/b"), 0);
    assert_true(coprocess_await_turn(&coprocess));
    struct program_result result = run_program(shmapctl(), "ls", "--name", "[!d]*", "mnt", NULL);
    assert_true(coprocess_give_turn(&coprocess));
    assert_coprocess_succeeds(&coprocess);
    assert_int_equal(result.status, FAILED);
    assert_non_null(strstr(result.out, "  a\n"));
    assert_non_null(strstr(result.out, "  b/file\n"));
    assert_non_null(strstr(result.out, "  c\n"));
    assert_int_equal(strncmp(result.err, "shmapctl: mnt/b/ddd", 19), 0);
    assert_non_null(strstr(result.err, "left out"));
    assert_ptr_equal(strchr(result.err, '\n'), result.err + strlen(result.err) - 1);
    workspace_unmount(workspace);
}

/* Moves a directory to and fro until it is told to end. */
static int moves_to_and_fro(struct coprocess *parent, void *argument)
{
    struct pollfd turn = { .fd = parent->in, .events = POLLIN };

    (void)argument;
    coprocess_check(coprocess_give_turn(parent));
    while (poll(&turn, 1, 0) == 0) {
        coprocess_check(rename("mnt/one/moved", "mnt/other/moved") == 0);
        coprocess_check(rename("mnt/other/moved", "mnt/one/moved") == 0);
    }
    return 0;
}

static void directories_that_are_moved_meanwhile(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess coprocess;

    workspace_mount(workspace, false, "");
    assert_ok(mkdir("mnt/one", 0755));
    assert_ok(mkdir("mnt/one/moved", 0755));
    assert_ok(mkdir("mnt/other", 0755));
    for (int i = 0; i < 20; i++) {
        char path[64];
        snprintf(path, sizeof(path), "mnt/one/moved/%d", i);
        put_file(path, "");
    }
    put_file("mnt/first", "");
    put_file("mnt/last", "");
    assert_int_equal(coprocess_start(&coprocess, moves_to_and_fro, NULL), 0);
    assert_true(coprocess_await_turn(&coprocess));
    for (int i = 0; i < 50; i++) {
        struct json_object *answer = ls_json("mnt");
        ls_object(answer, "first");
        ls_object(answer, "last");
        json_object_put(answer);
    }
    assert_true(coprocess_give_turn(&coprocess));
    assert_coprocess_succeeds(&coprocess);
    workspace_unmount(workspace);
}

/* Lists as a user who may not enter some of his own directories. */
static int list_what_is_closed(void *argument)
{
    (void)argument;
    struct program_result result = run_program(shmapctl(), "ls", "mnt", NULL);
    assert_int_equal(result.status, FAILED);
    assert_non_null(strstr(result.err, "mnt/closed: Permission denied\n"));
    assert_non_null(strstr(result.err, "mnt/no-entry: Permission denied\n"));
    // One line for each directory, whatever is in it.
    assert_null(strstr(result.err, "mnt/no-entry/"));
    assert_non_null(strstr(result.out, "  open/file\n"));
    assert_null(strstr(result.out, "closed"));
    return 0;
}

static void closed_directories(void **state)
{
    struct workspace *workspace = workspace_of(state);
    static const char *const names[] = { "mnt/closed", "mnt/no-entry", "mnt/open" };

    workspace_mount(workspace, false, "");
    for (size_t i = 0; i < 3; i++) {
        char path[64];
        assert_ok(mkdir(names[i], 0755));
        snprintf(path, sizeof(path), "%s/file", names[i]);
        put_file(path, "contents");
        snprintf(path, sizeof(path), "%s/more", names[i]);
        put_file(path, "contents");
    }
    assert_ok(chmod("mnt/closed", 0));
    assert_ok(chmod("mnt/no-entry", 0444));
    if (workspace->root)
        assert_int_equal(harness_as(NOBODY, NOBODY, 0, NULL, list_what_is_closed, NULL), 0);
    else
        list_what_is_closed(NULL);
    workspace_unmount(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(paths_are_sorted_and_relative),
    cmocka_unit_test(odd_names_are_one_line),
    cmocka_unit_test(directories_nested_too_deeply),
    cmocka_unit_test(directories_that_are_moved_meanwhile),
    cmocka_unit_test(closed_directories),
    cmocka_unit_test(other_mounts_are_not_entered),
};

// The last of them mounts something in the mount.
ROOT_LAST_MAIN("ls_paths", cases, 1)
