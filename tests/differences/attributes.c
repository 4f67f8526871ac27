// SPDX-License-Identifier: BSD-2-Clause
/* Attributes of files, and which calls change them. */
#include "tests/differences/probe.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

enum { LONG_AGO = 1000 };

static void attribute(struct answer *answer, const char *name)
{
    int fd = make_file("file", 1);
    char value[8];

    says_result(answer, fsetxattr(fd, name, "value", 5, 0) == -1
                            ? -1
                            : fgetxattr(fd, name, value, sizeof(value)));
}

static void user_attribute(struct answer *answer)
{
    attribute(answer, "user.word");
}

static void trusted_attribute(struct answer *answer)
{
    attribute(answer, "trusted.word");
}

static void security_attribute(struct answer *answer)
{
    attribute(answer, "security.word");
}

static void flags_read(struct answer *answer)
{
    int flags = 0;

    says_result(answer, ioctl(make_file("file", 1), FS_IOC_GETFLAGS, &flags));
}

static void flags_set(struct answer *answer)
{
    int flags = 0, fd = make_file("file", 1);

    // A filesystem may want its own flags back.
    if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0)
        flags |= FS_NODUMP_FL;
    says_result(answer, ioctl(fd, FS_IOC_SETFLAGS, &flags));
}

static void extended_flags(struct answer *answer)
{
    struct fsxattr attributes;

    says_result(answer, ioctl(make_file("file", 1), FS_IOC_FSGETXATTR, &attributes));
}

static void generation(struct answer *answer)
{
    long number = 0;

    says_result(answer, ioctl(make_file("file", 1), FS_IOC_GETVERSION, &number));
}

static void birth(struct answer *answer)
{
    struct statx stx;

    need(statx(make_file("file", 1), "", AT_EMPTY_PATH, STATX_BTIME, &stx) == 0, "statx");
    says(answer, stx.stx_mask & STATX_BTIME ? "told" : "not told");
}

/* Reads a file whose access time is before its modification time. */
static void says_atime(struct answer *answer, int flags, bool cached)
{
    struct timespec times[] = { { .tv_sec = LONG_AGO }, { .tv_nsec = UTIME_NOW } };
    struct stat st;
    char byte;

    int writer = make_file("file", 1);
    need(pread(writer, &byte, 1, 0) == 1 && futimens(writer, times) == 0, "futimens");
    if (!cached)
        need(fsync(writer) == 0 && posix_fadvise(writer, 0, 0, POSIX_FADV_DONTNEED) == 0, "fsync");
    int reader = open("file", O_RDONLY | O_CLOEXEC | flags);
    need(reader >= 0 && read(reader, &byte, 1) == 1, "read");
    need(close(reader) == 0 && stat("file", &st) == 0, "stat");
    says(answer, st.st_atime == LONG_AGO ? "stays" : "changes");
}

static void atime_of_read(struct answer *answer)
{
    says_atime(answer, 0, false);
}

static void atime_of_cached_read(struct answer *answer)
{
    says_atime(answer, 0, true);
}

static void atime_with_noatime(struct answer *answer)
{
    says_atime(answer, O_NOATIME, false);
}

static void atime_of_readlink(struct answer *answer)
{
    struct timespec times[] = { { .tv_sec = LONG_AGO }, { .tv_nsec = UTIME_NOW } };
    struct stat st;
    char target[8];

    need(symlink("target", "link") == 0, "symlink");
    need(readlink("link", target, sizeof(target)) == 6, "readlink");
    need(utimensat(AT_FDCWD, "link", times, AT_SYMLINK_NOFOLLOW) == 0, "utimensat");
    need(readlink("link", target, sizeof(target)) == 6, "readlink");
    need(lstat("link", &st) == 0, "lstat");
    says(answer, st.st_atime == LONG_AGO ? "stays" : "changes");
}

static void says_mode(struct answer *answer, mode_t bit)
{
    struct stat st;

    need(stat("file", &st) == 0, "stat");
    says(answer, st.st_mode & bit ? "stays" : "cleared");
}

static void setuid_of_written(struct answer *answer)
{
    int fd = make_file("file", 1);

    need(fchmod(fd, 04755) == 0 && pwrite(fd, "x", 1, 0) == 1, "pwrite");
    says_mode(answer, S_ISUID);
}

static void setgid_of_owned(struct answer *answer)
{
    need(fchmod(make_file("file", 1), 02700) == 0 && chown("file", 0, 0) == 0, "chown");
    says_mode(answer, S_ISGID);
}

const struct probe ATTRIBUTE_PROBES[] = {
    { "user. attributes", user_attribute },
    { "trusted. attributes", trusted_attribute },
    { "security. attributes", security_attribute },
    { "FS_IOC_GETFLAGS (lsattr)", flags_read },
    { "FS_IOC_SETFLAGS (chattr)", flags_set },
    { "FS_IOC_FSGETXATTR", extended_flags },
    { "FS_IOC_GETVERSION", generation },
    { "STATX_BTIME", birth },
    { "atime of a read", atime_of_read },
    { "atime of a read from the cache", atime_of_cached_read },
    { "atime of a read, O_NOATIME", atime_with_noatime },
    { "atime of readlink", atime_of_readlink },
    { "setuid, written by root", setuid_of_written },
    { "setgid, chown by root", setgid_of_owned },
    { NULL, NULL },
};
