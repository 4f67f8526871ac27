// SPDX-License-Identifier: BSD-2-Clause
#include "fs/single/file_class.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "fs/inode/impersonate.h"
#include "fs/journal/save_times.h"
#include "fs/journal/volume_journal.h"
#include "fs/notice/notice.h"
#include "fs/single/move_contents.h"
#include "fs/switch/class_switch.h"
#include "fs/util/fault.h"
#include "fs/util/log.h"
#include "lib/class/file_mark.h"
#include "lib/object/object.h"
#include "lib/sys/cleanup.h"

static bool is_given_up(const struct move *move)
{
    return class_switch_is_held_off(move->inode->volume->switches, move->inode->ref.id);
}

static bool take_ram(const struct move *move, size_t bytes)
{
    return memory_guard_take(move->inode->volume->memory, bytes);
}

static uint8_t index_of(enum shmap_class word)
{
    return word == SHMAP_ANON ? CLASS_ANON_FILE : (uint8_t)word;
}

/* Returns whether a process has the store's file open or mapped, although the mount knows of no
 * open. A mapping of a file that passes through outlives them. */
static bool is_mapped(const struct inode *inode)
{
    CLEANUP_FD int fd = -1;

    if (!inode_is_passthrough(inode))
        return false;
    if (inode->ref.held.io_fd >= 0)
        return true;
    fd = object_reopen(inode->fd, O_RDONLY | O_NOATIME | O_NONBLOCK);
    return fd < 0 || fcntl(fd, F_SETLEASE, F_WRLCK) != 0;
}

/* Begins to change the class if nobody uses the file. Returns 0 or -EBUSY. */
static int begin_switch(struct inode *inode)
{
    struct volume *volume = inode->volume;
    struct lock *stripe = volume_stripe(volume, &inode->ref);
    bool begun;

    lock_take(stripe);
    node_refresh(&volume->nodes, &inode->ref);
    begun = inode->ref.opens == 0 && !(inode->ref.flags & NODE_UNLINKED) && !is_mapped(inode) &&
            class_switch_begin(volume->switches, inode->ref.id);
    lock_release(stripe);
    return begun ? 0 : -EBUSY;
}

/* Brings the contents from one class to the store's file, and from there to the other. */
static int bring_contents(struct inode *inode, int fd, const struct class *to)
{
    const struct class *from = inode_class(inode);
    struct move move = { .inode = inode, .is_given_up = is_given_up };
    int error = 0;

    volume_will_wait(inode->volume);
    if (from->contents && from->contents->give)
        error = from->contents->give(inode, fd, &move);
    move.take_memory = take_ram;
    if (!error && to->contents && to->contents->take)
        error = to->contents->take(inode, fd, &move);
    return error;
}

/* Does what is left when a file has its class. That of its directory needs no mark. */
static int clean_up(struct inode *inode, int fd)
{
    const struct contents *contents = inode_class(inode)->contents;
    int error = contents && contents->took ? contents->took(inode, fd) : 0;

    if (!error && inode->ref.class == class_above(inode->ref.flags))
        error = file_mark_clear(inode->fd);
    fault_point(FAULT_IN_SWITCH);
    if (!error)
        error = file_mark_clear_next(inode->fd);
    if (!error)
        node_flags(&inode->volume->nodes, &inode->ref, 0, NODE_CHANGES_CLASS);
    return error;
}

/* Has the file be of the class. All that the other class kept goes then; if that fails, it does
 * when the file is closed again. */
static int finish_switch(struct inode *inode, int fd, const struct class *to, uint8_t index)
{
    const struct class *from = inode_class(inode);
    struct volume *volume = inode->volume;
    int error = file_mark_set(inode->fd, to->word);

    if (error)
        return error;
    fault_point(FAULT_IN_SWITCH);
    node_set_class(&volume->nodes, &inode->ref, index);
    fault_point(FAULT_IN_SWITCH);
    if (from->contents && from->contents->gave)
        from->contents->gave(inode);
    clean_up(inode, fd);
    return 0;
}

/* With the switch begun. */
static int carry_out(struct inode *inode, enum shmap_class word)
{
    struct volume *volume = inode->volume;
    const struct class *to = volume->classes[index_of(word)];
    struct lock *stripe = volume_stripe(volume, &inode->ref);
    CLEANUP_FD int fd = object_reopen(inode->fd, O_RDWR | O_NONBLOCK);
    KEEP_SETID(&volume->info.cred, true);
    int error = fd < 0 ? fd : bring_contents(inode, fd, to);

    fault_point(FAULT_IN_SWITCH);
    lock_take(stripe);
    node_refresh(&volume->nodes, &inode->ref);
    if (!error &&
        (inode->ref.opens > 0 || class_switch_is_held_off(volume->switches, inode->ref.id)))
        error = -EBUSY;
    if (!error)
        error = finish_switch(inode, fd, to, index_of(word));
    lock_release(stripe);
    // The copy is of no use, and takes room.
    if (error && to->contents && to->contents->gave)
        to->contents->gave(inode);
    return error;
}

/* Opens the area's file for what a class does to it when a file has got it; -1: nothing. */
static int open_to_clean_up(const struct inode *inode)
{
    const struct contents *contents = inode_class(inode)->contents;

    return contents && contents->took ? object_reopen(inode->fd, O_RDWR | O_NONBLOCK) : -1;
}

