// SPDX-License-Identifier: BSD-2-Clause
/*
 * Flags of a file or directory, as chattr(1) has them. The kernel has two forms of them, each with
 * a command of ioctl(2) that gets and one that sets it: a number (FS_IOC_GETFLAGS), and a structure
 * that has the project, too (FS_IOC_FSGETXATTR). The value of a command is in its form.
 */
#ifndef SHMAP_FLAGS_H
#define SHMAP_FLAGS_H

#include <stdbool.h>
#include <stddef.h>

#define FLAGS_VALUE_MAX 32

enum flags_access { FLAGS_NONE, FLAGS_GET, FLAGS_SET };

/* Returns what a command does to flags; `size` receives that of its value. */
enum flags_access flags_command(unsigned command, size_t *size);

/* Gets flags by a command that gets them, from a descriptor that is open for reading. Returns 0 or
 * a negative errno; -ENOTTY, -EOPNOTSUPP: the filesystem has none. */
int flags_get(int fd, unsigned command, void *value);

/* Looks what setting flags by a command would change; `guards` receives whether it makes the file
 * immutable or one that only grows, or ends that, which takes CAP_LINUX_IMMUTABLE. -EOPNOTSUPP: it
 * changes more than what a file's owner may, or what a name means. */
int flags_check(int fd, unsigned command, const void *value, bool *guards);

int flags_set(int fd, unsigned command, const void *value);

/* Gives a file or directory those flags of another one that every filesystem with flags has:
 * immutable, append only, no dump, no access time. Both are open for reading. Filesystems without
 * flags are passed over. Returns 0 or a negative errno. */
int flags_copy(int from, int to);

#endif
