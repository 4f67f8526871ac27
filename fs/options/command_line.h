// SPDX-License-Identifier: BSD-2-Clause
/* The command line of shmapfs, and of mount(8)'s helper. */
#ifndef SHMAPFS_COMMAND_LINE_H
#define SHMAPFS_COMMAND_LINE_H

#include <stdio.h>

#include "fs/options/options.h"
#include "lib/sys/complaint.h"

/* Reads the command line of shmapfs, or of mount(8) when argv[0] begins with "mount.". Options that
 * are not given have their defaults. Strings point into argv, except `anon`, which the caller
 * frees. Returns 0, or -EINVAL with a complaint. */
int command_line_parse(int argc, char **argv, struct options *options, struct complaint *complaint);

void command_line_print_help(FILE *stream);

#endif
