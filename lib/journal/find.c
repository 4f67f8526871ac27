// SPDX-License-Identifier: BSD-2-Clause
#include "lib/journal/find.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/area/store_lock.h"
#include "lib/journal/core.h"
#include "lib/sys/cleanup.h"

struct walk {
    struct journal *journal;
    struct journal_object *const *objects;
    size_t *left; // indices of those that are not found yet, by their inode numbers
    size_t count;
    int (*open_file)(int fd, const struct statx *stx);
    int (*visit)(void *context, size_t index, int fd);
    void *context;
    dev_t device;
};

static bool is_object(const struct journal_object *object, const struct statx *stx)
{
    return stx->stx_ino == object->inode && object_birth(stx) == object->birth &&
           S_ISREG(stx->stx_mode);
}

static bool has_device(const struct statx *stx, dev_t device)
{
    return makedev(stx->stx_dev_major, stx->stx_dev_minor) == device;
}

/* Opens for writing what may be closed to its owner's writing; who recovers a store need not be
 * root. */
int find_to_write(int fd, const struct statx *stx)
{
    int opened = object_reopen(fd, O_RDWR | O_NOCTTY | O_NONBLOCK);
    mode_t mode = stx->stx_mode & 07777U;
    int error;

    if (opened != -EACCES || stx->stx_uid != geteuid())
        return opened;
    error = object_set_mode(fd, mode | S_IRUSR | S_IWUSR);
    if (error)
        return error;
    opened = object_reopen(fd, O_RDWR | O_NOCTTY | O_NONBLOCK);
    object_set_mode(fd, mode);
    return opened;
}

int find_to_name(int fd, const struct statx *stx)
{
    (void)stx;
    return object_reopen(fd, O_PATH);
}

static int store_device(const struct journal *journal, dev_t *device)
{
    struct stat st;

    if (fstat(journal->store, &st) != 0)
        return -errno;
    *device = st.st_dev;
    return 0;
}

/* A handle finds the object anywhere on the filesystem, also in what a snapshot was taken of. */
static int open_by_handle(const struct walk *walk, const struct journal_object *object)
{
    CLEANUP_FD int fd = -1;
    struct statx stx;
    int error;

    if (object->handle.length == 0)
        return -EOPNOTSUPP;
    fd = object_open(object->journal->store, &object->handle, O_PATH);
    if (fd < 0)
        return fd;
    error = object_stat(fd, &stx);
    if (error)
        return error;
    if (!is_object(object, &stx) || !has_device(&stx, walk->device) || stx.stx_nlink == 0)
        return -ESTALE;
    return walk->open_file(fd, &stx);
}

static int by_inode(const void *a, const void *b, void *objects)
{
    const struct journal_object *const *all = objects;
    uint64_t left = all[*(const size_t *)a]->inode;
    uint64_t right = all[*(const size_t *)b]->inode;

    return left < right ? -1 : left > right;
}

