// SPDX-License-Identifier: BSD-2-Clause
// Calls that are about attributes.
#include "tests/mount/fuzz/attr_text.h"
#include "tests/mount/fuzz/kinds.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static mode_t mode_of(const struct fuzz_op *op)
{
    static const mode_t modes[] = { 0666, 0777, 0755, 0644, 0600, 0, 0111, 04755, 02775, 01777 };

    return FUZZ_CHOOSE(modes, op->choice[0]);
}

static int group_of(const struct fuzz_op *op)
{
    static const int groups[] = { -1, 0, 1000, 1000, 2000, 65534 };

    return FUZZ_CHOOSE(groups, op->choice[1]);
}

static int owner_of(const struct fuzz_client *client, const struct fuzz_op *op)
{
    static const int owners[] = { -1, 0, 1000, 1000, 65534 };
    bool stranger = client->number == 1 && fuzz_limited(&client->place, LIMIT_CHOWN_IN_VAIN);

    return stranger && group_of(op) == -1 ? 1000 : FUZZ_CHOOSE(owners, op->choice[0]);
}

void call_chmod(struct fuzz_client *client, const struct fuzz_op *op)
{
    fuzz_says(client, "chmod(\"%s\", %#o)", fuzz_name(op->name[0]), mode_of(op));
    fuzz_gives(client, chmod(fuzz_name(op->name[0]), mode_of(op)));
}

void call_fchmod(struct fuzz_client *client, const struct fuzz_op *op)
{
    fuzz_says(client, "fchmod(slot %u, %#o)", fuzz_slot(client, op, 0), mode_of(op));
    fuzz_gives(client, fchmod(fuzz_fd(client, op, 0), mode_of(op)));
}

void call_chown(struct fuzz_client *client, const struct fuzz_op *op)
{
    int flag = op->choice[2] % 2 == 0 ? AT_SYMLINK_NOFOLLOW : 0;
    int uid = owner_of(client, op), gid = group_of(op);

    fuzz_says(client, "fchownat(\"%s\", %d, %d, %#x)", fuzz_name(op->name[0]), uid, gid,
              (unsigned)flag);
    fuzz_gives(client, fchownat(AT_FDCWD, fuzz_name(op->name[0]), (uid_t)uid, (gid_t)gid, flag));
}

void call_fchown(struct fuzz_client *client, const struct fuzz_op *op)
{
    int uid = owner_of(client, op), gid = group_of(op);

    fuzz_says(client, "fchown(slot %u, %d, %d)", fuzz_slot(client, op, 0), uid, gid);
    fuzz_gives(client, fchown(fuzz_fd(client, op, 0), (uid_t)uid, (gid_t)gid));
}

/* Times long ago, which no clock gives. */
static void times_of(const struct fuzz_op *op, struct timespec times[2])
{
    long special[] = { 123456789, 1, UTIME_NOW, UTIME_OMIT };

    for (unsigned i = 0; i < 2; i++)
        times[i] = (struct timespec){ 1000000000 + op->choice[2] % 1000 + i,
                                      FUZZ_CHOOSE(special, op->choice[i]) };
}

void call_utimensat(struct fuzz_client *client, const struct fuzz_op *op)
{
    int flag = op->choice[2] % 2 == 0 ? AT_SYMLINK_NOFOLLOW : 0;
    struct timespec times[2];

    times_of(op, times);
    fuzz_says(client, "utimensat(\"%s\", %#lx, %#lx, %#x)", fuzz_name(op->name[0]),
              times[0].tv_nsec, times[1].tv_nsec, (unsigned)flag);
    fuzz_gives(client, utimensat(AT_FDCWD, fuzz_name(op->name[0]), times, flag));
}

void call_futimens(struct fuzz_client *client, const struct fuzz_op *op)
{
    struct timespec times[2];

    times_of(op, times);
    fuzz_says(client, "futimens(slot %u, %#lx, %#lx)", fuzz_slot(client, op, 0), times[0].tv_nsec,
              times[1].tv_nsec);
    fuzz_gives(client, futimens(fuzz_fd(client, op, 0), times));
}

