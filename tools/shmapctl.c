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

static int cmd_help(const struct invocation *invocation);

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
    { "class", "PATH... [CLASS]", 1, INT_MAX - 1, cmd_class,
      "show the class of paths, or set that of directories and scratch files" },
    { "skeleton", "DIRECTORY [on|off]", 1, 2, cmd_skeleton,
      "show or set whether directories in an anonymous one come back" },
    { "resize", "PATH SIZE", 2, 2, cmd_resize,
      "change the limit of a mount's RAM area, or a directory's: 512m, 4g, 25% (of RAM)" },
    { "upgrade", "MOUNTPOINT [BINARY]", 1, 2, cmd_upgrade,
      "replace the binary that serves; everything stays open" },
    { "sync", "[MOUNTPOINT...]", 0, INT_MAX - 1, cmd_sync,
      "bring what was written to the disk, of these mounts or of all" },
    { "save", "PATH...", 0, INT_MAX - 1, cmd_save,
      "commit files, and all below directories, as one: after a crash all are so, or none" },
    { "snapshot", "MOUNT DEST", 2, 2, cmd_snapshot,
      "copy a mount, with what is committed as of one moment" },
    { "verify", "STORE", 1, 1, cmd_verify,
      "check the journal of a store that is not mounted, and change nothing" },
    { "recover", "STORE", 1, 1, cmd_recover,
      "bring what was committed before a crash into the files of a store" },
    { "reattach", "[MOUNT]", 0, 1, cmd_reattach,
      "go over to the store as it is mounted now; without a mount: each whose store fails" },
    { "who", "PATH", 1, 1, cmd_who, "show the processes that use a file, or anything of a mount" },
    { "run", "[OPTION...] COMMAND...", 0, INT_MAX, cmd_run,
      "run a command whose /dev/shm is a shmapfs of its own" },
    { "ls", "MOUNTPOINT", 1, 1, cmd_ls,
      "list the objects, with their pages in memory and their users" },
    { "map", "FILE", 1, 1, cmd_map,
      "draw where the pages of a file are, and who maps which of them" },
    { "top", "[MOUNT]", 0, 1, cmd_top, "show the requests that a mount serves, each second anew" },
    { "summary", "DIRECTORY", 1, 1, cmd_summary,
      "show how much is below a directory, by class, and the largest files" },
    { "warmup", "PATH...", 1, INT_MAX - 1, cmd_warmup,
      "bring files, and all those below directories, into memory" },
    { "metrics", "[MOUNT...]", 0, INT_MAX - 1, cmd_metrics,
      "print the numbers of these mounts or of all, as OpenMetrics" },
    { "doctor", "[MOUNT|STORE]", 0, 1, cmd_doctor,
      "say what is wrong or could be better, and what mends it" },
    { "help", "[COMMAND]", 0, 1, cmd_help, "show a summary, or what a command takes" },
};
#define COMMAND_COUNT (sizeof(COMMANDS) / sizeof(COMMANDS[0]))

