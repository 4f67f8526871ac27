// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl run: where the mount is, what is found there after it, and what is said when it is
 * full. */
#include "tests/mount/cases/commands/shmapctl_run.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void another_directory(void **state)
{
    struct workspace *workspace = begin_run(state);
    char expected[PATH_MAX + 64];

    assert_ok(mkdir("place", 0755));
    assert_ok(symlink("place", "name"));
    put_file("place/below", "of the machine\n");
    struct program_result result =
        run_program(shmapctl(), "run", "--mount", "name", "--persist", workspace->store, "sh", "-c",
                    "ls place; echo text >place/object; stat -fc %T place name/.", NULL);
    assert_ended(&result, 0, "fuseblk\nfuseblk\n");
    assert_content("store/object", "text\n");
    // COMMAND's working directory is the mount, where it is started in the directory.
    result = run_program("sh", "-c", "cd place; exec $0 run --mount . sh -c 'ls; pwd; echo >lost'",
                         shmapctl(), NULL);
    snprintf(expected, sizeof(expected), "%s/place\n", workspace->dir);
    assert_ended(&result, 0, expected);
    assert_false(exists("place/lost"));
    assert_content("place/below", "of the machine\n");
    assert_ok(mkdir("place/deep", 0755));
    result =
        run_program("sh", "-c", "cd place/deep; exec $0 run --mount .. true", shmapctl(), NULL);
    assert_refused(&result, NOT_STARTED, "place/deep", "working directory", NULL);
    result =
        run_program(shmapctl(), "run", "--mount", "place", "--persist", "place/deep", "true", NULL);
    assert_refused(&result, NOT_STARTED, "place/deep", "cannot be in", NULL);
    static const char *const needed[] = { "/", "/dev", "/proc", "/sys" };
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        result = run_program(shmapctl(), "run", "--mount", needed[i], "true", NULL);
        assert_refused(&result, NOT_STARTED, needed[i], "cannot be mounted on", NULL);
    }
    // The directory of mount(8)'s own table may be mounted on.
    result = run_program(shmapctl(), "run", "--mount", "/run", "ls", "/run", NULL);
    assert_ended(&result, 0, "");
}

/* Nobody is told of a read-only filesystem. */
static void names_are_gone_after_it(void **state)
{
    begin_run(state);
    char *self = own_path();
    const char *words[] = { shmapctl(), "run", self, COMMAND_ROLE, "left", NULL };
    struct background_run background = start_words(words);
    char err[1024] = "";

    assert_int_equal(wait_for_process(background.pid), 0);
    end_input(&background);
    assert_line(&background, "gone");
    assert_ok(pread(background.err, err, sizeof(err) - 1, 0));
    assert_string_equal(err, "");
    assert_ok(close(background.out));
    assert_ok(close(background.err));
    assert_int_equal(workspace_await_children(), 0);
    free(self);
}

/* As Python does by its resource tracker. */
static void what_is_left_may_clear_up(void **state)
{
    struct workspace *workspace = begin_run(state);
    char *self = own_path();

    for (int i = 0; i < 5; i++) {
        struct program_result result = run_program(shmapctl(), "run", "--persist", workspace->store,
                                                   self, COMMAND_ROLE, "tracker", NULL);
        assert_ended(&result, 0, "");
        assert_false(exists("store/object"));
        assert_int_equal(workspace_await_children(), 0);
    }
    free(self);
}

static void a_full_area_is_named(void **state)
{
    struct workspace *workspace = begin_run(state);

    struct program_result result = run_role(workspace, "size=1m", "burst");
    assert_refused(&result, 128 + SIGBUS, "/dev/shm", "SIGBUS", "1.0M", "RAM area", "size=", NULL);
    if (workspace->root && workspace->passthrough) {
        result = run_role(workspace, "size=1m", "overflow");
        assert_refused(&result, 128 + SIGBUS, "1.0M", "RAM area", "size=", NULL);
    }
    // Not by itself, and not for another reason.
    result = run_script(workspace, NULL, "ulimit -c 0; kill -BUS $$");
    assert_ended(&result, 128 + SIGBUS, "");
    result = run_role(workspace, "size=1m", "fill");
    assert_ended(&result, 0, "");
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(another_directory),
    cmocka_unit_test(names_are_gone_after_it),
    cmocka_unit_test(what_is_left_may_clear_up),
    cmocka_unit_test(a_full_area_is_named),
};

RUN_MAIN("run_place", cases, 0)
