// SPDX-License-Identifier: BSD-2-Clause
/*
 * User namespaces: what lets an ordinary user mount.
 */
#ifndef SHMAP_USER_NAMESPACE_H
#define SHMAP_USER_NAMESPACE_H

/* Moves this process, which has one thread, to a user namespace and a mount namespace of its own.
 * The process has every capability there, its user and group are the same as before, and no other
 * ones are mapped. Returns 0 or a negative errno. */
int user_namespace_enter(void);

/* Finds the setting by which an administrator forbids user or mount namespaces. Returns what
 * sysctl(8) is to set instead, such as "user.max_user_namespaces=10000"; NULL: it is no setting. */
const char *user_namespace_missing_setting(void);

#endif
