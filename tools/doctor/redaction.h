// SPDX-License-Identifier: BSD-2-Clause
/* Texts without the names of files, users and machines that they have, for others to read. */
#ifndef SHMAPCTL_REDACTION_H
#define SHMAPCTL_REDACTION_H

#include <stddef.h>

/* A path that gets another name wherever it stands. */
struct alias {
    char *path;
    char name[24];
};

struct redaction {
    struct alias *all; // the longest path first
    size_t count;
};

/* Has a path called by a word and a number from now on, "MOUNT1". An empty one is left out. */
void redaction_add(struct redaction *redaction, const char *path, const char *word);

/* Returns a text with other names for these paths, and without any other path, but for those that
 * every machine has (/proc, /sys, /dev, /usr, /run/shmapfs, /etc/fuse.conf); and without the values
 * of mount options that name directories, a source or SELinux contexts. For free(). */
char *redact(const struct redaction *redaction, const char *text);

void redaction_free(struct redaction *redaction);

/* Does the same to one path alone, which may be relative. For free(). */
char *redact_place(const struct redaction *redaction, const char *path);

#endif
