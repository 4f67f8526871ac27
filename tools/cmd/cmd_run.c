// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl run: a command whose /dev/shm is a shmapfs of its own. Reads the command line. */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/cmd/command.h"
#include "tools/run/run.h"
#include "tools/ui/exit_status.h"
#include "tools/ui/lifetime_options.h"
#include "tools/ui/output.h"

#define USAGE "usage: shmapctl run [OPTION...] [--] COMMAND [ARGUMENT...]"

static const char HELP[] =
    USAGE "\n"
          "\n"
          "Runs COMMAND with a /dev/shm of its own, and options up to COMMAND:\n"
          "  -o, --options OPTION[,OPTION...]  mount options of shmapfs, such as size=1g\n"
          "      --persist STORE               keep the objects in this directory\n"
          "      --mount DIRECTORY             have this directory instead of /dev/shm\n"
          "      --name NAME                   a name by which others join\n"
          "      --lifetime WHEN               objects go with their last user (last-close), or\n"
          "                                    with the run (mount)\n"
          "      --linger SECONDS              with --lifetime last-close: so much later\n"
          "      --join NAME|PID               share what a run has, by name or process\n"
          "  -h, --help                        show this text";

static void add_daemon_argument(struct run_plan *plan, const char *argument)
{
    plan->daemon_arguments[plan->daemon_argument_count++] = argument;
}

/* The options, as far as it has to be looked at before it becomes the plan's. */
struct run_words {
    const char *mountpoint, *when, *linger;
};

/* Reads the options up to COMMAND. Returns -1 to go on, or an exit status. */
static int parse_run_options(struct run_plan *plan, struct run_words *words, int argc, char **argv)
{
    static const struct option options[] = {
        { "help", no_argument, NULL, 'h' },
        { "options", required_argument, NULL, 'o' },
        { "persist", required_argument, NULL, 'p' },
        { "mount", required_argument, NULL, 'm' },
        { "name", required_argument, NULL, 'n' },
        { "join", required_argument, NULL, 'j' },
        { "lifetime", required_argument, NULL, 'l' },
        { "linger", required_argument, NULL, 'g' },
        { 0 },
    };
    const char **texts[] = {
        ['p'] = &plan->store, ['m'] = &words->mountpoint, ['n'] = &plan->name,
        ['j'] = &plan->join,  ['l'] = &words->when,       ['g'] = &words->linger,
    };

    optind = 0; // another command line than the one before, for getopt(3)
    for (int option; (option = getopt_long(argc, argv, "+ho:", options, NULL)) != -1;) {
        switch (option) {
        case 'h':
            puts(HELP);
            return EXIT_SUCCESS;
        case 'o':
            add_daemon_argument(plan, "-o");
            add_daemon_argument(plan, optarg);
            break;
        case '?':
            fprintf(stderr, "%s\n", USAGE);
            return EXIT_NOT_STARTED;
        default:
            *texts[option] = optarg;
        }
    }
    plan->command = argv + optind;
    if (optind < argc)
        return -1;
    warnx("run: a command is missing; %s", USAGE);
    return EXIT_NOT_STARTED;
}

/* Returns whether an option has no value, after a line that says what it takes. */
static bool is_empty(const char *option, const char *value, const char *takes)
{
    if (!value || *value)
        return false;
    warnx("run: %s is empty; it takes %s", option, takes);
    return true;
}

/* Hands a lifetime on to the daemon as an option. Returns 0, or -1 after a line. */
static int plan_lifetime(struct run_plan *plan, const struct run_words *words)
{
    char text[SHMAP_LIFETIME_TEXT_MAX];
    struct shmap_lifetime lifetime;

    if (lifetime_options_lack("run", words->when, words->linger))
        return -1;
    if (!words->when)
        return 0;
    if (!lifetime_options_read("run", words->when, words->linger, &lifetime))
        return -1;
    if (plan->store && lifetime.last_close) {
        warnx("run: --lifetime last-close is for what is in RAM; leave --persist out");
        return -1;
    }
    shmap_lifetime_text(&lifetime, text);
    snprintf(plan->lifetime_option, sizeof(plan->lifetime_option), "lifetime=%s", text);
    add_daemon_argument(plan, "-o");
    add_daemon_argument(plan, plan->lifetime_option);
    return 0;
}

/* Returns whether a mount there would hide what the mount itself takes. */
static bool is_needed(const char *directory)
{
    static const char *const needed[] = { "/", "/dev", "/proc", "/sys" };

    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        if (strcmp(directory, needed[i]) == 0)
            return true;
    }
    return false;
}

/* Finds where the mount is to be. Returns 0, or -1 after a line. */
static int find_mountpoint(struct run_plan *plan, const char *given)
{
    struct stat st;

    if (!realpath(given, plan->mountpoint) || stat(plan->mountpoint, &st) != 0) {
        fail(given, errno == ENOENT ? "%s; make the directory first" : "cannot be mounted on: %s",
             strerror(errno));
        return -1;
    }
    if (S_ISDIR(st.st_mode) && !is_needed(plan->mountpoint))
        return 0;
    fail(given, "cannot be mounted on; choose a directory below /, but not /dev, /proc or /sys");
    return -1;
}

/* Returns the exit status. */
static int parse_and_run(struct run_plan *plan, int argc, char **argv)
{
    struct run_words words = { .mountpoint = NULL };
    int own_count, status;

    add_daemon_argument(plan, "shmapfs");
    add_daemon_argument(plan, "-f");
    add_daemon_argument(plan, "-o");
    add_daemon_argument(plan, "keeper");
    own_count = plan->daemon_argument_count;
    status = parse_run_options(plan, &words, argc, argv);
    if (status >= 0)
        return status;
    if (is_empty("--persist", plan->store, "the path of a directory") ||
        is_empty("--mount", words.mountpoint, "the path of a directory") ||
        is_empty("--name", plan->name, "a word") ||
        is_empty("--join", plan->join, "the name of a run, or the number of one of its processes"))
        return EXIT_NOT_STARTED;
    if (plan->join && (plan->store || plan->name || words.mountpoint || words.when ||
                       words.linger || plan->daemon_argument_count > own_count)) {
        warnx("run: --join takes the mount as it is; leave -o, --persist, --mount, --name, "
              "--lifetime and --linger out");
        return EXIT_NOT_STARTED;
    }
    if (plan_lifetime(plan, &words) != 0)
        return EXIT_NOT_STARTED;
    if (!plan->join &&
        find_mountpoint(plan, words.mountpoint ? words.mountpoint : SHM_DIRECTORY) != 0)
        return EXIT_NOT_STARTED;
    add_daemon_argument(plan, "--");
    if (plan->store)
        add_daemon_argument(plan, plan->store);
    add_daemon_argument(plan, plan->mountpoint);
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
