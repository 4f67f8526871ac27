// SPDX-License-Identifier: BSD-2-Clause
#include "tools/run/run.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/sys/streams.h"
#include "tools/run/guardian.h"
#include "tools/run/namespace.h"
#include "tools/run/privileges.h"
#include "tools/run/supervise.h"
#include "tools/scan/users.h"
#include "tools/ui/exit_status.h"
#include "tools/ui/output.h"

struct run_state {
    const struct run_plan *plan;
    bool store_is_new;
    bool user_namespace;
    struct privileges privileges;
    struct signal_setting signals;
    struct supervision supervision;
};

/* Whether the store is where the mount will be, which hides it. */
static bool is_below_shm(const char *store)
{
    char shm[PATH_MAX], path[PATH_MAX];
    size_t length;

    if (!realpath(SHM_DIRECTORY, shm) || !realpath(store, path))
        return false;
    length = strlen(shm);
    return strncmp(path, shm, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

static void remove_new_store(const struct run_state *run)
{
    if (run->store_is_new)
        rmdir(run->plan->store);
}

static int prepare_store(struct run_state *run)
{
    const char *store = run->plan->store;

    if (!store)
        return 0;
    run->store_is_new = mkdir(store, 0700) == 0;
    if (!run->store_is_new && errno != EEXIST) {
        fail(store, "the store cannot be made: %s", strerror(errno));
        return -1;
    }
    if (!is_below_shm(store))
        return 0;
    fail(store, "the store cannot be in " SHM_DIRECTORY ", because COMMAND sees another directory "
                "there; choose one elsewhere");
    remove_new_store(run);
    return -1;
}

/* In the command's process. */
static _Noreturn void execute_command(struct run_state *run)
{
    char **command = run->plan->command;
    int error = run->user_namespace ? privileges_restore(&run->privileges) : 0;

    if (error) {
        warnx("privileges cannot be given up: %s", strerror(-error));
        _exit(EXIT_NOT_STARTED);
    }
    supervise_unblock_signals(&run->signals);
    held_wait(&run->supervision.command);
    execvp(command[0], command);
    error = errno;
    fail(command[0], "cannot be executed: %s", strerror(error));
    _exit(error == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE);
}

/* Starts the three children. The command comes first: it does not stay behind, waiting, if the
 * others fail, for all of them end with this process. */
static int start_children(struct run_state *run, int *guardian)
{
    struct supervision *supervision = &run->supervision;
    struct held *daemon = &supervision->daemon.process;

    if (held_fork(&supervision->command, SIGKILL) == 0)
        execute_command(run);
    if (supervision->command.pid > 0 && held_fork(daemon, SIGTERM) == 0)
        daemon_execute(&supervision->daemon, run->plan->daemon_arguments);
    if (daemon->pid > 0)
        *guardian = guardian_start(supervision->command.pidfd, daemon->pidfd);
    if (*guardian < 0) {
        warn("no process can be started");
        return -1;
    }
    held_release(daemon);
    return 0;
}

/* Lists the users of what is on a device for a sentence; empty: there are none. */
static void list_users(dev_t device, char *text, size_t size)
{
    struct users users;
    size_t length = 0;

    *text = '\0';
    if (users_find(device, USERS_OF_ALL, &users) != 0)
        return;
    for (size_t i = 0; i < users.count && length < size; i++) {
        char *name = printable(users.all[i].command);

        length += (size_t)snprintf(text + length, size - length, "%s%d (%s)",
                                   length > 0 ? ", " : "", (int)users.all[i].pid, name);
        free(name);
    }
    users_free(&users);
}

/* Unmounts, or names the processes that go on using what is there. */
static void unmount_shm(dev_t device)
{
    char text[512];

    // Any other error: COMMAND has unmounted it by itself.
    if (umount2(SHM_DIRECTORY, UMOUNT_NOFOLLOW) == 0 || errno != EBUSY)
        return;
    list_users(device, text, sizeof(text));
    // Those that were about to end may have done so meanwhile.
    if (umount2(SHM_DIRECTORY, UMOUNT_NOFOLLOW) != 0)
        fail(SHM_DIRECTORY,
             "COMMAND has ended, and so does what it shared, although it is in use by %s",
             *text ? text : "a process that cannot be found");
}

/* Unmounts, and waits until the daemon has written everything and released the store. */
static void end_daemon(struct run_state *run)
{
    struct supervision *supervision = &run->supervision;
    struct stat root;
    int fd = supervision->ready ? open(SHM_DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

    if (fd >= 0 && fstat(fd, &root) == 0) {
        // Where another namespace has the mount, too, it does not end here and now.
        syncfs(fd);
        close(fd);
        unmount_shm(root.st_dev);
    }
    held_kill(&supervision->daemon.process, SIGTERM);
    supervise_daemon(supervision);
}

static int run_in_namespace(struct run_state *run)
{
    struct supervision *supervision = &run->supervision;
    int guardian = -1;

    if (namespace_enter(&run->user_namespace) != 0 || start_children(run, &guardian) != 0) {
        remove_new_store(run);
        return EXIT_NOT_STARTED;
    }
    // Whoever reads what COMMAND writes sees the end of it when COMMAND closes it.
    streams_silence(STDOUT_FILENO);
    supervise_command(supervision);
    supervise_unblock_ends();
    if (supervision->daemon_status == -1)
        end_daemon(run);
    guardian_dismiss(guardian);
    if (!supervision->ready)
        remove_new_store(run);
    return supervision->failed ? EXIT_NOT_STARTED : supervise_end_as(supervision->command_status);
}

static int prepare_run(struct run_state *run)
{
    int error;

    // COMMAND finds closed what its caller has closed.
    streams_fill(O_CLOEXEC);
    run->supervision.command_status = run->supervision.daemon_status = -1;
    run->supervision.signals = supervise_block_signals(&run->signals);
    error = run->supervision.signals < 0 ? run->supervision.signals : 0;
    if (!error)
        error = privileges_save(&run->privileges);
    if (!error)
        error = daemon_prepare(&run->supervision.daemon);
    if (error)
        warnx("COMMAND cannot be started: %s", strerror(-error));
    return error;
}

int run_plan_execute(const struct run_plan *plan)
{
    struct run_state run = { .plan = plan };

    if (prepare_run(&run) != 0 || prepare_store(&run) != 0)
        return EXIT_NOT_STARTED;
    return run_in_namespace(&run);
}
