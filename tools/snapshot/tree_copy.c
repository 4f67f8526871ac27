// SPDX-License-Identifier: BSD-2-Clause
#include "tools/snapshot/tree_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/object/object.h"
#include "lib/sys/cleanup.h"
#include "tools/snapshot/class_marks.h"
#include "tools/snapshot/likeness.h"
#include "tools/snapshot/point_copy.h"
#include "tools/ui/array.h"

/* The first name of an inode that has several. */
struct linked_inode {
    uint64_t inode;
    const char *path;
};

static struct inventory_entry *begin_entry(struct tree_copy *copy, size_t index)
{
    struct inventory_entry *entry = &copy->inventory->entries[index];

    copy->at = entry->path;
    return entry;
}

static bool is_in_copy(const struct tree_copy *copy, const struct inventory_entry *entry)
{
    return copy->inventory->entries[entry->parent].made;
}

static bool is_denied(int error)
{
    return error == -EACCES || error == -EPERM;
}

/* Gives a name to what has another one in the copy by now. Returns 0; -ENOENT: it has none. */
static int link_name(struct tree_copy *copy, struct inventory_entry *entry)
{
    const struct linked_inode wanted = { .inode = entry->st.st_ino };
    struct linked_inode **found = NULL;

    if (entry->st.st_nlink > 1)
        found = tfind(&wanted, &copy->links, array_compare);
    if (!found)
        return -ENOENT;
    if (linkat(copy->to, (*found)->path, copy->to, entry->path, 0) != 0)
        return -errno;
    entry->made = true;
    return 0;
}

/* Notes what was made. */
static int note_made(struct tree_copy *copy, struct inventory_entry *entry)
{
    struct linked_inode *linked;

    entry->made = true;
    copy->files++;
    if (entry->st.st_nlink <= 1)
        return 0;
    linked = malloc(sizeof(*linked));
    if (!linked)
        return -ENOMEM;
    *linked = (struct linked_inode){ entry->st.st_ino, entry->path };
    return tsearch(linked, &copy->links, array_compare) ? 0 : -ENOMEM;
}

static int give_likeness(const struct tree_copy *copy, const struct stat *st, int original, int fd)
{
    const struct likeness likeness = { .st = *st,
                                       .original = original,
                                       .without_writing = copy->without_writing };

    return likeness_give(&likeness, fd);
}

/* Copies the contents of a regular file, and sets the times that belong to them. */
static int copy_contents(struct tree_copy *copy, const struct inventory_entry *entry, int original,
                         struct stat *st, int fd)
{
    CLEANUP_FD int file = -1;
    struct point_copy made;
    bool torn;
    int error;

