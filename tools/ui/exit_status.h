// SPDX-License-Identifier: BSD-2-Clause
/* The exit statuses of shmapctl, beside EXIT_SUCCESS and EXIT_FAILURE. */
#ifndef SHMAPCTL_EXIT_STATUS_H
#define SHMAPCTL_EXIT_STATUS_H

enum {
    EXIT_USAGE = 2,   // the command line is wrong; nothing was tried
    EXIT_WRITTEN = 3, // save, snapshot: what was written meanwhile may be torn
    EXIT_BETTER = 4,  // doctor: something could be better
    EXIT_WRONG = 5,   // doctor: something is wrong
    // A command that runs another one has these, as env(1) and nohup(1) do.
    EXIT_NOT_STARTED = 125,
    EXIT_NOT_EXECUTABLE = 126,
    EXIT_NOT_FOUND = 127,
};

#endif
