// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl run: what the command is given, and what the caller gets of it. How runs end is in
 * test_run_end. */
#include "tests/mount/cases/commands/shmapctl_run.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void status_is_that_of_the_command(void **state)
{
    struct workspace *workspace = begin_run(state);

    struct program_result result = run_script(workspace, NULL, "exit 0");
    assert_ended(&result, 0, "");
    result = run_script(workspace, NULL, "exit 42");
    assert_ended(&result, 42, "");
    result = run_script(workspace, NULL, "kill -TERM $$");
    assert_ended(&result, 128 + SIGTERM, "");
    result = run_script(workspace, NULL, "kill -INT $$");
    assert_ended(&result, 128 + SIGINT, "");
    result = run_script(workspace, NULL, "kill -KILL $$");
    assert_ended(&result, 128 + SIGKILL, "");
    result = run_script(workspace, NULL, "ulimit -c 0; kill -SEGV $$");
    assert_ended(&result, 128 + SIGSEGV, "");
    assert_int_equal(workspace_await_children(), 0);
}

static void commands_that_cannot_be_executed(void **state)
{
    begin_run(state);

    struct program_result result =
        run_program("env", "PATH=/usr/bin:/bin", shmapctl(), "run", "no-such-command", NULL);
    assert_refused(&result, NOT_FOUND, "no-such-command", "No such file", NULL);
    result = run_program(shmapctl(), "run", "./missing", NULL);
    assert_refused(&result, NOT_FOUND, "./missing", "No such file", NULL);
    put_file("plain", "");
    result = run_program(shmapctl(), "run", "./plain", NULL);
    assert_refused(&result, NOT_EXECUTABLE, "./plain", "Permission denied", NULL);
    result = run_program(shmapctl(), "run", "/", NULL);
    assert_refused(&result, NOT_EXECUTABLE, "Permission denied", NULL);
    assert_int_equal(workspace_await_children(), 0);
}

/* A name in the machine's /dev/shm that no other test has; for free(). */
static char *machine_path(const struct workspace *workspace)
{
    char *path;

    // The directory of all cases has the name that is its own.
    assert_ok(asprintf(&path, "/dev/shm/%s-%s", strrchr(workspace->top, '/') + 1,
                       strrchr(workspace->dir, '/') + 1));
    return path;
}

static void wrong_command_lines(void **state)
{
    struct workspace *workspace = begin_run(state);
    char *before = workspace_tree();

    struct program_result result = run_program(shmapctl(), "run", NULL);
    assert_refused(&result, NOT_STARTED, "command is missing", "usage", NULL);
    result = run_program(shmapctl(), "run", "--", NULL);
    assert_refused(&result, NOT_STARTED, "command is missing", NULL);
    result = run_program(shmapctl(), "run", "--bogus", "true", NULL);
    assert_int_equal(result.status, NOT_STARTED);
    assert_non_null(strstr(result.err, "bogus"));
    result = run_program(shmapctl(), "run", "-o", NULL);
    assert_int_equal(result.status, NOT_STARTED);
    result = run_program(shmapctl(), "--json", "run", "true", NULL);
    assert_refused(&result, NOT_STARTED, "json", NULL);
    result = run_program(shmapctl(), "run", "-o", "bogus", "true", NULL);
    assert_refused(&result, NOT_STARTED, "bogus", NULL);
    result = run_program(shmapctl(), "run", "-o", "size=lots", "--persist", "new", "true", NULL);
    assert_refused(&result, NOT_STARTED, "size=lots", NULL);
    put_file("plain", "");
    result = run_program(shmapctl(), "run", "--persist", "plain", "true", NULL);
    assert_refused(&result, NOT_STARTED, "plain", "not a directory", NULL);
    result = run_program(shmapctl(), "run", "--persist", "missing/new", "true", NULL);
    assert_refused(&result, NOT_STARTED, "missing/new", "No such file", NULL);
    result = run_program(shmapctl(), "run", "--persist", "", "true", NULL);
    assert_refused(&result, NOT_STARTED, "--persist is empty", NULL);
    // There is a descriptor too few for what comes before a store is needed.
    // A look for leaks would need descriptors, too.
    result = run_program("env", "ASAN_OPTIONS=detect_leaks=0", "sh", "-c",
                         "ulimit -n 4; exec $0 run --persist new true", shmapctl(), NULL);
    assert_refused(&result, NOT_STARTED, "cannot be started", NULL);
    char *hidden = machine_path(workspace);
    result = run_program(shmapctl(), "run", "--persist", hidden, "true", NULL);
    assert_refused(&result, NOT_STARTED, hidden, "cannot be in", NULL);
    assert_false(exists(hidden));
    free(hidden);
    result = run_program(shmapctl(), "run", "--mount", "missing", "true", NULL);
    assert_refused(&result, NOT_STARTED, "missing", "make the directory first", NULL);
    result = run_program(shmapctl(), "run", "--mount", "plain", "true", NULL);
    assert_refused(&result, NOT_STARTED, "plain", "choose a directory", NULL);
    result = run_program(shmapctl(), "run", "--mount=/", "true", NULL);
    assert_refused(&result, NOT_STARTED, "choose a directory", NULL);
    result = run_program(shmapctl(), "run", "--mount=", "true", NULL);
    assert_refused(&result, NOT_STARTED, "--mount is empty", NULL);
    result = run_program(shmapctl(), "run", "--help", NULL);
    assert_done(&result);
    assert_non_null(strstr(result.out, "--persist"));
    assert_ok(unlink("plain"));
    char *after = workspace_tree();
    assert_string_equal(before, after);
    free(before);
    free(after);
}

