// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/harness/class_attribute.h"

#include <sys/stat.h>
#include <sys/xattr.h>

#define ATTRIBUTE "user.shmapfs.class"

int set_class(const char *path, const char *class)
{
    return setxattr(path, ATTRIBUTE, class, strlen(class), 0);
}

int unset_class(const char *path)
{
    return removexattr(path, ATTRIBUTE);
}

void assert_class(const char *path, const char *class)
{
    char word[64] = "";

    if (getxattr(path, ATTRIBUTE, word, sizeof(word) - 1) == -1)
        fail_msg("getxattr %s: %s", path, strerror(errno));
    assert_string_equal(word, class);
}

void make_class_root(const char *path, const char *class)
{
    assert_ok(mkdir(path, 0755));
    assert_ok(set_class(path, class));
}
