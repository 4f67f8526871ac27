// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the commands of shmapctl have in common: how they are called, and how they say what they
 * found.
 */
#ifndef SHMAPCTL_COMMAND_H
#define SHMAPCTL_COMMAND_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    EXIT_USAGE = 2, /* the command line is wrong; nothing was tried */
    /* Of a command that runs another one, as env(1) and nohup(1) have them: */
    EXIT_NOT_STARTED = 125,
    EXIT_NOT_EXECUTABLE = 126,
    EXIT_NOT_FOUND = 127,
};

/* What the command line asks of a command. */
struct request {
    bool json;        /* answer in JSON */
    int count;        /* of arguments; there are as many as the command takes */
    char **arguments; /* without the command's name */
};

/* Each carries out one command and returns the exit status. */
int cmd_class(const struct request *request);
int cmd_ls(const struct request *request);
int cmd_resize(const struct request *request);
int cmd_run(const struct request *request);
int cmd_status(const struct request *request);
int cmd_upgrade(const struct request *request);
int cmd_who(const struct request *request);

/* Says on standard error what is wrong with a path and what would be right.
 * Returns EXIT_FAILURE. */
int fail(const char *path, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Says why a mount did not answer when it was asked for its state, or to change it.
 * Returns EXIT_FAILURE. */
int fail_mount(const char *mountpoint, int error);

/* Prints an object as one line of JSON and lets go of it. Returns the exit status. */
int print_json(struct json_object *object);

/* A text from elsewhere as a terminal may show it: control characters are escaped. For free(). */
char *printable(const char *text);

/* Room for a number of bytes as people read it: "512M", "1.5G". */
struct amount {
    char text[5];
};
struct amount humanize(uint64_t bytes);

#endif
