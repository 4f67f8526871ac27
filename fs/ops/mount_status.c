// SPDX-License-Identifier: BSD-2-Clause
#include "fs/ops/mount_status.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "fs/hosts/keep_alive.h"
#include "fs/journal/volume_journal.h"
#include "fs/locks/file_locks.h"
#include "fs/ops/ops.h"
#include "fs/outage/store_watch.h"
#include "fs/state/request_counts.h"
#include "fs/util/version.h"
#include "lib/api/shmap.h"
#include "lib/area/shared_filesystem.h"
#include "lib/class/scratch_place.h"
#include "lib/latency/latency.h"
#include "lib/sys/cleanup.h"

static void fill_data_path(struct volume *volume, unsigned area, struct shmap_area_status *status)
{
    const struct data_path *path = volume_data_path(volume, area);

    status->passthrough = path->passthrough;
    status->brokered = status->passthrough && volume->info.brokered;
    strlcpy(status->reason, path->reason, sizeof(status->reason));
}

static int fill_ram(struct volume *volume, struct shmap_status *status)
{
    fill_data_path(volume, AREA_RAM, &status->ram_area);
    return area_status(volume_area(volume, AREA_RAM), &status->ram_area);
}

/* Tells what is known of the store. Returns whether it answers. */
static bool fill_store(struct volume *volume, struct shmap_status *status)
{
    const struct area *store = volume_area(volume, AREA_STORE);
    struct store_look look;

    if (store->root < 0)
        return false;
    fill_data_path(volume, AREA_STORE, &status->store_area);
    store_watch_look(volume, &look);
    area_fill_status(store, &look.vfs, &status->store_area);
    status->store_silent_since = state_outage(volume->state)->silent;
    if (look.error)
        strlcpy(status->store_error, strerror(look.error), sizeof(status->store_error));
    return look.answered && !look.error;
}

static void fill_life(const struct volume *volume, struct shmap_status *status)
{
    const struct life *life = &volume->state->life;

    status->pid = (uint64_t)getpid();
    status->keeper = (uint64_t)life->keeper;
    status->restarts = life->restarts;
    status->upgrades = life->upgrades;
    status->last_stall_us = life->last_stall / 1000;
    strlcpy(status->last_reason, life->last_reason, sizeof(status->last_reason));
    strlcpy(status->survival, volume->info.survival, sizeof(status->survival));
    strlcpy(status->upgrade_error, volume->state->upgrade.refusal, sizeof(status->upgrade_error));
}

/* Writes a size with the largest suffix that leaves a whole number. */
static void print_size(FILE *text, const char *word, uint64_t bytes)
{
    static const char suffixes[] = " kmgt";
    size_t i = 0;

    for (; bytes && bytes % 1024 == 0 && i + 1 < sizeof(suffixes) - 1; i++)
        bytes /= 1024;
    fprintf(text, "%s=%" PRIu64 "%.*s", word, bytes, i > 0, suffixes + i);
}

/* Writes the options in force, as -o takes them: first those that may have changed since the mount
 * began, then those that were noted then. */
static void print_options(const struct volume *volume, const struct shmap_status *status,
                          FILE *text)
{
    uint32_t watchdog = volume->state->life.watchdog;

    print_size(text, "size", status->ram_area.size);
    if (status->ram_area.inodes)
        fprintf(text, ",nr_inodes=%" PRIu64, status->ram_area.inodes);
    fprintf(text, ",huge=%s,timeout=%.0f,descriptors=%" PRIu64, status->huge,
            volume_timeout(volume), status->descriptors_max);
    if (volume->info.user_descriptors)
        fprintf(text, ",user_descriptors=%u%%", volume->info.user_descriptors);
    if (watchdog)
        fprintf(text, ",watchdog=%u", watchdog - 1);
    if (volume->state->umount_ends)
        fputs(",umount_ends", text);
    fprintf(text, ",%.*s", (int)sizeof(volume->state->options), volume->state->options);
    if (*state_scratch_names(volume->state))
        fprintf(text, ",scratch=%s", state_scratch_names(volume->state));
    // It is the last one: values of its words may have a comma.
    if (*volume->state->anon)
        fprintf(text, ",anon=%.*s", (int)sizeof(volume->state->anon), volume->state->anon);
}

static void fill_options(const struct volume *volume, struct shmap_status *status)
{
    FILE *text;

    // There, a version that did not note all of them has mounted.
    if (!*volume->state->options)
        return;
    text = fmemopen(status->options, sizeof(status->options), "w");
    if (!text)
        return;
    print_options(volume, status, text);
    fclose(text);
    status->options[sizeof(status->options) - 1] = '\0';
}

/* Names the place of scratch directories, as far as it is there. */
static void fill_scratch(struct volume *volume, struct shmap_status *status)
{
    CLEANUP_FD int place =
        volume->state->scratch ? scratch_find(volume_area(volume, AREA_STORE)) : -1;

    if (place >= 0 && snprintf(status->scratch, sizeof(status->scratch), "%s/" SCRATCH_PLACE,
                               volume->info.store) >= (int)sizeof(status->scratch))
        status->scratch[0] = '\0';
}

/* Returns why what was written or committed has to wait; "": it does not. */
static const char *waits_for(const struct journal_state *state)
{
    if (state->commit_error == ENOSPC || state->commit_error == EDQUOT)
        return "the store is full; nothing more can be committed until there is room";
    if (state->used >= state->size && state->uncommitted >= state->size / 2)
        return "the log is full of data that nobody has committed, and takes more than its limit";
    if (state->used >= state->size)
        return "the log is full; who writes waits until what is committed is in the files";
    return "";
}

