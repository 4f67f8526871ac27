// SPDX-License-Identifier: BSD-2-Clause
#include "tools/snapshot/inventory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/object/object.h"
#include "lib/object/xattr.h"
#include "lib/sys/cleanup.h"
#include "tools/ui/array.h"

/* Descriptors that are not for what is held, and how much is held at most: each takes some hundred
 * bytes of the kernel's memory. */
enum { DESCRIPTORS_LEFT = 64, HELD_MAX = 1 << 18 };

enum { CLASS_WORD_MAX = 32 };

/* A directory that has changed so short a time before it was listed may change again without its
 * time of change telling: the kernel's clock for that goes by ticks. */
#define TICK_NANOSECONDS INT64_C(10000000)

static int64_t nanoseconds_of(const struct timespec *time)
{
    return time->tv_sec * INT64_C(1000000000) + time->tv_nsec;
}

static int64_t time_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return nanoseconds_of(&now);
}

bool inventory_is_committed(enum shmap_class class)
{
    return class == SHMAP_ATOMIC || class == SHMAP_CHECKPOINT;
}

bool inventory_is_passing(enum shmap_class class)
{
    return class == SHMAP_ANON || class == SHMAP_SCRATCH;
}

bool inventory_begins_class(const struct inventory *inventory, size_t index)
{
    const struct inventory_entry *entry = &inventory->entries[index];

    return S_ISDIR(entry->st.st_mode) && entry->class != inventory->entries[entry->parent].class;
}

int inventory_open_beneath(int root, const char *path, uint64_t flags)
{
    struct open_how how = { .flags = flags | O_NOFOLLOW | O_CLOEXEC,
                            .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
                                       RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV };
    int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));

    return fd < 0 ? -errno : fd;
}

int inventory_open(const struct inventory *inventory, size_t index)
{
    const struct inventory_entry *entry = &inventory->entries[index];
    CLEANUP_FD int fd = entry->fd >= 0
                            ? fcntl(entry->fd, F_DUPFD_CLOEXEC, 0)
                            : inventory_open_beneath(inventory->root, entry->path, O_PATH);
    struct stat st;

    if (fd < 0)
        return entry->fd >= 0 ? -errno : fd;
    if (fstat(fd, &st) != 0)
        return -errno;
    if (st.st_ino != entry->st.st_ino || (st.st_mode & S_IFMT) != (entry->st.st_mode & S_IFMT))
        return -ESTALE;
    return steal_fd(&fd);
}

int inventory_read_class(int fd, enum shmap_class *class)
{
    char word[CLASS_WORD_MAX];
    ssize_t length = xattr_get(fd, SHMAP_XATTR_CLASS, word, sizeof(word));

    return length < 0 ? (int)length : shmap_class_parse(word, (size_t)length, class);
}

static bool is_to_list(const struct inventory *inventory, enum shmap_class class)
{
    return inventory->anon || !inventory_is_passing(class);
}

/* Returns the path of a name, for free(); NULL: out of memory. */
static char *path_of(const struct inventory *inventory, size_t parent, const char *name)
{
    const char *above = inventory->count > 0 ? inventory->entries[parent].path : ".";
    char *path;

    if (strcmp(above, ".") == 0)
        return strdup(name);
    return asprintf(&path, "%s/%s", above, name) < 0 ? NULL : path;
}

/* A file may have a class for itself. In a directory that is committed that is asked later, so that
 * its names are listed within a short time. */
static void note_class(const struct inventory *inventory, struct inventory_entry *entry, int fd)
{
    const struct inventory_entry *above = &inventory->entries[entry->parent];

    entry->class = entry == above ? SHMAP_PERSIST : above->class;
    if (S_ISDIR(entry->st.st_mode) ||
        (S_ISREG(entry->st.st_mode) && !inventory_is_committed(entry->class)))
        inventory_read_class(fd, &entry->class);
    entry->waits = S_ISDIR(entry->st.st_mode) && is_to_list(inventory, entry->class);
}

/* Adds what a descriptor stands for, which is taken. Holds it, if it is committed, or in a
 * directory that is, and there is room. */
static int add_entry(struct inventory *inventory, size_t parent, const char *name, int fd,
                     const struct stat *st)
{
    struct inventory_entry *entry;
    char *path = path_of(inventory, parent, name);

    if (path == NULL) {
        close(fd);
        return -ENOMEM;
    }
    inventory->entries =
        array_grow(inventory->entries, inventory->count, sizeof(*inventory->entries));
    entry = &inventory->entries[inventory->count++];
    *entry = (struct inventory_entry){ .path = path, .parent = parent, .fd = -1, .st = *st };
    note_class(inventory, entry, fd);
    if (S_ISREG(st->st_mode))
        inventory->bytes += (uint64_t)st->st_size;
    if (inventory_is_committed(entry->class) && inventory->held < inventory->held_max) {
        inventory->held++;
        entry->fd = fd;
        return 0;
    }
    close(fd);
    return 0;
}

static int add_name(struct inventory *inventory, size_t parent, int directory, const char *name)
{
    CLEANUP_FD int fd = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) != 0) {
        // It has gone meanwhile.
        if (errno == ENOENT || errno == ESTALE)
            return 0;
        if (errno == EACCES || errno == EPERM) {
            inventory->left_out++;
            return 0;
        }
        return -errno;
    }
    // Another filesystem is mounted there.
    if (st.st_dev != inventory->entries[0].st.st_dev)
        return 0;
    return add_entry(inventory, parent, name, steal_fd(&fd), &st);
}

