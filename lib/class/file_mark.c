// SPDX-License-Identifier: BSD-2-Clause
#include "lib/class/file_mark.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/area/store_lock.h"
#include "lib/class/class_mark.h"
#include "lib/object/xattr.h"
#include "lib/sys/cleanup.h"

#define CLASS_NOW  SHMAP_XATTR_PREFIX "file_class"
#define CLASS_NEXT SHMAP_XATTR_PREFIX "file_class_next"

#define NOTE "file_classes"

static int write_mark(int fd, const char *name, enum shmap_class class)
{
    const char *word = shmap_class_name(class);

    return xattr_set(fd, name, word, strlen(word), 0);
}

int file_mark_get(int fd, enum shmap_class *class)
{
    return class_mark_read(fd, CLASS_NOW, class);
}

int file_mark_get_next(int fd, enum shmap_class *class)
{
    return class_mark_read(fd, CLASS_NEXT, class);
}

int file_mark_set(int fd, enum shmap_class class)
{
    return write_mark(fd, CLASS_NOW, class);
}

int file_mark_set_next(int fd, enum shmap_class class)
{
    return write_mark(fd, CLASS_NEXT, class);
}

static int clear_mark(int fd, const char *name)
{
    int error = xattr_remove(fd, name);

    return error == -ENODATA ? 0 : error;
}

int file_mark_clear(int fd)
{
    return clear_mark(fd, CLASS_NOW);
}

int file_mark_clear_next(int fd)
{
    return clear_mark(fd, CLASS_NEXT);
}

int file_mark_note(const struct area *store)
{
    CLEANUP_FD int dir = store_private_open(store);
    CLEANUP_FD int note = -1;

    if (dir < 0)
        return dir;
    note = openat(dir, NOTE, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (note < 0)
        return -errno;
    // The thread has an identity of its own for files. The marks are worth nothing without it.
    return fchown(note, geteuid(), getegid()) == 0 && fsync(note) == 0 && fsync(dir) == 0 ? 0
                                                                                          : -errno;
}

bool file_mark_is_noted(const struct area *store)
{
    CLEANUP_FD int dir = store->root >= 0 ? store_private_open(store) : -1;

    return dir >= 0 && faccessat(dir, NOTE, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}
