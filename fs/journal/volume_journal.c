// SPDX-License-Identifier: BSD-2-Clause
#include "fs/journal/volume_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/journal/applier.h"
#include "fs/journal/save_times.h"
#include "fs/nodes/node_fd.h"
#include "fs/util/log.h"
#include "fs/vfs/file_io.h"
#include "fs/vfs/writeback.h"
#include "lib/area/store_lock.h"
#include "lib/class/commit_mark.h"
#include "lib/object/object.h"
#include "lib/sys/cleanup.h"

struct volume_journal {
    struct lock lock; // held while the journal is opened
    _Atomic(struct journal *) journal;
    struct applier *applier;
    struct save_times *save_times;
    atomic_bool limits_raised;
    _Atomic pid_t point_holder;
};

int volume_journal_init(struct volume *volume)
{
    struct volume_journal *own = calloc(1, sizeof(*own));

    if (!own)
        return -ENOMEM;
    lock_init(&own->lock, LOCK_JOURNAL);
    own->applier = applier_make();
    own->save_times = save_times_make();
    volume->journal = own;
    return own->applier && own->save_times ? 0 : -ENOMEM;
}

void volume_journal_destroy(struct volume *volume)
{
    if (volume->journal) {
        free(volume->journal->applier);
        free(volume->journal->save_times);
    }
    free(volume->journal);
    volume->journal = NULL;
}