/* Options that follow the command are the command's own. */
static void options_of_the_command_are_its_own(void **state)
{
    struct workspace *workspace = begin_run(state);

    struct program_result result =
        run_program(shmapctl(), "run", "echo", "-j", "--help", "--", "-o", NULL);
    assert_ended(&result, 0, "-j --help -- -o\n");
    result = run_program(shmapctl(), "run", "--", "echo", "-V", NULL);
    assert_ended(&result, 0, "-V\n");
    result = run_program(shmapctl(), "--", "run", "-osize=1m", "--persist=store", "echo",
                         "--persist", NULL);
    assert_ended(&result, 0, "--persist\n");
    (void)workspace;
}

static void streams_are_the_command_s(void **state)
{
    struct workspace *workspace = begin_run(state);
    char line[16];

    struct background_run background = start_script(workspace, false, "cat; echo error >&2");
    say(&background, "through\n");
    assert_line(&background, "through");
    end_input(&background);
    char err[64];
    assert_int_equal(end_run(&background, err, sizeof(err)), 0);
    assert_string_equal(err, "error\n");
    // A stream that the command closes is closed, whichever processes still run.
    background = start_script(workspace, false, "exec >&-; read line; exit 5");
    read_line(background.out, line, sizeof(line));
    assert_string_equal(line, "");
    say(&background, "line\n");
    assert_run_ends(&background, 5);
}

static void identity_and_descriptors_are_as_outside(void **state)
{
    struct workspace *workspace = begin_run(state);
    const char *script = "grep -E '^(Uid|Gid|Cap|NoNewPrivs|SigBlk|SigIgn)' /proc/self/status; "
                         "ls /proc/self/fd; pwd; env | grep -v '^_='; ulimit -a; umask";

    struct program_result outside = run_program("sh", "-c", script, NULL);
    assert_done(&outside);
    struct program_result within = run_script(workspace, NULL, script);
    assert_ended(&within, 0, outside.out);
    if (!workspace->root)
        return;
    // Root of a container, who needs a user namespace as well.
    outside = run_program("setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin", "sh",
                          "-c", script, NULL);
    assert_done(&outside);
    within = run_program("setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin",
                         shmapctl(), "run", "sh", "-c", script, NULL);
    assert_ended(&within, 0, outside.out);
}

static void two_programs_share_memory(void **state)
{
    struct workspace *workspace = begin_run(state);

    struct program_result result = run_role(workspace, "", "share");
    assert_ended(&result, 0, "");
}

