// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/harness/files.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/xattr.h>
#include <unistd.h>

void put_file(const char *path, const char *content)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    assert_ok(fd);
    assert_int_equal(write(fd, content, strlen(content)), (ssize_t)strlen(content));
    assert_ok(close(fd));
}

void assert_content(const char *path, const char *content)
{
    char text[4096];
    int fd = open_file(path, O_RDONLY);
    ssize_t length = read(fd, text, sizeof(text) - 1);
    assert_true(length >= 0);
    text[length] = '\0';
    assert_string_equal(text, content);
    assert_ok(close(fd));
}

bool exists(const char *path)
{
    struct stat attr;
    if (lstat(path, &attr) == 0)
        return true;
    if (errno != ENOENT)
        fail_msg("lstat %s: %s", path, strerror(errno));
    return false;
}

bool has_user_attributes(const char *path)
{
    return getxattr(path, "user.any", NULL, 0) >= 0 || errno != EOPNOTSUPP;
}

void need_user_attributes(const char *path)
{
    if (!has_user_attributes(path))
        harness_skip_case("this kernel's tmpfs has no user.* attributes (Linux 6.6 has)");
}

struct stat stat_of(const char *path)
{
    struct stat attr;
    if (stat(path, &attr) < 0)
        fail_msg("stat %s: %s", path, strerror(errno));
    return attr;
}

struct stat lstat_of(const char *path)
{
    struct stat attr;
    if (lstat(path, &attr) < 0)
        fail_msg("lstat %s: %s", path, strerror(errno));
    return attr;
}

struct stat fstat_of(int fd)
{
    struct stat attr;
    if (fstat(fd, &attr) < 0)
        fail_msg("fstat %d: %s", fd, strerror(errno));
    return attr;
}

int compare_times(struct timespec a, struct timespec b)
{
    if (a.tv_sec != b.tv_sec)
        return a.tv_sec < b.tv_sec ? -1 : 1;
    return (a.tv_nsec > b.tv_nsec) - (a.tv_nsec < b.tv_nsec);
}

void next_tick(void)
{
    struct timespec before, now;
    clock_gettime(CLOCK_REALTIME, &before);
    do {
        sched_yield();
        clock_gettime(CLOCK_REALTIME_COARSE, &now);
    } while (compare_times(now, before) <= 0);
}
