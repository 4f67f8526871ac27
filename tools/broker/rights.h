// SPDX-License-Identifier: BSD-2-Clause
/* The rights that a process of the broker keeps. */
#ifndef SHMAPFS_TOOLS_RIGHTS_H
#define SHMAPFS_TOOLS_RIGHTS_H

#include <stdbool.h>
#include <stdint.h>

#define RIGHT(capability) (UINT64_C(1) << (capability))

enum rights {
    RIGHTS_OF_BROKER, // becoming others
    RIGHTS_BOUND,     // the same, with nothing but CAP_SYS_ADMIN in the bounding set
    RIGHTS_OF_CHILD,  // CAP_SYS_ADMIN, which is permitted and not effective
};

/* Gives up everything else. Returns 0 or a negative errno. */
int rights_keep(enum rights rights);

/* Makes CAP_SYS_ADMIN effective in a child, or takes it back. Returns 0 or a negative errno. */
int rights_raise(bool raise);

/* Forbids a child all system calls but those that it makes. Returns 0 or a negative errno;
 * -EOPNOTSUPP: it was built without the filter. */
int rights_filter(void);

#endif
