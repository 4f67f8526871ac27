// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl who: which processes and threads it finds, how it prints them, and what it refuses. */
#include "tests/mount/cases/commands/json_output.h"
#include "tests/mount/cases/commands/who_output.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/sandbox.h"
#include "tests/mount/workspace/workspace.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Descriptors that the case can name: what the coprocess has inherited is below. */
enum { READS = 100, WRITES, BOTH, NEITHER, SECOND };

struct thread_work {
    struct coprocess *parent;
    const char *path;
    int result;
};

/* In a thread that parts with the descriptors that the others have. */
static void *work_apart(void *argument)
{
    struct thread_work *work = argument;

    work->result = unshare(CLONE_FILES) != 0 || open_as(work->path, O_RDWR, SECOND) != 0 ||
                   fcntl(SECOND, F_GETFD) < 0 || keep_until_told(work->parent) != 0;
    return NULL;
}

static int opens_in_a_thread(struct coprocess *parent, void *path)
{
    struct thread_work work = { parent, path, 1 };
    pthread_t thread;

    coprocess_check(open_as(path, O_RDONLY, READS) == 0);
    coprocess_check(pthread_create(&thread, NULL, work_apart, &work) == 0);
    coprocess_check(pthread_join(thread, NULL) == 0);
    coprocess_check(fcntl(SECOND, F_GETFD) == -1);
    return work.result;
}

static void descriptors_of_a_thread_alone(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess coprocess;

    workspace_mount(workspace, true, "");
    put_file("mnt/file", "contents");
    start_user(&coprocess, opens_in_a_thread, "mnt/file");
    struct json_object *answer = who_json("mnt/file");
    assert_int_equal(count_processes(answer), 1);
    struct json_object *uses = uses_of(answer, coprocess.pid);
    // A descriptor that both threads have counts once.
    assert_int_equal(json_object_array_length(uses), 2);
    assert_open(uses, READS, "r");
    assert_open(uses, SECOND, "rw");
    json_object_put(answer);
    end_user(&coprocess);
    workspace_unmount(workspace);
}

static void *work_on(void *argument)
{
    struct thread_work *work = argument;
    int result = work->result;

    // The first thread is gone when nothing of it is left but a zombie.
    for (char state = 'R'; result == 0 && state != 'Z';) {
        FILE *stat = fopen("/proc/self/stat", "re");
        if (stat == NULL || fscanf(stat, "%*d (%*[^)]) %c", &state) != 1)
            result = 1;
        if (stat != NULL)
            fclose(stat);
        sched_yield();
    }
    _exit(result == 0 ? keep_until_told(work->parent) : result);
}

static int leaves_its_thread_alone(struct coprocess *parent, void *path)
{
    struct thread_work *work = malloc(sizeof(*work));
    struct coprocess *kept = malloc(sizeof(*kept));
    pthread_t thread;

    coprocess_check(work != NULL && kept != NULL);
    *kept = *parent;
    *work = (struct thread_work){ kept, path, 0 };
    coprocess_check(open_as(path, O_RDONLY, READS) == 0);
    coprocess_check(map_path(path, page_size()) != NULL);
    coprocess_check(pthread_create(&thread, NULL, work_on, work) == 0);
    pthread_exit(NULL);
}

static void processes_whose_first_thread_has_ended(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess coprocess;

    workspace_mount(workspace, true, "");
    assert_ok(close(new_file("mnt/file", PAGE)));
    start_user(&coprocess, leaves_its_thread_alone, "mnt/file");
    struct json_object *answer = who_json("mnt/file");
    struct json_object *uses = uses_of(answer, coprocess.pid);
    assert_non_null(uses);
    assert_int_equal(json_object_array_length(uses), 2);
    assert_open(uses, READS, "r");
    assert_mapped(uses, "shared", "rw", 0, PAGE);
    json_object_put(answer);
    end_user(&coprocess);
    workspace_unmount(workspace);
}

static int has_an_odd_name(struct coprocess *parent, void *path)
{
    coprocess_check(prctl(PR_SET_NAME, "two\nlines\033[1m") == 0);
    return opens(parent, path);
}

