// SPDX-License-Identifier: BSD-2-Clause
/*
 * The parent of a daemon that is to end with it.
 *
 * A parent such as `shmapctl run` has the kernel signal its child when it dies (PR_SET_PDEATHSIG).
 * But the kernel forgets that when the child changes its credentials, executes another binary with
 * others, or is succeeded by another child. So whatever the daemon becomes asks again.
 */
#ifndef SHMAP_PARENT_H
#define SHMAP_PARENT_H

#include <stddef.h>
#include <sys/types.h>

struct parent {
    pid_t pid;
    int signal; // that comes when it dies; 0: none
};

/* Room for a parent as text. */
#define PARENT_TEXT_MAX 48

/* Notes what this process has now. */
void parent_note(struct parent *parent);

/* Asks the kernel for the signal again. If the parent has died meanwhile, the signal comes at once.
 * It must be blocked, or may end the process. */
void parent_follow(const struct parent *parent);

/* Write a parent as a variable of the environment, for a binary that is executed, and read it
 * there. */
void parent_write(const struct parent *parent, char text[PARENT_TEXT_MAX]);
void parent_read(struct parent *parent);

#endif
