// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl run: a command whose /dev/shm is a shmapfs of its own. Reads the command line. */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/cmd/command.h"
#include "tools/run/namespace.h"
#include "tools/run/run.h"
#include "tools/ui/exit_status.h"

static const char USAGE[] =
    "usage: shmapctl run [-o OPTION[,OPTION...]] [--persist STORE] [--] COMMAND [ARGUMENT...]";

static void add_daemon_argument(struct run_plan *plan, const char *argument)
{
    plan->daemon_arguments[plan->daemon_argument_count++] = argument;
}

/* Reads the options up to COMMAND. Returns -1 to go on, or an exit status. */
static int parse_run_options(struct run_plan *plan, int argc, char **argv)
{
    static const struct option options[] = {
        { "help", no_argument, NULL, 'h' },
        { "options", required_argument, NULL, 'o' },
        { "persist", required_argument, NULL, 'p' },
        { 0 },
    };

    optind = 0; // another command line than the one before, for getopt(3)
    for (int option; (option = getopt_long(argc, argv, "+ho:", options, NULL)) != -1;) {
        switch (option) {
        case 'h':
            puts(USAGE);
            return EXIT_SUCCESS;
        case 'o':
            add_daemon_argument(plan, "-o");
            add_daemon_argument(plan, optarg);
            break;
        case 'p':
            if (*optarg == '\0') {
                warnx("run: --persist is empty; it takes the path of a directory");
                return EXIT_NOT_STARTED;
            }
            plan->store = optarg;
            break;
        default:
            fprintf(stderr, "%s\n", USAGE);
            return EXIT_NOT_STARTED;
        }
    }
    plan->command = argv + optind;
    if (optind < argc)
        return -1;
    warnx("run: a command is missing; %s", USAGE);
    return EXIT_NOT_STARTED;
}

/* Returns the exit status. */
static int parse_and_run(struct run_plan *plan, int argc, char **argv)
{
    int status;

    add_daemon_argument(plan, "shmapfs");
    add_daemon_argument(plan, "-f");
    add_daemon_argument(plan, "-o");
    add_daemon_argument(plan, "keeper");
    status = parse_run_options(plan, argc, argv);
    if (status >= 0)
        return status;
    add_daemon_argument(plan, "--");
    if (plan->store)
        add_daemon_argument(plan, plan->store);
    add_daemon_argument(plan, SHM_DIRECTORY);
    return run_plan_execute(plan);
}

int cmd_run(const struct invocation *invocation)
{
    struct run_plan plan = { .store = NULL };
    char **argv = invocation->arguments - 1; // the command's name, where getopt(3) wants ours
    int status;

    if (invocation->json) {
        warnx("run: COMMAND answers, and not in JSON; leave --json out");
        return EXIT_NOT_STARTED;
    }
    argv[0] = program_invocation_short_name;
    // Each word can be an option and its value.
    plan.daemon_arguments = calloc(2 * (size_t)invocation->count + 8, sizeof(char *));
    if (!plan.daemon_arguments)
        err(EXIT_NOT_STARTED, NULL);
    status = parse_and_run(&plan, invocation->count + 1, argv);
    free(plan.daemon_arguments);
    return status;
}