static void gives_attr(struct fuzz_client *client, int result, const struct stat *attr)
{
    char text[256];

    fuzz_gives(client, result);
    if (result == 0) {
        attr_text(&client->place, attr, text, sizeof(text));
        fuzz_tells(client, "%s", text);
    }
}

void call_stat(struct fuzz_client *client, const struct fuzz_op *op)
{
    int flag = op->choice[0] % 2 == 0 ? AT_SYMLINK_NOFOLLOW : 0;
    struct stat attr;

    fuzz_says(client, "fstatat(\"%s\", %#x)", fuzz_name(op->name[0]), (unsigned)flag);
    gives_attr(client, fstatat(AT_FDCWD, fuzz_name(op->name[0]), &attr, flag), &attr);
}

void call_fstat(struct fuzz_client *client, const struct fuzz_op *op)
{
    struct stat attr;

    fuzz_says(client, "fstat(slot %u)", fuzz_slot(client, op, 0));
    gives_attr(client, fstat(fuzz_fd(client, op, 0), &attr), &attr);
}

void call_statx(struct fuzz_client *client, const struct fuzz_op *op)
{
    static const int flags[] = { AT_STATX_SYNC_AS_STAT, AT_STATX_FORCE_SYNC,
                                 AT_STATX_SYNC_AS_STAT | AT_SYMLINK_NOFOLLOW };
    int flag = FUZZ_CHOOSE(flags, op->choice[0]);
    struct statx attr;

    fuzz_says(client, "statx(\"%s\", %#x)", fuzz_name(op->name[0]), (unsigned)flag);
    int result = statx(AT_FDCWD, fuzz_name(op->name[0]), flag, STATX_BASIC_STATS, &attr);
    fuzz_gives(client, result);
    if (result == 0)
        fuzz_tells(client, "mask %#x links %u uid %u gid %u", attr.stx_mask & STATX_BASIC_STATS,
                   attr.stx_nlink, attr.stx_uid, attr.stx_gid);
    if (result == 0 && !S_ISDIR(attr.stx_mode))
        fuzz_tells(client, " size %llu", (unsigned long long)attr.stx_size);
}

void call_access(struct fuzz_client *client, const struct fuzz_op *op)
{
    static const int flags[] = { 0, AT_EACCESS, AT_SYMLINK_NOFOLLOW };
    int mode = (int)op->choice[0] % 8, flag = FUZZ_CHOOSE(flags, op->choice[1]);

    fuzz_says(client, "faccessat(\"%s\", %d, %#x)", fuzz_name(op->name[0]), mode, (unsigned)flag);
    fuzz_gives(client, faccessat(AT_FDCWD, fuzz_name(op->name[0]), mode, flag));
}

void call_umask(struct fuzz_client *client, const struct fuzz_op *op)
{
    static const mode_t masks[] = { 0, 0, 022, 027, 077 };

    fuzz_says(client, "umask(%#o)", FUZZ_CHOOSE(masks, op->choice[0]));
    fuzz_gives(client, umask(FUZZ_CHOOSE(masks, op->choice[0])));
}

/* Not those that would keep the tree from being removed. */
void call_chattr(struct fuzz_client *client, const struct fuzz_op *op)
{
    static const int some[] = { FS_NODUMP_FL, FS_NOATIME_FL, FS_NODUMP_FL | FS_NOATIME_FL };
    int fd = fuzz_fd(client, op, 0), flag = FUZZ_CHOOSE(some, op->choice[0]), flags = 0;
    struct stat st;
    int result;

    if (fuzz_limited(&client->place, LIMIT_UNREADABLE_FLAGS) && fstat(fd, &st) == 0 &&
        (st.st_mode & S_IRUSR) == 0)
        return;
    result = ioctl(fd, FS_IOC_GETFLAGS, &flags);
    fuzz_says(client, "chattr(slot %u, %#x to %#x)", fuzz_slot(client, op, 0),
              (unsigned)(flags & (FS_NODUMP_FL | FS_NOATIME_FL)), (unsigned)flag);
    flags = op->choice[1] % 2 ? flags | flag : flags & ~flag;
    fuzz_gives(client, result == 0 ? ioctl(fd, FS_IOC_SETFLAGS, &flags) : result);
}
