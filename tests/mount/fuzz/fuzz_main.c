// SPDX-License-Identifier: BSD-2-Clause
// fuzz MODE USER [SECONDS]: mounts, and holds random calls of two clients to what the kernel's own
// filesystems make of them, while the mount's processes are killed, stopped and upgraded.
#include "tests/mount/fuzz/campaign.h"
#include "tests/mount/harness/sandbox.h"
#include "tests/mount/workspace/workspace.h"

#include "lib/api/shmap.h"

#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SECONDS = 20 };

struct arguments {
    struct sandbox sandbox;
    struct workspace workspace;
    time_t seconds;
    uint64_t seed;
    bool undisturbed;
    const char *options;
    char plain[PATH_MAX], tmpfs[PATH_MAX], anon[PATH_MAX + 8];
};

static int usage(const char *program)
{
    fprintf(stderr,
            "usage: %s passthrough|cached root|user [SECONDS] [OPTION...]\n"
            "  -s SEED     of the first round; also $SEED. 0 SECONDS: this round alone\n"
            "  -n          lets the mount's processes live\n"
            "  -o OPTIONS  mount options\n"
            "  -l          says what is not compared, and why\n"
            "$SHMAPFS and $SHMAPCTL are the programs under test; half of the upgrades are to\n"
            "$SHMAPFS_NEXT, if there is one.\n",
            program);
    return EXIT_FAILURE;
}

/* The filesystems that the mount is held to, mounted with the flags that a mount of shmapfs has by
 * default; before root is given up. */
static void mount_references(struct arguments *arguments)
{
    const unsigned long flags = MS_NOSUID | MS_NODEV;
    const char *plain = arguments->plain, *tmpfs = arguments->tmpfs;
    const char *options = "size=1g,mode=1777,huge=within_size";

    assert_ok(mkdir(plain, 0755));
    assert_ok(mount(plain, plain, NULL, MS_BIND, NULL));
    assert_ok(mount(NULL, plain, NULL, MS_BIND | MS_REMOUNT | flags, NULL));
    assert_ok(chmod(plain, 01777));
    assert_ok(mkdir(tmpfs, 0755));
    if (mount("tmpfs", tmpfs, "tmpfs", flags, options) == -1)
        assert_ok(mount("tmpfs", tmpfs, "tmpfs", flags, "size=1g,mode=1777"));
}

static void mount_all(struct arguments *arguments)
{
    struct workspace *workspace = &arguments->workspace;
    char options[512];

    snprintf(workspace->mnt, sizeof(workspace->mnt), "%s/mnt", workspace->top);
    snprintf(workspace->store, sizeof(workspace->store), "%s/store", workspace->top);
    snprintf(arguments->anon, sizeof(arguments->anon), "%s/anon", workspace->mnt);
    assert_ok(mkdir(workspace->mnt, 0755));
    assert_ok(mkdir(workspace->store, 0755));
    snprintf(options, sizeof(options), "size=1g,anon=anon%s%s",
             arguments->options != NULL ? "," : "",
             arguments->options != NULL ? arguments->options : "");
    workspace_mount(workspace, true, options);
}

static int run_in_sandbox(void *argument)
{
    struct arguments *arguments = argument;
    struct disturber disturber;
    struct shmap_status status;
    struct fuzz_campaign campaign = {
        .workspace = &arguments->workspace,
        .parents = { { arguments->anon, arguments->tmpfs },
                     { arguments->workspace.mnt, arguments->plain } },
        .seconds = arguments->seconds,
        .seed = arguments->seed,
    };
    sigset_t ended;

    sigemptyset(&ended);
    sigaddset(&ended, SIGCHLD);
    sigprocmask(SIG_BLOCK, &ended, NULL);
    snprintf(arguments->plain, sizeof(arguments->plain), "%s/plain", arguments->sandbox.top);
    snprintf(arguments->tmpfs, sizeof(arguments->tmpfs), "%s/tmpfs", arguments->sandbox.top);
    assert_ok(chmod(arguments->sandbox.top, 01777));
    mount_references(arguments);
    if (!arguments->workspace.root && arguments->sandbox.by_root &&
        (sandbox_share_fuse_device(&arguments->sandbox) < 0 ||
         sandbox_drop_privileges(&arguments->sandbox, true) < 0))
        return EXIT_FAILURE;
    mount_all(arguments);
    printf("seed %" PRIu64 "\n", arguments->seed);
    int error = arguments->undisturbed
                    ? -ENOTSUP
                    : disturber_start(&disturber, &arguments->workspace, arguments->seed);
    if (error < 0 && error != -ENOTSUP)
        return EXIT_FAILURE;
    campaign.disturber = error == 0 ? &disturber : NULL;
    assert_int_equal(shmap_status_get(arguments->workspace.mnt, &status), 0);
    campaign.cached[FUZZ_ANON] = !status.ram_area.passthrough;
    campaign.cached[FUZZ_PERSIST] = !status.store_area.passthrough;
    return fuzz_campaign_run(&campaign);
}

static bool take_words(struct arguments *arguments, int count, char **words)
{
    char *end = NULL;

    if (count < 2 || count > 3)
        return false;
    if (count == 3)
        arguments->seconds = (time_t)strtoul(words[2], &end, 10);
    arguments->workspace.nopassthrough = strcmp(words[0], "cached") == 0;
    arguments->workspace.root = strcmp(words[1], "root") == 0;
    return (end == NULL || *end == '\0') &&
           (arguments->workspace.nopassthrough || strcmp(words[0], "passthrough") == 0) &&
           (arguments->workspace.root || strcmp(words[1], "user") == 0);
}

static bool take_options(struct arguments *arguments, int argc, char **argv)
{
    const char *seed = getenv("SEED");
    int option;

    while ((option = getopt(argc, argv, "s:no:l")) != -1)
        switch (option) {
        case 's':
            seed = optarg;
            break;
        case 'n':
            arguments->undisturbed = true;
            break;
        case 'o':
            arguments->options = optarg;
            break;
        case 'l':
            fuzz_limits_print(stdout);
            exit(EXIT_SUCCESS);
        default:
            return false;
        }
    // Short enough to be typed.
    char *end = NULL;
    if (seed != NULL)
        arguments->seed = strtoull(seed, &end, 10);
    else if (getrandom(&arguments->seed, sizeof(arguments->seed), 0) == sizeof(arguments->seed))
        arguments->seed >>= 32;
    return (end == NULL || *end == '\0') && take_words(arguments, argc - optind, argv + optind);
}

int main(int argc, char **argv)
{
    char top[] = "/var/tmp/shmapfs-test-XXXXXX";
    struct arguments arguments = {
        .sandbox = { .top = top, .by_root = geteuid() == 0 },
        .workspace = { .top = top },
        .seconds = SECONDS,
    };

    if (!take_options(&arguments, argc, argv) || shmapfs() == NULL || shmapctl() == NULL)
        return usage(argv[0]);
    if (arguments.workspace.root && !arguments.sandbox.by_root)
        return sandbox_skip("this needs root");
    if (mkdtemp(top) == NULL) {
        perror(top);
        return EXIT_FAILURE;
    }
    return sandbox_run(&arguments.sandbox, run_in_sandbox, &arguments);
}
