// SPDX-License-Identifier: BSD-2-Clause
// Settings that stay: extended attributes, mode and times of a file, and the classes of
// directories.
#include "tests/mount/load/load_kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define CLASS "user.shmapfs.class"

enum { ATTRIBUTES = 5, SECONDS = 123456789, NANOSECONDS = 987654321 };

static void set_file(struct load_process *process)
{
    struct timespec times[2] = { { SECONDS, NANOSECONDS }, { SECONDS, NANOSECONDS } };
    char name[32];

    CALL(process, "file", mknod("file", S_IFREG | 0644, 0));
    for (int i = 0; i < ATTRIBUTES; i++) {
        snprintf(name, sizeof(name), "user.number%d", i);
        CALL(process, name, setxattr("file", name, name, strlen(name), XATTR_CREATE));
    }
    CALL(process, "file", chmod("file", 0604));
    CALL(process, "file", utimensat(AT_FDCWD, "file", times, 0));
}

static void set_class(struct load_process *process)
{
    CALL(process, "anonymous", mkdir("anonymous", 0755));
    CALL(process, "anonymous", setxattr("anonymous", CLASS, "anon", 4, 0));
    CALL(process, "anonymous/file", mknod("anonymous/file", S_IFREG | 0644, 0));
    CALL(process, "persistent", mkdir("persistent", 0755));
    CALL(process, "persistent/file", mknod("persistent/file", S_IFREG | 0644, 0));
}

static void check_attribute(struct load_process *process, const char *path, const char *name,
                            const char *wanted)
{
    char value[64];
    long length = (long)strlen(wanted);

    if (CALL_GIVES(process, path, length, getxattr(path, name, value, sizeof(value))))
        load_same_bytes(process, name, path, value, wanted, (size_t)length);
}

static void check_file(struct load_process *process)
{
    struct stat attr = { 0 };
    char name[32];

    snprintf(name, sizeof(name), "user.number%u", load_random(process, ATTRIBUTES));
    check_attribute(process, "file", name, name);
    CALL_FAILS(process, "file", EEXIST, setxattr("file", name, "x", 1, XATTR_CREATE));
    CALL_FAILS(process, "file", ENODATA, setxattr("file", "user.none", "x", 1, XATTR_REPLACE));
    CALL_FAILS(process, "file", ENODATA, removexattr("file", "user.none"));
    CALL(process, "file", stat("file", &attr));
    load_same(process, "mode", "file", attr.st_mode & 07777, 0604);
    load_same(process, "modification", "file", attr.st_mtim.tv_sec, SECONDS);
    load_same(process, "nanosecond", "file", attr.st_mtim.tv_nsec, NANOSECONDS);
}

static void check_class(struct load_process *process)
{
    check_attribute(process, "anonymous", CLASS, "anon");
    check_attribute(process, "anonymous/file", CLASS, "anon");
    check_attribute(process, "persistent/file", CLASS, "persist");
    // Each is in an area of its own; and a class is for empty directories.
    CALL_FAILS(process, "other", EXDEV, rename("anonymous/file", "persistent/other"));
    CALL_FAILS(process, "other", EXDEV, link("persistent/file", "anonymous/other"));
    CALL_FAILS(process, "anonymous", ENOTEMPTY, setxattr("anonymous", CLASS, "persist", 7, 0));
}

/* Beside those that stay, class roots come and go. */
static void make_class(struct load_process *process)
{
    CALL(process, "passing", mkdir("passing", 0755));
    CALL(process, "passing", setxattr("passing", CLASS, "anon", 4, 0));
    CALL(process, "passing/file", mknod("passing/file", S_IFREG | 0644, 0));
    check_attribute(process, "passing/file", CLASS, "anon");
    CALL_FAILS(process, "passing", ENOTEMPTY, rmdir("passing"));
    CALL(process, "passing/file", unlink("passing/file"));
    CALL(process, "passing", rmdir("passing"));
}

static void use_class(struct load_process *process)
{
    check_class(process);
    make_class(process);
}

const struct load_kind load_hold_attributes = {
    .name = "attributes",
    .processes = 1,
    .attributes = true,
    .begin = set_file,
    .round = check_file,
};

const struct load_kind load_hold_class = {
    .name = "class",
    .processes = 1,
    .persistent = true,
    .begin = set_class,
    .round = use_class,
};
