// SPDX-License-Identifier: BSD-2-Clause
#include "tools/doctor/store.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "lib/sys/cleanup.h"
#include "lib/sys/mounts.h"

#define CLOCK_TOLERANCE 2 // seconds, as filesystems of other machines count otherwise

static bool is_network(const char *type)
{
    static const char *const types[] = { "nfs",   "nfs4",   "cifs",      "smb3",    "smbfs",
                                         "ceph",  "9p",     "glusterfs", "afs",     "gfs2",
                                         "ocfs2", "lustre", "beegfs",    "orangefs" };

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(type, types[i]) == 0)
            return true;
    }
    return strcmp(type, "fuse.sshfs") == 0 || strcmp(type, "fuse.glusterfs") == 0;
}

static bool is_stacked(const char *type)
{
    return strcmp(type, "overlay") == 0 || strcmp(type, "ecryptfs") == 0 ||
           strncmp(type, "fuse", strlen("fuse")) == 0;
}

/* Returns whether one of some words with commas between is a certain one. */
static bool has_option(const char *options, const char *word)
{
    size_t length = strlen(word);

    for (const char *at = options; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        if (strncmp(at, word, length) == 0 && (at[length] == ',' || at[length] == '\0'))
            return true;
    }
    return false;
}

static void read_mount_of(int fd, struct store *store)
{
    CLEANUP_MOUNTS struct mounts mounts = mounts_begin();
    struct statx stx;

    if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) != 0)
        return;
    while (mounts_next(&mounts)) {
        if (mounts.id != stx.stx_mnt_id)
            continue;
        snprintf(store->filesystem, sizeof(store->filesystem), "%s", mounts.type);
        store->network = is_network(mounts.type);
        store->stacked = is_stacked(mounts.type);
        store->quotas =
            has_option(mounts.options, "prjquota") || has_option(mounts.options, "pquota");
        return;
    }
}

static enum ability ability_of(bool can)
{
    return can ? ABILITY_YES : ABILITY_NO;
}

