// SPDX-License-Identifier: BSD-2-Clause
/*
 * shmapctl run: a command whose /dev/shm is a shmapfs of its own.
 *
 * This process enters the namespace and has three children: the command, which is held until the
 * mount is ready; the daemon, which serves it; and the guardian, which ends both of them if this
 * process is killed. Nothing of this lasts longer than the command.
 */
#include "tools/cmd/command.h"
#include "lib/sys/streams.h"
#include "tools/ui/exit_status.h"
#include "tools/ui/output.h"
#include "tools/run/guardian.h"
#include "tools/run/namespace.h"
#include "tools/run/privileges.h"
#include "tools/run/supervise.h"
#include "tools/scan/users.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usage[] =
    "usage: shmapctl run [-o OPTION[,OPTION...]] [--persist STORE] [--] COMMAND [ARGUMENT...]";

struct run {
    char **daemon_words;
    int daemon_count;
    const char *store; /* NULL: all is RAM */
    bool store_is_new;
    char **command;
    bool user_namespace;
    struct privileges privileges;
    struct signal_setting signals;
    struct supervision supervision;
};

static void tell_daemon(struct run *run, const char *word)
{
    run->daemon_words[run->daemon_count++] = (char *)(uintptr_t)word;
}

/* Returns -1 to go on, or an exit status. */
static int parse(struct run *run, int argc, char **argv)
{
    static const struct option options[] = {
        { "help", no_argument, NULL, 'h' },
        { "options", required_argument, NULL, 'o' },
        { "persist", required_argument, NULL, 'p' },
        { 0 },
    };

    optind = 0; /* another command line than the one before, for getopt(3) */
    for (int option; (option = getopt_long(argc, argv, "+ho:", options, NULL)) != -1;) {
        switch (option) {
        case 'h':
            puts(usage);
            return EXIT_SUCCESS;
        case 'o':
            tell_daemon(run, "-o");
            tell_daemon(run, optarg);
            break;
        case 'p':
            if (*optarg == '\0') {
                warnx("run: --persist is empty; it takes the path of a directory");
                return EXIT_NOT_STARTED;
            }
            run->store = optarg;
            break;
        default:
            fprintf(stderr, "%s\n", usage);
            return EXIT_NOT_STARTED;
        }
    }
    run->command = argv + optind;
    if (optind < argc)
        return -1;
    warnx("run: a command is missing; %s", usage);
    return EXIT_NOT_STARTED;
}

