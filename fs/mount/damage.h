// SPDX-License-Identifier: BSD-2-Clause
/* The end of a mount whose memory is damaged. */
#ifndef SHMAPFS_DAMAGE_H
#define SHMAPFS_DAMAGE_H

#include <stdnoreturn.h>

/* Says what is damaged, takes the mount away and ends the process: serving on could give wrong
 * data. In the form that a node table calls it: the argument is the struct mount. */
noreturn void mount_damaged(void *mount, const char *what);

#endif
