// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/keeper/keeper.h"

#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/survive/survive.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WAIT_SECONDS = 60 };

const char *other_binary(const char *variable)
{
    const char *binary = getenv(variable);

    if (binary == NULL)
        fail_msg("%s must name a program", variable);
    return binary;
}

static void set(const char *name, const char *value)
{
    if (value != NULL)
        setenv(name, value, 1);
}

static _Noreturn void become_daemon(const struct workspace *workspace,
                                    const struct serving *serving, const char *binary)
{
    struct rlimit no_cores = { 0, 0 };
    struct rlimit few = { serving->descriptors, serving->descriptors };
    const char *words[] = { binary, "-f", "-o", NULL, NULL, NULL, NULL };
    char options[512], halt[PATH_MAX + 8];
    sigset_t none;
    int log = open("log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

    snprintf(options, sizeof(options), "keeper%s%s%s",
             workspace->passthrough ? "" : ",nopassthrough", serving->options != NULL ? "," : "",
             serving->options != NULL ? serving->options : "");
    snprintf(halt, sizeof(halt), "%s/halt", workspace->dir);
    words[3] = options;
    words[4] = serving->with_store ? workspace->store : workspace->mnt;
    words[5] = serving->with_store ? workspace->mnt : NULL;
    set("SHMAPFS_FAULT", serving->fault);
    if (serving->halts)
        set("SHMAPFS_HALT", halt);
    set("SHMAPFS_POISON", serving->poison);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setrlimit(RLIMIT_CORE, &no_cores);
    if (serving->descriptors != 0)
        setrlimit(RLIMIT_NOFILE, &few);
    if (dup2(log, STDERR_FILENO) == STDERR_FILENO)
        execv(binary, (char *const *)words);
    _exit(127);
}

pid_t serving_start(const struct workspace *workspace, const struct serving *serving)
{
    const char *binary = serving->variable != NULL ? other_binary(serving->variable) : shmapfs();
    struct mount_status status;

    fflush(NULL);
    pid_t keeper = fork();
    if (keeper == 0)
        become_daemon(workspace, serving, binary);
    assert_ok(keeper);
    while (!workspace_is_mounted(workspace->mnt)) {
        if (waitpid(keeper, NULL, WNOHANG) != 0)
            fail_msg("%s does not mount", binary);
        sched_yield();
    }
    assert_int_equal(read_mount_status(workspace->mnt, &status), 0);
    if (status.survival[0] != '\0')
        harness_skip_case(status.survival);
    assert_int_equal(status.keeper, keeper);
    // Before it has heard that the first one serves, the keeper takes its death for a failure to mount.
    serving_standby(keeper);
    return keeper;
}

void serving_stop(const struct workspace *workspace, pid_t keeper)
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

pid_t serving_child(pid_t keeper, const char *word)
{
    char path[64], title[256];
    pid_t pid, found = 0;

    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)keeper, (int)keeper);
    FILE *children = fopen(path, "re");
    if (children == NULL)
        return 0;
    while (found == 0 && fscanf(children, "%d", &pid) == 1) {
        snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
        FILE *cmdline = fopen(path, "re");
        if (cmdline != NULL && fgets(title, sizeof(title), cmdline) != NULL &&
            strstr(title, word) != NULL)
            found = pid;
        if (cmdline != NULL)
            fclose(cmdline);
    }
    fclose(children);
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

    wanted->found = serving_child(wanted->keeper, wanted->word);
    return wanted->found != 0;
}

static pid_t await_child(pid_t keeper, const char *word)
{
    struct wanted_child wanted = { .keeper = keeper, .word = word };

    await_true(is_there, &wanted, word);
    return wanted.found;
}

pid_t serving_worker(pid_t keeper)
{
    return await_child(keeper, " serves ");
}

pid_t serving_standby(pid_t keeper)
{
    return await_child(keeper, " waits ");
}

void await_true(bool (*condition)(void *), void *argument, const char *complaint)
{
    struct timespec start, now;

    clock_gettime(CLOCK_MONOTONIC, &start);
    while (!condition(argument)) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec - start.tv_sec > WAIT_SECONDS)
            fail_msg("in vain waited for: %s", complaint);
        sched_yield();
    }
}

static bool has_stopped(pid_t pid)
{
    char path[300], status = 'T';
    struct dirent *thread;

    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    DIR *threads = opendir(path);
    if (threads == NULL)
        return false;
    while (status == 'T' && (thread = readdir(threads)) != NULL) {
        snprintf(path, sizeof(path), "/proc/%d/task/%s/stat", (int)pid, thread->d_name);
        FILE *stat = thread->d_name[0] == '.' ? NULL : fopen(path, "re");
        if (stat != NULL && fscanf(stat, "%*d (%*[^)]) %c", &status) != 1)
            status = '?';
        if (stat != NULL)
            fclose(stat);
    }
    closedir(threads);
    return status == 'T';
}

static bool is_halted(void *argument)
{
    return has_stopped(*(const pid_t *)argument);
}

void await_halt(pid_t pid)
{
    await_true(is_halted, &pid, "a process that stops");
}

void halt(pid_t pid)
{
    assert_ok(kill(pid, SIGSTOP));
    await_halt(pid);
}

void arm_point(const char *point)
{
    char path[64];

    // The worker is another user when it serves.
    if (mkdir("halt", 0777) == 0)
        assert_ok(chmod("halt", 0777));
    snprintf(path, sizeof(path), "halt/%s", point);
    put_file(path, "");
}

void halt_at_point(pid_t worker, const char *point)
{
    arm_point(point);
    await_halt(worker);
}

void await_end(pid_t pid)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd event = { .fd = pidfd, .events = POLLIN };

    if (pidfd == -1) {
        assert_int_equal(errno, ESRCH);
        return;
    }
    assert_int_equal(poll(&event, 1, WAIT_SECONDS * 1000), 1);
    assert_ok(close(pidfd));
}

void kill_and_wait(pid_t pid)
{
    assert_ok(kill(pid, SIGKILL));
    await_end(pid);
}
