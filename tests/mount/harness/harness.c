// SPDX-License-Identifier: BSD-2-Clause
/*
 * Three processes: the program itself, which waits and cleans up (sandbox.c); the first
 * process of the namespaces, which mounts and watches; and the runner, which is cmocka with the
 * cases.
 */
#include "tests/mount/harness/harness.h"

#include "tests/mount/harness/daemon.h"
#include "tests/mount/harness/kernel.h"
#include "tests/mount/harness/sandbox.h"
#include "tests/mount/harness/watchdog.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/magic.h>

struct case_group {
    const char *name;
    const struct CMUnitTest *cases;
    size_t count;
    const char *native; // the directory, or "tmpfs"; NULL for a mount
    struct sandbox sandbox;
    struct fixture fixture;
    char top[256], mnt[300], store[300], base[400];
    int watchdog_pipe; // where the runner tells which case begins
    pid_t runner;
};

// The argument of a case's set-up and tear-down.
struct running_case {
    struct case_group *group;
    const struct CMUnitTest *test;
};

static int begin_case(void **state)
{
    struct running_case *this = *state;
    struct fixture *fixture = &this->group->fixture;
    watchdog_case_begins(this->group->watchdog_pipe, this->test->name);
    if (asprintf(&fixture->dir, "%s/%s", fixture->base, this->test->name) < 0 ||
        mkdir(fixture->dir, 0755) < 0 || chdir(fixture->dir) < 0) {
        print_error("%s: %s\n", fixture->dir, strerror(errno));
        return -1;
    }
    *state = fixture;
    return 0;
}

static int end_case(void **state)
{
    struct fixture *fixture = fixture_of(state);
    // A child of the case whose assertion failed comes here too. It must not go on with the next
    // case.
    if (is_child_of_case())
        _exit(EXIT_FAILURE);
    int error = chdir("/") < 0 ? -errno : sandbox_remove_tree(fixture->dir);
    if (error < 0)
        print_error("removing %s: %s\n", fixture->dir, strerror(-error));
    free(fixture->dir);
    fixture->dir = NULL;
    return error;
}

static int run_cases(struct case_group *group)
{
    struct CMUnitTest *tests = calloc(group->count, sizeof(*tests));
    struct running_case *running = calloc(group->count, sizeof(*running));
    if (tests == NULL || running == NULL)
        return EXIT_FAILURE;
    for (size_t i = 0; i < group->count; i++) {
        running[i] = (struct running_case){ group, &group->cases[i] };
        tests[i] = group->cases[i];
        tests[i].setup_func = begin_case;
        tests[i].teardown_func = end_case;
        tests[i].initial_state = &running[i];
    }
    cmocka_set_test_filter(getenv("SHMAPFS_TEST_FILTER"));
    int failures = _cmocka_run_group_tests(group->name, tests, group->count, NULL, NULL);
    free(tests);
    free(running);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

struct errand {
    uid_t uid;
    gid_t gid;
    int (*body)(void *);
    void *argument;
};

// A process that stays root on behalf of cases that are not. It is a copy of the runner: pointers
// mean the same.
static int start_outsider(void)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        struct errand errand;
        close(ends[0]);
        while (read(ends[1], &errand, sizeof(errand)) == (ssize_t)sizeof(errand)) {
            int status = harness_as(errand.uid, errand.gid, 0, NULL, errand.body, errand.argument);
            if (write(ends[1], &status, sizeof(status)) != (ssize_t)sizeof(status))
                break;
        }
        _exit(0);
    }
    close(ends[1]);
    return pid > 0 ? ends[0] : -1;
}

int harness_outside(const struct fixture *fixture, uid_t uid, gid_t gid, int (*body)(void *),
                    void *argument)
{
    struct errand errand = { uid, gid, body, argument };
    int status;
    if (fixture->outsider < 0 ||
        write(fixture->outsider, &errand, sizeof(errand)) != (ssize_t)sizeof(errand) ||
        read(fixture->outsider, &status, sizeof(status)) != (ssize_t)sizeof(status))
        return -1;
    return status;
}

