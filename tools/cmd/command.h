// SPDX-License-Identifier: BSD-2-Clause
/* How shmapctl.c calls the commands. */
#ifndef SHMAPCTL_COMMAND_H
#define SHMAPCTL_COMMAND_H

#include <stdbool.h>

/* The options that some commands have of their own. */
enum choice {
    CHOICE_CONVERT,
    CHOICE_TO,
    CHOICE_LIFETIME,
    CHOICE_LINGER,
    CHOICE_SIZE,
    CHOICE_INODES,
    CHOICE_HUGE,
    CHOICE_NOSWAP,
    CHOICE_POLICY,
    CHOICE_SORT,
    CHOICE_REVERSE,
    CHOICE_CLASS,
    CHOICE_NAME,
    CHOICE_USED,
    CHOICE_UNUSED,
    CHOICE_REPORT,
    CHOICE_OUTPUT,
    CHOICE_PROMETHEUS,
    CHOICE_HTTP,
    CHOICE_SVG,
    CHOICE_ASCII,
    CHOICE_COUNT,
    CHOICE_ONCE,
    CHOICE_READ_ONLY,
    CHOICE_ANON,
    CHOICE_ALL,
    CHOICES
};

/* The command line, as a command reads it. */
struct invocation {
    bool json;        // answer in JSON
    int count;        // of arguments; there are as many as the command takes
    char **arguments; // without the command's name
    const char
        *choices[CHOICES]; // the values of options, "" for one that has none; NULL: not given
};

/* Each carries out one command and returns the exit status. */
int cmd_class(const struct invocation *invocation);
int cmd_doctor(const struct invocation *invocation);
int cmd_list(const struct invocation *invocation);
int cmd_ls(const struct invocation *invocation);
int cmd_map(const struct invocation *invocation);
int cmd_metrics(const struct invocation *invocation);
int cmd_reattach(const struct invocation *invocation);
int cmd_recover(const struct invocation *invocation);
int cmd_resize(const struct invocation *invocation);
int cmd_run(const struct invocation *invocation);
int cmd_save(const struct invocation *invocation);
int cmd_skeleton(const struct invocation *invocation);
int cmd_snapshot(const struct invocation *invocation);
int cmd_status(const struct invocation *invocation);
int cmd_summary(const struct invocation *invocation);
int cmd_sync(const struct invocation *invocation);
int cmd_top(const struct invocation *invocation);
int cmd_upgrade(const struct invocation *invocation);
int cmd_verify(const struct invocation *invocation);
int cmd_warmup(const struct invocation *invocation);
int cmd_who(const struct invocation *invocation);

#endif
