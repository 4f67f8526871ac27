// SPDX-License-Identifier: BSD-2-Clause
/* Programs that walk through large directories and trees, in both areas. */
#include "tests/mount/cases/directories/entries.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/workspace/workspace.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MANY = 10000, SOME = 300 };

static void assert_prints(const char *script, const char *output)
{
    struct program_result result = run_program("sh", "-c", script, NULL);

    assert_done(&result);
    assert_string_equal(result.out, output);
}

static void remove_while_listing(void)
{
    struct dirent *entry;
    int removed = 0;

    DIR *directory = open_directory(".");
    while ((entry = readdir(directory)) != NULL) {
        if (entry_number(entry->d_name) < 0)
            continue;
        assert_ok(unlink(entry->d_name));
        removed++;
    }
    assert_ok(closedir(directory));
    assert_int_equal(removed, MANY);
}

static void in_each_area(struct workspace *workspace, void (*work)(void))
{
    workspace_mount(workspace, true, "anon=scratch");
    for (int i = 0; i < 2; i++) {
        assert_ok(chdir(i == 0 ? "mnt" : "scratch"));
        assert_ok(mkdir("work", 0755));
        assert_ok(chdir("work"));
        work();
        assert_ok(chdir(".."));
        assert_ok(rmdir("work"));
    }
    assert_ok(chdir(workspace->dir));
    workspace_unmount(workspace);
}

static void list_and_remove(void)
{
    make_entries(MANY);
    assert_prints("find . -type f | sort -u | wc -l", "10000\n");
    remove_while_listing();
}

static void ten_thousand_names(void **state)
{
    in_each_area(workspace_of(state), list_and_remove);
}

static void copy_and_remove(void)
{
    assert_ok(mkdir("tree", 0755));
    assert_ok(mkdir("tree/deep", 0755));
    assert_ok(chdir("tree/deep"));
    make_entries(SOME);
    assert_ok(chdir("../.."));
    assert_prints("mkdir copy && tar -cf - tree | tar -xf - -C copy && diff -r tree copy/tree && "
                  "rm -r tree copy && ls",
                  "");
}

static void a_tree_that_tar_copies(void **state)
{
    in_each_area(workspace_of(state), copy_and_remove);
}

static void clone_and_remove(void)
{
    put_file("contents", "contents\n");
    assert_prints(
        "export GIT_CONFIG_GLOBAL=/dev/null GIT_TEMPLATE_DIR= HOME=/nonexistent && exec 2>&1 && "
        "git init -q -b main one && mv contents one && cd one && "
        "for i in 1 2 3 4 5 6 7 8 9; do mkdir $i; cp contents $i; done && git add . && "
        "git -c user.name=a -c user.email=b commit -q -m c && cd .. && "
        "git clone -q --no-local one two && git -C two fsck --no-progress && "
        "git -C two status --porcelain && diff -r -x .git one two && rm -rf one two && ls",
        "");
}

static void a_clone_of_git(void **state)
{
    if (system("command -v git >/dev/null") != 0)
        harness_skip_case("there is no git here");
    in_each_area(workspace_of(state), clone_and_remove);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(ten_thousand_names),
    cmocka_unit_test(a_tree_that_tar_copies),
    cmocka_unit_test(a_clone_of_git),
};

WORKSPACE_MAIN("trees", cases)