/* Whether the store is where the mount will be, which hides it. */
static bool is_hidden(const char *store)
{
    char shm[PATH_MAX], path[PATH_MAX];

    if (!realpath(SHM_DIRECTORY, shm) || !realpath(store, path))
        return false;
    size_t length = strlen(shm);
    return strncmp(path, shm, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

static void forget_store(const struct run *run)
{
    if (run->store_is_new)
        rmdir(run->store);
}

static int prepare_store(struct run *run)
{
    if (!run->store)
        return 0;
    run->store_is_new = mkdir(run->store, 0700) == 0;
    if (!run->store_is_new && errno != EEXIST) {
        fail(run->store, "the store cannot be made: %s", strerror(errno));
        return -1;
    }
    if (!is_hidden(run->store))
        return 0;
    fail(run->store, "the store cannot be in " SHM_DIRECTORY ", which COMMAND sees another one of");
    forget_store(run);
    return -1;
}

static _Noreturn void become_command(struct run *run)
{
    int error = run->user_namespace ? privileges_restore(&run->privileges) : 0;

    if (error) {
        warnx("privileges cannot be given up: %s", strerror(-error));
        _exit(EXIT_NOT_STARTED);
    }
    supervise_unblock_signals(&run->signals);
    held_wait(&run->supervision.command);
    execvp(run->command[0], run->command);
    error = errno;
    fail(run->command[0], "cannot be executed: %s", strerror(error));
    _exit(error == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE);
}

/* The three children. The command comes first: nobody is left waiting for it if the others fail,
 * for all of them end with this process. */
static int start(struct run *run, int *guardian)
{
    struct supervision *supervision = &run->supervision;
    struct held *daemon = &supervision->daemon.process;

    if (held_fork(&supervision->command, SIGKILL) == 0)
        become_command(run);
    if (supervision->command.pid > 0 && held_fork(daemon, SIGTERM) == 0)
        daemon_become(&supervision->daemon, run->daemon_words);
    if (daemon->pid > 0)
        *guardian = guardian_start(supervision->command.pidfd, daemon->pidfd);
    if (*guardian < 0) {
        warn("no process can be started");
        return -1;
    }
    held_release(daemon);
    return 0;
}

/* Who uses what is on a device, as a sentence has them; empty: nobody. */
static void name_users(dev_t device, char *text, size_t size)
{
    struct users users;
    size_t length = 0;

    *text = '\0';
    if (users_find(device, USERS_OF_ALL, &users) != 0)
        return;
    for (size_t i = 0; i < users.count && length < size; i++) {
        char *name = printable(users.all[i].command);
        length += (size_t)snprintf(text + length, size - length, "%s%d (%s)", length > 0 ? ", " : "",
                                   (int)users.all[i].pid, name);
        free(name);
    }
    users_free(&users);
}

/* Unmounts, or says who goes on using what is there. */
static void unmount(dev_t device)
{
    char text[512];

    /* Otherwise COMMAND has unmounted it by itself. */
    if (umount2(SHM_DIRECTORY, UMOUNT_NOFOLLOW) == 0 || errno != EBUSY)
        return;
    name_users(device, text, sizeof(text));
    /* Who was about to end may have done so meanwhile. */
    if (umount2(SHM_DIRECTORY, UMOUNT_NOFOLLOW) != 0)
        fail(SHM_DIRECTORY, "COMMAND has ended, and what it shared ends, though in use by %s",
             *text ? text : "somebody");
}

/* Unmounts, and waits until the daemon has written all and let go of the store. */
static void end_daemon(struct run *run)
{
    struct supervision *supervision = &run->supervision;
    struct stat root;
    int fd = supervision->ready ? open(SHM_DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

    if (fd >= 0 && fstat(fd, &root) == 0) {
        /* Where another namespace has the mount, too, it does not end here and now. */
        syncfs(fd);
        close(fd);
        unmount(root.st_dev);
    }
    held_kill(&supervision->daemon.process, SIGTERM);
    supervise_daemon(supervision);
}

static int run_in_namespace(struct run *run)
{
    struct supervision *supervision = &run->supervision;
    int guardian = -1;

    if (namespace_enter(&run->user_namespace) != 0 || start(run, &guardian) != 0) {
        forget_store(run);
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
        forget_store(run);
    return supervision->failed ? EXIT_NOT_STARTED : supervise_end_as(supervision->command_status);
}

static int prepare(struct run *run)
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
        warnx("COMMAND cannot be prepared for: %s", strerror(-error));
    return error;
}

/* Returns the exit status. */
static int run_words(struct run *run, int argc, char **argv)
{
    tell_daemon(run, "shmapfs");
    tell_daemon(run, "-f");
    tell_daemon(run, "-o");
    tell_daemon(run, "keeper");
    int status = parse(run, argc, argv);
    if (status >= 0)
        return status;
    tell_daemon(run, "--");
    if (run->store)
        tell_daemon(run, run->store);
    tell_daemon(run, SHM_DIRECTORY);
    return prepare(run) == 0 && prepare_store(run) == 0 ? run_in_namespace(run) : EXIT_NOT_STARTED;
}

int cmd_run(const struct invocation *invocation)
{
    struct run run = { .store = NULL };
    char **words = invocation->arguments - 1; /* the command's name, where getopt(3) wants ours */

    if (invocation->json) {
        warnx("run: COMMAND answers, and not in JSON; leave --json out");
        return EXIT_NOT_STARTED;
    }
    words[0] = program_invocation_short_name;
    /* Each word can be an option and its value. */
    run.daemon_words = calloc(2 * (size_t)invocation->count + 8, sizeof(char *));
    if (!run.daemon_words)
        err(EXIT_NOT_STARTED, NULL);
    int status = run_words(&run, invocation->count + 1, words);
    free(run.daemon_words);
    return status;
}
