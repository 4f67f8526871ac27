// SPDX-License-Identifier: BSD-2-Clause
/* A conversion under way: the directory, where it is, and what is beside it. */
#ifndef SHMAPCTL_CONVERSION_H
#define SHMAPCTL_CONVERSION_H

#include <limits.h>

#include "lib/api/shmap.h"
#include "tools/convert/tree.h"
#include "tools/ui/interruption.h"

struct conversion {
    char path[PATH_MAX];   // of the directory, absolute, without symbolic links
    char parent[PATH_MAX]; // of the directory that it is in
    char name[NAME_MAX + 1];
    enum shmap_class class; // that it is to have
    int parent_fd;          // locked: one conversion at a time
    int original;
    int copy; // -1: there is none yet
    struct tree tree;
    struct interruption interruption;
};

/* The names beside the directory, which tell what is there when a conversion was killed. A copy for
 * a class has a name of its own; when the two have changed names, the old directory has it, which
 * its class tells. Before it is removed it gets another name. */
struct conversion_name {
    char text[NAME_MAX + 1];
};

/* A path of what a descriptor is open on, which nobody can change. */
struct conversion_fd_path {
    char text[32];
};
struct conversion_fd_path conversion_fd_path(int fd);

/* Returns 0 or -ENAMETOOLONG. */
int conversion_copy_name(const struct conversion *conversion, enum shmap_class class,
                         struct conversion_name *name);
int conversion_waste_name(const struct conversion *conversion, struct conversion_name *name);

/* Finds what the directory is and locks the one that it is in. Returns EXIT_SUCCESS, or an exit
 * status after a line. conversion_close() follows either way. */
int conversion_open(const char *path, enum shmap_class class, struct conversion *conversion);
void conversion_close(struct conversion *conversion);

/* Prints a line, and returns EXIT_FAILURE, if a process uses what the tree has; `old` is the name
 * that it has beside the directory, or NULL. With a copy that is about to take its place, a line
 * says how many processes could not be inspected. */
int conversion_refuse_users(const struct conversion *conversion, const char *old);

/* Prints a line after a signal that came before anything had changed. Returns EXIT_FAILURE. */
int conversion_fail_interrupted(const struct conversion *conversion);

/* Prints a line about what is beside the directory. Returns EXIT_FAILURE. */
int conversion_fail_beside(const struct conversion *conversion, const char *name,
                           const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Prints a line, and returns EXIT_FAILURE, if a name of the mount's option anon= keeps the
 * directory anonymous. Where the mount cannot be asked, that turns out when the copy is to take
 * the name. */
int conversion_refuse_anon_name(const struct conversion *conversion);
int conversion_fail_anon_name(const struct conversion *conversion, const char *name);

/* Brings the copy to the disk. Returns 0, -EINTR, or another negative errno. */
int conversion_sync(struct conversion *conversion);

/* Removes what is not needed any more. Returns EXIT_SUCCESS, or EXIT_FAILURE after a line. */
int conversion_remove(struct conversion *conversion, const char *name);

/* Looks at the old directory, whose name has changed: if the new one is all that it was, and nobody
 * uses it, it is removed. Returns EXIT_SUCCESS, or EXIT_FAILURE after a line. */
int conversion_finish(struct conversion *conversion, const char *name, int old, int new);

/* Takes away, or finishes, what a conversion that was killed has left. Returns EXIT_SUCCESS, or
 * EXIT_FAILURE after a line. */
int conversion_clean(struct conversion *conversion);

#endif
