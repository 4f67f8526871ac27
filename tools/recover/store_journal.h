// SPDX-License-Identifier: BSD-2-Clause
/* The work of shmapctl recover and verify on the journal of a store. */
#ifndef SHMAPCTL_STORE_JOURNAL_H
#define SHMAPCTL_STORE_JOURNAL_H

#include <stdbool.h>

/* Brings what was committed into the store. Returns the exit status. */
int store_journal_recover(const char *path, bool json);

/* Checks the journal and changes nothing. Returns the exit status. */
int store_journal_verify(const char *path, bool json);

#endif
