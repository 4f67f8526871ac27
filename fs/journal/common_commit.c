// SPDX-License-Identifier: BSD-2-Clause
#include "fs/journal/common_commit.h"

#include <errno.h>
#include <stdlib.h>

#include "fs/journal/volume_journal.h"
#include "lib/api/shmap_save.h"
#include "lib/class/commit_mark.h"

/* Objects of the journal; the first `chosen` of them are to be committed. */
struct commit_choice {
    struct journal_object **all;
    size_t count;
    size_t chosen;
};

static int begin_choice(struct volume *volume, struct commit_choice *choice)
{
    struct journal *journal = volume_journal(volume);
    ssize_t count = journal ? journal_find_dirty(journal, &choice->all) : 0;

    choice->count = count > 0 ? (size_t)count : 0;
    return count < 0 ? (int)count : 0;
}

static void end_choice(struct commit_choice *choice)
{
    for (size_t i = 0; i < choice->count; i++)
        journal_leave(choice->all[i]);
    free(choice->all);
    *choice = (struct commit_choice){ .count = 0 };
}
static_assert(SHMAP_SAVE_MAX <= JOURNAL_COMMIT_MAX, "one commit has room for a call");

#define CHOICE __attribute__((cleanup(end_choice))) struct commit_choice

/* Chooses an object, which changes places with one that is not chosen. */
static void choose(struct commit_choice *choice, size_t at)
{
    struct journal_object *chosen = choice->all[at];

    choice->all[at] = choice->all[choice->chosen];
    choice->all[choice->chosen++] = chosen;
}

/* Commits some of those that were chosen, as one. */
static int commit_part(struct volume *volume, const struct commit_choice *choice, size_t from,
                       size_t count, struct common_commit *done)
{
    size_t files = 0;
    uint64_t bytes;
    int error;

    for (size_t i = from; i < from + count; i++)
        files += journal_is_uncommitted(choice->all[i], &bytes);
    error = journal_commit(volume_journal(volume), choice->all + from, NULL, count);
    if (!error) {
        done->files += files;
        done->commits += files > 0;
    }
    return error;
}

static int commit_chosen(struct volume *volume, const struct commit_choice *choice,
                         struct common_commit *done)
{
    size_t part;
    int first = 0;

    for (size_t from = 0; from < choice->chosen; from += part) {
        int error;

        part = choice->chosen - from;
        if (part > JOURNAL_COMMIT_MAX)
            part = JOURNAL_COMMIT_MAX;
        error = commit_part(volume, choice, from, part, done);
        if (error && !first)
            first = error;
    }
    if (choice->chosen > 0)
        volume_journal_changed(volume);
    return first;
}

static int compare_file_numbers(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}

/* Returns whether an object is one of those that are meant; -EACCES: the caller may not have it
 * committed, or nobody can tell. */
static int is_meant(struct volume *volume, const struct journal_object *object,
                    const struct common_files *files)
{
    INODE struct inode inode = INODE_NONE;
    struct statx stx;
    uint64_t number;

    journal_identify(object, &stx);
    number = inode_number(volume, AREA_STORE, stx.stx_ino);
    if (!bsearch(&number, files->numbers, files->count, sizeof(number), compare_file_numbers))
        return 0;
    if (volume_journal_inode(volume, &stx, &inode) != 0 || inode_need_fd(&inode) != 0 ||
        !files->is_allowed(&inode, files->context))
        return -EACCES;
    return 1;
}

int common_commit_files(struct volume *volume, const struct common_files *files,
                        struct common_commit *done)
{
    CHOICE choice = { .count = 0 };
    int error = begin_choice(volume, &choice);

    *done = (struct common_commit){ .files = 0 };
    for (size_t i = 0; !error && i < choice.count; i++) {
        int meant = is_meant(volume, choice.all[i], files);

        error = meant < 0 ? meant : 0;
        if (meant > 0)
            choose(&choice, i);
    }
    if (error)
        return error;
    return choice.chosen > JOURNAL_COMMIT_MAX ? -E2BIG : commit_chosen(volume, &choice, done);
}

/* Returns whether a file is committed by its programs alone. */
static bool commits_itself(struct volume *volume, const struct journal_object *object)
{
    INODE struct inode inode = INODE_NONE;
    struct statx stx;

    journal_identify(object, &stx);
    return volume_journal_inode(volume, &stx, &inode) == 0 &&
           (inode.ref.policy & COMMIT_SYNC_ALONE);
}

int common_commit_all(struct volume *volume, struct common_commit *done)
{
    CHOICE choice = { .count = 0 };
    int error = begin_choice(volume, &choice);
    uint64_t bytes;

    *done = (struct common_commit){ .files = 0 };
    for (size_t i = 0; i < choice.count; i++) {
        if (!commits_itself(volume, choice.all[i]))
            choose(&choice, i);
        else
            done->left += journal_is_uncommitted(choice.all[i], &bytes);
    }
    return error ? error : commit_chosen(volume, &choice, done);
}
