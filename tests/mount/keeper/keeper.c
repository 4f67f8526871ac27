// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/keeper/keeper.h"

#include "tests/mount/harness/coprocess.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

const char *binary_in(const char *variable)
{
    const char *binary = getenv(variable);

    if (binary == NULL)
        fail_msg("%s must name a program", variable);
    return binary;
}

static void set_if_given(const char *name, const char *value)
{
    if (value != NULL)
        setenv(name, value, 1);
}

static _Noreturn void become_daemon(const struct workspace *workspace,
                                    const struct keeper_settings *settings, const char *binary)
{
    struct rlimit no_cores = { 0, 0 };
    struct rlimit few = { settings->descriptors, settings->descriptors };
    const char *words[] = { binary, "-f", "-o", NULL, NULL, NULL, NULL };
    char options[512], crashpoints[PATH_MAX + 8];
    sigset_t none;
    int log = open("log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

    snprintf(options, sizeof(options), "keeper%s%s%s",
             workspace->nopassthrough ? ",nopassthrough" : "", settings->options != NULL ? "," : "",
             settings->options != NULL ? settings->options : "");
    snprintf(crashpoints, sizeof(crashpoints), "%s/halt", workspace->dir);
    words[3] = options;
    words[4] = settings->with_store ? workspace->store : workspace->mnt;
    words[5] = settings->with_store ? workspace->mnt : NULL;
    set_if_given("SHMAPFS_FAULT", settings->fault);
    if (settings->stops_at_points)
        set_if_given("SHMAPFS_HALT", crashpoints);
    set_if_given("SHMAPFS_POISON", settings->poison);
    set_if_given("SHMAPFS_STUCK", settings->stuck);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setrlimit(RLIMIT_CORE, &no_cores);
    if (settings->descriptors != 0)
        setrlimit(RLIMIT_NOFILE, &few);
    if (dup2(log, STDERR_FILENO) == STDERR_FILENO)
        execv(binary, (char *const *)words);
    _exit(127);
}

pid_t keeper_start(const struct workspace *workspace, const struct keeper_settings *settings)
{
    const char *binary = settings->variable != NULL ? binary_in(settings->variable) : shmapfs();

    fflush(NULL);
    pid_t keeper = fork();
    if (keeper == 0)
        become_daemon(workspace, settings, binary);
    assert_ok(keeper);
    while (!workspace_is_mounted(workspace->mnt)) {
        if (waitpid(keeper, NULL, WNOHANG) != 0)
            fail_msg("%s does not mount", binary);
        sched_yield();
    }
    need_survival(workspace);
    assert_int_equal(read_status_number(workspace, "keeper"), keeper);
    // Before it has heard that the first one serves, the keeper takes its death for a failure to
    // mount.
    keeper_standby(keeper);
    return keeper;
}

void keeper_stop(const struct workspace *workspace, pid_t keeper)
{
    if (workspace->root) {
        assert_ok(umount2(workspace->mnt, 0));
    } else {
        struct program_result result = run_program("fusermount3", "-u", workspace->mnt, NULL);
        assert_done(&result);
    }
    assert_int_equal(wait_for_process(keeper), 0);
    assert_int_equal(workspace_await_children(), 0);
    assert_false(workspace_is_mounted(workspace->mnt));
}

unsigned log_lines(const char *words)
{
    char line[2048];
    unsigned count = 0;
    FILE *log = fopen("log", "re");

    assert_non_null(log);
    while (fgets(line, sizeof(line), log) != NULL)
        count += strstr(line, words) != NULL;
    fclose(log);
    return count;
}

bool log_says(const char *words)
{
    return log_lines(words) > 0;
}

static bool is_in_the_log(void *words)
{
    return log_says(words);
}

void await_log(const char *words)
{
    await_true(is_in_the_log, (char *)(uintptr_t)words, words);
}

pid_t keeper_child(pid_t keeper, const char *word)
{
    char path[64], title[256];
    pid_t children[CHILDREN_MOST], found = 0;
    int count = children_of(keeper, children);

    for (int i = 0; found == 0 && i < count; i++) {
        snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)children[i]);
        FILE *cmdline = fopen(path, "re");
        if (cmdline != NULL && fgets(title, sizeof(title), cmdline) != NULL &&
            strstr(title, word) != NULL)
            found = children[i];
        if (cmdline != NULL)
            fclose(cmdline);
    }
    return found;
}

struct wanted_child {
    pid_t keeper;
    const char *word;
    pid_t found;
};

static bool is_there(void *argument)
{
    struct wanted_child *wanted = argument;

    wanted->found = keeper_child(wanted->keeper, wanted->word);
    return wanted->found != 0;
}

static pid_t await_child(pid_t keeper, const char *word)
{
    struct wanted_child wanted = { .keeper = keeper, .word = word };

    await_true(is_there, &wanted, word);
    return wanted.found;
}

pid_t keeper_worker(pid_t keeper)
{
    return await_child(keeper, " serves ");
}

pid_t keeper_standby(pid_t keeper)
{
    return await_child(keeper, " waits ");
}

static bool is_unmounted(void *argument)
{
    const struct workspace *workspace = argument;

    return !workspace_is_mounted(workspace->mnt);
}

void keeper_await_end_of_mount(struct workspace *workspace)
{
    await_true(is_unmounted, workspace, "the end of the mount");
    // The keeper was killed; how the others end is their affair.
    assert_true(workspace_await_children() > 0);
    assert_ok(mkdir("mnt/directory", 0755));
    assert_ok(rmdir("mnt/directory"));
}
