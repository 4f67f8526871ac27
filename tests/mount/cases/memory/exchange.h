// SPDX-License-Identifier: BSD-2-Clause
/* Two processes that exchange data through one object, while the machine is busy. */
#ifndef SHMAPFS_TESTS_EXCHANGE_H
#define SHMAPFS_TESTS_EXCHANGE_H

/*
 * Makes this many runs in the working directory, each with a new file and a new process, under the
 * load of a busy child for each processor. Says what was wrong in which run. Returns how many runs
 * were without a lost write.
 */
unsigned exchange_runs(unsigned runs);

#endif
