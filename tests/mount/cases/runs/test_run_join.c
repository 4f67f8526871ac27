// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl run --join: what a command shares with a run that is there, and who may. */
#include "tests/mount/cases/commands/shmapctl_run.h"
#include "tests/mount/harness/sandbox.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct background_run start_named(const char *name, const char *script)
{
    const char *words[] = { shmapctl(), "run", "--name", name, "sh", "-c", script, NULL };

    return start_words(words);
}

static struct program_result join_run(const char *whom, const char *script)
{
    return run_program(shmapctl(), "run", "--join", whom, "--", "sh", "-c", script, NULL);
}

static void by_name_and_by_process(void **state)
{
    struct workspace *workspace = begin_run(state);
    struct background_run first =
        start_named("first.of_all-1", "echo text >/dev/shm/object; echo $$; cat; exit 6");
    char number[32], expected[PATH_MAX + 16];

    snprintf(number, sizeof(number), "%d", (int)read_pid(&first));
    snprintf(expected, sizeof(expected), "text\n%s\n", workspace->dir);
    struct program_result result = join_run("first.of_all-1", "cat /dev/shm/object; pwd; exit 3");
    assert_ended(&result, 3, expected);
    result = join_run(number, "cat /dev/shm/object; echo joined >/dev/shm/other");
    assert_ended(&result, 0, "text\n");
    snprintf(number, sizeof(number), "%d", (int)first.pid);
    result = join_run(number, "cat /dev/shm/other; kill -TERM $$");
    assert_ended(&result, 128 + SIGTERM, "joined\n");
    // Another one is another one, also from within.
    struct background_run second = start_named("second", "echo $$; ls /dev/shm; cat; exit 7");
    read_pid(&second);
    result = join_run("second", "ls /dev/shm; echo mine >/dev/shm/object");
    assert_ended(&result, 0, "");
    result = join_run("first.of_all-1", "cat /dev/shm/object");
    assert_ended(&result, 0, "text\n");
    end_input(&second);
    assert_run_ends(&second, 7);
    end_input(&first);
    assert_run_ends(&first, 6);
    assert_int_equal(workspace_await_children(), 0);
}

static void identity_and_descriptors_are_as_outside(void **state)
{
    begin_run(state);
    const char *script = "grep -E '^(Uid|Gid|Cap|NoNewPrivs|SigBlk|SigIgn)' /proc/self/status; "
                         "ls /proc/self/fd; pwd; env | grep -v '^_='; ulimit -a; umask";
    struct background_run first = start_named("first", "echo $$; exec cat");

    read_pid(&first);
    struct program_result outside = run_program("sh", "-c", script, NULL);
    assert_done(&outside);
    struct program_result within = join_run("first", script);
    assert_ended(&within, 0, outside.out);
    end_input(&first);
    assert_run_ends(&first, 0);
}

static void the_mount_is_where_it_is(void **state)
{
    begin_run(state);
    assert_ok(mkdir("place", 0755));
    const char *words[] = { shmapctl(), "run",     "--name",
                            "placed",   "--mount", "place",
                            "sh",       "-c",      "echo text >place/object; echo $$; exec cat",
                            NULL };
    struct background_run first = start_words(words);

    read_pid(&first);
    struct program_result result =
        run_program("sh", "-c", "cd place; exec $0 run --join placed cat object", shmapctl(), NULL);
    assert_ended(&result, 0, "text\n");
    end_input(&first);
    assert_run_ends(&first, 0);
}

static void what_cannot_be_joined(void **state)
{
    begin_run(state);
    struct background_run first = start_named("first", "echo $$; exec cat");
    char number[32], *self = own_path();

    read_pid(&first);
    struct program_result result = join_run("nobody", "true");
    assert_refused(&result, NOT_STARTED, "nobody", "no run of this name", "--name nobody", NULL);
    result = join_run("1st", "true");
    assert_refused(&result, NOT_STARTED, "1st", "neither the name", NULL);
    result = join_run("", "true");
    assert_refused(&result, NOT_STARTED, "--join is empty", NULL);
    result = join_run("2147483647", "true");
    assert_refused(&result, NOT_STARTED, "no such process", NULL);
    snprintf(number, sizeof(number), "%d", (int)getpid());
    result = join_run(number, "true");
    assert_refused(&result, NOT_STARTED, number, "in no run", NULL);
    result = run_program(shmapctl(), "run", "--name", "first", "true", NULL);
    assert_refused(&result, NOT_STARTED, "first", "there already", "--join", NULL);
    result = run_program(shmapctl(), "run", "--name", "../first", "true", NULL);
    assert_refused(&result, NOT_STARTED, "../first", "begins with a letter", NULL);
    result = run_program(shmapctl(), "run", "--join", "first", "-o", "size=1g", "true", NULL);
    assert_refused(&result, NOT_STARTED, "--join", "leave", NULL);
    result = run_program(shmapctl(), "run", "--join", "first", "./missing", NULL);
    assert_refused(&result, NOT_FOUND, "./missing", NULL);
    result = run_program(shmapctl(), "run", "--join", "first", self, COMMAND_ROLE, "share", NULL);
    assert_ended(&result, 0, "");
    end_input(&first);
    assert_run_ends(&first, 0);
    result = join_run("first", "true");
    assert_refused(&result, NOT_STARTED, "first", "no run of this name", NULL);
    free(self);
}

/* Root could enter the namespaces, and would find nothing there that it may use. A user cannot see
 * which names root's runs have. */
static void runs_of_other_users(void **state)
{
    struct workspace *workspace = begin_run(state);
    struct sandbox sandbox = { .top = workspace->top };
    const char *user[] = { "setpriv", "--reuid=12345", "--regid=12345", "--clear-groups" };
    const char *words[] = { "/usr/bin/env",
                            user[0],
                            user[1],
                            user[2],
                            user[3],
                            shmapctl(),
                            "run",
                            "--name",
                            "theirs",
                            "sh",
                            "-c",
                            "echo $$; exec cat",
                            NULL };

    assert_ok(sandbox_share_fuse_device(&sandbox));
    struct background_run theirs = start_words(words);
    char number[32];
    pid_t command = read_pid(&theirs);
    if (command == 0)
        harness_skip_case("no user namespaces are allowed here");
    snprintf(number, sizeof(number), "%d", (int)command);
    struct program_result result = join_run("theirs", "true");
    assert_refused(&result, NOT_STARTED, "theirs", "uid 12345", NULL);
    result = join_run(number, "true");
    assert_refused(&result, NOT_STARTED, number, "uid 12345", NULL);
    // The name is free for root.
    struct background_run mine = start_named("theirs", "echo $$; exec cat");
    snprintf(number, sizeof(number), "%d", (int)read_pid(&mine));
    result = run_program(user[0], user[1], user[2], user[3], shmapctl(), "run", "--join", "theirs",
                         "stat", "-c", "%u", "/dev/shm", NULL);
    assert_ended(&result, 0, "12345\n");
    result = run_program(user[0], user[1], user[2], user[3], shmapctl(), "run", "--join", number,
                         "true", NULL);
    assert_refused(&result, NOT_STARTED, number, "Permission denied", NULL);
    end_input(&mine);
    assert_run_ends(&mine, 0);
    end_input(&theirs);
    assert_run_ends(&theirs, 0);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(by_name_and_by_process),
    cmocka_unit_test(identity_and_descriptors_are_as_outside),
    cmocka_unit_test(the_mount_is_where_it_is),
    cmocka_unit_test(what_cannot_be_joined),
    cmocka_unit_test(runs_of_other_users), // of root
};

RUN_MAIN("run_join", cases, 1)
