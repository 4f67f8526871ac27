// SPDX-License-Identifier: BSD-2-Clause
/* Regular files that are opened to be looked at. */
#ifndef SHMAP_PLAIN_FILE_H
#define SHMAP_PLAIN_FILE_H

#include <sys/stat.h>

/* Opens one for reading, with further flags of open(2), and reads its attributes. It waits for no
 * writer of a FIFO, and leaves the access time as it is where the caller may have that. Returns a
 * descriptor or a negative errno; -EMEDIUMTYPE: it is no regular file. */
int plain_file_open(const char *path, int flags, struct stat *st);

#endif
