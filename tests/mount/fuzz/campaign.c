// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/fuzz/campaign.h"

#include "tests/mount/fuzz/shrink.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { HISTORY = 20 };

static int say_difference(struct fuzz_round *round, uint64_t seed,
                          const struct fuzz_campaign *campaign)
{
    printf("DIFFERENT: %s, seed %" PRIu64 ", operation %u\n",
           round->world.place.persist ? "persist" : "anon", seed,
           round->ops[round->made - 1].number);
    fuzz_round_report(round, HISTORY, stdout);
    fflush(stdout);
    if (fuzz_shrink(round)) {
        printf("in short%s:\n", round->disturber != NULL ? ", with disturbances" : "");
        fuzz_round_report(round, FUZZ_OPS, stdout);
    } else {
        printf("the same operations gave no difference when they were made again\n");
    }
    printf("once more: SEED=%" PRIu64 " fuzz %s %s 0\n", seed,
           campaign->workspace->nopassthrough ? "cached" : "passthrough",
           campaign->workspace->root ? "root" : "user");
    return EXIT_FAILURE;
}

/* The seed decides about the area, too, so that it is all that a round needs. */
static struct fuzz_world world_of(const struct fuzz_campaign *campaign, uint64_t seed)
{
    enum fuzz_area area = seed % 2 == 1 ? FUZZ_PERSIST : FUZZ_ANON;
    struct fuzz_place place = {
        .cached = campaign->cached[area],
        .root = campaign->workspace->root,
        .persist = area == FUZZ_PERSIST,
        .stores = seed / 2 % 4 != 0,
        .reserves = seed / 8 % 3 != 0,
    };
    const char *const *parents = campaign->parents[area];

    return (struct fuzz_world){ { parents[FUZZ_MOUNT], parents[FUZZ_REFERENCE] }, place };
}

/* Returns whether the mount holds no more than before the first round; for becomes_true(). */
struct holdings_before {
    const char *mnt;
    struct mount_holdings before, now;
};

static bool holds_no_more(void *argument)
{
    struct holdings_before *holdings = argument;
    struct mount_status status;

    if (read_mount_status(holdings->mnt, &status) < 0)
        return false;
    holdings->now = status.holdings;
    return status.holdings.nodes <= holdings->before.nodes &&
           status.holdings.open_files <= holdings->before.open_files;
}

static struct holdings_before look_before(const struct fuzz_campaign *campaign)
{
    struct holdings_before holdings = { .mnt = campaign->workspace->mnt };
    struct stat attr;

    // The nodes that the kernel will always know must count.
    assert_ok(stat(campaign->parents[FUZZ_ANON][FUZZ_MOUNT], &attr));
    holds_no_more(&holdings);
    holdings.before = holdings.now;
    return holdings;
}

static int say_leaks(struct holdings_before *holdings)
{
    if (becomes_true(holds_no_more, holdings))
        return EXIT_SUCCESS;
    printf("LEAKED: nodes %" PRId64 " (%" PRId64 " before), open files %" PRId64 " (%" PRId64
           " before)\n",
           holdings->now.nodes, holdings->before.nodes, holdings->now.open_files,
           holdings->before.open_files);
    return EXIT_FAILURE;
}

/* Makes a round. Returns the program's exit status. */
static int make_round(const struct fuzz_campaign *campaign, struct fuzz_round *round, uint64_t seed)
{
    round->world = world_of(campaign, seed);
    round->count = fuzz_sequence(seed, round->ops);
    round->disturber = campaign->disturber;
    switch (fuzz_round_run(round)) {
    case FUZZ_SAME:
        return EXIT_SUCCESS;
    case FUZZ_DIFFERENT:
        return say_difference(round, seed, campaign);
    default:
        printf("BROKEN: seed %" PRIu64 "\n", seed);
        fuzz_round_report(round, HISTORY, stdout);
        return EXIT_FAILURE;
    }
}

static int make_rounds(const struct fuzz_campaign *campaign, struct fuzz_round *round)
{
    const struct disturber *disturber = campaign->disturber;
    struct holdings_before holdings = look_before(campaign);
    time_t limit = time(NULL) + campaign->seconds;
    uint64_t succeeded = 0;
    unsigned rounds = 0;

    do {
        if (make_round(campaign, round, campaign->seed + rounds++) != EXIT_SUCCESS)
            return EXIT_FAILURE;
        succeeded += fuzz_round_succeeded(round);
    } while (time(NULL) < limit);
    printf("rounds %u, operations %u, without error %" PRIu64 ", differences 0", rounds,
           rounds * FUZZ_OPS, succeeded);
    if (disturber != NULL)
        printf(", kills %u, stops %u, upgrades %u", disturber->kills, disturber->stops,
               disturber->upgrades);
    printf("\n");
    return say_leaks(&holdings);
}

/* The mount has gone: what it leaves in the store is what the round made there. */
static int compare_store(const struct fuzz_campaign *campaign, struct fuzz_round *round,
                         uint64_t seed)
{
    char path[PATH_MAX];
    const char *name = strrchr(round->directories[FUZZ_MOUNT], '/');

    snprintf(path, sizeof(path), "%s%s", campaign->workspace->store, name);
    if (fuzz_round_compare(round, path) == FUZZ_SAME)
        return EXIT_SUCCESS;
    printf("DIFFERENT: the store after the end of the mount, seed %" PRIu64 "\n", seed);
    fuzz_round_report(round, FUZZ_OPS, stdout);
    return EXIT_FAILURE;
}

int fuzz_campaign_run(const struct fuzz_campaign *campaign)
{
    uint64_t seed = campaign->seed | 1; // in the store
    struct fuzz_round *round = fuzz_round_new();
    int status = round == NULL ? EXIT_FAILURE : make_rounds(campaign, round);

    if (status == EXIT_SUCCESS) {
        round->keep = true;
        status = make_round(campaign, round, seed);
    }
    if (campaign->disturber != NULL)
        disturber_stop(campaign->disturber);
    if (status != EXIT_SUCCESS)
        return status;
    workspace_unmount(campaign->workspace);
    return compare_store(campaign, round, seed);
}
