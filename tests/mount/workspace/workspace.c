// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/workspace/workspace.h"

#include "tests/mount/harness/mapping.h"
#include "tests/mount/harness/sandbox.h"

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

enum { WAIT_SECONDS = 60 };

struct group_of_scenes {
    const char *name;
    const struct CMUnitTest *cases;
    size_t count;
    struct sandbox sandbox;
    struct scene scene;
};

const char *shmapfs(void)
{
    return getenv("SHMAPFS");
}

const char *shmapctl(void)
{
    return getenv("SHMAPCTL");
}

bool scene_is_mounted(const char *path)
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

int scene_await_children(void)
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

/* Ends what a failed case left running: children of this process, by their number. */
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
    scene_await_children();
}

/* Takes away what a failed case left mounted, the last first. Returns whether there was anything. */
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
            struct outcome outcome = run("fusermount3", "-u", "-z", last, NULL);
            if (outcome.status != 0)
                return true;
        }
    }
}

static int begin_case(void **state)
{
    struct scene *scene = *state;

    if (asprintf(&scene->dir, "%s/caseXXXXXX", scene->top) == -1 || mkdtemp(scene->dir) == NULL ||
        chmod(scene->dir, 0755) == -1 || chdir(scene->dir) == -1)
        return -1;
    snprintf(scene->mnt, sizeof(scene->mnt), "%s/mnt", scene->dir);
    snprintf(scene->store, sizeof(scene->store), "%s/store", scene->dir);
    return mkdir("mnt", 0755) == -1 || mkdir("store", 0755) == -1 ? -1 : 0;
}

static int end_case(void **state)
{
    struct scene *scene = *state;

    if (getpid() != 1) // A child whose assertion failed.
        _exit(EXIT_FAILURE);
    bool left = chdir("/") == -1 || unmount_all(scene->dir);
    end_children();
    if (left)
        print_error("the case left a mount behind\n");
    int error = sandbox_remove_tree(scene->dir);
    free(scene->dir);
    return left || error < 0 ? -1 : 0;
}

static int run_scenes(void *argument)
{
    struct group_of_scenes *group = argument;
    struct CMUnitTest *tests = calloc(group->count, sizeof(*tests));
    sigset_t ended;

    sigemptyset(&ended);
    sigaddset(&ended, SIGCHLD);
    sigprocmask(SIG_BLOCK, &ended, NULL);
    if (tests == NULL || chmod(group->scene.top, 01777) == -1)
        return EXIT_FAILURE;
    if (!group->scene.root && group->sandbox.by_root &&
        (sandbox_share_fuse_device(&group->sandbox) < 0 ||
         sandbox_drop_privileges(&group->sandbox, true) < 0))
        return EXIT_FAILURE;
    for (size_t i = 0; i < group->count; i++) {
        tests[i] = group->cases[i];
        tests[i].setup_func = begin_case;
        tests[i].teardown_func = end_case;
        tests[i].initial_state = &group->scene;
    }
    cmocka_set_test_filter(getenv("SHMAPFS_TEST_FILTER"));
    int failed = _cmocka_run_group_tests(group->name, tests, group->count, NULL, NULL);
    free(tests);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int scene_main(int argc, char **argv, const char *name, const struct CMUnitTest cases[],
               size_t count)
{
    char top[] = "/var/tmp/shmapfs-test-XXXXXX";
    struct group_of_scenes group = { .name = name, .cases = cases, .count = count };

    group.sandbox = (struct sandbox){ .top = top, .by_root = geteuid() == 0 };
    group.scene = (struct scene){ .top = top };
    if (argc == 3) {
        group.scene.passthrough = strcmp(argv[1], "passthrough") == 0;
        group.scene.native = strcmp(argv[1], "native") == 0;
        group.scene.root = strcmp(argv[2], "root") == 0;
    }
    if (argc != 3 ||
        (!group.scene.passthrough && !group.scene.native && strcmp(argv[1], "cached") != 0) ||
        (!group.scene.root && strcmp(argv[2], "user") != 0)) {
        fprintf(stderr, "usage: %s passthrough|cached|native root|user\n", argv[0]);
        return EXIT_FAILURE;
    }
    if (shmapfs() == NULL || shmapctl() == NULL) {
        fprintf(stderr, "FAILED: SHMAPFS and SHMAPCTL must name the programs to test\n");
        return EXIT_FAILURE;
    }
    if (group.scene.root && !group.sandbox.by_root)
        return sandbox_skip("these cases need root");
    if (mkdtemp(top) == NULL) {
        fprintf(stderr, "FAILED: %s: %s\n", top, strerror(errno));
        return EXIT_FAILURE;
    }
    return sandbox_run(&group.sandbox, run_scenes, &group);
}

struct outcome scene_try_mount(const struct scene *scene, bool with_store, const char *options)
{
    char all[4096];

    snprintf(all, sizeof(all), "defaults%s%s%s", scene->passthrough ? "" : ",nopassthrough",
             options[0] == '\0' ? "" : ",", options);
    if (with_store)
        return run(shmapfs(), scene->store, scene->mnt, "-o", all, NULL);
    return run(shmapfs(), scene->mnt, "-o", all, NULL);
}

void scene_mount(const struct scene *scene, bool with_store, const char *options)
{
    if (scene->native) {
        assert_true(with_store);
        assert_ok(mount(scene->store, scene->mnt, NULL, MS_BIND, NULL));
        return;
    }
    struct outcome outcome = scene_try_mount(scene, with_store, options);

    assert_done(&outcome);
    assert_string_equal(outcome.out, "");
    assert_true(scene_is_mounted(scene->mnt));
}

void scene_unmount(const struct scene *scene)
{
    if (scene->root) {
        assert_ok(umount2(scene->mnt, 0));
    } else {
        struct outcome outcome = run("fusermount3", "-u", scene->mnt, NULL);
        assert_done(&outcome);
    }
    assert_int_equal(scene_await_children(), 0);
    assert_false(scene_is_mounted(scene->mnt));
}

char *scene_tree(void)
{
    struct outcome outcome = run("find", ".", "-printf", "%p %y %m %s\\n", NULL);

    assert_done(&outcome);
    return strdup(outcome.out);
}

void assert_nothing_left(const struct scene *scene, const char *tree)
{
    assert_false(scene_is_mounted(scene->mnt));
    assert_int_equal(scene_await_children(), 0);
    char *now = scene_tree();
    assert_string_equal(now, tree);
    free(now);
    int store = open(scene->store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store == -1)
        return; // The case is about a store that is none.
    assert_ok(flock(store, LOCK_EX | LOCK_NB));
    assert_ok(close(store));
}

bool comes_true(bool (*condition)(void *), void *argument)
{
    struct timespec start, now;

    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        if (condition(argument))
            return true;
        sched_yield();
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec - start.tv_sec < 10);
    return false;
}

int64_t scene_status(const struct scene *scene, const char *member)
{
    char text[16384], name[128];
    char *rest = name;
    ssize_t length = getxattr(scene->mnt, "user.shmapfs.status", text, sizeof(text) - 1);

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