/* Has a file stay of the class that it has, where nobody gives it another one meanwhile. */
static int stay(struct inode *inode, uint8_t index)
{
    struct volume *volume = inode->volume;
    struct lock *stripe = volume_stripe(volume, &inode->ref);
    CLEANUP_FD int fd = open_to_clean_up(inode);
    int error = 0;

    lock_take(stripe);
    node_refresh(&volume->nodes, &inode->ref);
    if (inode->ref.class == index && !class_switch_is_under_way(volume->switches, inode->ref.id))
        error = clean_up(inode, fd);
    lock_release(stripe);
    return error;
}

/* With the switch begun, which nobody else does then: what was known of the file may not be true
 * any more. A worker may have died when the class had changed, and not all that follows from
 * it. */
static int go_through(struct inode *inode)
{
    CLEANUP_FD int fd = -1;
    enum shmap_class word;
    int error = file_mark_get_next(inode->fd, &word);

    if (error)
        return error == -ENODATA ? 0 : error;
    if (index_of(word) != inode->ref.class)
        return carry_out(inode, word);
    fd = open_to_clean_up(inode);
    return clean_up(inode, fd);
}

/* Has the saver try again in a second, where no close is to come. The kernel gives a file that was
 * passed through back after it has told of its last close, and a mapping may have it longer. */
static void try_later(struct inode *inode)
{
    struct volume *volume = inode->volume;

    if (inode->ref.opens > 0 || (inode->ref.flags & NODE_UNLINKED))
        return;
    class_switch_wait(volume->switches, inode->ref.id);
    save_times_note(volume_journal_save_times(volume), 1);
}

/* Changes the class if nobody uses the file. Returns 0 or a negative errno; -EBUSY: somebody
 * does. */
static int switch_class(struct inode *inode)
{
    int error = inode_need_fd(inode);

    if (!error)
        error = begin_switch(inode);
    if (error == -EBUSY)
        try_later(inode);
    if (error)
        return error;
    error = go_through(inode);
    class_switch_end(inode->volume->switches, inode->ref.id);
    if (!error)
        notice_drop_contents(inode->volume->info.device, inode->ref.id);
    return error == -ECANCELED ? -EBUSY : error;
}

void file_class_settle(struct inode *inode)
{
    char path[PATH_MAX];
    int error;

    if (!(inode->ref.flags & NODE_CHANGES_CLASS) || inode->ref.opens > 0)
        return;
    error = switch_class(inode);
    if (!error || error == -EBUSY)
        return;
    log_event(LOG_WARNING, "%s stays of class %s for now: %s", object_shown_path(inode->fd, path),
              shmap_class_name(inode_class(inode)->word), strerror(-error));
}

int file_class_get_next(struct inode *inode, char **value)
{
    enum shmap_class word;
    int error = -ENODATA;

    if (inode->ref.flags & NODE_CHANGES_CLASS)
        error = file_mark_get_next(inode->fd, &word);
    // It has it already, and not all is done that follows from that.
    if (!error && index_of(word) == inode->ref.class)
        error = -ENODATA;
    if (!error)
        *value = strdup(shmap_class_name(word));
    return error;
}

/* Returns 0 if a single file can have a class here, or a negative errno. */
static int check(const struct inode *inode, enum shmap_class word)
{
    struct volume *volume = inode->volume;
    const struct class *to;

    if (inode->ref.tree != AREA_STORE || inode->ref.area != AREA_STORE ||
        !(inode_class(inode)->lasts || inode->ref.class == CLASS_ANON_FILE))
        return -ENOTDIR;
    to = volume->classes[index_of(word)];
    if (!to->lasts && index_of(word) != CLASS_ANON_FILE)
        return -EINVAL;
    return to->check ? to->check(volume) : 0;
}

/* Has mounts look for the marks of files. */
static int note_marks(struct volume *volume)
{
    int error = 0;

    if (!volume->state->file_classes)
        error = file_mark_note(volume_area(volume, AREA_STORE));
    if (!error)
        state_set_file_classes(volume->state);
    return error;
}

int file_class_assign(struct inode *inode, enum shmap_class word)
{
    int error = check(inode, word);

    if (error)
        return error;
    if (index_of(word) == inode->ref.class)
        return stay(inode, index_of(word));
    error = note_marks(inode->volume);
    if (!error && inode->volume->classes[index_of(word)]->contents)
        state_set_cached_class(inode->volume->state, CACHES_CLASS);
    if (!error)
        error = file_mark_set_next(inode->fd, word);
    if (error)
        return error;
    node_flags(&inode->volume->nodes, &inode->ref, NODE_CHANGES_CLASS, 0);
    error = switch_class(inode);
    if (!error || error == -EBUSY)
        return 0;
    if (file_mark_clear_next(inode->fd) == 0)
        node_flags(&inode->volume->nodes, &inode->ref, 0, NODE_CHANGES_CLASS);
    return error;
}

bool file_class_is_own(const struct inode *inode)
{
    enum shmap_class word;

    return inode_is_regular(inode) && inode->volume->state->file_classes &&
           (file_mark_get(inode->fd, &word) == 0 || file_mark_get_next(inode->fd, &word) == 0);
}

int file_class_remove(struct inode *inode)
{
    return file_class_assign(inode, class_above(inode->ref.flags));
}
