// SPDX-License-Identifier: BSD-2-Clause
/*
 * The place in which a group of cases lives: mount and PID namespaces of its own, and a temporary
 * directory that is removed from outside, when nothing inside can be running any more.
 */
#ifndef SHMAPFS_TESTS_SANDBOX_H
#define SHMAPFS_TESTS_SANDBOX_H

#include <stdbool.h>
#include <sys/types.h>

enum { EXIT_SKIPPED = 77 };

// The user that the cases and the daemon of a user's mount run as.
enum { NOBODY = 65534 };

struct sandbox {
    const char *top; // the temporary directory
    bool by_root;    // started by root: can become nobody. Otherwise a user namespace of one user
};

/* Runs body(argument) as the first process of the namespaces, waits, removes sandbox->top.
 * Returns the exit status for the program. A signal to the caller ends everything inside first. */
int sandbox_run(const struct sandbox *sandbox, int (*body)(void *), void *argument);

/* Inside: lets `nobody` open /dev/fuse where the machine lets only root. Returns 0 or a negative
 * errno. */
int sandbox_share_fuse_device(const struct sandbox *sandbox);

/* Inside: makes /dev/fuse what it was. Returns 0 or a negative errno. */
int sandbox_unshare_fuse_device(const struct sandbox *sandbox);

/* Inside: gives up root for good (by_root), or the capabilities of the user namespace (otherwise),
 * of which a daemon keeps the one that lets it mount. Returns 0 or a negative errno. */
int sandbox_drop_privileges(const struct sandbox *sandbox, bool may_mount);

/* Says why the whole group cannot run; returns the status to exit with. */
int sandbox_skip(const char *reason);

/* Removes a directory and everything in it. Returns 0 or a negative errno. */
int sandbox_remove_tree(const char *path);

#endif
