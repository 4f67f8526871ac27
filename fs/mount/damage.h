// SPDX-License-Identifier: BSD-2-Clause
/* The end of a mount whose memory is damaged. */
#ifndef SHMAPFS_DAMAGE_H
#define SHMAPFS_DAMAGE_H

#include <stdnoreturn.h>

/* Logs what is damaged, takes the mount away and ends the process: serving on could give wrong
 * data. It has the form of a node table's `corrupt`: the argument is the struct mount. */
noreturn void mount_damaged(void *mount, const char *what);

#endif
