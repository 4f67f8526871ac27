// SPDX-License-Identifier: BSD-2-Clause
/*
 * Standard input, output and error where they lead nowhere.
 */
#ifndef SHMAP_STREAMS_H
#define SHMAP_STREAMS_H

/* Opens /dev/null for those that are closed, so that nothing that is opened later is taken for one
 * of them. With O_CLOEXEC in `flags` a program that this one executes finds them closed, with 0
 * open. */
void streams_fill(int flags);

/* Points all of them up to `last`, such as STDOUT_FILENO, at /dev/null. */
void streams_silence(int last);

#endif