static void the_limit_answers(void **state)
{
    struct workspace *workspace = begin_run(state);

    struct program_result result = run_role(workspace, "size=1m", "fill");
    assert_ended(&result, 0, "");
}

/* The command's limits do not limit the daemon that serves it. */
static void limits_are_the_command_s(void **state)
{
    struct workspace *workspace = begin_run(state);
    const char *script =
        "ulimit -St; ulimit -Sf; ulimit -Sf $(ulimit -Hf); "
        "head -c 100000 /dev/zero >/dev/shm/object; wc -c </dev/shm/object; "
        "pid=$($0 --json status /dev/shm | sed 's/.*\"pid\":\\([0-9]*\\).*/\\1/'); "
        "sed -n 's/^Max cpu time *\\([a-z0-9]*\\) *\\([a-z0-9]*\\).*/\\1 \\2/p' /proc/$pid/limits";
    const char *options = workspace->nopassthrough ? "nopassthrough" : "rw";

    struct program_result result =
        run_program("sh", "-c", "ulimit -t 2000; ulimit -St 1000; ulimit -Sf 4; exec \"$@\"", "sh",
                    shmapctl(), "run", "-o", options, "sh", "-c", script, shmapctl(), NULL);
    // The daemon raises its limit to the hard limit, and beyond where root may do that.
    struct program_result beyond =
        run_program("sh", "-c", "ulimit -t 2000; ulimit -t unlimited", NULL);
    assert_ended(&result, 0,
                 beyond.status == 0 ? "1000\n4\n100000\nunlimited unlimited\n"
                                    : "1000\n4\n100000\n2000 2000\n");
}

static void the_machine_s_objects_are_out_of_reach(void **state)
{
    struct workspace *workspace = begin_run(state);
    char *path = machine_path(workspace), script[256];

    put_file(path, "the machine's");
    snprintf(script, sizeof(script), "ls -A /dev/shm; echo mine >%s", path);
    struct program_result result = run_script(workspace, NULL, script);
    char content[64] = "";
    int fd = open_file(path, O_RDONLY);
    ssize_t length = read(fd, content, sizeof(content) - 1);
    assert_ok(close(fd));
    assert_ok(unlink(path));
    assert_ended(&result, 0, "");
    assert_int_equal(length, strlen("the machine's"));
    assert_string_equal(content, "the machine's");
    free(path);
}

static void kept_with_a_store_only(void **state)
{
    struct workspace *workspace = begin_run(state);

    struct program_result result = run_script(workspace, NULL, "echo text >/dev/shm/object");
    assert_ended(&result, 0, "");
    result = run_script(workspace, NULL, "ls -A /dev/shm");
    assert_ended(&result, 0, "");
    // A new one, by a path that counts from here.
    result = run_script(workspace, "new", "echo text >/dev/shm/object");
    assert_ended(&result, 0, "");
    assert_int_equal(stat_of("new").st_mode & 07777, 0700);
    assert_content("new/object", "text\n");
    for (int i = 0; i < 5; i++) {
        result =
            run_script(workspace, "new", "echo more >>/dev/shm/object; wc -l </dev/shm/object");
        char count[16];
        snprintf(count, sizeof(count), "%d\n", i + 2);
        assert_ended(&result, 0, count);
    }
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(status_is_that_of_the_command),
    cmocka_unit_test(commands_that_cannot_be_executed),
    cmocka_unit_test(wrong_command_lines),
    cmocka_unit_test(options_of_the_command_are_its_own),
    cmocka_unit_test(streams_are_the_command_s),
    cmocka_unit_test(identity_and_descriptors_are_as_outside),
    cmocka_unit_test(two_programs_share_memory),
    cmocka_unit_test(the_limit_answers),
    cmocka_unit_test(limits_are_the_command_s),
    cmocka_unit_test(the_machine_s_objects_are_out_of_reach),
    cmocka_unit_test(kept_with_a_store_only),
};

RUN_MAIN("run", cases, 0)
