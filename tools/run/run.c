// SPDX-License-Identifier: BSD-2-Clause
#include "tools/run/run.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "lib/sys/streams.h"
#include "tools/run/guardian.h"
#include "tools/run/membership.h"
#include "tools/run/namespace.h"
#include "tools/run/private_mount.h"
#include "tools/run/privileges.h"
#include "tools/run/run_store.h"
#include "tools/run/supervise.h"
#include "tools/ui/exit_status.h"
#include "tools/ui/output.h"

struct run_state {
    const struct run_plan *plan;
    char directory[PATH_MAX]; // in which this program was started; empty: it has no path
    struct run_store store;
    int run; // the memory file of its members; -1: it is another one's run
    bool user_namespace;
    struct privileges privileges;
    struct signal_setting signals;
    struct supervision supervision;
    struct guardian guardian;
};

/* In the command's process: goes to the working directory as it is called, where that is another
 * one than before. */
static void return_to_directory(const struct run_state *run)
{
    int error = *run->directory ? 0 : ENOENT;

    if (!error && chdir(run->directory) != 0)
        error = errno;
    if (error) {
        fail(*run->directory ? run->directory : ".",
             "COMMAND cannot have this working directory in the run: %s", strerror(error));
        _exit(EXIT_NOT_STARTED);
    }
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
    if (run->plan->join || private_mount_hides(run->plan->mountpoint, run->directory))
        return_to_directory(run);
    execvp(command[0], command);
    error = errno;
    fail(command[0], "cannot be executed: %s", strerror(error));
    _exit(error == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE);
}

/* Starts the children; the one that joins a run has no daemon. The command comes first: it does not
 * stay behind, waiting, if the others fail, for all of them end with this process. */
static int start_children(struct run_state *run)
{
    struct supervision *supervision = &run->supervision;
    struct held *daemon = &supervision->daemon.process;
    bool has_daemon = !run->plan->join;
    bool started;

    // Processes that the command leaves behind are to be seen.
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (held_fork(&supervision->command, SIGKILL) == 0)
        execute_command(run);
    if (has_daemon && supervision->command.pid > 0 && held_fork(daemon, SIGTERM) == 0)
        daemon_execute(&supervision->daemon, run->plan->daemon_arguments);
    started = supervision->command.pid > 0 && (!has_daemon || daemon->pid > 0) &&
              guardian_start(&run->guardian, supervision->command.pidfd,
                             has_daemon ? daemon->pidfd : -1) == 0;
    if (!started) {
        warn("no process can be started");
        return -1;
    }
    supervision->guardian = run->guardian.pid;
    // A reader of COMMAND's output sees the end of it when COMMAND closes it.
    streams_silence(STDOUT_FILENO);
    if (has_daemon)
        held_release(daemon);
    return 0;
}

/* Waits until nobody takes part in the run any more. */
static void await_others(struct run_state *run)
{
    struct supervision *supervision = &run->supervision;
    bool told = false;

    while (supervision->daemon_status == -1 && !membership_end(run->run)) {
        pid_t waiter = membership_start_waiter(run->run);

        if (waiter < 0) {
            warn("COMMAND has ended, and others that have joined the run cannot be waited for");
            return;
        }
        if (!told)
            warnx("COMMAND has ended; the run goes on until all that have joined it have ended");
        told = true;
        supervise_waiter(supervision, waiter);
    }
}

/* Waits until the daemon has written everything and released the store. */
static void end_daemon(struct run_state *run)
{
    struct supervision *supervision = &run->supervision;

    if (supervision->ready)
        private_mount_end(run->plan->mountpoint);
    held_kill(&supervision->daemon.process, SIGTERM);
    supervise_daemon(supervision);
}

/* Returns when the command has ended, and what it has left had time to notice. */
static void await_command(struct run_state *run, const char *mountpoint)
{
    struct supervision *supervision = &run->supervision;

    supervise_command(supervision);
    supervise_unblock_ends();
    if (supervision->ready && supervision->daemon_status == -1) {
        private_mount_report_full(mountpoint, supervision->command_status);
        supervise_left(supervision);
    }
}

static int run_in_namespace(struct run_state *run)
{
    struct supervision *supervision = &run->supervision;

    if (namespace_enter(run->plan->mountpoint, &run->user_namespace) != 0 ||
        start_children(run) != 0) {
        run_store_give_up(&run->store);
        return EXIT_NOT_STARTED;
    }
    supervise_start(supervision);
    if (supervision->ready) {
        run_store_report_ready(&run->store);
        held_release(&supervision->command);
        membership_open(run->run);
    }
    await_command(run, run->plan->mountpoint);
    await_others(run);
    if (supervision->daemon_status == -1)
        end_daemon(run);
    guardian_dismiss(&run->guardian);
    if (!supervision->ready)
        run_store_give_up(&run->store);
    return supervision->failed ? EXIT_NOT_STARTED : supervise_end_as(supervision->command_status);
}

static int join_namespace(struct run_state *run, const struct membership *membership)
{
    struct supervision *supervision = &run->supervision;

    if (namespace_join(membership->process, &run->user_namespace) != 0 || start_children(run) != 0)
        return EXIT_NOT_STARTED;
    supervision->joined = membership->pidfd;
    supervision->ready = true;
    held_release(&supervision->command);
    await_command(run, membership->mountpoint);
    guardian_dismiss(&run->guardian);
    return supervise_end_as(supervision->command_status);
}

/* Returns 0 or a negative errno after a line on standard error. */
static int prepare_run(struct run_state *run)
{
    int error;

    run->supervision.signals = supervise_block_signals(&run->signals);
    error = run->supervision.signals < 0 ? run->supervision.signals : 0;
    if (!error)
        error = privileges_save(&run->privileges);
    if (!error && !run->plan->join)
        error = daemon_prepare(&run->supervision.daemon);
    if (error)
        warnx("COMMAND cannot be started: %s", strerror(-error));
    return error;
}

static int begin_run(struct run_state *run)
{
    run->run = membership_found(run->plan->name ? run->plan->name : "", run->plan->mountpoint);
    if (run->run < 0 || prepare_run(run) != 0 ||
        run_store_prepare(&run->store, run->plan->mountpoint) != 0)
        return EXIT_NOT_STARTED;
    return run_in_namespace(run);
}

static int join_run(struct run_state *run)
{
    struct membership membership;

    if (membership_join(run->plan->join, &membership) != 0 || prepare_run(run) != 0)
        return EXIT_NOT_STARTED;
    return join_namespace(run, &membership);
}

int run_plan_execute(const struct run_plan *plan)
{
    struct run_state run = { .plan = plan,
                             .store.path = plan->store,
                             .run = -1,
                             .supervision = SUPERVISION_NONE,
                             .guardian = GUARDIAN_NONE };

    // COMMAND finds closed what its caller has closed.
    streams_fill(O_CLOEXEC);
    if (!getcwd(run.directory, sizeof(run.directory)) || run.directory[0] != '/')
        *run.directory = '\0';
    return plan->join ? join_run(&run) : begin_run(&run);
}
