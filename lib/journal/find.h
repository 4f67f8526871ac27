// SPDX-License-Identifier: BSD-2-Clause
/* Finds the store's files of objects: by file handle, or by a walk over the store. */
#ifndef SHMAP_JOURNAL_FIND_H
#define SHMAP_JOURNAL_FIND_H

#include <stddef.h>

struct journal;
struct statx;
struct journal_object;

int find_to_write(int fd, const struct statx *stx);
int find_to_name(int fd, const struct statx *stx);

/* Opens the store's file of an object for reading and writing. Returns a descriptor or a negative
 * errno; -ESTALE: it is not in the store any more. */
int find_open(struct journal_object *object);

/* Opens it with O_PATH. Likewise. */
int find_path(struct journal_object *object);

/* Calls `visit` once for each object, with such a result in place of the descriptor, which it
 * closes. One walk serves all that have to be looked for. `open_file` opens what an O_PATH
 * descriptor stands for: find_to_write() or find_to_name(). Returns 0, or the first error of
 * `visit`, which ends it. */
int find_each(struct journal *journal, struct journal_object *const objects[], size_t count,
              int (*open_file)(int fd, const struct statx *stx),
              int (*visit)(void *context, size_t index, int fd), void *context);

#endif
