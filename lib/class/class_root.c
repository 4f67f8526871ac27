// SPDX-License-Identifier: BSD-2-Clause
#include "lib/class/class_root.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/area/store_lock.h"
#include "lib/class/attributes.h"
#include "lib/object/object.h"
#include "lib/sys/cleanup.h"

struct ram_name {
    char text[48]; // with ".new" behind it, while it is being made
};

static const char *ram_name(const struct statx *stx, struct ram_name *name)
{
    snprintf(name->text, sizeof(name->text), "%" PRIx64 "-%" PRIx64, (uint64_t)stx->stx_ino,
             object_birth(stx));
    return name->text;
}

int class_root_of_path(const char *path, uint64_t *ino, uint64_t *birth, const char **below)
{
    int length = 0;

    if (sscanf(path, "/%" SCNx64 "-%" SCNx64 "%n", ino, birth, &length) != 2 ||
        (path[length] != '\0' && path[length] != '/'))
        return -EINVAL;
    *below = path + length + (path[length] == '/');
    return 0;
}

/* Fills the RAM directory of a class root. Its entries come first: its mode may forbid them. */
static int fill(int store_dir, int ram_dir, struct skeleton_return *how)
{
    int error = skeleton_is_kept(store_dir) ? skeleton_restore(store_dir, ram_dir, how) : 0;

    return error ? error : attributes_copy(store_dir, ram_dir, 0);
}

/* Makes a RAM directory. It gets its name when all is in it: who dies before leaves nothing that
 * another one could take for the whole. */
