// SPDX-License-Identifier: BSD-2-Clause
// Which processes shmapctl finds that use a file, and how it says so.
#include "tests/mount/cases/commands/json_output.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/sandbox.h"
#include "tests/mount/workspace/workspace.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FAILED = 1, USAGE = 2 };

#define PAGE ((int64_t)page_size())

/* A coprocess that has arranged something with files says so, and keeps it up until it is told to end. */
static int keep_up(struct coprocess *parent)
{
    coprocess_check(coprocess_give_turn(parent));
    coprocess_check(coprocess_await_turn(parent));
    return 0;
}

/* Others may look at it, although it has changed its user: as those may whom a login has started. */
static void start(struct coprocess *coprocess, coprocess_body *body, const char *path)
{
    assert_ok(prctl(PR_SET_DUMPABLE, 1));
    assert_int_equal(coprocess_start(coprocess, body, (char *)(uintptr_t)path), 0);
    assert_true(coprocess_await_turn(coprocess));
}

static void end(struct coprocess *coprocess)
{
    assert_true(coprocess_give_turn(coprocess));
    assert_coprocess_succeeds(coprocess);
}

static struct json_object *who(const char *path)
{
    struct program_result result = run_program(shmapctl(), "--json", "who", path, NULL);
    struct json_object *answer = json_output_of(&result);

    assert_string_equal(json_text(answer, "path"), path);
    return answer;
}

/* What a process does with the file; NULL: nothing. */
static struct json_object *uses_of(struct json_object *answer, pid_t pid)
{
    struct json_object *processes = json_member(answer, "processes");
    struct json_object *process = json_find_number(processes, "pid", pid);

    return process != NULL ? json_member(process, "uses") : NULL;
}

static size_t count_processes(struct json_object *answer)
{
    return json_object_array_length(json_member(answer, "processes"));
}

static void assert_open(struct json_object *uses, int fd, const char *access)
{
    struct json_object *use = json_find_number(uses, "fd", fd);

    if (use == NULL)
        fail_msg("no descriptor %d in %s", fd, json_object_to_json_string(uses));
    assert_string_equal(json_text(use, "how"), "open");
    assert_string_equal(json_text(use, "access"), access);
}

static void assert_mapped(struct json_object *uses, const char *sharing, const char *access,
                          int64_t offset, int64_t length)
{
    for (size_t i = 0; i < json_object_array_length(uses); i++) {
        struct json_object *use = json_object_array_get_idx(uses, i);
        if (strcmp(json_text(use, "how"), "mapped") == 0 &&
            strcmp(json_text(use, "sharing"), sharing) == 0 &&
            strcmp(json_text(use, "access"), access) == 0 && json_number(use, "offset") == offset &&
            json_number(use, "length") == length)
            return;
    }
    fail_msg("no mapping %s %s %lld+%lld in %s", sharing, access, (long long)offset,
             (long long)length, json_object_to_json_string(uses));
}

/* Descriptors that the case can name: what the coprocess has inherited is below. */
enum { READS = 100, WRITES, BOTH, NEITHER, SECOND };

static int open_as(const char *path, int flags, int number)
{
    int fd = open(path, flags | O_CLOEXEC);

    return fd < 0 || dup2(fd, number) < 0 || close(fd) < 0 ? -1 : 0;
}

static int opens(struct coprocess *parent, void *path)
{
    coprocess_check(open_as(path, O_RDONLY, READS) == 0);
    coprocess_check(open_as(path, O_WRONLY, WRITES) == 0);
    coprocess_check(open_as(path, O_RDWR, BOTH) == 0);
    coprocess_check(open_as(path, O_PATH, NEITHER) == 0);
    return keep_up(parent);
}

static void open_files(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess coprocess;

    workspace_mount(workspace, true, "anon=scratch");
    put_file("mnt/file", "contents");
    put_file("mnt/scratch/file", "contents");
    for (int i = 0; i < 2; i++) {
        const char *path = i == 0 ? "mnt/file" : "mnt/scratch/file";
        struct json_object *answer = who(path);
        assert_int_equal(count_processes(answer), 0);
        json_object_put(answer);
        start(&coprocess, opens, path);
        answer = who(path);
        assert_int_equal(count_processes(answer), 1);
        struct json_object *uses = uses_of(answer, coprocess.pid);
        assert_non_null(uses);
        assert_int_equal(json_object_array_length(uses), 4);
        assert_open(uses, READS, "r");
        assert_open(uses, WRITES, "w");
        assert_open(uses, BOTH, "rw");
        assert_open(uses, NEITHER, "path");
        json_object_put(answer);
        // The same number in another area is another file.
        answer = who(i == 0 ? "mnt/scratch/file" : "mnt/file");
        assert_int_equal(count_processes(answer), 0);
        json_object_put(answer);
        end(&coprocess);
    }
    workspace_unmount(workspace);
}

