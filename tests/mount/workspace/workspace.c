// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/workspace/workspace.h"

#include "tests/mount/harness/kernel.h"
#include "tests/mount/harness/mapping.h"
#include "tests/mount/harness/sandbox.h"
#include "tests/mount/survive/mount_status.h"

#include <fcntl.h>
#include <json-c/json.h>
#include <mntent.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

/* The state that cmocka hands to a case; its workspace comes first. */
struct own_case {
    struct workspace workspace;
    CMUnitTestFunction body;
};

struct workspace_group {
    const char *name;
    const struct CMUnitTest *cases;
    size_t count;
    struct sandbox sandbox;
    struct workspace workspace;
};

bool workspace_is_mounted(const char *path)
{
    FILE *table = setmntent("/proc/self/mounts", "re");
    struct mntent *entry;
    bool found = false;

    assert_non_null(table);
    while (!found && (entry = getmntent(table)) != NULL)
        found = strcmp(entry->mnt_dir, path) == 0;
    endmntent(table);
    return found;
}

int workspace_await_children(void)
{
    struct timespec limit = { .tv_sec = WAIT_SECONDS };
    sigset_t ended;
    int worst = 0;

    // Blocked since the start: no end can fall between the look and the wait.
    sigemptyset(&ended);
    sigaddset(&ended, SIGCHLD);
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid == -1)
            return worst;
        if (pid == 0 && sigtimedwait(&ended, NULL, &limit) == -1 && errno == EAGAIN)
            return -ETIMEDOUT;
        if (pid > 0 && status != 0)
            worst = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
}

/* Ends what a case left running: children of this process, by their number. */
static void end_children(void)
{
    char path[64];
    long pid;

    snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
    FILE *children = fopen(path, "re");
    if (children == NULL)
        return;
    while (fscanf(children, "%ld", &pid) == 1)
        kill((pid_t)pid, SIGKILL);
    fclose(children);
    workspace_await_children();
}

/* Takes away what a case left mounted, the last first. Returns whether there was anything. */
static bool unmount_all(const char *below)
{
    bool any = false;

    for (;;) {
        char last[PATH_MAX] = "";
        FILE *table = setmntent("/proc/self/mounts", "re");
        struct mntent *entry;
        while (table != NULL && (entry = getmntent(table)) != NULL)
            if (strncmp(entry->mnt_dir, below, strlen(below)) == 0)
                snprintf(last, sizeof(last), "%s", entry->mnt_dir);
        if (table != NULL)
            endmntent(table);
        if (last[0] == '\0')
            return any;
        any = true;
        if (umount2(last, MNT_DETACH) == -1) {
            struct program_result result = run_program("fusermount3", "-u", "-z", last, NULL);
            if (result.status != 0)
                return true;
        }
    }
}

static int begin_case(void **state)
{
    struct workspace *workspace = *state;

    if (asprintf(&workspace->dir, "%s/caseXXXXXX", workspace->top) == -1 ||
        mkdtemp(workspace->dir) == NULL || chmod(workspace->dir, 0755) == -1 ||
        chdir(workspace->dir) == -1)
        return -1;
    snprintf(workspace->mnt, sizeof(workspace->mnt), "%s/mnt", workspace->dir);
    snprintf(workspace->store, sizeof(workspace->store), "%s/store", workspace->dir);
    return mkdir("mnt", 0755) == -1 || mkdir("store", 0755) == -1 ? -1 : 0;
}

/* One that fails or is skipped does not come to the end of it, and may leave a mount. */
static void run_case(void **state)
{
    struct own_case *own = *state;

    own->body(state);
    if (unmount_all(own->workspace.dir))
        fail_msg("the case left a mount behind");
}

static int end_case(void **state)
{
    struct workspace *workspace = *state;

    if (getpid() != 1) // A child whose assertion failed.
        _exit(EXIT_FAILURE);
    int error = chdir("/") == -1 ? -errno : 0;
    unmount_all(workspace->dir);
    end_children();
    if (error == 0)
        error = sandbox_remove_tree(workspace->dir);
    free(workspace->dir);
    return error < 0 ? -1 : 0;
}

