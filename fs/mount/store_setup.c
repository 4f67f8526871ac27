// SPDX-License-Identifier: BSD-2-Clause
#include "fs/mount/store_setup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/hosts/presence.h"
#include "fs/hosts/sharing.h"
#include "fs/journal/volume_journal.h"
#include "fs/mount/mountpoint.h"
#include "fs/outage/reattach.h"
#include "fs/scratch/emptying.h"
#include "fs/util/log.h"
#include "lib/area/anon_list.h"
#include "lib/class/area_mark.h"
#include "lib/class/class_root.h"
#include "lib/class/lifetime.h"
#include "lib/object/object.h"
#include "lib/sys/cleanup.h"
#include "lib/sys/directory_lock.h"
#include "lib/sys/mount_holders.h"
#include "lib/sys/mounts.h"

/* How long a daemon that was just unmounted may take until it lets go of its store, or says that it
 * is about to. Also how long nobody is told what is waited for. */
#define STORE_WAIT_SECONDS 5

/* How long a daemon of another host may take until it says no more that it has the store. */
#define HOST_WAIT_SECONDS 1

/* Returns whether a signal that ends the daemon waits; it is blocked by now. */
static bool is_asked_to_end(void)
{
    sigset_t pending;

    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1);
}

/* Waits for the lock of a store that is not mounted: its last daemon is about to end. That one may
 * bring much to the disk, and the disk may be slow, so then the wait has no limit but the user's
 * patience. */
static int await_store(struct mount *mount, unsigned how)
{
    const struct area *store = &mount->volume.info.areas[AREA_STORE];
    bool ending, told = false;
    int error;

    for (;;) {
        ending = store_lock_is_ending(store);
        error = store_lock_wait(store, how, STORE_WAIT_SECONDS, &mount->store_lock);
        ending |= error == -EBUSY && store_lock_is_ending(store);
        if (error != -EBUSY || !ending)
            return error;
        if (is_asked_to_end())
            return -EINTR;
        if (!told)
            log_event(LOG_NOTICE,
                      "STORE %s was unmounted, and its daemon still writes it to the disk; waiting "
                      "until it has ended",
                      mount->options.store);
        told = true;
    }
}

/* Returns the keeper, which a signal ends, of the daemon that has a store; 0: it cannot be seen. */
static pid_t find_keeper(const struct area *store, const char *path)
{
    CLEANUP_FD int lock = store_lock_open(path);
    pid_t keeper = lock < 0 ? 0 : directory_lock_holder(lock);

    // Earlier versions lock the store itself.
    return keeper ? keeper : directory_lock_holder(store->root);
}

/* Says that a store is in use by a mount that cannot be seen from here, and how that ends. It says
 * no more than numbers of what is there: people repeat as root what they read, and whoever has the
 * mount in a namespace has chosen its paths and programs there. */
static int refuse_unseen(const struct mount *mount, struct complaint *complaint)
{
    const struct mount_info *info = &mount->volume.info;
    struct mount_holders holders;
    char way[64] = "when its daemon is ended";
    pid_t keeper = find_keeper(&info->areas[AREA_STORE], info->store);

    mount_holders_find(0, info->store, &holders);
    if (holders.count == 0)
        return complain(complaint, EBUSY,
                        "STORE %s is in use: another process holds its lock, perhaps a shmapfs "
                        "whose mount cannot be seen from here; end it first",
                        mount->options.store);
    if (keeper > 0)
        snprintf(way, sizeof(way), "with: kill %d", (int)keeper);
    return complain(complaint, EBUSY,
                    "STORE %s is in use: it is still mounted in other mount namespaces, those of "
                    "%s; it ends when it is unmounted there, or %s",
                    mount->options.store, holders.names, way);
}

static unsigned how_to_lock(const struct mount *mount)
{
    const struct options *options = &mount->options;

    return (!options->read_only && !options->fake ? STORE_LOCK_MAKE : 0) |
           (mount->volume.info.cred.privileged ? STORE_LOCK_PRIVILEGED : 0) |
           (options->hosts == HOSTS_SEVERAL ? STORE_LOCK_SHARED : 0);
}

/* Waits for another host that has a store, which may have been unmounted there just now. Returns 0
 * with the lock; or -EBUSY, with a complaint if that host goes on. */
static int await_host(struct mount *mount, struct complaint *complaint)
{
    const struct area *store = &mount->volume.info.areas[AREA_STORE];
    struct complaint first = { "" };
    int error;

    if (presence_complain(&mount->volume, &mount->options, &first) == 0)
        return -EBUSY;
    error = store_lock_wait(store, how_to_lock(mount), HOST_WAIT_SECONDS, &mount->store_lock);
    if (error == -EBUSY)
        presence_complain(&mount->volume, &mount->options, complaint);
    return error;
}

