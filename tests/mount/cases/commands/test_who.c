// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl who: every way in which a process uses a file. */
#include "tests/mount/cases/commands/json_output.h"
#include "tests/mount/cases/commands/who_output.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/workspace/workspace.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Descriptors that the case can name: what the coprocess has inherited is below. */
enum { READS = 100, WRITES, BOTH, NEITHER };

static void open_files(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess coprocess;

    workspace_mount(workspace, true, "anon=scratch");
    put_file("mnt/file", "contents");
    put_file("mnt/scratch/file", "contents");
    for (int i = 0; i < 2; i++) {
        const char *path = i == 0 ? "mnt/file" : "mnt/scratch/file";
        struct json_object *answer = who_json(path);
        assert_int_equal(count_processes(answer), 0);
        json_object_put(answer);
        start_user(&coprocess, opens, path);
        answer = who_json(path);
        assert_int_equal(count_processes(answer), 1);
        struct json_object *uses = uses_of(answer, coprocess.pid);
        assert_non_null(uses);
        assert_int_equal(json_object_array_length(uses), 4);
        assert_open(uses, READS, "r");
        assert_open(uses, WRITES, "w");
        assert_open(uses, BOTH, "rw");
        assert_open(uses, NEITHER, "path");
        json_object_put(answer);
        // The same number in another area is another file.
        answer = who_json(i == 0 ? "mnt/scratch/file" : "mnt/file");
        assert_int_equal(count_processes(answer), 0);
        json_object_put(answer);
        end_user(&coprocess);
    }
    workspace_unmount(workspace);
}

static void mappings_that_outlive_their_descriptor(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess coprocess;

    workspace_mount(workspace, true, "anon=scratch");
    for (int i = 0; i < 2; i++) {
        const char *path = i == 0 ? "mnt/file" : "mnt/scratch/file";
        assert_ok(close(new_file(path, 4 * PAGE)));
        start_user(&coprocess, maps, path);
        struct json_object *answer = who_json(path);
        struct json_object *uses = uses_of(answer, coprocess.pid);
        assert_non_null(uses);
        assert_int_equal(json_object_array_length(uses), 5);
        assert_mapped(uses, "shared", "rw", 0, 2 * PAGE);
        assert_mapped(uses, "shared", "r", PAGE, PAGE);
        assert_mapped(uses, "private", "rw", 2 * PAGE, PAGE);
        assert_mapped(uses, "private", "rx", 0, PAGE);
        assert_mapped(uses, "shared", "none", 3 * PAGE, PAGE);
        json_object_put(answer);
        end_user(&coprocess);
    }
    workspace_unmount(workspace);
}

static void files_without_a_name(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess coprocess;
    char path[64];

    workspace_mount(workspace, true, "");
    assert_ok(close(new_file("mnt/file", 4 * PAGE)));
    int fd = open_file("mnt/file", O_RDONLY);
    assert_ok(link("mnt/file", "mnt/other"));
    start_user(&coprocess, maps, "mnt/file");
    assert_ok(unlink("mnt/file"));
    struct json_object *answer = who_json("mnt/other");
    assert_non_null(uses_of(answer, coprocess.pid));
    json_object_put(answer);
    assert_ok(unlink("mnt/other"));
    snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), fd);
    answer = who_json(path);
    assert_non_null(uses_of(answer, coprocess.pid));
    assert_open(uses_of(answer, getpid()), fd, "r");
    json_object_put(answer);
    assert_ok(close(fd));
    end_user(&coprocess);
    workspace_unmount(workspace);
}

/* Becomes a program that reads until its standard input ends, and says that it has begun. */
static int executes(struct coprocess *parent, void *path)
{
    dup2(parent->in, STDIN_FILENO);
    dup2(parent->out, STDOUT_FILENO);
    execl(path, path, NULL);
    coprocess_complain(__FILE__, __LINE__, "execl");
    return 1;
}

#define PROGRAM "a-program-with-a-rather-long-name"

static void programs_that_run(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess coprocess;

    workspace_mount(workspace, true, "");
    struct program_result result = run_program("cp", "/bin/cat", "mnt/" PROGRAM, NULL);
    assert_done(&result);
    assert_int_equal(coprocess_start(&coprocess, executes, (char *)(uintptr_t)("mnt/" PROGRAM)), 0);
    // It repeats a word, which shows that it runs.
    assert_true(coprocess_give_turn(&coprocess) && coprocess_await_turn(&coprocess));
    struct json_object *answer = who_json("mnt/" PROGRAM);
    struct json_object *uses = uses_of(answer, coprocess.pid);
    assert_non_null(uses);
    assert_non_null(json_find(uses, "how", "executing"));
    struct json_object *mapping = json_find(uses, "access", "rx");
    assert_non_null(mapping);
    assert_string_equal(json_text(mapping, "sharing"), "private");
    struct json_object *process =
        json_find_number(json_member(answer, "processes"), "pid", coprocess.pid);
    // The kernel itself keeps 15 bytes of it.
    assert_string_equal(json_text(process, "command"), PROGRAM);
    assert_int_equal(json_number(process, "uid"), geteuid());
    assert_string_equal(json_text(process, "user"), workspace->root ? "root" : "nobody");
    json_object_put(answer);
    assert_coprocess_succeeds(&coprocess);
    workspace_unmount(workspace);
}

static int goes_there(struct coprocess *parent, void *path)
{
    coprocess_check(chdir(path) == 0);
    return keep_until_told(parent);
}

static int is_confined(struct coprocess *parent, void *path)
{
    coprocess_check(chroot(path) == 0);
    return keep_until_told(parent);
}

static void directories(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess coprocess;

    workspace_mount(workspace, true, "anon=scratch");
    assert_ok(mkdir("mnt/directory", 0755));
    static const char *const paths[] = { "mnt", "mnt/directory", "mnt/scratch" };
    for (size_t i = 0; i < 3; i++) {
        start_user(&coprocess, goes_there, paths[i]);
        struct json_object *answer = who_json(paths[i]);
        assert_int_equal(count_processes(answer), 1);
        assert_non_null(json_find(uses_of(answer, coprocess.pid), "how", "cwd"));
        json_object_put(answer);
        end_user(&coprocess);
    }
    if (workspace->root) {
        start_user(&coprocess, is_confined, "mnt/directory");
        struct json_object *answer = who_json("mnt/directory");
        assert_int_equal(count_processes(answer), 1);
        assert_non_null(json_find(uses_of(answer, coprocess.pid), "how", "root"));
        json_object_put(answer);
        end_user(&coprocess);
    }
    workspace_unmount(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(open_files),
    cmocka_unit_test(mappings_that_outlive_their_descriptor),
    cmocka_unit_test(files_without_a_name),
    cmocka_unit_test(programs_that_run),
    cmocka_unit_test(directories),
};

WORKSPACE_MAIN("who", cases)
