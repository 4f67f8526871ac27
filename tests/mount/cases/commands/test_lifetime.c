// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl and the lifetime of files: messages and effects. */
#include "tests/mount/cases/classes/last_close.h"
#include "tests/mount/cases/commands/ls_output.h"
#include "tests/mount/cases/commands/shmapctl_run.h"
#include "tests/mount/harness/class_attribute.h"
#include "tests/mount/harness/files.h"

#include <string.h>
#include <unistd.h>

#include "lib/api/shmap.h"

static void class_gives_a_lifetime(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct program_result result;
    struct json_object *answer;

    workspace_mount(workspace, true, "size=4m,anon=a");
    need_user_attributes("mnt/a");
    result = run_program(shmapctl(), "class", "mnt/a", "--lifetime", "last-close", NULL);
    assert_done(&result);
    assert_lifetime("mnt/a", "last-close");
    result = run_program(shmapctl(), "class", "--lifetime=mount", "mnt/a", NULL);
    assert_done(&result);
    assert_lifetime("mnt/a", "mount");
    assert_ok(mkdir("mnt/b", 0755));
    result = run_program(shmapctl(), "--json", "class", "mnt/b", "anon", "--lifetime", "last-close",
                         "--linger", "5", NULL);
    answer = json_output_of(&result);
    assert_string_equal(json_text(answer, "class"), "anon");
    assert_string_equal(json_text(answer, "lifetime"), "last-close");
    assert_int_equal(json_number(answer, "linger"), 5);
    json_object_put(answer);
    assert_lifetime("mnt/b", "last-close,linger=5");
    workspace_unmount(workspace);
}

/* A command line of `class` that is refused, and leaves a persisted directory as it was. */
static void assert_class_refused(int status, const char *first, const char *second,
                                 const char *third, const char *fourth, const char *words)
{
    struct program_result result =
        run_program(shmapctl(), "class", "mnt/dir", first, second, third, fourth, NULL);

    assert_refused(&result, status, words, NULL);
    assert_class("mnt/dir", "persist");
}

static void class_changes_nothing_by_halves(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct program_result result;

    workspace_mount(workspace, true, "size=4m,anon=a");
    assert_ok(mkdir("mnt/dir", 0755));
    put_file("mnt/file", "x");
    assert_class_refused(USAGE, "anon", "--lifetime=never", NULL, NULL, "last-close and mount");
    assert_class_refused(USAGE, "anon", "--lifetime=", NULL, NULL, "last-close and mount");
    assert_class_refused(USAGE, "anon", "--lifetime=last-close", "--linger=-1", NULL,
                         "from 0 to 86400");
    assert_class_refused(USAGE, "anon", "--lifetime=last-close", "--linger=86401", NULL,
                         "from 0 to 86400");
    assert_class_refused(USAGE, "anon", "--lifetime=last-close", "--linger=18446744073709551617",
                         NULL, "from 0 to 86400");
    assert_class_refused(USAGE, "anon", "--lifetime=last-close", "--linger=", NULL,
                         "from 0 to 86400");
    assert_class_refused(USAGE, "anon", "--linger=1", NULL, NULL, "--lifetime last-close");
    assert_class_refused(USAGE, "anon", "--lifetime=mount", "--linger=1", NULL,
                         "--lifetime last-close");
    assert_class_refused(USAGE, "persist", "--lifetime=last-close", NULL, NULL, "anon");
    assert_class_refused(USAGE, "anon", "--convert", "--lifetime=last-close", NULL, "--convert");
    assert_class_refused(FAILED, "--lifetime=last-close", NULL, NULL, NULL, "lasts");
    result = run_program(shmapctl(), "class", "mnt/file", "--lifetime=last-close", NULL);
    assert_refused(&result, FAILED, "mnt/file", "not a directory", NULL);
    result = run_program(shmapctl(), "class", workspace->store, "--lifetime=last-close", NULL);
    assert_refused(&result, FAILED, workspace->store, "shmapfs mount", NULL);
    workspace_unmount(workspace);
}