static int run_in_sandbox(void *argument)
{
    struct workspace_group *group = argument;
    struct CMUnitTest *tests = calloc(group->count, sizeof(*tests));
    struct own_case *own = calloc(group->count, sizeof(*own));
    sigset_t ended;

    sigemptyset(&ended);
    sigaddset(&ended, SIGCHLD);
    sigprocmask(SIG_BLOCK, &ended, NULL);
    if (tests == NULL || own == NULL || chmod(group->workspace.top, 01777) == -1)
        return EXIT_FAILURE;
    if (!group->workspace.root && group->sandbox.by_root &&
        (sandbox_share_fuse_device(&group->sandbox) < 0 ||
         sandbox_drop_privileges(&group->sandbox, true) < 0))
        return EXIT_FAILURE;
    for (size_t i = 0; i < group->count; i++) {
        own[i] = (struct own_case){ group->workspace, group->cases[i].test_func };
        tests[i] = group->cases[i];
        tests[i].test_func = run_case;
        tests[i].setup_func = begin_case;
        tests[i].teardown_func = end_case;
        tests[i].initial_state = &own[i];
    }
    cmocka_set_test_filter(getenv("SHMAPFS_TEST_FILTER"));
    int failed = _cmocka_run_group_tests(group->name, tests, group->count, NULL, NULL);
    free(tests);
    free(own);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int workspace_main(int argc, char **argv, const char *name, const struct CMUnitTest cases[],
                   size_t count)
{
    char top[] = "/var/tmp/shmapfs-test-XXXXXX";
    struct workspace_group group = { .name = name, .cases = cases, .count = count };

    group.sandbox = (struct sandbox){ .top = top, .by_root = geteuid() == 0 };
    group.workspace = (struct workspace){ .top = top };
    if (argc == 3) {
        group.workspace.nopassthrough = strcmp(argv[1], "cached") == 0;
        group.workspace.native = strcmp(argv[1], "native") == 0;
        group.workspace.root = strcmp(argv[2], "root") == 0;
        group.workspace.passthrough =
            strcmp(argv[1], "passthrough") == 0 && group.workspace.root && kernel_has_passthrough();
    }
    if (argc != 3 ||
        (!group.workspace.nopassthrough && !group.workspace.native &&
         strcmp(argv[1], "passthrough") != 0) ||
        (!group.workspace.root && strcmp(argv[2], "user") != 0)) {
        fprintf(stderr, "usage: %s passthrough|cached|native root|user\n", argv[0]);
        return EXIT_FAILURE;
    }
    if (shmapfs() == NULL || shmapctl() == NULL) {
        fprintf(stderr, "FAILED: SHMAPFS and SHMAPCTL must name the programs to test\n");
        return EXIT_FAILURE;
    }
    if (group.workspace.root && !group.sandbox.by_root)
        return sandbox_skip("these cases need root");
    if (mkdtemp(top) == NULL) {
        fprintf(stderr, "FAILED: %s: %s\n", top, strerror(errno));
        return EXIT_FAILURE;
    }
    return sandbox_run(&group.sandbox, run_in_sandbox, &group);
}

struct program_result workspace_try_mount(const struct workspace *workspace, bool with_store,
                                          const char *options)
{
    char all[4096];

    snprintf(all, sizeof(all), "defaults%s%s%s", workspace->nopassthrough ? ",nopassthrough" : "",
             options[0] == '\0' ? "" : ",", options);
    if (with_store)
        return run_program(shmapfs(), workspace->store, workspace->mnt, "-o", all, NULL);
    return run_program(shmapfs(), workspace->mnt, "-o", all, NULL);
}

void workspace_mount(const struct workspace *workspace, bool with_store, const char *options)
{
    if (workspace->native) {
        assert_true(with_store);
        assert_ok(mount(workspace->store, workspace->mnt, NULL, MS_BIND, NULL));
        return;
    }
    struct program_result result = workspace_try_mount(workspace, with_store, options);

    assert_done(&result);
    assert_string_equal(result.out, "");
    assert_true(workspace_is_mounted(workspace->mnt));
}

void workspace_unmount(const struct workspace *workspace)
{
    if (workspace->root) {
        assert_ok(umount2(workspace->mnt, 0));
    } else {
        struct program_result result = run_program("fusermount3", "-u", workspace->mnt, NULL);
        assert_done(&result);
    }
    assert_int_equal(workspace_await_children(), 0);
    assert_false(workspace_is_mounted(workspace->mnt));
}

char *workspace_tree(void)
{
    struct program_result result = run_program("find", ".", "-printf", "%p %y %m %s\\n", NULL);

    assert_done(&result);
    return strdup(result.out);
}

void assert_nothing_left(const struct workspace *workspace, const char *tree)
{
    assert_false(workspace_is_mounted(workspace->mnt));
    assert_int_equal(workspace_await_children(), 0);
    char *now = workspace_tree();
    assert_string_equal(now, tree);
    free(now);
    int store = open(workspace->store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store == -1)
        return; // The case is about a store that is none.
    assert_ok(flock(store, LOCK_EX | LOCK_NB));
    assert_ok(close(store));
}

bool becomes_true(bool (*condition)(void *), void *argument)
{
    struct timespec start, now;

    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        if (condition(argument))
            return true;
        sched_yield();
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec - start.tv_sec < WAIT_SECONDS);
    return false;
}

int64_t read_status_number(const struct workspace *workspace, const char *member)
{
    char text[16384], name[128];
    char *rest = name;
    ssize_t length = getxattr(workspace->mnt, "user.shmapfs.status", text, sizeof(text) - 1);

    assert_ok(length);
    text[length] = '\0';
    struct json_object *whole = json_tokener_parse(text);
    struct json_object *part = whole;
    snprintf(name, sizeof(name), "%s", member);
    for (char *word; (word = strsep(&rest, ".")) != NULL;)
        if (!json_object_object_get_ex(part, word, &part))
            fail_msg("the status has no %s: %s", member, text);
    int64_t value = json_object_get_int64(part);
    json_object_put(whole);
    return value;
}

struct expectation {
    const struct workspace *workspace;
    const char *member;
    int64_t at_most;
};

static bool status_is(void *argument)
{
    const struct expectation *expected = argument;
    return read_status_number(expected->workspace, expected->member) <= expected->at_most;
}

bool status_becomes(const struct workspace *workspace, const char *member, int64_t at_most)
{
    struct expectation expected = { workspace, member, at_most };
    return becomes_true(status_is, &expected);
}

pid_t daemon_of(const struct workspace *workspace)
{
    pid_t keeper = (pid_t)read_status_number(workspace, "keeper");
    pid_t daemon = keeper != 0 ? keeper : (pid_t)read_status_number(workspace, "pid");

    assert_true(daemon > 0);
    return daemon;
}

void need_survival(const struct workspace *workspace)
{
    struct mount_status status;

    assert_int_equal(read_mount_status(workspace->mnt, &status), 0);
    if (status.survival[0] != '\0')
        harness_skip_case(status.survival);
}