static int lock_store(struct mount *mount, struct complaint *complaint)
{
    const struct area *store = &mount->volume.info.areas[AREA_STORE];
    const char *given = mount->options.store;
    char where[4096];
    bool mounted = false;
    int error = store_lock_take(store, how_to_lock(mount), &mount->store_lock);

    if (error == -EBUSY)
        error = await_host(mount, complaint);
    if (complaint->text[0])
        return -EBUSY;
    if (error == -EBUSY) {
        mounted = mounts_find_store(mount->volume.info.store, where, sizeof(where));
        // The store is not mounted, and yet locked: its last daemon is about to end.
        if (!mounted)
            error = await_store(mount, how_to_lock(mount));
        if (error == -EBUSY && !mounted)
            mounted = mounts_find_store(mount->volume.info.store, where, sizeof(where));
    }
    if (!error) {
        mount->store_lock.record = presence_record(&mount->volume, &mount->options);
        return 0;
    }
    if (error != -EBUSY)
        return complain(complaint, -error, "STORE %s cannot be locked: %s", given,
                        strerror(-error));
    if (mounted)
        return complain(complaint, EBUSY,
                        "STORE %s is already mounted at %s; unmount it there first", given, where);
    return refuse_unseen(mount, complaint);
}

int store_setup_open(struct mount *mount, struct complaint *complaint)
{
    const struct options *options = &mount->options;
    int error;

    if (!options->store)
        return 0;
    if (!realpath(options->store, mount->volume.info.store))
        *mount->volume.info.store = '\0';
    if (!*mount->volume.info.store && errno == ENOENT)
        return complain(complaint, ENOENT, "STORE %s does not exist; make the directory first",
                        options->store);
    if (!*mount->volume.info.store)
        return complain(complaint, errno, "STORE %s cannot be used: %s", options->store,
                        strerror(errno));
    error =
        mountpoint_check_store(mount->volume.info.mountpoint, mount->volume.info.store, complaint);
    if (!error)
        error = store_open(mount->volume.info.store, options->read_only, &options->atime,
                           &mount->volume.info.areas[AREA_STORE], complaint);
    if (!error)
        error = sharing_check(&mount->volume, options, complaint);
    // Nothing is made for the lock in a store that is refused.
    if (!error)
        error = class_root_check_store(&mount->volume.info.areas[AREA_STORE], options->store,
                                       complaint);
    if (!error)
        error = lock_store(mount, complaint);
    return error || options->fake
               ? error
               : volume_journal_recover(&mount->volume.info.areas[AREA_STORE], options->store,
                                        options->hosts == HOSTS_SEVERAL ? JOURNAL_SHARED
                                        : options->read_only            ? JOURNAL_READ_ONLY
                                                                        : JOURNAL_OURS,
                                        complaint);
}

/* Tells whether one of the names lies below another one. */
static bool nest(const char *names)
{
    struct anon_item outer, inner;

    for (const char *a = names; anon_list_next(&a, &outer) > 0;) {
        for (const char *b = names; anon_list_next(&b, &inner) > 0;) {
            if (inner.path_length > outer.path_length &&
                strncmp(outer.path, inner.path, outer.path_length) == 0 &&
                inner.path[outer.path_length] == '/')
                return true;
        }
    }
    return false;
}

/* Says what is wrong with the words of a directory. */
static int refuse_words(int error, const struct anon_item *item, struct complaint *complaint)
{
    int path = (int)item->path_length, wrong = (int)item->wrong_length;

    if (item->wrong == item->path)
        return complain(complaint, EINVAL,
                        "option 'anon': %.*s stands behind no directory; write it behind the name "
                        "of one, or as %.*s/ if it is a name",
                        wrong, item->wrong, wrong, item->wrong);
    if (error == -ENODATA)
        return complain(complaint, EINVAL,
                        "anon=%.*s: a RAM area that a directory has for itself needs a limit; "
                        "write %.*s:size=SIZE:%.*s",
                        path, item->path, path, item->path, wrong, item->wrong);
    return complain(complaint, -error,
                    "anon=%.*s: %.*s is %s; there are size=, nr_inodes=, huge=, noswap and mpol= "
                    "as for the whole mount, or write %.*s/ if it is a name",
                    path, item->path, wrong, item->wrong,
                    error == -ERANGE ? "out of range" : "not a good value", wrong, item->wrong);
}

/* Does the same work for each name of anon=. */
static int for_each_anon(const struct mount *mount, struct complaint *complaint,
                         int (*work)(const struct mount *mount, const struct anon_item *item,
                                     const char *name, struct complaint *complaint))
{
    const char *rest = mount->options.anon;
    struct anon_item item;
    int found, error = 0;

    while (!error && (found = anon_list_next(&rest, &item)) != 0) {
        CLEANUP_FREE char *name = strndup(item.path, item.path_length);

        if (found < 0)
            error = refuse_words(found, &item, complaint);
        else
            error = name ? work(mount, &item, name, complaint)
                         : complain(complaint, ENOMEM, "anon=: %s", strerror(ENOMEM));
    }
    return error;
}

/* Tries whether the kernel has what can be asked of a RAM area, and not everywhere; without its
 * support huge= has no effect. */
