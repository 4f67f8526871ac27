// SPDX-License-Identifier: BSD-2-Clause
/*
 * Names that go: unlink, rmdir, rename.
 *
 * A file or directory that loses its last name may still be in use: open, about to be opened by a
 * process that has just looked it up, or the working directory of one. So its node is taken into
 * use before the name goes; from then on its descriptor keeps it until the kernel forgets it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "fs/class/anon_names.h"
#include "fs/class/class_change.h"
#include "fs/class/crossing.h"
#include "fs/class/mirror.h"
#include "fs/inode/rename.h"
#include "fs/lifetime/last_close.h"
#include "fs/limit/scratch_limit.h"
#include "fs/limit/share.h"
#include "fs/ops/ops.h"
#include "fs/vfs/file_io.h"
#include "lib/class/class_root.h"
#include "lib/object/object.h"

static int remove_name(const struct inode *dir, const char *name, int flags)
{
    return unlinkat(dir->fd, name, flags) == 0 ? 0 : -errno;
}

static int remove_file(const struct inode *dir, const char *name)
{
    ENTRIES = entries_begin(dir);

    return remove_name(dir, name, 0);
}

/* Returns whether a removal that failed is to be tried again. A class root may have directories in
 * the store that found no room in RAM; they go when nothing else keeps its name from going: the
 * kernel looks at all else before it finds that a directory is not empty. */
static bool not_empty_any_more(int error, const struct inode *victim)
{
    return (error == -ENOTEMPTY || error == -EEXIST) && mirror_drop(victim);
}

static int remove_unmirrored(const struct inode *dir, const char *name, const struct inode *victim)
{
    int error = remove_name(dir, name, AT_REMOVEDIR);

    return not_empty_any_more(error, victim) ? remove_name(dir, name, AT_REMOVEDIR) : error;
}

/* Removes the name of a directory, and its mirror before. */
static int remove_directory(struct inode *dir, const char *name, const struct inode *victim)
{
    MIRROR struct mirror mirror = MIRROR_NONE;
    int error = mirror_begin(dir, &mirror);

    if (error || !mirror_has_names(&mirror))
        return error ? error : remove_unmirrored(dir, name, victim);
    // The mirror has no files. An empty directory stays empty: the kernel holds its lock.
    if (victim->volume && class_root_is_empty(victim->fd) == 0)
        return -ENOTEMPTY;
    error = mirror_remove(&mirror, name);
    if (!error)
        error = remove_name(dir, name, AT_REMOVEDIR);
    if (error && error != -ENOENT)
        mirror_repair(&mirror, dir, name);
    return error;
}

/* Removes a name, once. If the request is repeated, an earlier attempt may have removed it. */
static int unlink_once(struct inode *dir, const char *name, int flags, const struct inode *victim)
{
    struct request *request = volume_request(dir->volume);
    const struct preimage *before = request_target(request);
    int64_t result;

    if (request_was_executed(request, &result))
        return (int)result;
    result = flags & AT_REMOVEDIR ? remove_directory(dir, name, victim) : remove_file(dir, name);
    if (result == -ENOENT && before && before->existed)
        result = 0;
    request_executed(request, result);
    return (int)result;
}

/* The facts about a name that is about to go. */
struct found {
    bool counted;      // a lookup was counted, which is to be taken back
    uint32_t links;    // how many names the inode has; 0: not asked
    uid_t owner;       // only then
    struct file_io io; // a descriptor that a file cannot do without when it has no name
};
#define FOUND_NONE ((struct found){ .io = FILE_IO_NONE })

/* Checks whether a user may make one more file or directory of his lose its last name: it pins a
 * descriptor for as long as he keeps it in use, unless it has something already that keeps it. A
 * file of somebody else counts for that one, who has no say in it. */
static int check_share(struct inode *victim, const struct statx *stx, uid_t user)
{
    const struct node_resources *held = &victim->ref.held;
    bool last = S_ISDIR(stx->stx_mode) || stx->stx_nlink == 1;

    if (!victim->volume || !last || held->io_fd >= 0 || held->backing_id > 0 ||
        user != stx->stx_uid)
        return 0;
    return share_check(victim->volume, user);
}

/*
 * Finds what a name that is about to go stands for. A directory may be a class root: the contents
 * of one are elsewhere, and the store's own rmdir would not check them. The kernel holds the
 * directory's lock: nothing can be created in it meanwhile.
 */
static int victim_find(struct inode *dir, const char *name, uid_t user, struct inode *victim,
                       struct found *found)
{
    struct request *request = volume_request(dir->volume);
    const struct preimage *before = request_target(request);
    struct node_key key;
    struct statx stx;
    int error = inode_key_of_name(dir, name, &key, &stx);

