// SPDX-License-Identifier: BSD-2-Clause
/* The class of a single file: workers that die while it changes. */
#include "tests/mount/cases/classes/file_class.h"
#include "tests/mount/harness/class_attribute.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/interrupted_call.h"
#include "tests/mount/keeper/keeper.h"

/* How often a change of class passes the point «in-switch». */
enum { POINTS_OF_SWITCH = 4 };

static int unset_class_of(void *path)
{
    return unset_class(path);
}

static int change_to(void *class)
{
    return set_class("mnt/file", class);
}

static void *word(const char *class)
{
    return (void *)(uintptr_t) class;
}

/* A worker that dies in the middle of a change leaves a file with all that it had. */
static void a_change_is_finished_after_a_death(void **state)
{
    struct workspace *workspace = workspace_of(state);
    pid_t keeper = keeper_start_with_crashpoints(workspace, true);

    put_file("mnt/file", "contents");
    for (unsigned pass = 0; pass < POINTS_OF_SWITCH; pass++) {
        call_and_die_at(keeper, "in-switch", pass, change_to, word("anon"));
        await_file_class("mnt/file", "anon");
        assert_content("mnt/file", "contents");
        assert_int_equal(stat_of("store/file").st_size, 0);
        call_and_die_at(keeper, "in-switch", pass, unset_class_of, word("mnt/file"));
        await_file_class("mnt/file", "persist");
        assert_content("mnt/file", "contents");
        assert_content("store/file", "contents");
        await_no_own_class("store/file");
    }
    keeper_stop(workspace, keeper);
}

static void each_request_is_repeated(void **state)
{
    struct workspace *workspace = workspace_of(state);
    pid_t keeper = keeper_start_with_crashpoints(workspace, true);

    put_file("mnt/file", "contents");
    for (unsigned i = 0; i < CRASHPOINTS; i++) {
        call_and_die(keeper, i, change_to, word("anon"));
        assert_content("mnt/file", "contents");
        await_file_class("mnt/file", "anon");
        call_and_die(keeper, i, unset_class_of, word("mnt/file"));
        assert_content("mnt/file", "contents");
        await_file_class("mnt/file", "persist");
    }
    keeper_stop(workspace, keeper);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(a_change_is_finished_after_a_death),
        cmocka_unit_test(each_request_is_repeated),
    };

    return workspace_main(argc, argv, "file_class_deaths", cases, sizeof(cases) / sizeof(cases[0]));
}
