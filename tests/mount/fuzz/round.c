// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/fuzz/round.h"

#include "tests/mount/fuzz/tree_text.h"
#include "tests/mount/harness/sandbox.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct attempt {
    struct fuzz_round *round;
    struct fuzz_client clients[FUZZ_SIDES][FUZZ_CLIENTS];
    unsigned started;
};

struct fuzz_round *fuzz_round_new(void)
{
    struct fuzz_round *round = calloc(1, sizeof(*round));
    size_t results = FUZZ_OPS * sizeof(struct fuzz_result);
    size_t seats = sizeof(struct fuzz_seat) * FUZZ_SIDES * FUZZ_CLIENTS;
    char *shared = mmap(NULL, FUZZ_SIDES * results + seats, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (round == NULL || shared == MAP_FAILED) {
        free(round);
        return NULL;
    }
    for (unsigned side = 0; side < FUZZ_SIDES; side++)
        round->results[side] = (struct fuzz_result *)(void *)(shared + side * results);
    round->seats = (struct fuzz_seat *)(void *)(shared + FUZZ_SIDES * results);
    return round;
}

static bool make_directory(const char *parent, char path[PATH_MAX])
{
    // Not sticky: both clients may remove and rename everything.
    return snprintf(path, PATH_MAX, "%s/roundXXXXXX", parent) < PATH_MAX && mkdtemp(path) != NULL &&
           chmod(path, 0777) == 0;
}

static bool start(struct attempt *attempt)
{
    struct fuzz_round *round = attempt->round;

    for (unsigned side = 0; side < FUZZ_SIDES; side++) {
        if (!make_directory(round->world.parents[side], round->directories[side]))
            return false;
        for (unsigned i = 0; i < FUZZ_CLIENTS; i++) {
            struct fuzz_client *client = &attempt->clients[side][i];
            client->directory = round->directories[side];
            client->place = round->world.place;
            client->number = i;
            client->ops = round->ops;
            client->seat = &round->seats[side * FUZZ_CLIENTS + i];
            client->results = round->results[side];
            if (fuzz_client_start(client) < 0)
                return false;
            attempt->started++;
        }
    }
    return true;
}

static bool end(struct attempt *attempt)
{
    bool well = true;

    for (unsigned i = 0; i < attempt->started; i++) {
        int status = fuzz_client_end(&attempt->clients[i / FUZZ_CLIENTS][i % FUZZ_CLIENTS]);
        if (status != 0)
            fprintf(stderr, "client %u %s ended with status %d\n", i % FUZZ_CLIENTS,
                    i < FUZZ_CLIENTS ? "of the mount" : "of the reference", status);
        well = well && status == 0;
    }
    return well;
}

/* Lets a client make the operation; false when it does not come back. */
static bool make(struct attempt *attempt, unsigned side, unsigned number)
{
    struct fuzz_round *round = attempt->round;
    struct fuzz_client *client = &attempt->clients[side][round->ops[number].client];
    struct disturber *disturber = side == FUZZ_MOUNT ? round->disturber : NULL;

    if (disturber != NULL && disturber_prepare(disturber) < 0)
        return false;
    client->seat->op = number;
    if (coprocess_give_turn(&client->process) &&
        (disturber == NULL || disturber_act(disturber, client->process.in) == 0) &&
        coprocess_await_turn(&client->process))
        return true;
    fprintf(stderr, "client %u %s does not come back\n", client->number,
            side == FUZZ_MOUNT ? "of the mount" : "of the reference");
    return false;
}

static bool same_result(const struct fuzz_round *round, unsigned number)
{
    const struct fuzz_result *one = &round->results[FUZZ_MOUNT][number];
    const struct fuzz_result *other = &round->results[FUZZ_REFERENCE][number];

    return one->value == other->value && one->error == other->error &&
           strcmp(one->data, other->data) == 0;
}

static enum fuzz_verdict make_all(struct attempt *attempt)
{
    struct fuzz_round *round = attempt->round;

