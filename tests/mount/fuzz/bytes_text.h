// SPDX-License-Identifier: BSD-2-Clause
/* Bytes as people can read them: runs of the same byte. */
#ifndef SHMAPFS_TESTS_FUZZ_BYTES_TEXT_H
#define SHMAPFS_TESTS_FUZZ_BYTES_TEXT_H

#include <stddef.h>

/* «61*100 00*3996»; where there is no room for all, a checksum stands for the rest. */
void bytes_text(const void *bytes, size_t count, char *text, size_t size);

#endif
