// SPDX-License-Identifier: BSD-2-Clause
// survive DEATHS: mounts, puts the mount under load, lets its workers die, and says in one line
// what came of it.
#include "tests/mount/harness/sandbox.h"
#include "tests/mount/load/load_kinds.h"
#include "tests/mount/survive/survive.h"
#include "tests/mount/workspace/workspace.h"

#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { CALLS_WITHOUT_DEATHS = 200000, CALLS_PER_DEATH = 1000 };

struct arguments {
    struct sandbox sandbox;
    struct workspace workspace;
    struct survive_plan plan;
    const char *area, *fault, *options;
    struct load_kind const *kinds[2]; // the one that was chosen
};

static int usage(const char *program)
{
    fprintf(
        stderr,
        "usage: %s DEATHS [AREA MODE USER] [OPTION...]\n"
        "  AREA  ram (default), anon, persist; native: no mount, with DEATHS 0\n"
        "  MODE  passthrough (default), cached\n"
        "  USER  root (default), user\n"
        "  -f POINT:N        the workers die by themselves: $SHMAPFS_FAULTS is the daemon then\n"
        "  -u [-b BINARY]..  upgrades in place of deaths, to up to two binaries in turn\n"
        "  -o OPTIONS        mount options\n"
        "  -c CALLS          at most so many from one death to the next; with DEATHS 0, all\n"
        "  -k KIND           this load alone\n"
        "  -s SEED           of the random numbers\n"
        "$SHMAPFS and $SHMAPCTL are the programs under test.\n",
        program);
    return EXIT_FAILURE;
}

static void mount_all(struct arguments *arguments, char *directory, size_t size)
{
    struct workspace *workspace = &arguments->workspace;
    bool with_store = strcmp(arguments->area, "ram") != 0;
    const char *fault = arguments->fault;
    char options[512];

    snprintf(workspace->mnt, sizeof(workspace->mnt), "%s/mnt", workspace->top);
    snprintf(workspace->store, sizeof(workspace->store), "%s/store", workspace->top);
    snprintf(directory, size, "%s%s/load", workspace->mnt,
             strcmp(arguments->area, "anon") == 0 ? "/anon" : "");
    assert_ok(mkdir(workspace->mnt, 0755));
    assert_ok(mkdir(workspace->store, 0755));
    if (strcmp(arguments->area, "native") == 0) {
        assert_ok(mkdir(directory, 0755));
        return;
    }
    if (fault != NULL) {
        assert_ok(setenv("SHMAPFS_FAULT", fault, 1));
        assert_ok(setenv("SHMAPFS", getenv("SHMAPFS_FAULTS"), 1));
    }
    snprintf(options, sizeof(options), "size=1g%s%s%s", with_store ? ",anon=anon" : "",
             arguments->options != NULL ? "," : "",
             arguments->options != NULL ? arguments->options : "");
    workspace_mount(workspace, with_store, options);
    assert_ok(mkdir(directory, 0755));
    arguments->plan.mountpoint = workspace->mnt;
}