/* Returns the first place of those that are left whose object has at least this inode number. */
static size_t first_place(const struct walk *walk, uint64_t inode)
{
    size_t low = 0;
    size_t high = walk->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (walk->objects[walk->left[middle]]->inode < inode)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_wanted(const struct walk *walk, uint64_t inode)
{
    size_t place = first_place(walk, inode);

    return place < walk->count && walk->objects[walk->left[place]]->inode == inode;
}

static int visit_file(struct walk *walk, int dir, const char *name)
{
    CLEANUP_FD int fd = object_open_in(dir, name);
    struct statx stx;

    if (fd < 0 || object_stat(fd, &stx) != 0 || !has_device(&stx, walk->device))
        return 0;
    for (size_t place = first_place(walk, stx.stx_ino); place < walk->count; place++) {
        size_t index = walk->left[place];

        if (walk->objects[index]->inode != stx.stx_ino)
            break;
        if (!is_object(walk->objects[index], &stx))
            continue;
        memmove(&walk->left[place], &walk->left[place + 1],
                (walk->count - place - 1) * sizeof(*walk->left));
        walk->count--;
        return walk->visit(walk->context, index, walk->open_file(fd, &stx));
    }
    return 0;
}

static int visit_directory(struct walk *walk, int dir);

static int visit_entry(struct walk *walk, int dir, const struct dirent64 *entry)
{
    CLEANUP_FD int child = -1;
    int error = 0;

    if (object_is_dot(entry->d_name) || strcmp(entry->d_name, STORE_PRIVATE) == 0)
        return 0;
    if (is_wanted(walk, entry->d_ino))
        error = visit_file(walk, dir, entry->d_name);
    if (error || !object_may_be_directory(entry))
        return error;
    child = object_open_beneath(dir, entry->d_name, O_RDONLY);
    // Other filesystems are not the store's, and what cannot be read was not written by us.
    return child >= 0                                                 ? visit_directory(walk, child)
           : child == -EMFILE || child == -ENFILE || child == -ENOMEM ? child
                                                                      : 0;
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the store, with a descriptor for each level
static int visit_directory(struct walk *walk, int dir)
{
    CLEANUP_FREE char *entries = malloc(8192);
    ssize_t length;
    int error = 0;

    if (entries == NULL)
        return -ENOMEM;
    while (!error && walk->count > 0 && (length = getdents64(dir, entries, 8192)) > 0) {
        for (ssize_t at = 0; at < length && !error;) {
            const struct dirent64 *entry = (const void *)(entries + at);

            at += entry->d_reclen;
            error = visit_entry(walk, dir, entry);
        }
    }
    return error;
}

/* Looks for those that are left, and says of the others that they have gone. */
static int search(struct walk *walk)
{
    CLEANUP_FD int root = object_reopen(walk->journal->store, O_RDONLY | O_DIRECTORY);
    int error;

    if (root < 0)
        return root;
    qsort_r(walk->left, walk->count, sizeof(*walk->left), by_inode,
            (void *)(uintptr_t)walk->objects);
    error = visit_directory(walk, root);
    for (size_t i = 0; i < walk->count && !error; i++)
        error = walk->visit(walk->context, walk->left[i], -ESTALE);
    return error;
}

int find_each(struct journal *journal, struct journal_object *const objects[], size_t count,
              int (*open_file)(int fd, const struct statx *stx),
              int (*visit)(void *context, size_t index, int fd), void *context)
{
    CLEANUP_FREE size_t *left = calloc(count + 1, sizeof(*left));
    struct walk walk = { .journal = journal,
                         .objects = objects,
                         .left = left,
                         .open_file = open_file,
                         .visit = visit,
                         .context = context };
    int error = left != NULL ? store_device(journal, &walk.device) : -ENOMEM;

    for (size_t i = 0; i < count && !error; i++) {
        int fd = open_by_handle(&walk, objects[i]);

        if (fd == -EPERM || fd == -EOPNOTSUPP)
            left[walk.count++] = i;
        else
            error = visit(context, i, fd);
    }
    return error || walk.count == 0 ? error : search(&walk);
}

static int take_descriptor(void *context, size_t index, int fd)
{
    (void)index;
    *(int *)context = fd;
    return 0;
}

static int find_one(struct journal_object *object,
                    int (*open_file)(int fd, const struct statx *stx))
{
    int fd = -ESTALE;
    int error = find_each(object->journal, &object, 1, open_file, take_descriptor, &fd);

    return error ? error : fd;
}

int find_path(struct journal_object *object)
{
    return find_one(object, find_to_name);
}

int find_open(struct journal_object *object)
{
    const struct journal_options *options = &object->journal->options;
    struct statx stx = { .stx_mask = STATX_INO | (object->birth != 0 ? STATX_BTIME : 0),
                         .stx_ino = object->inode,
                         .stx_btime.tv_sec = (int64_t)(object->birth / 1000000000U),
                         .stx_btime.tv_nsec = (uint32_t)(object->birth % 1000000000U) };
    int fd = options->open_object != NULL ? options->open_object(options->context, &stx) : -ENODATA;

    return fd == -ENODATA ? find_one(object, find_to_write) : fd;
}