static void ls_shows_who_keeps_a_file(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct json_object *answer, *object, *keepers;
    struct program_result result;
    char line[64];
    int fd;

    need_user_attributes("/dev/shm");
    workspace_mount(workspace, false, "size=4m,lifetime=last-close");
    fd = open_used_file();
    assert_true(fd >= 0);
    answer = ls_json("mnt");
    object = ls_object(answer, "file");
    assert_string_equal(json_text(object, "lifetime"), "last-close");
    assert_int_equal(json_number(object, "linger"), 0);
    keepers = json_member(object, "kept_by");
    assert_int_equal(json_object_array_length(keepers), 1);
    assert_int_equal(json_object_get_int(json_object_array_get_idx(keepers, 0)), getpid());
    json_object_put(answer);
    result = run_program(shmapctl(), "ls", "mnt", NULL);
    assert_done_or_incomplete(&result);
    assert_non_null(strstr(result.out, "LIFETIME"));
    snprintf(line, sizeof(line), "  %d test_lifetime  file\n", getpid());
    assert_non_null(strstr(result.out, line));
    // Where nothing goes like that the listing is as ever.
    assert_ok(close(fd));
    assert_goes(USED_FILE);
    assert_set_lifetime("mnt", "mount", 0);
    put_file("mnt/other", "x");
    answer = ls_json("mnt");
    object = ls_object(answer, "other");
    assert_string_equal(json_text(object, "lifetime"), "mount");
    assert_false(json_object_object_get_ex(object, "kept_by", NULL));
    json_object_put(answer);
    result = run_program(shmapctl(), "ls", "mnt", NULL);
    assert_done_or_incomplete(&result);
    assert_null(strstr(result.out, "LIFETIME"));
    workspace_unmount(workspace);
}

/* Waits until nobody has a file and says which there are. */
static const char LOOK[] = "echo x >/dev/shm/file; while [ -e /dev/shm/file ]; do :; done; "
                           "exec 3>/dev/shm/kept; ls /dev/shm";

static void assert_run_refused(const char *first, const char *second, const char *third,
                               const char *words)
{
    struct program_result result =
        second ? run_program(shmapctl(), "run", first, second, third, "true", NULL)
               : run_program(shmapctl(), "run", first, "true", NULL);

    assert_refused(&result, NOT_STARTED, words, NULL);
}

static void run_has_a_lifetime(void **state)
{
    struct workspace *workspace = begin_run(state);
    struct program_result result;

    (void)workspace;
    assert_run_refused("--lifetime=never", NULL, NULL, "last-close and mount");
    assert_run_refused("--linger=1", NULL, NULL, "--lifetime last-close");
    assert_run_refused("--lifetime=last-close", "--linger=x", "--", "from 0 to 86400");
    assert_run_refused("--lifetime=last-close", "--persist", "store", "--persist");
    assert_run_refused("--lifetime=last-close", "--join", "desk", "--join");
    need_user_attributes("/dev/shm");
    result = run_program(shmapctl(), "run", "--lifetime", "last-close", "sh", "-c", LOOK, NULL);
    assert_ended(&result, 0, "kept\n");
}

static void the_api_gets_and_sets_lifetimes(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct shmap_lifetime lifetime = { .last_close = true, .linger = 7 };

    workspace_mount(workspace, true, "size=4m,anon=a");
    need_user_attributes("mnt/a");
    assert_int_equal(shmap_lifetime_set("mnt/a", &lifetime), 0);
    lifetime = (struct shmap_lifetime){ 0 };
    assert_int_equal(shmap_lifetime_get("mnt/a", &lifetime), 0);
    assert_true(lifetime.last_close);
    assert_int_equal(lifetime.linger, 7);
    lifetime.linger = SHMAP_LINGER_MAX + 1;
    assert_int_equal(shmap_lifetime_set("mnt/a", &lifetime), -EINVAL);
    assert_int_equal(shmap_lifetime_get("mnt/a", &lifetime), 0);
    assert_int_equal(lifetime.linger, 7);
    assert_int_equal(shmap_lifetime_set("mnt", &lifetime), -EINVAL);
    assert_int_equal(shmap_lifetime_get("mnt", &lifetime), -ENODATA);
    assert_int_equal(shmap_lifetime_set("store", &lifetime), -ENODATA);
    workspace_unmount(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(class_gives_a_lifetime),
    cmocka_unit_test(class_changes_nothing_by_halves),
    cmocka_unit_test(ls_shows_who_keeps_a_file),
    cmocka_unit_test(run_has_a_lifetime),
    cmocka_unit_test(the_api_gets_and_sets_lifetimes),
};

WORKSPACE_MAIN("lifetime", cases)