int harness_as(uid_t uid, gid_t gid, size_t ngroups, const gid_t *groups, int (*body)(void *),
               void *argument)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        if (setgroups(ngroups, groups) < 0 || setresgid(gid, gid, gid) < 0 ||
            setresuid(uid, uid, uid) < 0 || prctl(PR_SET_DUMPABLE, 1) < 0)
            _exit(127);
        _exit(body(argument));
    }
    int status;
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void harness_skip_case(const char *reason)
{
    const char *forbidden = getenv("SHMAPFS_NO_SKIP");
    if (forbidden != NULL && strcmp(forbidden, "1") == 0)
        fail_msg("skipping is forbidden: %s", reason);
    print_message("SKIPPED: %s\n", reason);
    skip();
}

static void runner(struct case_group *group)
{
    struct fixture *fixture = &group->fixture;
    setpgid(0, 0);
    fixture->outsider = group->sandbox.by_root ? start_outsider() : -1;
    if (!fixture->root && sandbox_drop_privileges(&group->sandbox, false) < 0)
        _exit(EXIT_FAILURE);
    int status = run_cases(group);
    fflush(NULL);
    _exit(status);
}

// Starts the runner and waits for its end. Returns its status, or a negative errno when it hung.
static int watch_cases(struct case_group *group)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    group->watchdog_pipe = ends[1];
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        runner(group);
    close(ends[1]);
    int status = pid > 0 ? watchdog_await_runner(pid, ends[0], &group->fixture) : -errno;
    // A case that failed may have left others running, who would keep the mount busy.
    if (status >= 0 && kill(-pid, SIGKILL) == 0)
        while (waitpid(-pid, NULL, 0) > 0)
            continue;
    close(ends[0]);
    return status;
}

static bool make_directory(const struct case_group *group, const char *path)
{
    if (mkdir(path, 0755) < 0)
        return false;
    return group->fixture.root || !group->sandbox.by_root || chown(path, NOBODY, NOBODY) == 0;
}

static bool make_directories(struct case_group *group)
{
    struct fixture *fixture = &group->fixture;
    snprintf(group->mnt, sizeof(group->mnt), "%s/mnt", group->top);
    snprintf(group->store, sizeof(group->store), "%s/store", group->top);
    snprintf(group->base, sizeof(group->base), "%s/store/persist", group->top);
    fixture->mnt = group->mnt;
    fixture->base = group->mnt;
    if (!make_directory(group, group->mnt))
        return false;
    if (group->native != NULL || fixture->area == AREA_RAM)
        return true;

    fixture->store = group->store;
    if (!make_directory(group, group->store) || !make_directory(group, group->base))
        return false;
    snprintf(group->base, sizeof(group->base), "%s/%s", group->mnt,
             fixture->area == AREA_ANON ? "anon" : "persist");
    fixture->base = group->base;
    return true;
}

static bool prepare_group(struct case_group *group)
{
    if (chmod(group->top, 0755) < 0)
        return false;
    char options[64];
    snprintf(options, sizeof(options), "size=%d,mode=0755", HARNESS_AREA_SIZE);
    if (group->native != NULL && strcmp(group->native, "tmpfs") == 0 &&
        mount("tmpfs", group->top, "tmpfs", 0, options) < 0)
        return false;
    if (group->native == NULL && group->sandbox.by_root && !group->fixture.root &&
        sandbox_share_fuse_device(&group->sandbox) < 0)
        return false;
    if (!make_directories(group))
        return false;

    struct fixture *fixture = &group->fixture;
    fixture->passthrough = group->native == NULL && fixture->root && !fixture->nopassthrough &&
                           fixture->class == NULL && kernel_has_passthrough();
    fixture->cached = group->native == NULL && !fixture->passthrough;
    struct statfs fs;
    if (group->fixture.area == AREA_RAM || group->fixture.area == AREA_ANON)
        group->fixture.memory = true;
    else if (statfs(group->top, &fs) == 0)
        group->fixture.memory = fs.f_type == TMPFS_MAGIC;
    return true;
}