    if (copy->point != 0 && inventory_is_committed(entry->class)) {
        error = point_copy_make(copy->point, original, fd, copy->bytes, copy->progress,
                                copy->interruption, &made);
        if (!error) {
            st->st_mtim = made.mtime;
            st->st_size = (off_t)made.size;
        }
        // It has another class now.
        return error == -ENODATA ? -ESTALE : error;
    }
    file = object_reopen(original, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (file < 0)
        return file;
    error = plain_copy_make(&copy->source, file, entry->path, fd, copy->interruption, &torn);
    copy->torn += !error && torn;
    return error;
}

static int fill_file(struct tree_copy *copy, const struct inventory_entry *entry, int original,
                     int fd)
{
    enum shmap_class above = copy->inventory->entries[entry->parent].class;
    struct stat st;
    int error = fstat(original, &st) == 0 ? 0 : -errno;

    if (!error)
        error = copy_contents(copy, entry, original, &st, fd);
    if (!error && !inventory_is_passing(entry->class))
        error = class_marks_of_file(entry->class, above, fd, copy->to);
    if (!error)
        error = give_likeness(copy, &st, original, fd);
    if (!error) {
        copy->bytes += (uint64_t)st.st_size;
        progress_show(copy->progress, "copied", copy->bytes);
    }
    return error;
}

static int make_regular(struct tree_copy *copy, struct inventory_entry *entry, int original)
{
    CLEANUP_FD int fd =
        openat(copy->to, entry->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int error = fd < 0 ? -errno : fill_file(copy, entry, original, fd);

    if (is_denied(error) && fd >= 0 &&
        faccessat(original, "", R_OK, AT_EACCESS | AT_EMPTY_PATH) != 0) {
        copy->left_out++;
        return unlinkat(copy->to, entry->path, 0) == 0 ? 0 : -errno;
    }
    return error ? error : note_made(copy, entry);
}

/* Opens a file, and finds out its class. Returns a descriptor, -ENOENT: it is not for the copy, or
 * another negative errno. */
static int open_entry(struct tree_copy *copy, size_t index)
{
    struct inventory_entry *entry = &copy->inventory->entries[index];
    CLEANUP_FD int fd = inventory_open(copy->inventory, index);
    int error;

    if (fd == -ESTALE || fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP) {
        copy->gone += inventory_is_committed(entry->class);
        return -ENOENT;
    }
    if (fd < 0)
        return fd;
    error = inventory_read_class(fd, &entry->class);
    return error ? error : steal_fd(&fd);
}

static int copy_committed_file(struct tree_copy *copy, size_t index)
{
    struct inventory_entry *entry = begin_entry(copy, index);
    CLEANUP_FD int fd = -1;
    int error;

    if (!S_ISREG(entry->st.st_mode) || !inventory_is_committed(entry->class) ||
        !is_in_copy(copy, entry))
        return 0;
    fd = open_entry(copy, index);
    if (is_denied(fd)) {
        // Nothing more is tried with it.
        copy->left_out++;
        entry->st.st_mode = 0;
        return 0;
    }
    if (fd < 0)
        return fd == -ENOENT ? 0 : fd;
    if (!inventory_is_committed(entry->class))
        return 0;
    error = link_name(copy, entry);
    return error == -ENOENT ? make_regular(copy, entry, fd) : error;
}

int tree_copy_committed(struct tree_copy *copy)
{
    int error = 0;

    for (size_t i = 0; i < copy->inventory->count && !error; i++)
        error = interruption_came(copy->interruption) ? -EINTR : copy_committed_file(copy, i);
    return error;
}

static int make_symlink(struct tree_copy *copy, struct inventory_entry *entry, int original)
{
    char target[PATH_MAX];
    ssize_t length = readlinkat(original, "", target, sizeof(target) - 1);

    if (length < 0)
        return -errno;
    target[length] = '\0';
    return symlinkat(target, copy->to, entry->path) == 0 ? 0 : -errno;
}

/* Makes what is neither a directory nor a regular file. */
static int make_special(struct tree_copy *copy, struct inventory_entry *entry, int original)
{
    CLEANUP_FD int fd = -1;
    struct stat st;
    int error;

    if (fstat(original, &st) != 0)
        return -errno;
    if (S_ISLNK(st.st_mode))
        error = make_symlink(copy, entry, original);
    else
        error = mknodat(copy->to, entry->path, (st.st_mode & S_IFMT) | 0600, st.st_rdev) == 0
                    ? 0
                    : -errno;
    if (error == -EPERM && geteuid() != 0) {
        copy->left_out++;
        return 0;
    }
    if (error)
        return error;
    fd = openat(copy->to, entry->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    error = fd < 0 ? -errno : give_likeness(copy, &st, original, fd);
    return error ? error : note_made(copy, entry);
}

/* Copies what was not copied by now. */
static int copy_plain_entry(struct tree_copy *copy, size_t index)
{
    struct inventory_entry *entry = begin_entry(copy, index);
    CLEANUP_FD int fd = -1;
    int error;

    if (entry->made || entry->st.st_mode == 0 || S_ISDIR(entry->st.st_mode) ||
        !is_in_copy(copy, entry) ||
        (S_ISREG(entry->st.st_mode) && inventory_is_committed(entry->class) && copy->point != 0) ||
        (inventory_is_passing(entry->class) && !copy->inventory->anon))
        return 0;
    fd = inventory_open(copy->inventory, index);
    // Somebody has removed it.
    if (fd == -ESTALE || fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
        return 0;
    if (fd < 0)
        return fd;
    error = link_name(copy, entry);
    if (error != -ENOENT)
        return error;
    return S_ISREG(entry->st.st_mode) ? make_regular(copy, entry, fd)
                                      : make_special(copy, entry, fd);
}

int tree_copy_plain(struct tree_copy *copy)
{
    int error = 0;

    for (size_t i = 0; i < copy->inventory->count && !error; i++)
        error = interruption_came(copy->interruption) ? -EINTR : copy_plain_entry(copy, i);
    return error;
}

int tree_copy_directories(struct tree_copy *copy)
{
    int error = 0;

    copy->inventory->entries[0].made = true;
    for (size_t i = 1; i < copy->inventory->count && !error; i++) {
        struct inventory_entry *entry = begin_entry(copy, i);

        if (!S_ISDIR(entry->st.st_mode) || !is_in_copy(copy, entry))
            continue;
        entry->made = mkdirat(copy->to, entry->path, 0700) == 0;
        error = entry->made ? 0 : -errno;
    }
    return error;
}

static int finish_directory(struct tree_copy *copy, size_t index)
{
    const struct inventory_entry *entry = begin_entry(copy, index);
    CLEANUP_FD int original = inventory_open(copy->inventory, index);
    CLEANUP_FD int fd =
        openat(copy->to, entry->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int error = fd < 0 ? -errno : class_marks_of_directory(copy->inventory, index, original, fd);

    return error ? error : give_likeness(copy, &entry->st, original, fd);
}

int tree_copy_finish(struct tree_copy *copy)
{
    int error = 0;

    // Those that are in another one come before it.
    for (size_t i = copy->inventory->count; i-- > 0 && !error;) {
        if (S_ISDIR(copy->inventory->entries[i].st.st_mode) && copy->inventory->entries[i].made)
            error = finish_directory(copy, i);
    }
    return error;
}

void tree_copy_end(struct tree_copy *copy)
{
    tdestroy(copy->links, free);
    copy->links = NULL;
    clone_source_end(&copy->source);
}