    for (round->made = 0; round->made < round->count;) {
        unsigned number = round->made++;
        // Where it does not come back, no result of another round is to be seen.
        for (unsigned side = 0; side < FUZZ_SIDES; side++)
            round->results[side][number] = (struct fuzz_result){ 0 };
        for (unsigned side = 0; side < FUZZ_SIDES; side++)
            if (!make(attempt, side, number))
                return FUZZ_BROKEN;
        if (!same_result(round, number))
            return FUZZ_DIFFERENT;
    }
    return FUZZ_SAME;
}

static void forget_trees(struct fuzz_round *round)
{
    for (unsigned side = 0; side < FUZZ_SIDES; side++) {
        free(round->trees[side]);
        round->trees[side] = NULL;
    }
}

enum fuzz_verdict fuzz_round_compare(struct fuzz_round *round, const char *directory)
{
    const char *directories[FUZZ_SIDES] = { directory, round->directories[FUZZ_REFERENCE] };

    forget_trees(round);
    for (unsigned side = 0; side < FUZZ_SIDES; side++) {
        round->trees[side] = tree_text(&round->world.place, directories[side]);
        if (round->trees[side] == NULL) {
            perror(directories[side]);
            return FUZZ_BROKEN;
        }
    }
    return strcmp(round->trees[FUZZ_MOUNT], round->trees[FUZZ_REFERENCE]) == 0 ? FUZZ_SAME
                                                                               : FUZZ_DIFFERENT;
}

enum fuzz_verdict fuzz_round_run(struct fuzz_round *round)
{
    struct attempt attempt = { .round = round };

    forget_trees(round);
    if (!start(&attempt)) {
        perror("starting the clients");
        return FUZZ_BROKEN;
    }
    enum fuzz_verdict verdict = make_all(&attempt);
    // A client that hangs in a call ends with the namespace.
    if (verdict != FUZZ_BROKEN && !end(&attempt))
        verdict = FUZZ_BROKEN;
    if (verdict == FUZZ_SAME)
        verdict = fuzz_round_compare(round, round->directories[FUZZ_MOUNT]);
    for (unsigned side = 0; verdict == FUZZ_SAME && !round->keep && side < FUZZ_SIDES; side++) {
        int error = sandbox_remove_tree(round->directories[side]);
        if (error < 0) {
            fprintf(stderr, "removing %s: %s\n", round->directories[side], strerror(-error));
            return FUZZ_BROKEN;
        }
    }
    return verdict;
}

unsigned fuzz_round_succeeded(const struct fuzz_round *round)
{
    unsigned count = 0;

    for (unsigned i = 0; i < round->made; i++)
        count += round->results[FUZZ_REFERENCE][i].error == 0;
    return count;
}

static void print_result(const struct fuzz_result *result, FILE *out)
{
    if (result->error != 0)
        fprintf(out, "%s", strerrorname_np(result->error));
    else
        fprintf(out, "%lld", (long long)result->value);
    fprintf(out, "%s%s\n", result->data[0] == '\0' ? "" : " ", result->data);
}

/* The lines that one of the trees has and the other has not at the same place. */
static void print_trees(const struct fuzz_round *round, FILE *out)
{
    char *rests[FUZZ_SIDES] = { round->trees[FUZZ_MOUNT], round->trees[FUZZ_REFERENCE] };
    const char *one, *other;

    do {
        one = strsep(&rests[FUZZ_MOUNT], "\n");
        other = strsep(&rests[FUZZ_REFERENCE], "\n");
        if (one != NULL && (other == NULL || strcmp(one, other) != 0))
            fprintf(out, "     the tree on the mount:     %s\n", one);
        if (other != NULL && (one == NULL || strcmp(one, other) != 0))
            fprintf(out, "     the tree on the reference: %s\n", other);
    } while (one != NULL || other != NULL);
}

void fuzz_round_report(const struct fuzz_round *round, unsigned history, FILE *out)
{
    for (unsigned i = round->made > history ? round->made - history : 0; i < round->made; i++) {
        fprintf(out, "%4u %c %s = ", round->ops[i].number, "AB"[round->ops[i].client],
                round -> results[FUZZ_MOUNT][i].call);
        print_result(&round->results[FUZZ_MOUNT][i], out);
        if (same_result(round, i))
            continue;
        fprintf(out, "     on the reference: %s = ", round->results[FUZZ_REFERENCE][i].call);
        print_result(&round->results[FUZZ_REFERENCE][i], out);
    }
    if (round->trees[FUZZ_MOUNT] != NULL && round->trees[FUZZ_REFERENCE] != NULL)
        print_trees(round, out);
}
