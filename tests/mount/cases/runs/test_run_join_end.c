// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl run --join: how a run ends of which several are part, whoever is killed. */
#include "tests/mount/cases/commands/shmapctl_run.h"

#include <signal.h>
#include <unistd.h>

static struct background_run start_first(const char *script)
{
    const char *words[] = { shmapctl(), "run", "--name", "shared", "sh", "-c", script, NULL };

    return start_words(words);
}

static struct background_run start_joined(const char *script)
{
    const char *words[] = { shmapctl(), "run", "--join", "shared", "sh", "-c", script, NULL };

    return start_words(words);
}

static struct program_result join_run(const char *script)
{
    return run_program(shmapctl(), "run", "--join", "shared", "sh", "-c", script, NULL);
}

static const char FIRST[] = "echo text >/dev/shm/object; echo $$; cat; exit 6";
static const char JOINED[] = "echo $$; read line; cat /dev/shm/object; exit 5";
static const char GOES_ON[] = "the run goes on until all that have joined it have ended";

static void it_lasts_until_all_have_ended(void **state)
{
    begin_run(state);
    struct background_run first = start_first(FIRST);

    read_pid(&first);
    struct background_run joined = start_joined(JOINED);
    read_pid(&joined);
    end_input(&first);
    await_complaint(&first, GOES_ON);
    // Others may still join.
    struct program_result result = join_run("cat /dev/shm/object");
    assert_ended(&result, 0, "text\n");
    say(&joined, "line\n");
    assert_line(&joined, "text");
    assert_run_ends(&joined, 5);
    assert_run_ends_with(&first, 6, GOES_ON);
    result = join_run("true");
    assert_refused(&result, NOT_STARTED, "no run of this name", NULL);
    assert_int_equal(workspace_await_children(), 0);
}

static void the_first_command_is_killed(void **state)
{
    begin_run(state);
    struct background_run first = start_first(FIRST);
    pid_t command = read_pid(&first);
    struct background_run joined = start_joined(JOINED);

    read_pid(&joined);
    assert_ok(kill(command, SIGKILL));
    await_complaint(&first, GOES_ON);
    say(&joined, "line\n");
    assert_line(&joined, "text");
    assert_run_ends(&joined, 5);
    assert_run_ends_with(&first, 128 + SIGKILL, GOES_ON);
    assert_int_not_equal(workspace_await_children(), -ETIMEDOUT);
}

/* Before its command has ended, and afterwards, when a signal is no longer the command's. */
static void the_first_shmapctl_is_killed(void **state)
{
    static const int numbers[] = { SIGKILL, SIGTERM };

    begin_run(state);
    for (int i = 0; i < 2; i++) {
        struct background_run first = start_first(FIRST);
        pid_t command = read_pid(&first);
        struct background_run joined = start_joined("echo $$; read line; exit 5");
        read_pid(&joined);
        if (numbers[i] == SIGTERM) {
            end_input(&first);
            await_complaint(&first, GOES_ON);
        }
        assert_ok(kill(first.pid, numbers[i]));
        assert_run_ends_with(&first, 128 + numbers[i], "");
        await_complaint(&joined, "the run that was joined has ended");
        say(&joined, "line\n");
        assert_run_ends_with(&joined, 5, "has ended with it\n");
        assert_int_not_equal(workspace_await_children(), -ETIMEDOUT);
        assert_errno(kill(command, 0), ESRCH);
    }
}

/* Its command goes with it, and nobody waits for it. */
static void a_joined_shmapctl_is_killed(void **state)
{
    begin_run(state);
    struct background_run first = start_first(FIRST);

    read_pid(&first);
    struct background_run joined = start_joined("echo $$; exec cat");
    pid_t command = read_pid(&joined);
    assert_ok(kill(joined.pid, SIGKILL));
    assert_run_ends(&joined, 128 + SIGKILL);
    end_input(&first);
    // The processes that it has just started may take part for a moment longer.
    assert_run_ends_with(&first, 6, "");
    assert_int_not_equal(workspace_await_children(), -ETIMEDOUT);
    assert_errno(kill(command, 0), ESRCH);
}

/* Each either takes part, and finds all there, or is refused. */
static void joins_while_it_ends(void **state)
{
    begin_run(state);
    for (int i = 0; i < 10; i++) {
        struct background_run first = start_first("echo text >/dev/shm/object; echo $$; exec cat");
        struct background_run joined[2];
        char line[64], err[1024];

        read_pid(&first);
        for (int j = 0; j < 2; j++)
            joined[j] = start_joined("cat /dev/shm/object");
        end_input(&first);
        for (int j = 0; j < 2; j++) {
            read_line(joined[j].out, line, sizeof(line));
            int status = end_run(&joined[j], err, sizeof(err));
            assert_string_equal(line, status == 0 ? "text" : "");
            if (status != 0 && (status != NOT_STARTED || strstr(err, "shmapctl: shared: ") != err))
                fail_msg("status %d: %s", status, err);
        }
        assert_run_ends_with(&first, 0, "");
        assert_int_not_equal(workspace_await_children(), -ETIMEDOUT);
    }
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(it_lasts_until_all_have_ended), cmocka_unit_test(the_first_command_is_killed),
    cmocka_unit_test(the_first_shmapctl_is_killed),  cmocka_unit_test(a_joined_shmapctl_is_killed),
    cmocka_unit_test(joins_while_it_ends),
};

RUN_MAIN("run_join_end", cases, 0)
