// SPDX-License-Identifier: BSD-2-Clause
/*
 * Stands between a command and whoever started it: hands signals on, stops and continues with the
 * command, and ends as the command does.
 */
#ifndef SHMAPCTL_SUPERVISE_H
#define SHMAPCTL_SUPERVISE_H

#include <signal.h>
#include <stdbool.h>

#include "tools/run/daemon.h"

struct supervision {
    struct held command;
    struct daemon daemon;
    int signals;        // a signalfd for all of them
    int joined;         // a pidfd of the first process of the run that this one joined; or -1
    pid_t guardian;     // which nobody waits for
    pid_t waiter;       // for others that have joined; 0: there is none
    bool ready;         // the mount is there
    bool failed;        // the daemon ended before that
    int command_status; // from waitpid(2); -1: it has not ended
    int daemon_status;
};

/* There are no processes yet. */
#define SUPERVISION_NONE   \
    ((struct supervision){ \
        .daemon.notices = -1, .joined = -1, .command_status = -1, .daemon_status = -1 })

/* How signals were before they were blocked. */
struct signal_setting {
    sigset_t mask;
    struct sigaction child; // of SIGCHLD, which must not be ignored meanwhile
};

/* Blocks all signals. Returns the signalfd, or a negative errno. */
int supervise_block_signals(struct signal_setting *before);

/* In the command's process: restores them. */
void supervise_unblock_signals(const struct signal_setting *before);

/* Lets SIGHUP, SIGINT, SIGQUIT and SIGTERM end this process when the command has ended, unless its
 * caller has had them ignored. */
void supervise_unblock_ends(void);

/* Returns when the mount is ready, and the held command may be released; or the command has ended.
 * If the daemon ends before it is ready, the command is killed. */
void supervise_start(struct supervision *supervision);

/* Returns when the command has ended. */
void supervise_command(struct supervision *supervision);

/* Returns when what the command has left behind has ended, or in a second: who notices its end, and
 * takes away what it has shared, finds that still there. Those are children of this process now. */
void supervise_left(struct supervision *supervision);

/* Returns when the waiter has ended, or the daemon. */
void supervise_waiter(struct supervision *supervision, pid_t waiter);

/* Returns when the daemon has ended. */
void supervise_daemon(struct supervision *supervision);

/* Ends this process by the signal that ended another one, as waitpid(2) tells it in `status`.
 * Returns the exit status where that cannot be, or the other process ended by itself. */
int supervise_end_as(int status);

#endif