static int make_nameless(int directory)
{
    return openat(directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

static enum ability try_reflink(int directory)
{
    static const char page[4096] = "x";
    CLEANUP_FD int from = make_nameless(directory);
    CLEANUP_FD int to = make_nameless(directory);

    if (from < 0 || to < 0 || write(from, page, sizeof(page)) != (ssize_t)sizeof(page))
        return ABILITY_UNTRIED;
    return ability_of(ioctl(to, FICLONE, from) == 0);
}

static enum ability try_lease(int directory)
{
    CLEANUP_FD int fd = make_nameless(directory);
    bool done;

    if (fd < 0)
        return ABILITY_UNTRIED;
    done = fcntl(fd, F_SETLEASE, F_WRLCK) == 0;
    // A descriptor that has nothing but a file of its own cannot fail to give it up.
    fcntl(fd, F_SETLEASE, F_UNLCK);
    return ability_of(done);
}

static enum ability try_handle(int directory)
{
    struct {
        struct file_handle head;
        unsigned char bytes[MAX_HANDLE_SZ];
    } handle = { .head.handle_bytes = MAX_HANDLE_SZ };
    CLEANUP_FD int again = -1;
    int mount;

    if (name_to_handle_at(directory, "", &handle.head, &mount, AT_EMPTY_PATH) != 0)
        return ABILITY_NO;
    again = open_by_handle_at(directory, &handle.head, O_PATH | O_CLOEXEC);
    return again < 0 && errno == EPERM ? ABILITY_UNTRIED : ability_of(again >= 0);
}

static void read_room(int fd, struct store *store)
{
    struct statvfs vfs;

    store->free = store->free_inodes = 100;
    if (fstatvfs(fd, &vfs) != 0)
        return;
    store->read_only = (vfs.f_flag & ST_RDONLY) != 0;
    store->writable = !store->read_only && faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) == 0;
    if (vfs.f_blocks > 0)
        store->free = (unsigned)((double)vfs.f_bavail * 100 / (double)vfs.f_blocks);
    if (vfs.f_files > 0)
        store->free_inodes = (unsigned)((double)vfs.f_favail * 100 / (double)vfs.f_files);
}

static double seconds_ahead(int fd)
{
    struct timespec now;
    struct stat st;
    double ahead;

    if (fstat(fd, &st) != 0 || clock_gettime(CLOCK_REALTIME, &now) != 0)
        return 0;
    ahead = (double)(st.st_ctim.tv_sec - now.tv_sec);
    return ahead > CLOCK_TOLERANCE ? ahead : 0;
}

int store_read(const char *path, struct store *store)
{
    CLEANUP_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct fsxattr attributes;

    *store = (struct store){ .reflink = ABILITY_UNTRIED };
    if (fd < 0)
        return -errno;
    read_mount_of(fd, store);
    read_room(fd, store);
    store->attributes = fgetxattr(fd, "user.any", NULL, 0) >= 0 || errno != EOPNOTSUPP;
    store->projects = ioctl(fd, FS_IOC_FSGETXATTR, &attributes) == 0;
    store->reflink = try_reflink(fd);
    store->leases = try_lease(fd);
    store->handles = try_handle(fd);
    store->ahead = seconds_ahead(fd);
    return 0;
}

static void judge_filesystem(const char *word, const struct store *store, struct findings *findings)
{
    const char *type = *store->filesystem ? store->filesystem : "an unknown filesystem";

    if (!store->attributes) {
        finding_add(findings, "filesystem", "%s has no user extended attributes here", type);
        finding_mend(findings, VERDICT_WRONG,
                     "use a STORE on ext4, xfs, btrfs or another filesystem with attributes");
    } else if (store->read_only) {
        finding_add(findings, "filesystem", "%s, mounted read-only", type);
        finding_mend(findings, VERDICT_BETTER,
                     "mount -o remount,rw \"$(findmnt -n -o TARGET -T %s)\", or use -o ro", word);
    } else if (!store->writable) {
        finding_add(findings, "filesystem", "%s, and not to be written by this user", type);
        finding_mend(findings, VERDICT_BETTER, "chown USER %s, or use -o ro", word);
    } else if (store->network) {
        finding_add(findings, "filesystem",
                    "%s, of another machine: data may wait for the network, and others may change "
                    "it unseen",
                    type);
        finding_mend(findings, VERDICT_BETTER, "use a STORE on a disk of this machine");
    } else if (store->stacked) {
        finding_add(findings, "filesystem", "%s, which stands on another one", type);
        finding_mend(findings, VERDICT_BETTER, "use a STORE on the filesystem below");
    } else {
        finding_add(findings, "filesystem", "%s", type);
    }
}

static void judge_abilities(const struct store *store, struct findings *findings)
{
    static const char untried[] = "not tried: no file can be made there";

    finding_add(findings, "reflink", "%s",
                store->reflink == ABILITY_YES  ? "copies share their data"
                : store->reflink == ABILITY_NO ? "none: a copy takes its space and its time"
                                               : untried);
    finding_add(findings, "quotas", "%s",
                store->quotas     ? "of projects are in force"
                : store->projects ? "of projects are not in force"
                                  : "of projects: there are none");
    finding_add(findings, "leases", "%s",
                store->leases == ABILITY_YES  ? "there"
                : store->leases == ABILITY_NO ? "none: a file can be executed that is mapped for "
                                                "writing"
                                              : untried);
    finding_add(findings, "handles", "%s",
                store->handles == ABILITY_YES  ? "there"
                : store->handles == ABILITY_NO ? "none: each file with several names takes a "
                                                 "descriptor"
                                               : "there, but for root alone");
}

static void judge_room_of(const char *word, const struct store *store, struct findings *findings)
{
    unsigned least = store->free < store->free_inodes ? store->free : store->free_inodes;

    finding_add(findings, "room", "%u %% of the space and %u %% of the inodes are free",
                store->free, store->free_inodes);
    if (least < 5)
        finding_mend(
            findings, least == 0 ? VERDICT_WRONG : VERDICT_BETTER,
            "shmapctl summary %s, and remove what is not needed, or enlarge the filesystem", word);
}

void store_judge(const char *path, const struct store *store, struct findings *findings)
{
    CLEANUP_FREE char *word = shell_word(path);

    findings->place = path;
    judge_filesystem(word, store, findings);
    judge_abilities(store, findings);
    judge_room_of(word, store, findings);
    if (store->ahead > 0) {
        finding_add(findings, "clock", "it was changed %.0f seconds in the future", store->ahead);
        finding_mend(findings, VERDICT_WRONG, "timedatectl set-ntp true");
    }
    findings->place = NULL;
}
