// SPDX-License-Identifier: BSD-2-Clause
/*
 * When the files of a directory are committed: the attributes SHMAP_XATTR_COMMIT and
 * SHMAP_XATTR_INTERVAL of the directory in the store. They hold for everything below that has none
 * of its own.
 */
#ifndef SHMAP_COMMIT_MARK_H
#define SHMAP_COMMIT_MARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A policy is one number; 0: committed at the last close, too, and not after some time. */
#define COMMIT_SYNC_ALONE   0x8000U // what was not synced before the last close goes
#define COMMIT_INTERVAL     0x7fffU // mask: after so many seconds; 0: not
#define COMMIT_INTERVAL_MAX 32767U

/* Returns the policy of a directory (O_PATH will do) below one that has another. Words that are
 * none count as not there. */
uint16_t commit_mark_policy(int dir, uint16_t above);

/* Reads a word, or a number of seconds, of `size` bytes (no NUL needed). -EINVAL: it is none;
 * -ERANGE: over COMMIT_INTERVAL_MAX. */
int commit_mark_parse_word(const char *text, size_t size, bool *sync_alone);
int commit_mark_parse_interval(const char *text, size_t size, unsigned *seconds);

/* Give a directory one of them. Return 0 or a negative errno. */
int commit_mark_set_word(int dir, bool sync_alone);
int commit_mark_set_interval(int dir, unsigned seconds);

/* Returns the word of a policy. */
const char *commit_mark_word(uint16_t policy);

#endif
