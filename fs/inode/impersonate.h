// SPDX-License-Identifier: BSD-2-Clause
/*
 * Impersonation: a thread acts as the process that a request comes from while it creates something,
 * and otherwise as nobody (cred.h).
 *
 * A change of a file takes setuid and setgid away, as the kernel decides by who makes it. One case
 * depends on more than CAP_FSETID: setgid of a file that its group cannot execute is no privilege
 * but a mark, and a member of the file's group keeps it. FUSE hands the caller's first group on;
 * the others are in /proc.
 */
#ifndef SHMAPFS_IMPERSONATE_H
#define SHMAPFS_IMPERSONATE_H

#include <sys/stat.h>

#include "fs/inode/volume.h"

/* Returns 0 or a negative errno. */
int impersonate_init(struct volume *volume);
void impersonate_destroy(struct volume *volume);

/* Takes on the caller's filesystem identity and umask. The kernel has checked that the caller may
 * create, and may keep setgid in `mode`. Returns 0, or a negative errno with the thread as it was:
 * it cannot have a umask of its own, and must create nothing. */
int impersonate_begin(struct volume *volume, fuse_req_t req, mode_t mode);

/* Ends the impersonation. Identity and umask stay with the thread: changing them costs more than a
 * small file, and the next request often comes from the same caller. The umask never takes anything
 * from the owner of a file that the thread makes otherwise. */
void impersonate_end(struct volume *volume, mode_t mode);

/* Makes the thread act as nobody again. Call it before anything else that allocates space in an
 * area which keeps some for root. */
void impersonate_none(struct volume *volume);

/* Returns whether setgid of a group is for the process that a request comes from: a member, or root
 * with CAP_FSETID. Where /proc does not show that process, its first group alone counts. */
bool impersonate_has_group(fuse_req_t req, gid_t group);

/* Returns whether a file's setgid bit is a mark. */
bool impersonate_is_mark(mode_t mode);

/* Makes the thread, which is without CAP_FSETID, a writer to a file of that mode who keeps the mark
 * exactly if the process that the request comes from does. */
void impersonate_writer(struct volume *volume, fuse_req_t req, const struct stat *now);

#endif
