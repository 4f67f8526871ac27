// SPDX-License-Identifier: BSD-2-Clause
/* The command line of shmapfs, and of mount(8)'s helper. */
#ifndef SHMAPFS_COMMAND_LINE_H
#define SHMAPFS_COMMAND_LINE_H

#include <stdio.h>

#include "fs/options/options.h"
#include "lib/sys/complaint.h"

/* Reads the command line of shmapfs, or of mount(8)'s helper when argv[0] begins with "mount.".
 * Options that are not given have their defaults; where root's mount(8) asks, these include suid
 * and dev. Strings point into argv, or are for option_free(). Returns 0, or a negative errno with a
 * complaint. */
int command_line_parse(int argc, char **argv, struct options *options, struct complaint *complaint);

void command_line_print_help(FILE *stream);

#endif