static int run_in_sandbox(void *argument)
{
    struct arguments *arguments = argument;
    struct survive_report report;
    sigset_t ended;
    char directory[PATH_MAX + 16];

    sigemptyset(&ended);
    sigaddset(&ended, SIGCHLD);
    sigprocmask(SIG_BLOCK, &ended, NULL);
    if (chmod(arguments->workspace.top, 01777) == -1)
        return EXIT_FAILURE;
    if (!arguments->workspace.root && arguments->sandbox.by_root &&
        (sandbox_share_fuse_device(&arguments->sandbox) < 0 ||
         sandbox_drop_privileges(&arguments->sandbox, true) < 0))
        return EXIT_FAILURE;
    mount_all(arguments, directory, sizeof(directory));
    arguments->plan.directory = directory;
    arguments->plan.persistent = strcmp(arguments->area, "persist") == 0;
    int error = survive(&arguments->plan, &report);
    survive_print(&report, stdout);
    if (error < 0 || !survive_well(&report))
        printf("seed %llu\n", (unsigned long long)arguments->plan.seed);
    else if (arguments->plan.mountpoint != NULL)
        workspace_unmount(&arguments->workspace);
    return error == 0 && survive_well(&report) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool choose_kind(struct arguments *arguments, const char *name)
{
    for (size_t i = 0; load_everything[i] != NULL; i++)
        if (strcmp(load_everything[i]->name, name) == 0)
            arguments->kinds[0] = load_everything[i];
    if (strcmp(load_fill.name, name) == 0)
        arguments->kinds[0] = &load_fill;
    arguments->plan.kinds = arguments->kinds;
    return arguments->kinds[0] != NULL;
}

static bool take_option(struct arguments *arguments, int option)
{
    struct survive_plan *plan = &arguments->plan;

    switch (option) {
    case 'f':
        arguments->fault = optarg;
        plan->way = SURVIVE_FAULTS;
        return true;
    case 'u':
        plan->way = SURVIVE_UPGRADES;
        return true;
    case 'b':
        plan->binary[plan->binary[0] == NULL ? 0 : 1] = optarg;
        return true;
    case 'o':
        arguments->options = optarg;
        return true;
    case 'c':
        plan->calls = (unsigned)strtoul(optarg, NULL, 10);
        return plan->calls > 0;
    case 's':
        plan->seed = strtoull(optarg, NULL, 10);
        return true;
    case 'k':
        return choose_kind(arguments, optarg);
    default:
        return false;
    }
}

static bool is_one_of(const char *word, const char *const words[])
{
    while (*words != NULL && strcmp(word, *words) != 0)
        words++;
    return *words != NULL;
}

static bool take_words(struct arguments *arguments, int count, char **words)
{
    static const char *const areas[] = { "ram", "anon", "persist", "native", NULL };
    static const char *const modes[] = { "passthrough", "cached", NULL };
    static const char *const users[] = { "root", "user", NULL };
    char *end;

    if (count != 1 && count != 4)
        return false;
    arguments->plan.deaths = (unsigned)strtoul(words[0], &end, 10);
    if (*end != '\0')
        return false;
    if (count == 1)
        return true;
    arguments->area = words[1];
    arguments->workspace.nopassthrough = strcmp(words[2], "cached") == 0;
    arguments->workspace.root = strcmp(words[3], "root") == 0;
    return is_one_of(words[1], areas) && is_one_of(words[2], modes) && is_one_of(words[3], users);
}

int main(int argc, char **argv)
{
    char top[] = "/var/tmp/shmapfs-test-XXXXXX";
    struct arguments arguments = {
        .sandbox = { .top = top, .by_root = geteuid() == 0 },
        .workspace = { .top = top, .root = true },
        .plan = { .kinds = load_everything, .seed = (uint64_t)time(NULL) },
        .area = "ram",
    };
    int option;

    while ((option = getopt(argc, argv, "f:ub:o:c:s:k:")) != -1)
        if (!take_option(&arguments, option))
            return usage(argv[0]);
    if (!take_words(&arguments, argc - optind, argv + optind))
        return usage(argv[0]);
    if (arguments.plan.calls == 0)
        arguments.plan.calls = arguments.plan.deaths == 0 ? CALLS_WITHOUT_DEATHS : CALLS_PER_DEATH;
    if (shmapfs() == NULL || shmapctl() == NULL ||
        (arguments.fault != NULL && getenv("SHMAPFS_FAULTS") == NULL))
        return usage(argv[0]);
    if (arguments.workspace.root && !arguments.sandbox.by_root)
        return sandbox_skip("this needs root");
    if (mkdtemp(top) == NULL) {
        perror(top);
        return EXIT_FAILURE;
    }
    return sandbox_run(&arguments.sandbox, run_in_sandbox, &arguments);
}
