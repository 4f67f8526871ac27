// SPDX-License-Identifier: BSD-2-Clause
/* Which process the kernel ends when memory is short. */
#ifndef SHMAP_OOM_H
#define SHMAP_OOM_H

/* Makes the calling process the last one that the kernel ends, or as late as it may be: below the
 * score that it started with, that takes CAP_SYS_RESOURCE. */
void oom_go_last(void);

/* Makes the calling process go before the one that has started it. */
void oom_go_before_parent(void);

#endif
