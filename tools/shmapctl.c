// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl: looks at shmapfs mounts and changes them. This file finds the command and calls it. */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/cmd/command.h"
#include "tools/ui/exit_status.h"
#include "tools/ui/output.h"

static const struct command {
    const char *name;
    const char *arguments;
    int at_least;
    int at_most; // INT_MAX: all that follows on the line is the command's, options too
    int (*call)(const struct invocation *invocation);
    const char *summary;
} COMMANDS[] = {
    { "list", "", 0, 0, cmd_list, "list the mounts of the machine, with a line for each" },
    { "status", "[MOUNTPOINT]", 0, 1, cmd_status,
      "show what a mount is and how full it is; without one: list" },
    { "class", "PATH [CLASS]", 1, 2, cmd_class,
      "show the class of a path, or set that of an empty directory" },
    { "resize", "MOUNTPOINT SIZE", 2, 2, cmd_resize,
      "change the limit of the RAM area: 512m, 4g, 25% (of RAM)" },
    { "upgrade", "MOUNTPOINT [BINARY]", 1, 2, cmd_upgrade,
      "replace the binary that serves; everything stays open" },
    { "sync", "[MOUNTPOINT...]", 0, INT_MAX - 1, cmd_sync,
      "bring what was written to the disk, of these mounts or of all" },
    { "who", "PATH", 1, 1, cmd_who, "show the processes that use a file, or anything of a mount" },
    { "run", "[OPTION...] COMMAND...", 0, INT_MAX, cmd_run,
      "run a command whose /dev/shm is a shmapfs of its own" },
    { "ls", "MOUNTPOINT", 1, 1, cmd_ls,
      "list the objects, with their pages in memory and their users" },
};
#define COMMAND_COUNT (sizeof(COMMANDS) / sizeof(COMMANDS[0]))

static void print_help(void)
{
    puts("usage: shmapctl [--json] COMMAND ARGUMENT...\n"
         "\n"
         "Looks at shmapfs mounts and changes them.\n"
         "\n"
         "commands:");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        printf("  %-7s  %-22s  %s\n", COMMANDS[i].name, COMMANDS[i].arguments, COMMANDS[i].summary);
    puts(
        "\n"
        "options, anywhere on the line:\n"
        "  -j, --json     answer in JSON\n"
        "  -h, --help     show this text\n"
        "  -V, --version  show the version\n"
        "\n"
        "exit status: 0 done, 1 failed, 2 the command line is wrong; run has that of its COMMAND.\n"
        "More: man shmapctl");
}

/* Lists the names of all commands for a sentence. For free(). */
static char *list_commands(const char *conjunction)
{
    char *list = NULL;
    size_t length;
    FILE *text = open_memstream(&list, &length);

    if (!text)
        err(EXIT_FAILURE, NULL);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const char *between = i + 2 == COMMAND_COUNT ? conjunction : ", ";

        fprintf(text, "%s%s", COMMANDS[i].name, i + 1 < COMMAND_COUNT ? between : "");
    }
    if (fclose(text) != 0)
        err(EXIT_FAILURE, NULL);
    return list;
}

static int usage_error(void)
{
    fputs("Try 'shmapctl --help'.\n", stderr);
    return EXIT_USAGE;
}

static int fail_without_command(void)
{
    char *names = list_commands(" or ");

    warnx("a command is missing: %s", names);
    free(names);
    return usage_error();
}

static int fail_unknown_command(const char *name)
{
    char *names = list_commands(" and ");

    fail(name, "no such command; there are %s", names);
    free(names);
    return usage_error();
}

/* Finds a command; NULL: there is none of that name. */
static const struct command *find_command(const char *name)
{
    for (size_t i = 0; name && i < COMMAND_COUNT; i++) {
        if (strcmp(name, COMMANDS[i].name) == 0)
            return &COMMANDS[i];
    }
    return NULL;
}

/* Calls the command that the first word of the line names. */
static int call_command(const struct invocation *line)
{
    const char *name = line->arguments[0];
    struct invocation invocation = { line->json, line->count - 1, line->arguments + 1 };
    const struct command *command = find_command(name);

    if (line->count == 0)
        return fail_without_command();
    if (!command)
        return fail_unknown_command(name);
    if (invocation.count >= command->at_least && invocation.count <= command->at_most)
        return command->call(&invocation);
    warnx("%s: too %s arguments; usage: shmapctl %s %s", name,
          invocation.count < command->at_least ? "few" : "many", name, command->arguments);
    return EXIT_USAGE;
}

/* Makes an answer that could not be written, to a full disk for example, a failure. */
static int check_output(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    warn("standard output");
    return EXIT_FAILURE;
}

static bool owns_its_options(const char *name)
{
    const struct command *command = find_command(name);

    return command && command->at_most == INT_MAX;
}

/* Reads the options for all commands. Returns -1 to go on, or an exit status. */
static int parse_line(int argc, char **argv, const char *shorts, struct invocation *line)
{
    static const struct option options[] = {
        { "json", no_argument, NULL, 'j' },
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, 'V' },
        { 0 },
    };

    optind = 0; // begin anew, and take the order from `shorts`
    for (int option; (option = getopt_long(argc, argv, shorts, options, NULL)) != -1;) {
        switch (option) {
        case 'j':
            line->json = true;
            break;
        case 'h':
            print_help();
            return EXIT_SUCCESS;
        case 'V':
            puts("shmapctl " SHMAPFS_VERSION);
            return EXIT_SUCCESS;
        default:
            return usage_error();
        }
    }
    line->count = argc - optind;
    line->arguments = argv + optind;
    return -1;
}

int main(int argc, char **argv)
{
    struct invocation line = { 0 };
    int status;

    setlocale(LC_CTYPE, "");
    argv[0] = program_invocation_short_name; // what getopt_long(3) calls us
    status = parse_line(argc, argv, "+jhV", &line);
    if (status == -1 && !owns_its_options(line.arguments[0]))
        status = parse_line(argc, argv, "jhV", &line);
    return check_output(status == -1 ? call_command(&line) : status);
}