static void log_line(void *context, const char *line)
{
    (void)context;
    log_event(LOG_WARNING, "%s", line);
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

/* Makes a session for a mount that has none: it began just now, or with an earlier version. A
 * process that dies at that has opened nothing yet. */
static int make_session(struct state *state)
{
    uint8_t made[sizeof(state->session)];

    if (!is_zero(state->session, sizeof(state->session)))
        return 0;
    if (getrandom(made, sizeof(made), 0) != (ssize_t)sizeof(made))
        return -EAGAIN;
    memcpy(state->session, made, sizeof(made));
    return 0;
}

/* Makes the file in RAM for what the journal does not take, which lasts as long as the mount. */
static void make_spill(struct volume *volume)
{
    int root = volume_area(volume, AREA_RAM)->root;
    CLEANUP_FD int fd = -1;

    if (volume->state->spill || root < 0)
        return;
    fd = openat(root, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd <= 0 || fd >= NODE_FD_MAX)
        return;
    node_fd_keep(&volume->nodes, fd);
    volume->state->spill = steal_fd(&fd);
}

int volume_journal_inode(struct volume *volume, const struct statx *stx, struct inode *inode)
{
    struct node_key key = { .ino = stx->stx_ino, .birth = object_birth(stx), .tree = AREA_STORE };
    int error = inode_of_key(volume, &key, inode);
    uint64_t orphan;

    if (error || inode->volume)
        return error;
    orphan = node_find_orphan(&volume->nodes, &key);
    return orphan ? inode_hold(volume, orphan, inode) : -ENODATA;
}

/* Opens a file of the store that the journal is to write to, if the kernel knows it. One that is
 * open may have no name any more, or a mode that forbids to open it again. */
static int open_known(void *context, const struct statx *stx)
{
    struct volume *volume = context;
    INODE struct inode inode = INODE_NONE;
    FILE_IO struct file_io io = FILE_IO_NONE;
    int fd;

    if (volume_journal_inode(volume, stx, &inode) != 0 || file_io_begin(&inode, true, &io) != 0)
        return -ENODATA;
    fd = fcntl(io.fd, F_DUPFD_CLOEXEC, 0);
    return fd < 0 ? -errno : fd;
}

/* Opens it. `serves`: the process has the nodes, by which files can be found. */
static int open_journal(struct volume *volume, bool serves, struct complaint *complaint)
{
    const struct area *store = volume_area(volume, AREA_STORE);
    struct journal_options options = {
        .size = volume->state->journal_blocks ? (uint64_t)volume->state->journal_blocks << 12
                                              : JOURNAL_SIZE_DEFAULT,
        .spill = volume->state->spill ? volume->state->spill : -1,
        .open_object = serves ? open_known : NULL,
        .tell = log_line,
        .context = volume,
    };
    struct journal *journal;
    int error;

    memcpy(options.session, volume->state->session, sizeof(options.session));
    error = journal_open(store->root, &options, &journal, complaint);
    if (!error)
        volume->journal->journal = journal;
    return error;
}

static int make_ready(struct volume *volume, struct complaint *complaint)
{
    int error = make_session(volume->state);

    if (error)
        return complain(complaint, -error, "no session can be made for the journal: %s",
                        strerror(-error));
    make_spill(volume);
    return open_journal(volume, true, complaint);
}

struct journal *volume_journal(const struct volume *volume)
{
    return volume->journal->journal;
}

int volume_journal_need(struct volume *volume, struct journal **journal)
{
    struct volume_journal *own = volume->journal;
    struct complaint complaint = { "" };
    int error = 0;

    *journal = own->journal;
    if (*journal)
        return 0;
    lock_take(&own->lock);
    if (!own->journal)
        error = make_ready(volume, &complaint);
    *journal = own->journal;
    lock_release(&own->lock);
    if (error)
        log_event(LOG_ERR, "%s", complaint.text);
    return error;
}

/* Returns whether the private directory of a store is somebody else's: what he has there is no
 * journal of this user's, and must not keep the mount from being. */
static bool is_foreign(const struct area *store)
{
    struct stat st;

    return geteuid() != 0 && fstatat(store->root, STORE_PRIVATE, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           st.st_uid != geteuid();
}

int volume_journal_begin(struct volume *volume)
{
    const struct area *store = volume_area(volume, AREA_STORE);
    struct journal *journal;
    int error;

    // A journal is of one host. One that nobody needs is made when somebody does. A worker that
    // waited for a store that does not answer would keep RAM waiting, too.
    if (store->root < 0 || volume->state->read_only || volume_is_shared(volume) ||
        (state_outage(volume->state)->silent && !volume->state->caches_class) || is_foreign(store))
        return 0;
    error = volume_journal_need(volume, &journal);
    // The servers may be away, and come back.
    return error == -ENOTCONN && !volume->state->caches_class ? 0 : error;
}

void volume_journal_changed(struct volume *volume)
{
    applier_wake(volume->journal->applier, volume->journal->journal);
}

_Atomic pid_t *volume_journal_point_holder(const struct volume *volume)
{
    return &volume->journal->point_holder;
}

struct save_times *volume_journal_save_times(const struct volume *volume)
{
    return volume->journal->save_times;
}

void volume_journal_opened(struct volume *volume, unsigned interval)
{
    // Where an option told of the class, the mount has begun with that.
    if (volume->state->caches_class == CACHES_CLASS &&
        !atomic_exchange(&volume->journal->limits_raised, true))
        writeback_raise_limits(volume);
    if (interval > 0)
        save_times_note(volume->journal->save_times, interval);
}

/* Commits what is written to files that are open for writing, where a close would do that. */
static void commit_open(struct volume *volume)
{
    uint32_t slot = 0;
    uint64_t id;

    while ((id = node_next_writer(&volume->nodes, &slot))) {
        INODE struct inode inode = INODE_NONE;

        if (inode_hold(volume, id, &inode) == 0 && inode_has_commits(&inode) &&
            !(inode.ref.policy & COMMIT_SYNC_ALONE))
            inode_contents(&inode)->settle(&inode);
    }
}

static void close_journal(struct volume *volume)
{
    struct journal *journal = atomic_exchange(&volume->journal->journal, NULL);
    int error = journal ? journal_close(journal) : 0;

    if (error)
        log_event(LOG_ERR,
                  "what was committed is not in all files of STORE %s yet: %s; the next mount, or "
                  "shmapctl recover, comes to it",
                  volume->info.store, strerror(-error));
}

void volume_journal_end(struct volume *volume, bool quiet)
{
    struct journal *journal = volume_journal(volume);

    // The process that ends the store waits for one that does not answer.
    if (!journal || state_outage(volume->state)->silent)
        return;
    commit_open(volume);
    applier_end(volume->journal->applier);
    if (quiet)
        close_journal(volume);
}

void volume_journal_finish(struct volume *volume)
{
    struct complaint complaint = { "" };

    // It was never opened, or still is.
    if (is_zero(volume->state->session, sizeof(volume->state->session)) || volume->journal->journal)
        return;
    if (open_journal(volume, false, &complaint) == 0)
        close_journal(volume);
    else
        log_event(LOG_ERR, "%s", complaint.text);
}

int volume_journal_recover(const struct area *store, const char *path, enum journal_turn turn,
                           struct complaint *complaint)
{
    struct journal_listener listener = { .tell = log_line };
    struct journal_report report = { .exists = false };
    int error;

    if (is_foreign(store))
        return 0;
    if (turn == JOURNAL_OURS)
        return journal_recover(store->root, &listener, &report, complaint);
    error = journal_verify(store->root, NULL, &report, complaint);
    if (error || !report.exists)
        return error;
    return complain(complaint, EROFS,
                    "STORE %s has changes that were committed and are not in its files yet; mount "
                    "it once %s, or run: shmapctl recover %s",
                    path, turn == JOURNAL_READ_ONLY ? "without 'ro'" : "with noshared", path);
}
