// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl ls: which objects it lists, in which order, and what they are together. */
#include "tests/mount/cases/commands/ls_output.h"
#include "tests/mount/harness/files.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void make_tree(void)
{
    assert_ok(mkdir("mnt/one", 0755));
    assert_ok(mkdir("mnt/scratch/two", 0755));
    put_file("mnt/one/b", "12345678");
    put_file("mnt/one/a.db", "1234");
    put_file("mnt/scratch/two/c.db", "123456");
    assert_ok(link("mnt/one/b", "mnt/one/again"));
    for (int i = 0; i < 3; i++) {
        static const char *const names[] = { "mnt/one/a.db", "mnt/one/b", "mnt/scratch/two/c.db" };
        struct timespec times[2] = { { .tv_sec = 1000 + i }, { .tv_sec = 1000 + i } };
        assert_ok(utimensat(AT_FDCWD, names[i], times, 0));
    }
}

static struct json_object *select_json(const char *option, const char *value)
{
    struct program_result result =
        value ? run_program(shmapctl(), "ls", "-j", option, value, "mnt", NULL)
              : run_program(shmapctl(), "ls", "-j", option, "mnt", NULL);

    return json_output_of(&result);
}

/* Asserts the paths of what is listed, each followed by a blank: objects, or directories. */
static void assert_listed(struct json_object *answer, const char *kind, const char *paths)
{
    struct json_object *list = json_member(answer, kind);
    char listed[256] = "";

    for (size_t i = 0; i < json_object_array_length(list); i++) {
        const char *path = json_text(json_object_array_get_idx(list, i), "path");
        snprintf(listed + strlen(listed), sizeof(listed) - strlen(listed), "%s ", path);
    }
    assert_string_equal(listed, paths);
    json_object_put(answer);
}

static void sorted(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "anon=scratch");
    make_tree();
    assert_listed(ls_json("mnt"), "objects", "one/a.db one/again one/b scratch/two/c.db ");
    assert_listed(select_json("--sort", "size"), "objects",
                  "one/again one/b scratch/two/c.db one/a.db ");
    assert_listed(select_json("--sort=mtime", NULL), "objects",
                  "scratch/two/c.db one/again one/b one/a.db ");
    assert_listed(select_json("--reverse", NULL), "objects",
                  "scratch/two/c.db one/b one/again one/a.db ");
    assert_listed(ls_json("mnt"), "directories", "one scratch scratch/two ");
    struct program_result result = run_program(shmapctl(), "ls", "--sort", "colour", "mnt", NULL);
    assert_refused(&result, USAGE, "colour", "mtime", NULL);
    workspace_unmount(workspace);
}

static void filtered(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "anon=scratch");
    make_tree();
    assert_listed(select_json("--class", "anon"), "objects", "scratch/two/c.db ");
    assert_listed(select_json("--class", "anon"), "directories", "scratch scratch/two ");
    assert_listed(select_json("--name", "*.db"), "objects", "one/a.db scratch/two/c.db ");
    assert_listed(select_json("--name", "*.db"), "directories", "");
    int fd = open_file("mnt/one/b", O_RDONLY);
    assert_listed(select_json("--used", NULL), "objects", "one/again one/b ");
    assert_listed(select_json("--unused", NULL), "objects", "one/a.db scratch/two/c.db ");
    assert_ok(close(fd));
    struct program_result result = run_program(shmapctl(), "ls", "--class", "green", "mnt", NULL);
    assert_refused(&result, USAGE, "green", "checkpoint and scratch", NULL);
    workspace_unmount(workspace);
}

static void added_up(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "anon=scratch");
    make_tree();
    struct json_object *answer = ls_json("mnt"), *total = json_member(answer, "total");
    // A file with two names takes its space once.
    assert_int_equal(json_number(total, "objects"), 3);
    assert_int_equal(json_number(total, "directories"), 3);
    assert_int_equal(json_number(total, "size"), 8 + 4 + 6);
    json_object_put(answer);
    struct program_result result = run_program(shmapctl(), "ls", "mnt", NULL);
    assert_done_or_incomplete(&result);
    assert_non_null(strstr(result.out, "  scratch/two/\n"));
    assert_non_null(strstr(result.out, "\ntotal "));
    assert_non_null(strstr(result.out, "  3 objects, 3 directories\n"));
    workspace_unmount(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(sorted),
    cmocka_unit_test(filtered),
    cmocka_unit_test(added_up),
};

WORKSPACE_MAIN("ls_select", cases)
