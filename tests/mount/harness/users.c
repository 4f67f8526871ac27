// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/harness/users.h"

#include "tests/mount/harness/files.h"

#include <fcntl.h>
#include <unistd.h>

int as(uid_t uid, user_action *action, const char *path)
{
    return harness_as(uid, uid, 0, NULL, action, (char *)(uintptr_t)path);
}

int as_member(uid_t uid, gid_t group, user_action *action, const char *path)
{
    return harness_as(uid, uid, 1, &group, action, (char *)(uintptr_t)path);
}

int result_of(int result)
{
    return result < 0 ? errno : 0;
}

int open_with(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0666);
    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

int read_file(void *path)
{
    return open_with(path, O_RDONLY);
}

int write_file(void *path)
{
    return open_with(path, O_WRONLY);
}

int create_file(void *path)
{
    return open_with(path, O_WRONLY | O_CREAT | O_EXCL);
}

int make_directory(void *path)
{
    return result_of(mkdir(path, 0777));
}

void prepare_directory(const char *path, uid_t uid, gid_t gid, mode_t mode)
{
    assert_ok(mkdir(path, 0755));
    assert_ok(chown(path, uid, gid));
    assert_ok(chmod(path, mode));
}

void prepare_file(const char *path, uid_t uid, gid_t gid, mode_t mode)
{
    put_file(path, "contents");
    assert_ok(chown(path, uid, gid));
    assert_ok(chmod(path, mode));
}