static int maps(struct coprocess *parent, void *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    size_t page = page_size();

    coprocess_check(fd >= 0);
    coprocess_check(mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED);
    coprocess_check(mmap(NULL, page, PROT_READ, MAP_SHARED, fd, (off_t)page) != MAP_FAILED);
    coprocess_check(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, (off_t)(2 * page)) !=
                    MAP_FAILED);
    coprocess_check(mmap(NULL, page, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) != MAP_FAILED);
    coprocess_check(mmap(NULL, page, PROT_NONE, MAP_SHARED, fd, (off_t)(3 * page)) != MAP_FAILED);
    coprocess_check(close(fd) == 0);
    return keep_up(parent);
}

static void mappings_that_outlive_their_descriptor(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess coprocess;

    workspace_mount(workspace, true, "anon=scratch");
    for (int i = 0; i < 2; i++) {
        const char *path = i == 0 ? "mnt/file" : "mnt/scratch/file";
        assert_ok(close(new_file(path, 4 * PAGE)));
        start(&coprocess, maps, path);
        struct json_object *answer = who(path);
        struct json_object *uses = uses_of(answer, coprocess.pid);
        assert_non_null(uses);
        assert_int_equal(json_object_array_length(uses), 5);
        assert_mapped(uses, "shared", "rw", 0, 2 * PAGE);
        assert_mapped(uses, "shared", "r", PAGE, PAGE);
        assert_mapped(uses, "private", "rw", 2 * PAGE, PAGE);
        assert_mapped(uses, "private", "rx", 0, PAGE);
        assert_mapped(uses, "shared", "none", 3 * PAGE, PAGE);
        json_object_put(answer);
        end(&coprocess);
    }
    workspace_unmount(workspace);
}

static void files_without_a_name(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess coprocess;
    char path[64];

    workspace_mount(workspace, true, "");
    assert_ok(close(new_file("mnt/file", 4 * PAGE)));
    int fd = open_file("mnt/file", O_RDONLY);
    assert_ok(link("mnt/file", "mnt/other"));
    start(&coprocess, maps, "mnt/file");
    assert_ok(unlink("mnt/file"));
    struct json_object *answer = who("mnt/other");
    assert_non_null(uses_of(answer, coprocess.pid));
    json_object_put(answer);
    assert_ok(unlink("mnt/other"));
    snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), fd);
    answer = who(path);
    assert_non_null(uses_of(answer, coprocess.pid));
    assert_open(uses_of(answer, getpid()), fd, "r");
    json_object_put(answer);
    assert_ok(close(fd));
    end(&coprocess);
    workspace_unmount(workspace);
}

/* Becomes a program that reads until its standard input ends, and says that it has begun. */
static int executes(struct coprocess *parent, void *path)
{
    dup2(parent->in, STDIN_FILENO);
    dup2(parent->out, STDOUT_FILENO);
    execl(path, path, NULL);
    coprocess_complain(__FILE__, __LINE__, "execl");
    return 1;
}

#define PROGRAM "a-program-with-a-rather-long-name"

static void programs_that_run(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess coprocess;

    workspace_mount(workspace, true, "");
    struct program_result result = run_program("cp", "/bin/cat", "mnt/" PROGRAM, NULL);
    assert_done(&result);
    assert_int_equal(coprocess_start(&coprocess, executes, (char *)(uintptr_t)("mnt/" PROGRAM)), 0);
    // What it repeats shows that it runs.
    assert_true(coprocess_give_turn(&coprocess) && coprocess_await_turn(&coprocess));
    struct json_object *answer = who("mnt/" PROGRAM);
    struct json_object *uses = uses_of(answer, coprocess.pid);
    assert_non_null(uses);
    assert_non_null(json_find(uses, "how", "executing"));
    struct json_object *mapping = json_find(uses, "access", "rx");
    assert_non_null(mapping);
    assert_string_equal(json_text(mapping, "sharing"), "private");
    struct json_object *process =
        json_find_number(json_member(answer, "processes"), "pid", coprocess.pid);
    // The kernel itself keeps 15 bytes of it.
    assert_string_equal(json_text(process, "command"), PROGRAM);
    assert_int_equal(json_number(process, "uid"), geteuid());
    assert_string_equal(json_text(process, "user"), workspace->root ? "root" : "nobody");
    json_object_put(answer);
    assert_coprocess_succeeds(&coprocess);
    workspace_unmount(workspace);
}

static int goes_there(struct coprocess *parent, void *path)
{
    coprocess_check(chdir(path) == 0);
    return keep_up(parent);
}