static int make_contents(int ram, int store_dir, const char *name, struct skeleton_return *how)
{
    struct ram_name unfinished;
    CLEANUP_FD int dir = -1;
    int error;

    strlcpy(unfinished.text, name, sizeof(unfinished.text));
    strlcat(unfinished.text, ".new", sizeof(unfinished.text));
    if (mkdirat(ram, unfinished.text, 0700) != 0 && errno != EEXIST)
        return -errno;
    dir = openat(ram, unfinished.text, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    error = dir < 0 ? -errno : fill(store_dir, dir, how);
    if (!error && renameat(ram, unfinished.text, ram, name) != 0)
        error = -errno;
    if (error) {
        skeleton_remove(ram, unfinished.text);
        return error;
    }
    return steal_fd(&dir);
}

bool class_root_was_met(const struct area *ram, const struct statx *stx)
{
    struct ram_name name;

    return faccessat(ram->root, ram_name(stx, &name), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int class_root_open(const struct area *ram, int store_dir, const struct statx *stx,
                    struct skeleton_return *how)
{
    struct ram_name name;
    int dir =
        openat(ram->root, ram_name(stx, &name), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (dir >= 0)
        return dir;
    return errno == ENOENT ? make_contents(ram->root, store_dir, name.text, how) : -errno;
}

int class_root_remove(const struct area *ram, const struct statx *stx)
{
    struct ram_name name;

    if (unlinkat(ram->root, ram_name(stx, &name), AT_REMOVEDIR) == 0 || errno == ENOENT)
        return 0;
    return -errno;
}

static bool matches_any(const struct dirent64 *entry, const void *argument)
{
    (void)entry;
    (void)argument;
    return true;
}

int class_root_is_empty(int dir)
{
    char name[NAME_MAX + 1];
    int found = object_find_entry(dir, matches_any, NULL, name);

    return found < 0 ? found : !found;
}

/* Cuts the first name off a path, as strsep(3) does, passing over empty ones. */
static char *next_name(char **rest)
{
    char *name;

    do
        name = strsep(rest, "/");
    while (name && *name == '\0');
    return name;
}

/* Goes down a path as far as it exists. `missing` is the part that does not exist; NULL: all
 * exists. Returns the descriptor of the last directory that exists, or a negative errno; -EEXIST: a
 * directory on the way is anonymous, or has the wanted class already. */
static int descend(const struct area *store, enum shmap_class wanted, char *path, char **missing)
{
    CLEANUP_FD int dir = openat(store->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum shmap_class class;
    char *name;
    int next;

    *missing = NULL;
    if (dir < 0)
        return -errno;
    while ((name = next_name(&path))) {
        if (class_root_class(dir, &class) == 0 &&
            (class == SHMAP_ANON || class == SHMAP_SCRATCH || class == wanted))
            return -EEXIST;
        next = object_open_beneath(dir, name, O_RDONLY);
        if (next == -ENOENT) {
            // The rest is one path again when what strsep(3) cut is put together.
            if (path)
                path[-1] = '/';
            *missing = name;
            return steal_fd(&dir);
        }
        if (next < 0)
            return next;
        close(dir);
        dir = next;
    }
    return steal_fd(&dir);
}

/* Makes the directories of a path below `parent`. Returns the last one's descriptor or a negative
 * errno. */
static int make_path(int parent, char *path, mode_t mode)
{
    CLEANUP_FD int dir = fcntl(parent, F_DUPFD_CLOEXEC, 0);
    char *name;
    int next;

    while (dir >= 0 && (name = next_name(&path))) {
        // The directories on the way are the store's own; the last one is the class root.
        if (mkdirat(dir, name, path ? 0755 : mode) != 0 && errno != EEXIST)
            return -errno;
        next = object_open_beneath(dir, name, O_RDONLY);
        if (next < 0)
            return next;
        close(dir);
        dir = next;
    }
    return dir < 0 ? -errno : steal_fd(&dir);
}

/* A class root that a mount option names. */
struct named_root {
    enum shmap_class class;
    const char *word; // of the class, and the option
    const char *path;
};

static struct named_root named_root(enum shmap_class class, const char *path)
{
    return (struct named_root){ .class = class, .word = shmap_class_name(class), .path = path };
}

static int complain_of_memory(const struct named_root *named, struct complaint *complaint)
{
    return complain(complaint, ENOMEM, "%s=%s cannot be checked: %s", named->word, named->path,
                    strerror(ENOMEM));
}

static int check_names(const struct named_root *named, struct complaint *complaint)
{
    const char *path = named->path;
    CLEANUP_FREE char *copy = strdup(path);
    char *rest = copy;
    char *name;
    int names = 0;

    if (!copy)
        return complain_of_memory(named, complaint);
    while ((name = next_name(&rest))) {
        if (names++ == 0 && strcmp(name, STORE_PRIVATE) == 0)
            return complain(complaint, EINVAL,
                            "%s=%s: the name " STORE_PRIVATE " is shmapfs' own; choose another",
                            named->word, named->path);
        if (strlen(name) > NAME_MAX)
            return complain(complaint, ENAMETOOLONG,
                            "%s=%s has a name that is too long; a name has %d bytes at most",
                            named->word, path, NAME_MAX);
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            return complain(complaint, EINVAL,
                            "%s=%s does not name a directory below the store; leave . and .. out",
                            named->word, path);
    }
    return names && *path != '/'
               ? 0
               : complain(
                     complaint, EINVAL,
                     "%s=%s does not name a directory below the store; names are relative to it",
                     named->word, path);
}

/* Returns whether a class has its contents where its names are, and a journal for them. */
static bool has_commits(enum shmap_class class)
{
    return class == SHMAP_ATOMIC || class == SHMAP_CHECKPOINT;
}

/* Returns whether an existing directory can be the class root: it is one, or could become one. */
static int check_existing(int dir, const struct named_root *named, struct complaint *complaint)
{
    enum shmap_class class;
    bool stays = has_commits(named->class); // what is in it
    int error = class_root_class(dir, &class);

    if (!error && class != named->class && !(stays && class == SHMAP_PERSIST))
        return complain(complaint, EINVAL, "%s=%s already has the class %s; name another directory",
                        named->word, named->path, shmap_class_name(class));
    if (error && error != -ENODATA)
        return complain(complaint, -error, "%s=%s has a class that cannot be read: %s", named->word,
                        named->path, strerror(-error));
    if (stays)
        return 0;
    // Anything that was put into a class root while nothing was mounted would be hidden.
    error = !error && skeleton_is_kept(dir) ? skeleton_is_alone(dir) : class_root_is_empty(dir);
    if (error == 0)
        return complain(complaint, ENOTEMPTY,
                        "%s=%s is not empty in the store; only an empty directory can be %s",
                        named->word, named->path,
                        named->class == SHMAP_ANON ? "anonymous" : named->word);
    return error < 0 ? complain(complaint, -error, "%s=%s cannot be read: %s", named->word,
                                named->path, strerror(-error))
                     : 0;
}

static int find_in_store(const struct area *store, const struct named_root *named, char *copy,
                         char **missing, struct complaint *complaint)
{
    int dir = descend(store, named->class, copy, missing);

    if (dir == -EEXIST)
        return complain(complaint, EINVAL, "%s=%s is below a directory %s already; leave it out",
                        named->word, named->path,
                        has_commits(named->class)
                            ? "that has this class, or whose contents do not last,"
                            : "whose contents do not last");
    if (dir < 0)
        return complain(complaint, -dir,
                        "%s=%s is not a directory that can be used below the store: %s",
                        named->word, named->path, strerror(-dir));
    return dir;
}

/* Finds a path below the store as find_in_store() does; `copy` is what `missing` points into, for
 * free(). */
static int find_named(const struct area *store, const struct named_root *named, char **copy,
                      char **missing, struct complaint *complaint)
{
    int error = check_names(named, complaint);

    if (error)
        return error;
    *copy = strdup(named->path);
    return *copy ? find_in_store(store, named, *copy, missing, complaint)
                 : complain_of_memory(named, complaint);
}

int class_root_check(const struct area *store, enum shmap_class class, const char *path,
                     struct complaint *complaint)
{
    const struct named_root named = named_root(class, path);
    CLEANUP_FREE char *copy = NULL;
    struct statx stx;
    char *missing;
    CLEANUP_FD int dir = find_named(store, &named, &copy, &missing, complaint);

    if (dir < 0)
        return dir;
    if (class_mark_is_answered(store->root))
        return complain(complaint, EOPNOTSUPP,
                        "%s=%s cannot be kept in a STORE on another shmapfs; give the directory "
                        "its class there",
                        named.word, path);
    if (has_commits(class) && (object_stat(store->root, &stx) != 0 || object_birth(&stx) == 0))
        return complain(complaint, EOPNOTSUPP,
                        "%s=%s needs a STORE whose filesystem tells when a file was made, which "
                        "%s does not; ext4, xfs and btrfs do",
                        named.word, path, store->filesystem);
    return missing ? 0 : check_existing(dir, &named, complaint);
}

int class_root_prepare(const struct area *store, enum shmap_class class, const char *path,
                       const struct ram_options *top, struct complaint *complaint)
{
    const struct named_root named = named_root(class, path);
    CLEANUP_FREE char *copy = NULL;
    char *missing;
    CLEANUP_FD int parent = find_named(store, &named, &copy, &missing, complaint);
    CLEANUP_FD int dir = -1;
    int error;

    if (parent < 0)
        return parent;
    if (missing) {
        dir = make_path(parent, missing, top->mode);
        // mkdir(2) passes over setuid and setgid, and a change of the owner takes them away.
        if (dir >= 0 && (fchown(dir, top->uid, top->gid) != 0 || fchmod(dir, top->mode) != 0))
            dir = -errno;
        if (dir < 0)
            return complain(complaint, -dir, "%s=%s cannot be made in the store: %s", named.word,
                            path, strerror(-dir));
    } else {
        dir = steal_fd(&parent);
    }
    error = check_existing(dir, &named, complaint);
    if (!error)
        error = class_root_mark(dir, class);
    if (error && !complaint->text[0])
        complain(complaint, -error, "%s=%s cannot be marked in the store: %s", named.word, path,
                 strerror(-error));
    return error;
}