static void fill_journal(const struct volume *volume, struct shmap_status *status)
{
    struct journal *journal = volume_journal(volume);
    struct journal_state state;

    if (!journal)
        return;
    journal_status(journal, &state);
    if (!state.exists && state.objects == 0)
        return;
    status->journal_size = state.size;
    status->journal_used = state.used;
    status->journal_uncommitted = state.uncommitted;
    status->journal_unapplied = state.committed;
    status->journal_commits = state.commits;
    status->journal_last_commit = (uint64_t)state.last_commit / 1000000000;
    strlcpy(status->journal_waits, waits_for(&state), sizeof(status->journal_waits));
    if (state.error || state.apply_error)
        snprintf(status->journal_error, sizeof(status->journal_error), "%s: %s",
                 state.error ? "the journal cannot be written" : "not all files can be written to",
                 strerror(state.error ? state.error : state.apply_error));
}

static void fill_sharing(const struct volume *volume, struct shmap_status *status)
{
    const char *filesystem = volume->info.areas[AREA_STORE].filesystem;

    status->shared = volume_is_shared(volume);
    status->hosts = keep_alive_hosts(volume);
    if (volume_forwards_locks(volume))
        file_locks_count(volume, &status->lock_owners, &status->lock_waiters);
    if (status->shared)
        strlcpy(status->mappings, filesystem_mappings_word(filesystem_mappings(filesystem)),
                sizeof(status->mappings));
}

char *mount_status(struct volume *volume)
{
    struct node_counts counts = node_table_counts(&volume->nodes);
    CLEANUP_FREE struct shmap_status *status = calloc(1, sizeof(*status));
    bool answers;

    if (!status)
        return NULL;
    answers = fill_store(volume, status);
    strlcpy(status->version, version_text(), sizeof(status->version));
    fill_life(volume, status);
    strlcpy(status->mountpoint, volume->info.mountpoint, sizeof(status->mountpoint));
    strlcpy(status->store, volume->info.store, sizeof(status->store));
    if (answers)
        fill_scratch(volume, status);
    strlcpy(status->huge, volume_huge(volume), sizeof(status->huge));
    strlcpy(status->transport, volume->info.io_uring ? "io_uring" : "fuse",
            sizeof(status->transport));
    status->writeback = volume->info.writeback;
    status->nodes = counts.nodes;
    status->open_files = counts.opens;
    status->descriptors = counts.descriptors;
    status->descriptors_max = counts.cached_max;
    if (fill_ram(volume, status) != 0)
        return NULL;
    fill_sharing(volume, status);
    fill_options(volume, status);
    if (answers)
        fill_journal(volume, status);
    return shmap_status_to_json(status);
}

void op_statfs(fuse_req_t req, fuse_ino_t id)
{
    struct volume *volume = volume_of(req);
    INODE struct inode inode = INODE_NONE;
    struct store_look look = { .known = false };
    struct statvfs vfs;
    int error;

    if (store_watch_is_silent(volume) && node_area(&volume->nodes, id) == AREA_STORE)
        store_watch_look(volume, &look);
    if (look.known) {
        reply_statfs(req, &look.vfs);
        return;
    }
    error = inode_acquire(volume, id, &inode);
    if (!error && fstatvfs(inode.fd, &vfs) != 0)
        error = -errno;
    if (store_watch_is_outage(error))
        store_watch_look(volume, &look);
    if (error && !look.known)
        reply_err(req, -error);
    else
        reply_statfs(req, error ? &look.vfs : &vfs);
}

/* Adds to the count of a name. */
static void add_requests(struct shmap_requests *requests, const char *name, uint64_t served)
{
    size_t i = 0;

    while (i < requests->count && strcmp(requests->all[i].name, name) != 0)
        i++;
    // There are as many places as kinds.
    if (i == requests->count) {
        strlcpy(requests->all[i].name, name, sizeof(requests->all[i].name));
        requests->count++;
    }
    requests->all[i].served += served;
}

int mount_requests(struct inode *inode, char **value)
{
    CLEANUP_FREE struct shmap_requests *requests = calloc(1, sizeof(*requests));
    const struct volume *volume = inode->volume;

    if (volume->info.io_uring)
        return -EOPNOTSUPP;
    if (!requests)
        return -ENOMEM;
    requests->pid = (uint64_t)getpid();
    for (uint32_t opcode = 0; opcode < REQUEST_KINDS; opcode++) {
        uint64_t served = request_counts_of(volume->counts, opcode);

        if (served > 0)
            add_requests(requests, request_name_or(opcode, "OTHER"), served);
    }
    *value = shmap_requests_to_json(requests);
    return 0;
}

/* Adds how long requests of an opcode lasted. */
static void add_latency(struct latencies *latencies, const struct request_counts *counts,
                        uint32_t opcode)
{
    struct latency *kind = &latencies->all[latencies->count];

    // An opcode without a name has no place of its own.
    if (request_counts_of(counts, opcode) == 0 || !request_name_or(opcode, NULL))
        return;
    strlcpy(kind->name, request_name_or(opcode, NULL), sizeof(kind->name));
    for (unsigned step = 0; step < DURATION_STEPS; step++)
        kind->of[step] = request_counts_in_step(counts, opcode, step);
    latencies->count++;
}

int mount_latencies(struct inode *inode, char **value)
{
    CLEANUP_FREE struct latencies *latencies = calloc(1, sizeof(*latencies));

    if (inode->volume->info.io_uring)
        return -EOPNOTSUPP;
    if (!latencies)
        return -ENOMEM;
    latencies->pid = (uint64_t)getpid();
    for (uint32_t opcode = 0; opcode < REQUEST_KINDS; opcode++)
        add_latency(latencies, inode->volume->counts, opcode);
    *value = latencies_to_json(latencies);
    return 0;
}