static int is_confined(struct coprocess *parent, void *path)
{
    coprocess_check(chroot(path) == 0);
    return keep_up(parent);
}

static void directories(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess coprocess;

    workspace_mount(workspace, true, "anon=scratch");
    assert_ok(mkdir("mnt/directory", 0755));
    static const char *const paths[] = { "mnt", "mnt/directory", "mnt/scratch" };
    for (size_t i = 0; i < 3; i++) {
        start(&coprocess, goes_there, paths[i]);
        struct json_object *answer = who(paths[i]);
        assert_int_equal(count_processes(answer), 1);
        assert_non_null(json_find(uses_of(answer, coprocess.pid), "how", "cwd"));
        json_object_put(answer);
        end(&coprocess);
    }
    if (workspace->root) {
        start(&coprocess, is_confined, "mnt/directory");
        struct json_object *answer = who("mnt/directory");
        assert_int_equal(count_processes(answer), 1);
        assert_non_null(json_find(uses_of(answer, coprocess.pid), "how", "root"));
        json_object_put(answer);
        end(&coprocess);
    }
    workspace_unmount(workspace);
}

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
                   fcntl(SECOND, F_GETFD) < 0 || keep_up(work->parent) != 0;
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
    start(&coprocess, opens_in_a_thread, "mnt/file");
    struct json_object *answer = who("mnt/file");
    assert_int_equal(count_processes(answer), 1);
    struct json_object *uses = uses_of(answer, coprocess.pid);
    // What both have counts once.
    assert_int_equal(json_object_array_length(uses), 2);
    assert_open(uses, READS, "r");
    assert_open(uses, SECOND, "rw");
    json_object_put(answer);
    end(&coprocess);
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
    _exit(result == 0 ? keep_up(work->parent) : result);
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
    start(&coprocess, leaves_its_thread_alone, "mnt/file");
    struct json_object *answer = who("mnt/file");
    struct json_object *uses = uses_of(answer, coprocess.pid);
    assert_non_null(uses);
    assert_int_equal(json_object_array_length(uses), 2);
    assert_open(uses, READS, "r");
    assert_mapped(uses, "shared", "rw", 0, PAGE);
    json_object_put(answer);
    end(&coprocess);
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
    assert_string_equal(result.out, "PID  USER  COMMAND  HOW  RANGE\n");
    start(&coprocess, has_an_odd_name, "mnt/file");
    result = run_program(shmapctl(), "who", "mnt/file", NULL);
    assert_done_or_incomplete(&result);
    snprintf(pid, sizeof(pid), "%d  ", (int)coprocess.pid);
    assert_non_null(strstr(result.out, pid));
    assert_non_null(strstr(result.out, "  two\\nlines\\^[[1m  open fd 100 r     -\n"));
    assert_non_null(strstr(result.out, "  open fd 103 path  -\n"));
    assert_null(strchr(result.out, '\033'));
    end(&coprocess);
    start(&coprocess, maps, "mnt/file");
    result = run_program(shmapctl(), "who", "mnt/file", NULL);
    assert_done_or_incomplete(&result);
    snprintf(pid, sizeof(pid), "  0-%lld\n", (long long)(2 * PAGE - 1));
    assert_non_null(strstr(result.out, "mapped shared rw"));
    assert_non_null(strstr(result.out, pid));
    end(&coprocess);
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
    start(&mine, opens, "mnt/file");
    start(&other, opens_as_nobody, "mnt/file");
    struct json_object *answer = who("mnt/file");
    assert_int_equal(count_processes(answer), 2);
    assert_int_equal(json_number(answer, "unseen"), 0);
    struct json_object *process =
        json_find_number(json_member(answer, "processes"), "pid", other.pid);
    assert_int_equal(json_number(process, "uid"), NOBODY);
    assert_string_equal(json_text(process, "user"), "nobody");
    assert_int_equal(json_object_array_length(json_member(process, "uses")), 4);
    json_object_put(answer);
    assert_int_equal(harness_as(NOBODY, NOBODY, 0, NULL, look_as_another, &mine.pid), 0);
    end(&mine);
    end(&other);
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
    cmocka_unit_test(open_files),
    cmocka_unit_test(mappings_that_outlive_their_descriptor),
    cmocka_unit_test(files_without_a_name),
    cmocka_unit_test(programs_that_run),
    cmocka_unit_test(directories),
    cmocka_unit_test(descriptors_of_a_thread_alone),
    cmocka_unit_test(processes_whose_first_thread_has_ended),
    cmocka_unit_test(answers_in_words),
    cmocka_unit_test(refusals),
    cmocka_unit_test(processes_of_other_users), // becomes another one
};

ROOT_LAST_MAIN("who", cases, 1)
