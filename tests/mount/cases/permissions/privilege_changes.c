// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/cases/permissions/privilege_changes.h"

#include "tests/mount/harness/users.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { MOST_PATH = 600 };

static bool by_write(int fd, const char *path)
{
    (void)path;
    return pwrite(fd, "x", 1, 3) == 1;
}

static bool by_append(int fd, const char *path)
{
    (void)path;
    return lseek(fd, 0, SEEK_END) >= 0 && write(fd, "at the end", 10) == 10;
}

static bool by_splice(int fd, const char *path)
{
    int ends[2];
    (void)path;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return false;
    bool done = write(ends[1], "x", 1) == 1 && splice(ends[0], NULL, fd, NULL, 1, 0) == 1;
    close(ends[0]);
    close(ends[1]);
    return done;
}

static int open_source(const char *path)
{
    char source[MOST_PATH];
    snprintf(source, sizeof(source), "%s-source", path);
    return open(source, O_RDONLY | O_CLOEXEC);
}

static bool by_sendfile(int fd, const char *path)
{
    int source = open_source(path);
    bool done = sendfile(fd, source, NULL, 6) == 6;
    close(source);
    return done;
}

static bool by_copy(int fd, const char *path)
{
    loff_t to = 0;
    int source = open_source(path);
    bool done = copy_file_range(source, NULL, fd, &to, 6, 0) == 6;
    close(source);
    return done;
}

static bool by_ftruncate(int fd, const char *path)
{
    (void)path;
    return ftruncate(fd, 3) == 0;
}

static bool by_growing(int fd, const char *path)
{
    (void)path;
    return ftruncate(fd, 3L * CHANGED_SIZE) == 0;
}

static bool by_truncate(int fd, const char *path)
{
    (void)fd;
    return truncate(path, 3) == 0;
}

static bool by_open_truncate(int fd, const char *path)
{
    (void)fd;
    int emptied = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    return emptied >= 0 && close(emptied) == 0;
}

static bool by_fallocate(int fd, const char *path)
{
    (void)path;
    return fallocate(fd, 0, 0, 100000) == 0;
}

static bool by_reserving(int fd, const char *path)
{
    (void)path;
    return fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 100000) == 0;
}

static bool by_punching(int fd, const char *path)
{
    (void)path;
    return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) == 0;
}

static bool by_chown_to_root(int fd, const char *path)
{
    (void)fd;
    return chown(path, 0, 0) == 0;
}

static bool by_chown_to_owner(int fd, const char *path)
{
    (void)fd;
    return chown(path, ALICE, TEAM) == 0;
}

static bool by_chgrp_to_own(int fd, const char *path)
{
    (void)fd;
    return chown(path, (uid_t)-1, getegid()) == 0;
}

static bool by_chgrp_to_staff(int fd, const char *path)
{
    (void)fd;
    return chown(path, (uid_t)-1, STAFF) == 0;
}

static bool by_chown_to_nobody_else(int fd, const char *path)
{
    (void)fd;
    return chown(path, (uid_t)-1, (gid_t)-1) == 0;
}

/* The same as the mode 0644. */
static bool by_acl(int fd, const char *path)
{
    static const struct {
        uint32_t version;
        struct {
            uint16_t tag, permissions;
            uint32_t id;
        } entries[3];
    } acl = { 2, { { 1, 6, UINT32_MAX }, { 4, 4, UINT32_MAX }, { 32, 4, UINT32_MAX } } };
    (void)fd;
    return setxattr(path, "system.posix_acl_access", &acl, sizeof(acl), 0) == 0;
}

static bool by_touch(int fd, const char *path)
{
    (void)fd;
    return utimensat(AT_FDCWD, path, NULL, 0) == 0;
}

const struct change privilege_changes[] = {
    { "write", by_write, true },
    { "append", by_append, true },
    { "splice", by_splice, true },
    { "sendfile", by_sendfile, true },
    { "copy_file_range", by_copy, true },
    { "ftruncate", by_ftruncate, true },
    { "ftruncate that makes it grow", by_growing, true },
    { "truncate", by_truncate, false },
    { "open with O_TRUNC", by_open_truncate, false },
    { "fallocate", by_fallocate, true },
    { "fallocate beyond the end", by_reserving, true },
    { "punch hole", by_punching, true },
    { "chown 0:0", by_chown_to_root, false },
    { "chown to owner and group", by_chown_to_owner, false },
    { "chgrp to the own group", by_chgrp_to_own, false },
    { "chgrp to another group", by_chgrp_to_staff, false },
    { "chown to -1, -1", by_chown_to_nobody_else, false },
    { "access ACL", by_acl, false },
    { "touch", by_touch, false },
    { .name = NULL },
};
