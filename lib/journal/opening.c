// SPDX-License-Identifier: BSD-2-Clause
/* A journal from its opening to its end. */
#include "lib/journal/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/journal/core.h"
#include "lib/journal/recover.h"
#include "lib/redo/location.h"

uint64_t journal_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

int64_t journal_time(void)
{
    struct timespec now;

    // As the kernel takes it for files.
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

int journal_file(struct journal *journal)
{
    int fd;

    pthread_mutex_lock(&journal->lock);
    fd = journal->fd;
    pthread_mutex_unlock(&journal->lock);
    return fd;
}

struct journal *journal_new(int store, const struct journal_options *options)
{
    struct journal *journal = calloc(1, sizeof(*journal));

    if (journal == NULL)
        return NULL;
    journal->store = store;
    journal->options = *options;
    journal->limit = options->size / REDO_PAGE;
    journal->fd = -1;
    journal->next.index = 1;
    pthread_mutex_init(&journal->lock, NULL);
    pthread_mutex_init(&journal->applying, NULL);
    pthread_mutex_init(&journal->group, NULL);
    pthread_cond_init(&journal->committed, NULL);
    STAILQ_INIT(&journal->waits);
    return journal;
}

void journal_free(struct journal *journal)
{
    object_free_all(journal);
    for (unsigned i = 0; i < POOLS; i++)
        blocks_clear(&journal->pools[i]);
    if (journal->fd >= 0)
        close(journal->fd);
    pthread_cond_destroy(&journal->committed);
    pthread_mutex_destroy(&journal->group);
    pthread_mutex_destroy(&journal->applying);
    pthread_mutex_destroy(&journal->lock);
    free(journal);
}

/* Takes over the journal that the worker before has left; the file is the journal's. */
static int attach(struct journal *journal, const struct superblock *superblock,
                  struct complaint *complaint)
{
    struct replay replay = { .journal = journal };
    int error = replay_run(&replay, superblock);

    if (!error)
        error = replay_check_uncommitted(journal);
    if (error)
        return complain(complaint, -error,
                        "the journal of this mount cannot be understood from record %llu on: %s",
                        (unsigned long long)replay.report.records, strerror(-error));
    journal->current.warm = journal->current.end;
    atomic_store(&journal->error, replay.failed);
    journal->unsynced = true;
    journal->inherited_commits = journal->commits;
    // Blocks of the generation before may be written over only when the disk knows this one.
    if (!replay.turned && !replay.failed)
        room_sync(journal);
    return 0;
}

static void tell_report(const struct journal_options *options, const struct journal_report *report)
{
    char line[256];

    if (options->tell == NULL)
        return;
    snprintf(line, sizeof(line),
             "recovered %llu bytes of %llu files from the journal of an earlier mount%s",
             (unsigned long long)report->bytes, (unsigned long long)report->objects,
             report->damaged > 0 ? "; some of it was damaged, and is kept as journal.damaged"
             : report->broken    ? "; later commits are lost, and it is kept as journal.damaged"
                                 : "");
    options->tell(options->context, line);
}

static int recover_earlier(int store, const struct journal_options *options,
                           struct complaint *complaint)
{
    const struct journal_listener listener = { .tell = options->tell, .context = options->context };
    struct journal_report report;
    int error = journal_recover(store, &listener, &report, complaint);

    if (!error && (report.objects > 0 || report.damaged > 0 || report.broken))
        tell_report(options, &report);
    return error;
}

int journal_open(int store, const struct journal_options *options, struct journal **journal,
                 struct complaint *complaint)
{
    struct superblock superblock = { .version = 0 };
    bool empty = false;
    int fd = recover_open(store, O_RDWR, &superblock, &empty, complaint);
    bool ours = fd >= 0 && memcmp(superblock.session, options->session, REDO_SESSION) == 0;
    int error = fd >= 0 || fd == -ENOENT || empty ? 0 : fd;

    if (fd >= 0 && !ours)
        close(fd);
    if (!error && !ours && fd != -ENOENT)
        error = recover_earlier(store, options, complaint);
    if (error)
        return error;
    *journal = journal_new(store, options);
    if (*journal == NULL) {
        if (ours)
            close(fd);
        return complain(complaint, ENOMEM, "there is no memory for a journal");
    }
    if (!ours)
        return 0;
    (*journal)->fd = fd;
    error = attach(*journal, &superblock, complaint);
    if (error)
        journal_abandon(*journal);
    return error;
}

void journal_abandon(struct journal *journal)
{
    journal_free(journal);
}

int journal_close(struct journal *journal)
{
    int error = journal_apply(journal);

    if (!error && journal->fd >= 0)
        error = location_remove(journal->store);
    journal_free(journal);
    return error;
}

void journal_note_synced(struct journal *journal, uint64_t number)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    pthread_mutex_lock(&journal->lock);
    if (number > atomic_load(&journal->synced))
        atomic_store(&journal->synced, number);
    journal->last_commit = now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
    pthread_mutex_unlock(&journal->lock);
}

bool journal_wants_apply(struct journal *journal, uint64_t idle)
{
    uint64_t now = journal_now();
    bool wants;

    pthread_mutex_lock(&journal->lock);
    wants = journal->fd >= 0 && !atomic_load(&journal->error) && !point_is_held(journal) &&
            (journal->commits > journal->applied_commits || journal->apply_error != 0) &&
            (now - journal->last_use >= idle ||
             (journal->apply_error == 0 &&
              journal->pools[POOL_JOURNAL].count >= journal->limit / 2 && apply_pays(journal, 0)));
    if (journal->apply_error != 0 && now - journal->last_apply < idle)
        wants = false;
    pthread_mutex_unlock(&journal->lock);
    return wants;
}

/* Adds up what the objects have. */
static void count_layers(struct journal *journal, struct journal_state *state)
{
    struct journal_object **objects = NULL;
    ssize_t count = object_hold_all(journal, &objects);

    for (ssize_t i = 0; i < count; i++) {
        const struct layer *layers = objects[i]->layers;

        pthread_rwlock_rdlock(&objects[i]->lock);
        state->objects += atomic_load(&objects[i]->live);
        state->uncommitted += layers[LAYER_UNCOMMITTED].map.blocks * REDO_PAGE;
        state->committed +=
            (layers[LAYER_COMMITTED].map.blocks + layers[LAYER_APPLYING].map.blocks) * REDO_PAGE;
        pthread_rwlock_unlock(&objects[i]->lock);
        journal_leave(objects[i]);
    }
    free(objects);
}

void journal_status(struct journal *journal, struct journal_state *state)
{
    pthread_mutex_lock(&journal->lock);
    *state = (struct journal_state){
        .exists = journal->fd >= 0,
        .size = journal->options.size,
        .used = journal->pools[POOL_JOURNAL].count * REDO_PAGE,
        .spilled = journal->pools[POOL_SPILL].count * REDO_PAGE,
        .records = journal->current.end,
        .commits = journal->commits - journal->inherited_commits,
        .applies = journal->applies,
        .last_commit = journal->last_commit,
        .error = atomic_load(&journal->error),
        .apply_error = journal->apply_error,
        .commit_error = atomic_load(&journal->commit_error),
    };
    pthread_mutex_unlock(&journal->lock);
    count_layers(journal, state);
}