static int run_on_mount(struct case_group *group)
{
    char path[300];
    snprintf(path, sizeof(path), "%s/log", group->top);
    int log = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int status = log < 0 ? -errno : daemon_start(&group->sandbox, &group->fixture, log);
    if (status == 0)
        status = watch_cases(group);
    // Nothing that hangs is waited for: with this process the mount and everything that uses it
    // goes away.
    if (status >= 0 && daemon_stop(&group->sandbox, &group->fixture) < 0)
        status = EXIT_FAILURE;
    if (log >= 0 && daemon_log_show(log))
        status = EXIT_FAILURE;
    return status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run_in_sandbox(void *argument)
{
    struct case_group *group = argument;
    if (!prepare_group(group)) {
        fprintf(stderr, "FAILED: cannot prepare %s: %s\n", group->top, strerror(errno));
        return EXIT_FAILURE;
    }
    if (group->native == NULL)
        return run_on_mount(group);
    return watch_cases(group) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool parse_user(struct case_group *group, const char *user)
{
    group->fixture.root = strcmp(user, "root") == 0;
    return group->fixture.root || strcmp(user, "user") == 0;
}

static bool parse_arguments(struct case_group *group, int argc, char **argv)
{
    static const struct {
        const char *word;
        enum area area;
        const char *class;
    } areas[] = {
        { "ram", AREA_RAM, NULL },
        { "anon", AREA_ANON, NULL },
        { "persist", AREA_PERSIST, NULL },
        { "atomic", AREA_PERSIST, "atomic" },
        { "checkpoint", AREA_PERSIST, "checkpoint" },
    };
    struct fixture *fixture = &group->fixture;
    if ((argc == 3 || argc == 4) && strcmp(argv[1], "native") == 0) {
        fixture->area = AREA_NATIVE;
        group->native = argv[2];
        return parse_user(group, argc == 4 ? argv[3] : group->sandbox.by_root ? "root" : "user");
    }
    if (argc != 4 || !parse_user(group, argv[3]))
        return false;
    fixture->nopassthrough = strcmp(argv[2], "cached") == 0;
    if (!fixture->nopassthrough && strcmp(argv[2], "passthrough") != 0)
        return false;
    for (size_t i = 0; i < sizeof(areas) / sizeof(areas[0]); i++) {
        if (strcmp(argv[1], areas[i].word) != 0)
            continue;
        fixture->area = areas[i].area;
        fixture->class = areas[i].class;
        return true;
    }
    return false;
}

int harness_main(int argc, char **argv, const char *name, const struct CMUnitTest cases[],
                 size_t count)
{
    struct case_group group = {
        .name = name, .cases = cases, .count = count, .fixture.outsider = -1
    };
    group.sandbox = (struct sandbox){ .top = group.top, .by_root = geteuid() == 0 };
    if (!parse_arguments(&group, argc, argv)) {
        fprintf(stderr,
                "usage: %s ram|anon|persist|atomic|checkpoint passthrough|cached root|user\n"
                "       %s native DIRECTORY|tmpfs [root|user]\n",
                argv[0], argv[0]);
        return EXIT_FAILURE;
    }
    if (group.fixture.root && !group.sandbox.by_root)
        return sandbox_skip("these cases need root");
    if (is_shared() && !kernel_has_passthrough())
        return sandbox_skip(NO_PASSTHROUGH);
    if (group.native == NULL && getenv("SHMAPFS") == NULL) {
        fprintf(stderr, "FAILED: SHMAPFS must name the daemon to test\n");
        return EXIT_FAILURE;
    }

    bool named = group.native != NULL && strcmp(group.native, "tmpfs") != 0;
    snprintf(group.top, sizeof(group.top), "%s/shmapfs-test-XXXXXX",
             named ? group.native : "/var/tmp");
    if (mkdtemp(group.top) == NULL) {
        fprintf(stderr, "FAILED: %s: %s\n", group.top, strerror(errno));
        return EXIT_FAILURE;
    }
    return sandbox_run(&group.sandbox, run_in_sandbox, &group);
}
