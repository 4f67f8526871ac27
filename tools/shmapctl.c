// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl: looks at shmapfs mounts and changes them. Each command is in a file of its own. */
#include "tools/cmd/command.h"
#include "tools/ui/exit_status.h"
#include "tools/ui/output.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct command {
    const char *name;
    const char *arguments;
    int at_least;
    int at_most; /* INT_MAX: all that follows on the line is the command's, options too */
    int (*run)(const struct invocation *invocation);
    const char *summary;
} commands[] = {
    { "status", "MOUNTPOINT", 1, 1, cmd_status, "show what a mount is and how full it is" },
    { "class", "PATH [CLASS]", 1, 2, cmd_class,
      "show the class of a path, or set that of an empty directory" },
    { "resize", "MOUNTPOINT SIZE", 2, 2, cmd_resize,
      "change the limit of the RAM area: 512m, 4g, 25% (of RAM)" },
    { "upgrade", "MOUNTPOINT [BINARY]", 1, 2, cmd_upgrade,
      "have another binary serve it, with everything left open" },
    { "who", "PATH", 1, 1, cmd_who, "show the processes that have a file open or mapped" },
    { "run", "[OPTION...] COMMAND...", 0, INT_MAX, cmd_run,
      "run a command whose /dev/shm is a shmapfs of its own" },
    { "ls", "MOUNTPOINT", 1, 1, cmd_ls,
      "list the objects, with their pages in memory and who uses them" },
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_help(void)
{
    puts("usage: shmapctl [--json] COMMAND ARGUMENT...\n"
         "\n"
         "Looks at shmapfs mounts and changes them.\n"
         "\n"
         "commands:");
    for (size_t i = 0; i < COMMANDS; i++)
        printf("  %-7s  %-22s  %s\n", commands[i].name, commands[i].arguments, commands[i].summary);
    puts("\n"
         "options, anywhere on the line:\n"
         "  -j, --json     answer in JSON\n"
         "  -h, --help     show this text\n"
         "  -V, --version  show the version\n"
         "\n"
         "exit status: 0 done, 1 failed, 2 the command line is wrong; of run that of its COMMAND.\n"
         "More: man shmapctl");
}

/* The names of all commands, as a sentence has them. For free(). */
static char *list_commands(const char *conjunction)
{
    char *list = NULL;
    size_t length;
    FILE *text = open_memstream(&list, &length);
    if (text == NULL)
        err(EXIT_FAILURE, NULL);
    for (size_t i = 0; i < COMMANDS; i++) {
        const char *between = i + 2 < COMMANDS ? ", " : i + 2 == COMMANDS ? conjunction : "";
        fprintf(text, "%s%s", commands[i].name, between);
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

static int run(const struct invocation *line)
{
    if (line->count == 0) {
        char *names = list_commands(" or ");
        warnx("a command is missing: %s", names);
        free(names);
        return usage_error();
    }
    const char *name = line->arguments[0];
    struct invocation invocation = { line->json, line->count - 1, line->arguments + 1 };
    for (size_t i = 0; i < COMMANDS; i++) {
        const struct command *command = &commands[i];
        if (strcmp(name, command->name) != 0)
            continue;
        if (invocation.count >= command->at_least && invocation.count <= command->at_most)
            return command->run(&invocation);
        warnx("%s: too %s arguments; usage: shmapctl %s %s", name,
              invocation.count < command->at_least ? "few" : "many", name, command->arguments);
        return EXIT_USAGE;
    }
    char *names = list_commands(" and ");
    fail(name, "no such command; there are %s", names);
    free(names);
    return usage_error();
}

/* An answer that could not be written, to a full disk for example, is a failure. */
static int written(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    warn("standard output");
    return EXIT_FAILURE;
}

static bool owns_its_options(const char *name)
{
    for (size_t i = 0; name != NULL && i < COMMANDS; i++)
        if (strcmp(name, commands[i].name) == 0)
            return commands[i].at_most == INT_MAX;
    return false;
}

/* Returns -1 to go on, or an exit status. */
static int parse(int argc, char **argv, const char *shorts, struct invocation *line)
{
    static const struct option options[] = {
        { "json", no_argument, NULL, 'j' },
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, 'V' },
        { 0 },
    };

    optind = 0; /* begin anew, and take the order from `shorts` */
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

    setlocale(LC_CTYPE, "");
    argv[0] = program_invocation_short_name; /* what getopt_long calls us */
    int status = parse(argc, argv, "+jhV", &line);
    if (status == -1 && !owns_its_options(line.arguments[0]))
        status = parse(argc, argv, "jhV", &line);
    return written(status == -1 ? run(&line) : status);
}