static const struct own_option {
    const char *command; // that has it
    enum choice choice;
    const char *name;
    char letter;       // that says the same; 0: none
    const char *value; // what it stands for; NULL: it has none
    const char *help;
} OWN_OPTIONS[] = {
    { "class", CHOICE_CONVERT, "convert", 0, NULL,
      "give the class to directories that have entries, by a copy that takes their place" },
    { "class", CHOICE_TO, "to", 0, "PATH",
      "with persist: where a file of a scratch directory goes, and not beside that directory" },
    { "class", CHOICE_LIFETIME, "lifetime", 0, "WHEN",
      "when files go that are made in anonymous directories: last-close (with their last user) or "
      "mount" },
    { "class", CHOICE_LINGER, "linger", 0, "SECONDS", "with --lifetime last-close: so much later" },
    { "class", CHOICE_SIZE, "size", 0, "SIZE",
      "with anon: a RAM area for itself, of at most 512m, 4g, 25% (of RAM); with scratch: so much "
      "of the store" },
    { "class", CHOICE_INODES, "nr-inodes", 0, "N", "with --size: of so many files" },
    { "class", CHOICE_HUGE, "huge", 0, "WORD",
      "likewise: huge pages never, always, within_size or advise" },
    { "class", CHOICE_NOSWAP, "noswap", 0, NULL, "likewise: never swap it out" },
    { "class", CHOICE_POLICY, "mpol", 0, "POLICY", "likewise: the NUMA nodes, as in tmpfs(5)" },
    { "save", CHOICE_ALL, "all", 'a', NULL,
      "all that the end of the MOUNT would commit, or of each of yours" },
    { "save", CHOICE_TO, "to", 0, "DEST",
      "copy a FILE as it is at one moment, or say that it was written all the time" },
    { "ls", CHOICE_SORT, "sort", 0, "KEY",
      "by path, size, allocated, resident, dirty, uncommitted, users or mtime; numbers from the "
      "top" },
    { "ls", CHOICE_REVERSE, "reverse", 0, NULL, "the other way round" },
    { "ls", CHOICE_CLASS, "class", 0, "CLASS", "only what has this class" },
    { "ls", CHOICE_NAME, "name", 0, "PATTERN", "only what has a name like that: '*.db'" },
    { "ls", CHOICE_USED, "used", 0, NULL, "only what a process uses" },
    { "ls", CHOICE_UNUSED, "unused", 0, NULL, "only what no process uses" },
    { "metrics", CHOICE_OUTPUT, "output", 0, "FILE",
      "write them to a file, which is whole at any time" },
    { "metrics", CHOICE_PROMETHEUS, "prometheus", 0, NULL,
      "in Prometheus' own text format, as node_exporter reads it" },
    { "metrics", CHOICE_HTTP, "http", 0, NULL,
      "answer one request of HTTP on standard input, for shmapfs-metrics.socket" },
    { "map", CHOICE_SVG, "svg", 0, NULL, "as a drawing in SVG" },
    { "map", CHOICE_ASCII, "ascii", 0, NULL, "without signs that not every terminal has" },
    { "summary", CHOICE_COUNT, "count", 0, "N", "so many of the largest files, instead of 10" },
    { "top", CHOICE_ONCE, "once", 0, NULL, "show them once" },
    { "snapshot", CHOICE_READ_ONLY, "read-only", 0, NULL,
      "nobody may write to what is in it, or to its directories" },
    { "snapshot", CHOICE_ANON, "anon", 0, NULL,
      "with the files of anonymous and scratch directories, each as it is then" },
    { "doctor", CHOICE_REPORT, "report", 0, NULL,
      "print what a report of a fault should have, without private names" },
};
#define OWN_OPTION_COUNT (sizeof(OWN_OPTIONS) / sizeof(OWN_OPTIONS[0]))

static void print_help(void)
{
    puts("usage: shmapctl [--json] COMMAND [OPTION...] ARGUMENT...\n"
         "\n"
         "Looks at shmapfs mounts and changes them.\n"
         "\n"
         "commands:");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        printf("  %-8s  %-22s  %s\n", COMMANDS[i].name, COMMANDS[i].arguments, COMMANDS[i].summary);
    puts(
        "\n"
        "options, anywhere on the line:\n"
        "  -j, --json     answer in JSON\n"
        "  -h, --help     show this text\n"
        "  -V, --version  show the version\n"
        "\n"
        "exit status: 0 done, 1 failed, 2 the command line is wrong; run has that of its COMMAND.\n"
        "More: shmapctl help COMMAND, man shmapctl");
}

static bool has_options(const struct command *command)
{
    for (size_t i = 0; i < OWN_OPTION_COUNT; i++) {
        if (strcmp(OWN_OPTIONS[i].command, command->name) == 0)
            return true;
    }
    return false;
}

/* Returns the exit status. */
static int print_help_of(const struct command *command)
{
    char *words[] = { (char *)(uintptr_t)command->name, (char *)(uintptr_t) "--help", NULL };

    // It has options that are not known here.
    if (command->at_most == INT_MAX)
        return command->call(&(struct invocation){ .count = 1, .arguments = words + 1 });
    printf("usage: shmapctl [--json] %s%s%s%s\n\n%s\n", command->name,
           has_options(command) ? " [OPTION...]" : "", *command->arguments ? " " : "",
           command->arguments, command->summary);
    if (has_options(command))
        puts("\noptions:");
    for (size_t i = 0; i < OWN_OPTION_COUNT; i++) {
        const struct own_option *option = &OWN_OPTIONS[i];
        char letter[] = { '-', option->letter, ',', ' ', '\0' };
        char form[32];

        if (strcmp(option->command, command->name) != 0)
            continue;
        snprintf(form, sizeof(form), "%s--%s%s%s", option->letter ? letter : "", option->name,
                 option->value ? " " : "", option->value ? option->value : "");
        printf("  %-16s  %s\n", form, option->help);
    }
    return EXIT_SUCCESS;
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
    struct invocation invocation = *line;
    const struct command *command = find_command(name);

    if (line->count == 0)
        return fail_without_command();
    if (!command)
        return fail_unknown_command(name);
    invocation.count--;
    invocation.arguments++;
    if (invocation.count >= command->at_least && invocation.count <= command->at_most)
        return command->call(&invocation);
    warnx("%s: too %s arguments; usage: shmapctl %s %s", name,
          invocation.count < command->at_least ? "few" : "many", name, command->arguments);
    return EXIT_USAGE;
}

