// SPDX-License-Identifier: BSD-2-Clause
/* The roles of a test program that is itself the command that `shmapctl run` runs. */
#ifndef SHMAPFS_TESTS_COMMAND_ROLE_H
#define SHMAPFS_TESTS_COMMAND_ROLE_H

/* The word before the role on the command line. */
#define COMMAND_ROLE "--command-role"

/* Plays a role. Returns the exit status.
 *   share         two programs, with memory and semaphores between them
 *   fill          reserves more than there is
 *   overflow      writes beyond the limit of 1 MiB through a mapping, which is SIGBUS
 *   burst         fills all and ends with SIGBUS
 *   tracker       leaves a child behind that removes an object as soon as its parent has ended
 *   left          leaves a child behind that says "gone" when, at the end of its input, names are
 *                 gone and none can be made
 *   value         says "ready", and which value the signal SIGRTMIN + 3 brings
 *   first_signal  sends SIGUSR1 to its parent, says "ready", and ends with the first signal's
 *                 number
 *   key           says "ready", and "caught" at SIGINT; ends with 0 at SIGUSR1 if it came once */
int play_command_role(const char *role);

#endif
