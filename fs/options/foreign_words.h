// SPDX-License-Identifier: BSD-2-Clause
/* Words that are no options of shmapfs, and that stand in an fstab all the same: those for others,
 * which it passes over, and those of other filesystems, for which it has another word. */
#ifndef SHMAPFS_FOREIGN_WORDS_H
#define SHMAPFS_FOREIGN_WORDS_H

#include <stdbool.h>

/* Returns whether a word is for mount(8), systemd.mount(5) or a user's comment. */
bool foreign_word_is_passed_over(const char *name);

/* Returns whether a word is one that the kernel has in the mount table, from where mount(8) hands
 * it on when it remounts. */
bool foreign_word_is_the_kernels(const char *name);

/* Returns what is to be written instead of a word of FUSE's, or of one of mount(8)'s that cannot be
 * obeyed; NULL: nothing is known of it. */
const char *foreign_word_advice(const char *name);

/* Returns the known word that is most like an unknown one, without its value; NULL: none is. */
const char *foreign_word_nearest(const char *name);

#endif