static int cmd_help(const struct invocation *invocation)
{
    const struct command *command = find_command(invocation->arguments[0]);

    if (command)
        return print_help_of(command);
    if (invocation->count > 0)
        return fail_unknown_command(invocation->arguments[0]);
    print_help();
    return EXIT_SUCCESS;
}

/* Makes an answer that could not be written, to a full disk for example, a failure. */
static int check_output(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    warn("standard output");
    return EXIT_FAILURE;
}

/* The options for all commands, and room for those of one command and the end. */
struct option_list {
    struct option all[3 + OWN_OPTION_COUNT + 1];
    char letters[1 + 3 + OWN_OPTION_COUNT + 1]; // as getopt(3) takes them
};

enum { CHOICE_BASE = 256 }; // beyond all letters

/* Lists the options of the line, or, after a command, its own, too. */
static void list_options(const struct command *command, struct option_list *list)
{
    size_t count = 3, letters;

    // Options end before the command, until it is known which it has.
    *list = (struct option_list){ .all = { { "json", no_argument, NULL, 'j' },
                                           { "help", no_argument, NULL, 'h' },
                                           { "version", no_argument, NULL, 'V' } } };
    strlcpy(list->letters, command ? "jhV" : "+jhV", sizeof(list->letters));
    letters = strlen(list->letters);
    for (size_t i = 0; command && i < OWN_OPTION_COUNT; i++) {
        const struct own_option *option = &OWN_OPTIONS[i];

        if (strcmp(option->command, command->name) != 0)
            continue;
        list->all[count++] =
            (struct option){ option->name, option->value ? required_argument : no_argument, NULL,
                             CHOICE_BASE + (int)option->choice };
        if (option->letter)
            list->letters[letters++] = option->letter;
    }
}

/* Returns the choice that getopt_long(3) has found. */
static enum choice choice_of(const struct command *command, int option)
{
    size_t i = 0;

    if (option >= CHOICE_BASE)
        return (enum choice)(option - CHOICE_BASE);
    while (strcmp(OWN_OPTIONS[i].command, command->name) != 0 || OWN_OPTIONS[i].letter != option)
        i++;
    return OWN_OPTIONS[i].choice;
}

/* Reads the options of a line. Returns -1 to go on, or an exit status. */
static int parse_line(int argc, char **argv, const struct command *command, struct invocation *line)
{
    struct option_list options;

    list_options(command, &options);
    optind = 0; // begin anew
    for (int option;
         (option = getopt_long(argc, argv, options.letters, options.all, NULL)) != -1;) {
        switch (option) {
        case 'j':
            line->json = true;
            break;
        case 'h':
            if (command)
                return print_help_of(command);
            print_help();
            return EXIT_SUCCESS;
        case 'V':
            puts("shmapctl " SHMAPFS_VERSION);
            return EXIT_SUCCESS;
        case '?':
            return usage_error();
        default:
            line->choices[choice_of(command, option)] = optarg ? optarg : "";
            break;
        }
    }
    line->count = argc - optind;
    line->arguments = argv + optind;
    return -1;
}

int main(int argc, char **argv)
{
    struct invocation line = { 0 };
    const struct command *command;
    int status;

    setlocale(LC_CTYPE, "");
    argv[0] = program_invocation_short_name; // what getopt_long(3) calls us
    status = parse_line(argc, argv, NULL, &line);
    command = status == -1 ? find_command(line.arguments[0]) : NULL;
    if (command && command->at_most != INT_MAX)
        status = parse_line(argc, argv, command, &line);
    return check_output(status == -1 ? call_command(&line) : status);
}
