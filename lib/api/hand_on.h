// SPDX-License-Identifier: BSD-2-Clause
/* Pages that were stored through mappings reach the daemon of their mount. */
#ifndef SHMAP_HAND_ON_H
#define SHMAP_HAND_ON_H

/* Has the kernel write what it holds back of a file, and closes the descriptor. Returns 0 when the
 * daemon has it, though maybe not on a disk, or a negative errno. */
int pages_hand_on(int fd);

#endif
