// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl run: a store that somebody else has, or that nobody can have. */
#include "tests/mount/cases/commands/shmapctl_run.h"
#include "tests/mount/harness/files.h"

#include <stdio.h>
#include <unistd.h>

static struct background_run start_on(const char *store)
{
    const char *words[] = { shmapctl(), "run",       "--name",
                            "second",   "--persist", store,
                            "sh",       "-c",        "cat /dev/shm/object",
                            NULL };

    return start_words(words);
}

static void the_holder_of_a_store_is_named(void **state)
{
    struct workspace *workspace = begin_run(state);
    struct background_run first =
        start_script(workspace, true, "echo $$; cat >/dev/shm/object; exit 6");
    char holder[64], line[64], err[1024];

    read_pid(&first);
    struct background_run second = start_on(workspace->store);
    await_complaint(&second, "waiting for its end");
    // A command that joins a run that waits does so when it begins.
    const char *words[] = { shmapctl(), "run", "--join", "second", "cat", "/dev/shm/object", NULL };
    struct background_run joined = start_words(words);
    say(&first, "kept\n");
    end_input(&first);
    assert_run_ends(&first, 6);
    assert_line(&second, "kept");
    int status = end_run(&second, err, sizeof(err));
    snprintf(holder, sizeof(holder), "process %d (", (int)first.pid);
    if (status != 0 || strstr(err, holder) == NULL || strstr(err, "run -o size=16m") == NULL ||
        strstr(err, "is free now") == NULL)
        fail_msg("status %d: %s", status, err);
    // It may have come too late, but not in vain.
    read_line(joined.out, line, sizeof(line));
    status = end_run(&joined, err, sizeof(err));
    if (status == 0)
        assert_string_equal(line, "kept");
    else
        assert_non_null(strstr(err, status == NOT_STARTED ? "second: " : "status"));
}

static void a_store_that_stays_in_use_is_refused(void **state)
{
    struct workspace *workspace = begin_run(state);
    struct background_run background = start_script(workspace, true, "echo $$; cat; exit 6");

    read_pid(&background);
    struct program_result result = run_script(workspace, workspace->store, "true");
    assert_int_equal(result.status, NOT_STARTED);
    assert_non_null(strstr(result.err, "shmapctl: "));
    assert_non_null(strstr(result.err, workspace->store));
    assert_non_null(strstr(result.err, "shmapfs: STORE"));
    end_input(&background);
    assert_run_ends(&background, 6);
    result = run_script(workspace, workspace->store, "exit 0");
    assert_ended(&result, 0, "");
}

static void a_store_in_another_one_is_refused(void **state)
{
    struct workspace *workspace = begin_run(state);
    struct background_run background = start_script(workspace, true, "echo $$; cat; exit 6");
    char holder[64];

    read_pid(&background);
    snprintf(holder, sizeof(holder), "process %d (", (int)background.pid);
    assert_ok(mkdir("store/old", 0755));
    struct program_result result =
        run_program(shmapctl(), "run", "--persist", "store/old", "true", NULL);
    assert_refused(&result, NOT_STARTED, "store/old", "inside of another one", workspace->store,
                   holder, NULL);
    result = run_program(shmapctl(), "run", "--persist", "store/new", "true", NULL);
    assert_refused(&result, NOT_STARTED, "store/new", "inside of another one", NULL);
    assert_false(exists("store/new"));
    end_input(&background);
    assert_run_ends(&background, 6);
    // One after the other is no harm.
    result = run_program(shmapctl(), "run", "--persist", "store/old", "true", NULL);
    assert_ended(&result, 0, "");
    // Nor is the one around it free meanwhile, if it was a store before.
    const char *words[] = { shmapctl(), "run", "--persist",         "store/old",
                            "sh",       "-c",  "echo $$; exec cat", NULL };
    background = start_words(words);
    read_pid(&background);
    result = run_script(workspace, workspace->store, "true");
    assert_refused(&result, NOT_STARTED, workspace->store, "in use", NULL);
    end_input(&background);
    assert_run_ends(&background, 0);
}

static void a_link_that_leads_nowhere(void **state)
{
    begin_run(state);
    assert_ok(symlink("nowhere", "link"));
    struct program_result result =
        run_program(shmapctl(), "run", "--persist", "link", "true", NULL);
    assert_refused(&result, NOT_STARTED, "link", "symbolic link", "does not exist", NULL);
    assert_false(exists("nowhere"));
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(the_holder_of_a_store_is_named),
    cmocka_unit_test(a_store_that_stays_in_use_is_refused),
    cmocka_unit_test(a_store_in_another_one_is_refused),
    cmocka_unit_test(a_link_that_leads_nowhere),
};

RUN_MAIN("run_store", cases, 0)