    *found = FOUND_NONE;
    *victim = INODE_NONE;
    // An earlier attempt removed the name; its inode does not know yet.
    if (error == -ENOENT && before && before->existed)
        return inode_of_key(dir->volume, &before->key, victim);
    request_save_target(request, &key, !error);
    if (error)
        return error;
    found->links = stx.stx_nlink;
    found->owner = stx.stx_uid;
    error = inode_of_key(dir->volume, &key, victim);
    // The kernel has looked it up. Should it not have, a class root must be known as one all the
    // same.
    if (!error && !victim->volume && S_ISDIR(stx.stx_mode)) {
        error = inode_lookup(dir, name, victim, &stx);
        found->counted = !error;
    }
    if (!error)
        error = check_share(victim, &stx, user);
    if (!error && victim->volume)
        file_io_expect_removal(victim, &found->io);
    if (error || !victim->volume || !inode_is_class_root(victim))
        return error;
    // Other hosts may have files in theirs.
    if (volume_is_shared(victim->volume))
        return -EBUSY;
    error = class_root_is_empty(victim->fd);
    return error == 0 ? -ENOTEMPTY : error < 0 ? error : 0;
}

/* Counts for its owner what a removed file or directory may pin. */
static void count_share(struct inode *victim, const struct found *found)
{
    struct statx stx;

    if (found->links > 0)
        share_count(victim, found->owner);
    else if (object_stat(victim->fd, &stx) == 0)
        share_count(victim, stx.stx_uid);
}

static void victim_done(struct inode *victim, struct found *found, bool removed)
{
    if (!victim->volume)
        return;
    if (removed && inode_is_class_root(victim))
        class_root_gone(victim);
    if (removed) {
        count_share(victim, found);
        inode_name_removed(victim, found->links);
        last_close_settle(victim);
    }
    file_io_end(&found->io);
    if (found->counted)
        inode_unlookup(victim);
}

static void remove_and_reply(fuse_req_t req, fuse_ino_t parent, const char *name, int flags)
{
    INODE struct inode dir = INODE_NONE;
    INODE struct inode victim = INODE_NONE;
    struct found found = FOUND_NONE;
    int error = inode_check_name(volume_of(req), parent, name);

    if (!error)
        error = inode_acquire(volume_of(req), parent, &dir);
    if (!error)
        error = victim_find(&dir, name, fuse_req_ctx(req)->uid, &victim, &found);
    if (!error)
        error = unlink_once(&dir, name, flags, &victim);
    victim_done(&victim, &found, !error);
    reply_err(req, -error);
}

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    remove_and_reply(req, parent, name, 0);
}

void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    remove_and_reply(req, parent, name, AT_REMOVEDIR);
}

static bool replaces(unsigned flags)
{
    return !(flags & (RENAME_EXCHANGE | RENAME_NOREPLACE));
}

/* Renames to a free name, as most renames do. Nothing has to be known of either name then: the
 * kernel keeps both as they are until it has the answer, so a repeated request sees from them
 * whether it was carried out. -EEXIST, -EINVAL: the name is not free, or the area cannot say;
 * nothing was done. */
static int rename_to_free(struct inode *from, const char *name, struct inode *to,
                          const char *new_name)
{
    struct request *request = volume_request(from->volume);
    int error;

    request_save_source(request, NULL, true);
    request_save_target(request, NULL, false);
    error = rename_entry(from, name, to, new_name, RENAME_NOREPLACE, NULL);
    if (error == -EEXIST || error == -EINVAL)
        request_drop_preimages(request);
    else
        request_executed(request, error);
    return error;
}

/* Renames, together with the mirror of a directory: that first. */
static int rename_mirrored(const struct mirror_move *move, const struct node_key *source,
                           const struct inode *victim)
{
    MIRROR struct mirror mirror = MIRROR_NONE;
    int error = mirror_begin_move(move, &mirror);

    // The mirror has no files, and so nothing that would keep a directory from being replaced.
    if (!error && mirror_has_names(&mirror) && replaces(move->flags) && victim->volume &&
        class_root_is_empty(victim->fd) == 0)
        error = -ENOTEMPTY;
    if (!error && mirror_has_names(&mirror))
        error = mirror_move(&mirror, move);
    if (error)
        return error;
    error = rename_entry(move->from, move->name, move->to, move->new_name, move->flags, source);
    if (replaces(move->flags) && not_empty_any_more(error, victim))
        error = rename_entry(move->from, move->name, move->to, move->new_name, move->flags, source);
    if (error && mirror_has_names(&mirror))
        mirror_move_back(&mirror, move);
    return error;
}

/* Checks that a rename puts no other directory in the place of an anonymous one. */
static int check_anon_names(const struct mirror_move *move)
{
    int error = anon_names_check_rename(move->from, move->name, move->to, move->new_name);

    if (!error && (move->flags & RENAME_EXCHANGE))
        error = anon_names_check_rename(move->to, move->new_name, move->from, move->name);
    return error;
}

