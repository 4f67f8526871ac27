// SPDX-License-Identifier: BSD-2-Clause
/*
 * Events of files' closes, by whomever: fanotify(7), which names the file by its handle and the
 * process that has closed it. So the daemon's own closes can be told from those of others, without
 * a descriptor kept for each file.
 */
#ifndef SHMAPFS_CLOSE_WATCH_H
#define SHMAPFS_CLOSE_WATCH_H

#include <stdbool.h>

#include "lib/object/object.h"

struct close_watch {
    int fd; // readable when there are events; -1: nothing was watched yet, or it cannot be
    bool failed;
};

/* Watches a file (O_PATH will do). Returns whether it does. */
bool close_watch_add(struct close_watch *watch, int fd);

/* Watches it no more. */
void close_watch_remove(const struct close_watch *watch, int fd);

/* Hands over each file that another process has closed. Returns false if events were lost. */
bool close_watch_read(const struct close_watch *watch,
                      void (*closed)(void *argument, const struct object_handle *handle),
                      void *argument);

#endif
