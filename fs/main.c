// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "cleanup.h"
#include "options.h"
#include "session.h"
#include "setup.h"

static void log_to_syslog(enum fuse_log_level level, const char *format, va_list arguments)
{
    vsyslog(LOG_DAEMON | (int)level, format, arguments);
}

static void block_signals(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, signals, NULL);
    // A lease that is broken while it is asked for says so; a client's size limit and a reader that
    // left are errors of calls.
    signal(SIGIO, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
}

/* Gives up what belongs to the shell that started the daemon. */
static void leave_terminal(void)
{
    CLEANUP_FD int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++)
        dup2(null, fd);
    openlog("shmapfs", LOG_PID, LOG_DAEMON);
    fuse_set_log_func(log_to_syslog);
}

static int give_up(struct mount *mount, const char *what, int error)
{
    fuse_log(FUSE_LOG_ERR, "shmapfs: %s %s: %s\n", what, mount->mountpoint, strerror(-error));
    // Otherwise a mount would be left behind that answers nobody.
    fuse_session_unmount(mount->session);
    return EXIT_FAILURE;
}

/* Serves the mount to its end; tells `ready` (a pipe, or -1) when it can be used. Returns the exit
 * status; what the mount holds is left for the end of the process to give back. */
static int serve(struct mount *mount, int ready)
{
    sigset_t signals;
    int error;

    block_signals(&signals);
    error = session_start(mount);
    if (error)
        return give_up(mount, "the kernel did not take up the mount at", error);
    if (ready >= 0) {
        leave_terminal();
        if (write(ready, "", 1) != 1)
            return give_up(mount, "nobody waits any more for", errno);
        close(ready);
    }
    error = session_serve(mount, &signals);
    if (error < 0)
        return give_up(mount, "no thread can serve", error);
    if (error > 0)
        // Nothing may be taken apart under the threads that still serve.
        _exit(EXIT_SUCCESS);
    return EXIT_SUCCESS;
}

/* Serves in a child of its own session; returns in the parent, when the mount is ready or has
 * failed. */
static int serve_in_background(struct mount *mount)
{
    int pipe_fds[2];
    int status;
    pid_t child;
    char byte;

    if (pipe2(pipe_fds, O_CLOEXEC) != 0 || (child = fork()) < 0) {
        fprintf(stderr, "shmapfs: the daemon cannot be started: %s\n", strerror(errno));
        fuse_session_unmount(mount->session);
        return EXIT_FAILURE;
    }
    if (child == 0) {
        close(pipe_fds[0]);
        setsid();
        if (chdir("/") != 0)
            _exit(EXIT_FAILURE);
        _exit(serve(mount, pipe_fds[1]));
    }
    close(pipe_fds[1]);
    if (read(pipe_fds[0], &byte, 1) == 1)
        // All that was set up is the child's now; here nothing is to be undone.
        _exit(EXIT_SUCCESS);
    if (waitpid(child, &status, 0) == child && WIFSIGNALED(status))
        fprintf(stderr, "shmapfs: the daemon ended with signal %d before the mount was ready\n",
                WTERMSIG(status));
    fuse_session_unmount(mount->session);
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct mount mount = { .session = NULL };
    struct complaint complaint = { .text = "" };
    int status;

    if (options_parse(argc, argv, &mount.options, &complaint) != 0) {
        fprintf(stderr, "shmapfs: %s\n", complaint.text);
        free(mount.options.anon);
        return 2;
    }
    if (mount.options.help || mount.options.version) {
        if (mount.options.help)
            options_print_help(stdout);
        else
            printf("shmapfs %s (libfuse %s)\n", SHMAPFS_VERSION, fuse_pkgversion());
        return EXIT_SUCCESS;
    }
    if (setup_mount(&mount, &complaint) != 0) {
        fprintf(stderr, "shmapfs: %s\n", complaint.text);
        return EXIT_FAILURE;
    }
    if (!mount.options.foreground)
        return serve_in_background(&mount);
    status = serve(&mount, -1);
    setup_undo(&mount);
    return status;
}