static int rename_in(struct inode *from, const char *name, struct inode *to, const char *new_name,
                     unsigned flags, uid_t user)
{
    struct mirror_move move = {
        .from = from, .to = to, .name = name, .new_name = new_name, .flags = flags
    };
    struct request *request = volume_request(from->volume);
    INODE struct inode victim = INODE_NONE;
    struct found found = FOUND_NONE;
    CROSSING crossing = CROSSING_NONE;
    struct node_key key;
    struct statx stx;
    int error;

    if (from->ref.area != to->ref.area || scratch_limit_separates(from, to))
        return -EXDEV;
    error = check_anon_names(&move);
    if (!error && crosses(from, to))
        error = crossing_begin(from, name, to, flags, &crossing);
    if (error)
        return error;
    mirror_look(&move);
    // A node that is known by its name has to be found, to be known by the new one.
    if (flags == 0 && inode_area(from)->handles && !move.goes && !crosses(from, to)) {
        error = rename_to_free(from, name, to, new_name);
        if (error != -EEXIST && error != -EINVAL)
            return error;
    }
    error = rename_settle(from, name, to, new_name, flags);
    if (error)
        return error;
    error = victim_find(to, new_name, user, &victim, &found);
    // Where nothing is replaced, the target need not be empty, and rename itself finds what is
    // wrong.
    if (error == -ENOENT || !replaces(flags))
        error = 0;
    if (!error)
        error = inode_key_of_name(from, name, &key, &stx);
    if (!error) {
        request_save_source(request, &key, true);
        error = rename_mirrored(&move, &key, &victim);
        crossing.done |= !error;
        if (!error && crosses(from, to))
            crossing_done(to, &key);
        request_executed(request, error);
    }
    victim_done(&victim, &found, !error && replaces(flags));
    return error;
}

/* Returns whether a name stands for the node of a key. A key that was not asked for
 * (rename_to_free) fits any node. */
static bool has_key(const struct inode *dir, const char *name, const struct node_key *key)
{
    struct node_key now;
    struct statx stx;

    return inode_key_of_name(dir, name, &now, &stx) == 0 &&
           (key->ino == 0 || (now.ino == key->ino && now.birth == key->birth));
}

/* Returns whether a rename that was begun before took place: both names are as it leaves them, and
 * not as they were. */
static bool was_renamed(const struct inode *from, const char *name, const struct inode *to,
                        const char *new_name, unsigned flags, const struct preimage *source,
                        const struct preimage *target)
{
    if (!has_key(to, new_name, &source->key))
        return false;
    if (flags & RENAME_EXCHANGE)
        return has_key(from, name, &target->key) && source->key.ino != target->key.ino;
    // The rename may have left a whiteout.
    return !has_key(from, name, &source->key);
}

/* Carries out a rename that comes again. */
static int rename_again(struct inode *from, const char *name, struct inode *to,
                        const char *new_name, unsigned flags, uid_t user)
{
    const struct preimage *source = request_source(volume_request(from->volume));
    const struct preimage *target = request_target(volume_request(from->volume));
    struct volume *volume = from->volume;
    INODE struct inode victim = INODE_NONE;
    int64_t result;
    int error = 0;

    if (request_was_executed(volume_request(volume), &result)) {
        if (result != 0)
            return (int)result;
    } else if (!was_renamed(from, name, to, new_name, flags, source, target)) {
        return rename_in(from, name, to, new_name, flags, user);
    }
    rename_recover(from, name, to, new_name, flags, &source->key, &target->key);
    if (crosses(from, to))
        crossing_done(to, &source->key);
    if (replaces(flags) && target->existed && target->key.ino != source->key.ino)
        error = inode_of_key(volume, &target->key, &victim);
    victim_done(&victim, &FOUND_NONE, !error);
    rename_touched(to, new_name);
    return error;
}

void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
               const char *new_name, unsigned flags)
{
    struct volume *volume = volume_of(req);
    const struct preimage *source = request_source(volume_request(volume));
    const struct preimage *target = request_target(volume_request(volume));
    uid_t user = fuse_req_ctx(req)->uid;
    INODE struct inode from = INODE_NONE;
    INODE struct inode to = INODE_NONE;
    int error = inode_check_name(volume, parent, name);

    if (!error)
        error = inode_check_name(volume, new_parent, new_name);
    if (!error)
        error = inode_acquire(volume, parent, &from);
    if (!error)
        error = inode_acquire(volume, new_parent, &to);
    // Without both preimages nothing was changed yet.
    if (!error)
        error = source && target ? rename_again(&from, name, &to, new_name, flags, user)
                                 : rename_in(&from, name, &to, new_name, flags, user);
    reply_err(req, -error);
}
