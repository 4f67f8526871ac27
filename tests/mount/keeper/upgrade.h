// SPDX-License-Identifier: BSD-2-Clause
/* A mount that cases upgrade to other binaries. */
#ifndef SHMAPFS_TESTS_UPGRADE_H
#define SHMAPFS_TESTS_UPGRADE_H

#include "tests/mount/keeper/keeper.h"

#include "lib/api/shmap.h"

pid_t start_upgradable(const struct workspace *workspace);

struct shmap_status shmap_status_of(const struct workspace *workspace);
void assert_version(const struct workspace *workspace, const char *version);

/* The attribute that the mount's owner sets. */
const char *upgrade_attribute(const struct workspace *workspace);

/* Upgrades. Returns -1 with errno, as setxattr(2). */
int upgrade_mount(const struct workspace *workspace, const char *binary);

/* Other binaries. */
void copy_program(const char *from, const char *to);
void put_script(const char *path, const char *text);

#endif