static int try_area(const struct anon_item *item, const char *name, struct complaint *complaint)
{
    struct ram_options options = {
        .huge = "never", .mode = 0700, .uid = (uid_t)-1, .gid = (gid_t)-1
    };
    struct complaint refusal = { "" };
    struct area area = AREA_NONE;
    int error = 0;

    if (!*item->words.policy && !item->words.noswap)
        return 0;
    error = area_words_options(&item->words, &options);
    if (!error)
        error = ram_open(&options, &area, &refusal);
    free(options.parameters);
    area_close(&area);
    return error ? complain(complaint, -error, "anon=%s: %s", name,
                            refusal.text[0] ? refusal.text : strerror(-error))
                 : 0;
}

/* Marks a directory of an area with the lifetime that was given. */
static int mark_given_lifetime(const struct mount *mount, unsigned area, const char *name,
                               const char *shown, struct complaint *complaint)
{
    const struct shmap_lifetime lifetime = { .last_close = mount->options.last_close,
                                             .linger = mount->options.linger };
    CLEANUP_FD int dir = object_open_beneath(mount->volume.info.areas[area].root, name, O_RDONLY);
    int error = dir < 0 ? dir : lifetime_set(dir, &lifetime);

    if (error == -EOPNOTSUPP && area_kind(area)->is_memory)
        return complain(complaint, EOPNOTSUPP,
                        "option 'lifetime=last-close' needs Linux 6.6, where files in RAM have "
                        "attributes");
    return error ? complain(complaint, -error, "option 'lifetime': %s cannot be marked: %s", shown,
                            strerror(-error))
                 : 0;
}

static int check_anon(const struct mount *mount, const struct anon_item *item, const char *name,
                      struct complaint *complaint)
{
    int error =
        class_root_check(&mount->volume.info.areas[AREA_STORE], SHMAP_ANON, name, complaint);

    return error ? error : try_area(item, name, complaint);
}

/* Notes in the store which RAM area a class root has for itself. */
static int mark_area(const struct mount *mount, const struct anon_item *item, const char *name,
                     struct complaint *complaint)
{
    bool privileged = mount->volume.info.cred.privileged;
    CLEANUP_FD int dir =
        object_open_beneath(mount->volume.info.areas[AREA_STORE].root, name, O_PATH);
    int error = dir < 0 ? dir : area_mark_set_words(dir, privileged, &item->words);

    return error ? complain(complaint, -error,
                            "anon=%s: its RAM area cannot be noted in the store%s: %s", name,
                            error == -EPERM ? ", which takes root outside of containers" : "",
                            strerror(-error))
                 : 0;
}

static int make_anon(const struct mount *mount, const struct anon_item *item, const char *name,
                     struct complaint *complaint)
{
    int error = class_root_prepare(&mount->volume.info.areas[AREA_STORE], SHMAP_ANON, name,
                                   &mount->options.ram, complaint);

    if (!error && item->has_words)
        error = mark_area(mount, item, name, complaint);
    return error || !mount->options.lifetime_given
               ? error
               : mark_given_lifetime(mount, AREA_STORE, name, name, complaint);
}

/* Returns how many directories have RAM areas for themselves by anon=. */
static unsigned count_areas(const char *names)
{
    struct anon_item item;
    unsigned count = 0;

    while (anon_list_next(&names, &item) > 0)
        count += item.has_words;
    return count;
}

/* All names are checked before the first is made: a mistake in one leaves nothing of the others
 * behind. */
int store_setup_check_anon(struct mount *mount, struct complaint *complaint)
{
    const char *names = mount->options.anon;

    if (names && strlen(names) >= STATE_ANON_MAX)
        return complain(complaint, ENAMETOOLONG,
                        "option 'anon' is too long: its names have %d bytes together at most; use "
                        "shmapctl class for more directories",
                        STATE_ANON_MAX - 1);
    if (names && nest(names))
        return complain(complaint, EINVAL,
                        "anon=%s: one directory is below another, which makes it anonymous already",
                        names);
    if (names && count_areas(names) > AREAS_OWN_MAX)
        return complain(complaint, EUSERS,
                        "option 'anon': %u directories would have RAM areas for themselves; a "
                        "mount has %u of them at most",
                        count_areas(names), AREAS_OWN_MAX);
    return for_each_anon(mount, complaint, check_anon);
}

int store_setup_make_anon(struct mount *mount, struct complaint *complaint)
{
    if (!mount->options.store && mount->options.last_close)
        return mark_given_lifetime(mount, AREA_RAM, ".", "the RAM area", complaint);
    // They are remembered, to be made again.
    strlcpy(mount->volume.state->anon, mount->options.anon ? mount->options.anon : "",
            STATE_ANON_MAX);
    // The mount may become writable.
    return mount->options.read_only ? 0 : for_each_anon(mount, complaint, make_anon);
}

void store_end(struct mount *mount)
{
    struct area *store = &mount->volume.info.areas[AREA_STORE];
    int error;

    if (store->root < 0)
        return;
    reattach_catch_up(&mount->volume, &mount->store_lock);
    presence_forget(&mount->volume, mount->store_lock.record);
    store_lock_mark_ending(store);
    emptying_end(store, mount->volume.state);
    volume_journal_finish(&mount->volume);
    error = store_sync(store);
    if (error)
        log_event(LOG_ERR, "what was written to STORE %s may not be on its disk: %s",
                  mount->volume.info.store, strerror(-error));
}