static int list_stream(struct inventory *inventory, size_t index, DIR *stream,
                       struct interruption *interruption)
{
    const struct dirent *entry;
    int error = 0;

    while (!error && (errno = 0, entry = readdir(stream)) != NULL) {
        if (object_is_dot(entry->d_name))
            continue;
        error = interruption_came(interruption)
                    ? -EINTR
                    : add_name(inventory, index, dirfd(stream), entry->d_name);
    }
    return error ? error : -errno;
}

/* Asks for the attributes of a directory, whatever the kernel still knows of them. */
static int stat_now(int fd, struct stat *st)
{
    struct statx now;

    if (fstat(fd, st) != 0 ||
        statx(fd, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &now) != 0)
        return -errno;
    st->st_ctim = (struct timespec){ now.stx_ctime.tv_sec, now.stx_ctime.tv_nsec };
    return 0;
}

static int open_to_list(const struct inventory *inventory, const struct inventory_entry *entry)
{
    int fd;

    if (entry->fd < 0)
        return inventory_open_beneath(inventory->root, entry->path, O_RDONLY | O_DIRECTORY);
    fd = openat(entry->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* Lists a directory. One that has gone or cannot be read has nothing. */
static int list_directory(struct inventory *inventory, size_t index,
                          struct interruption *interruption)
{
    struct inventory_entry *entry = &inventory->entries[index];
    int fd = open_to_list(inventory, entry);
    struct stat now;
    DIR *stream;
    int error;

    entry->waits = false;
    if (fd == -EACCES || fd == -EPERM)
        inventory->left_out++;
    if (fd < 0)
        return fd == -EACCES || fd == -EPERM || fd == -ENOENT || fd == -ENOTDIR || fd == -EXDEV ||
                       fd == -ESTALE
                   ? 0
                   : fd;
    // From before its names are read.
    if (stat_now(fd, &now) == 0 && now.st_ino == entry->st.st_ino)
        entry->st = now;
    stream = fdopendir(fd);
    if (stream == NULL) {
        close(fd);
        return -ENOMEM;
    }
    error = list_stream(inventory, index, stream, interruption);
    closedir(stream);
    return error;
}

/* Raises the limit of descriptors as far as it goes. */
static size_t descriptors_to_hold(void)
{
    struct rlimit limit = { 0, 0 };

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur > HELD_MAX)
        return HELD_MAX;
    return limit.rlim_cur > DESCRIPTORS_LEFT ? (size_t)limit.rlim_cur - DESCRIPTORS_LEFT : 0;
}

int inventory_begin(struct inventory *inventory, int root, bool anon,
                    struct interruption *interruption)
{
    int fd = openat(root, ".", O_PATH | O_CLOEXEC);
    struct stat st;
    int error = 0;

    *inventory =
        (struct inventory){ .root = root, .anon = anon, .held_max = descriptors_to_hold() };
    if (fd < 0 || fstat(fd, &st) != 0)
        return -errno;
    error = add_entry(inventory, 0, ".", fd, &st);
    for (size_t i = 0; i < inventory->count && !error; i++) {
        if (inventory->entries[i].waits && !inventory_is_committed(inventory->entries[i].class))
            error = list_directory(inventory, i, interruption);
    }
    inventory->plain = inventory->count;
    inventory->plain_left_out = inventory->left_out;
    return error;
}

static void drop_entries(struct inventory *inventory, size_t from)
{
    while (inventory->count > from) {
        struct inventory_entry *entry = &inventory->entries[--inventory->count];

        if (entry->fd >= 0) {
            close(entry->fd);
            inventory->held--;
        }
        if (S_ISREG(entry->st.st_mode))
            inventory->bytes -= (uint64_t)entry->st.st_size;
        free(entry->path);
    }
}

int inventory_add_committed(struct inventory *inventory, struct interruption *interruption)
{
    int error = 0;

    drop_entries(inventory, inventory->plain);
    inventory->left_out = inventory->plain_left_out;
    inventory->began_at = time_now();
    for (size_t i = 0; i < inventory->count && !error; i++) {
        struct inventory_entry *entry = &inventory->entries[i];

        if (entry->waits || (i < inventory->plain && S_ISDIR(entry->st.st_mode) &&
                             inventory_is_committed(entry->class)))
            error = list_directory(inventory, i, interruption);
    }
    return error;
}

static bool has_changed(const struct inventory *inventory, const struct inventory_entry *entry)
{
    CLEANUP_FD int fd = inventory_open_beneath(inventory->root, entry->path, O_PATH);
    struct stat now;

    return fd < 0 || stat_now(fd, &now) != 0 || now.st_ino != entry->st.st_ino ||
           nanoseconds_of(&now.st_ctim) != nanoseconds_of(&entry->st.st_ctim) ||
           nanoseconds_of(&now.st_ctim) > inventory->began_at - TICK_NANOSECONDS;
}

bool inventory_has_changed(const struct inventory *inventory)
{
    for (size_t i = 0; i < inventory->count; i++) {
        const struct inventory_entry *entry = &inventory->entries[i];

        if (S_ISDIR(entry->st.st_mode) && inventory_is_committed(entry->class) &&
            has_changed(inventory, entry))
            return true;
    }
    return false;
}

void inventory_free(struct inventory *inventory)
{
    drop_entries(inventory, 0);
    free(inventory->entries);
    inventory->entries = NULL;
}
