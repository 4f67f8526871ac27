// SPDX-License-Identifier: BSD-2-Clause
#include "fs/journal/point_attribute.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/inode/descriptors.h"
#include "fs/journal/journaled_file.h"
#include "fs/journal/volume_journal.h"
#include "lib/api/point.h"
#include "lib/object/object.h"
#include "lib/sys/cleanup.h"

bool point_attribute_is(const char *name)
{
    return strncmp(name, SHMAP_XATTR_POINT, strlen(SHMAP_XATTR_POINT)) == 0;
}

/* Reads a number with a mark before it, as far as `end`, and moves on. */
static bool read_number(const char **text, char mark, uint64_t *number)
{
    char *end;

    if (**text != mark || (*text)[1] < '0' || (*text)[1] > '9')
        return false;
    errno = 0;
    *number = strtoull(*text + 1, &end, 10);
    *text = end;
    return errno == 0;
}

/* Nobody keeps the mount's owner from a point by having one. */
static unsigned rank_of(const struct volume *volume, uid_t uid)
{
    return uid == 0 || uid == volume->info.owner;
}

/* Returns whether the process that has a point has ended without giving it back. */
static bool is_gone(pid_t pid)
{
    return pid > 0 && kill(pid, 0) != 0 && errno == ESRCH;
}

static ssize_t take(struct volume *volume, uid_t uid, pid_t pid, char **value)
{
    struct journal *journal;
    uint64_t point;
    int error;

    if (volume_area(volume, AREA_STORE)->root < 0)
        return -ENODATA;
    // Nothing is written there, and nothing waits.
    if (volume->state->read_only)
        return -EROFS;
    volume_will_wait(volume);
    error = volume_journal_need(volume, &journal);
    if (!error)
        error = journal_point_take(journal, rank_of(volume, uid), &point);
    if (error == -EBUSY && is_gone(*volume_journal_point_holder(volume))) {
        journal_point_break(journal);
        error = journal_point_take(journal, rank_of(volume, uid), &point);
    }
    if (error)
        return error;
    *volume_journal_point_holder(volume) = pid;
    // It may end by itself, and then there is something to apply.
    volume_journal_changed(volume);
    return asprintf(value, "%" PRIu64, point);
}

/* A caller that knows the number has taken the point. */
static ssize_t leave(struct volume *volume, uint64_t point, char **value)
{
    struct journal *journal = volume_journal(volume);
    int error = journal ? journal_point_leave(journal, point) : -ESTALE;

    if (error)
        return error;
    volume_journal_changed(volume);
    *value = strdup("");
    return *value ? 0 : -ENOMEM;
}

static int open_file(struct inode *inode)
{
    uint64_t since = 0;
    int fd;

    do
        fd = descriptors_not_last(inode->volume, object_reopen(inode->fd, O_RDONLY | O_NONBLOCK));
    while (descriptors_await_room(inode->volume, &fd, &since));
    return fd;
}

static ssize_t read_piece(struct inode *inode, uint64_t point, uint64_t offset, char **value)
{
    struct journal *journal = volume_journal(inode->volume);
    struct journal_piece piece = { .offset = offset };
    struct shmap_piece head;
    struct statx stx;
    CLEANUP_FD int fd = -1;
    ssize_t length;

    if (!journal)
        return -ESTALE;
    fd = open_file(inode);
    length = fd < 0 ? fd : object_stat(fd, &stx);
    if (length < 0)
        return length;
    *value = malloc(sizeof(head) + SHMAP_PIECE_MAX);
    if (!*value)
        return -ENOMEM;
    length = journal_point_read(journal, point, &stx, fd, *value + sizeof(head), SHMAP_PIECE_MAX,
                                &piece);
    head = (struct shmap_piece){ piece.offset, piece.size, piece.mtime };
    memcpy(*value, &head, sizeof(head));
    return length < 0 ? length : length + (ssize_t)sizeof(head);
}

ssize_t point_attribute_get(struct inode *inode, uid_t uid, pid_t pid, const char *name,
                            char **value)
{
    bool root = inode->ref.id == NODE_ROOT_ID;
    const char *rest = name + strlen(SHMAP_XATTR_POINT);
    uint64_t point;
    uint64_t offset;

    if (*rest == '\0')
        return root ? take(inode->volume, uid, pid, value) : -ENODATA;
    if (root && read_number(&rest, '-', &point) && *rest == '\0')
        return leave(inode->volume, point, value);
    if (!inode_is_regular(inode) || inode_contents(inode) != &JOURNALED_CONTENTS ||
        !read_number(&rest, '.', &point) || !read_number(&rest, '.', &offset) || *rest != '\0' ||
        offset > INT64_MAX)
        return -ENODATA;
    return read_piece(inode, point, offset, value);
}