static void answers_in_words(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess coprocess;
    char pid[32];

    workspace_mount(workspace, true, "");
    assert_ok(close(new_file("mnt/file", 4 * PAGE)));
    struct program_result result = run_program(shmapctl(), "who", "mnt/file", NULL);
    assert_done_or_incomplete(&result);
    assert_string_equal(result.out, "PID  USER  COMMAND  HOW  RANGE  PATH\n");
    start_user(&coprocess, has_an_odd_name, "mnt/file");
    result = run_program(shmapctl(), "who", "mnt/file", NULL);
    assert_done_or_incomplete(&result);
    snprintf(pid, sizeof(pid), "%d  ", (int)coprocess.pid);
    assert_non_null(strstr(result.out, pid));
    assert_non_null(strstr(result.out, "  two\\012lines\\033[1m  open fd 100 r     -      /"));
    assert_non_null(strstr(result.out, "  open fd 103 path  -      /"));
    assert_null(strchr(result.out, '\033'));
    end_user(&coprocess);
    start_user(&coprocess, maps, "mnt/file");
    result = run_program(shmapctl(), "who", "mnt/file", NULL);
    assert_done_or_incomplete(&result);
    snprintf(pid, sizeof(pid), "  0-%lld  ", (long long)(2 * PAGE - 1));
    assert_non_null(strstr(result.out, "mapped shared rw"));
    assert_non_null(strstr(result.out, pid));
    end_user(&coprocess);
    workspace_unmount(workspace);
}

/* The argument is the process id of one of root's. */
static int look_as_another(void *argument)
{
    const pid_t *others = argument;
    struct program_result result = run_program(shmapctl(), "--json", "who", "mnt/file", NULL);
    struct json_object *answer = json_output_of(&result);

    // Root's process is not seen, and that is said.
    assert_null(uses_of(answer, *others));
    assert_true(json_number(answer, "unseen") >= 1);
    assert_non_null(strstr(result.err, "root sees"));
    // Some may be the caller's own that have become what he may not look at.
    assert_null(strstr(result.err, "user"));
    json_object_put(answer);
    return 0;
}

static int opens_as_nobody(struct coprocess *parent, void *path)
{
    coprocess_check(setresgid(NOBODY, NOBODY, NOBODY) == 0);
    coprocess_check(setresuid(NOBODY, NOBODY, NOBODY) == 0);
    return opens(parent, path);
}

static void processes_of_other_users(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess mine, other;

    workspace_mount(workspace, true, "");
    put_file("mnt/file", "contents");
    assert_ok(chmod("mnt/file", 0666));
    start_user(&mine, opens, "mnt/file");
    start_user(&other, opens_as_nobody, "mnt/file");
    struct json_object *answer = who_json("mnt/file");
    assert_int_equal(count_processes(answer), 2);
    assert_int_equal(json_number(answer, "unseen"), 0);
    struct json_object *process =
        json_find_number(json_member(answer, "processes"), "pid", other.pid);
    assert_int_equal(json_number(process, "uid"), NOBODY);
    assert_string_equal(json_text(process, "user"), "nobody");
    assert_int_equal(json_object_array_length(json_member(process, "uses")), 4);
    json_object_put(answer);
    assert_int_equal(harness_as(NOBODY, NOBODY, 0, NULL, look_as_another, &mine.pid), 0);
    end_user(&mine);
    end_user(&other);
    workspace_unmount(workspace);
}

static void refusals(void **state)
{
    struct workspace *workspace = workspace_of(state);

    struct program_result result = run_program(shmapctl(), "who", workspace->store, NULL);
    assert_refused(&result, FAILED, workspace->store, "not a file or directory of a shmapfs mount",
                   NULL);
    result = run_program(shmapctl(), "who", "missing", NULL);
    assert_refused(&result, FAILED, "missing", "No such file", NULL);
    result = run_program(shmapctl(), "who", NULL);
    assert_int_equal(result.status, USAGE);
    result = run_program(shmapctl(), "who", "mnt", "mnt", NULL);
    assert_int_equal(result.status, USAGE);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(descriptors_of_a_thread_alone),
    cmocka_unit_test(processes_whose_first_thread_has_ended),
    cmocka_unit_test(answers_in_words),
    cmocka_unit_test(refusals),
    cmocka_unit_test(processes_of_other_users), // becomes another one
};

// The last of them becomes another user.
ROOT_LAST_MAIN("who_process", cases, 1)
