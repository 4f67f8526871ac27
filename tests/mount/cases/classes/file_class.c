// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/cases/classes/file_class.h"

#include "tests/mount/harness/harness.h"
#include "tests/mount/workspace/workspace.h"

#include <string.h>
#include <sys/xattr.h>

struct wanted_class {
    const char *path, *class;
};

void assert_next_class(const char *path, const char *class)
{
    char word[32] = "";
    ssize_t length = getxattr(path, "user.shmapfs.next_class", word, sizeof(word) - 1);

    if (class == NULL)
        assert_true(length == -1 && errno == ENODATA);
    else
        assert_string_equal(word, class);
}

static bool has_class(void *argument)
{
    char word[32] = "";
    const struct wanted_class *wanted = argument;

    return getxattr(wanted->path, "user.shmapfs.class", word, sizeof(word) - 1) > 0 &&
           strcmp(word, wanted->class) == 0;
}

void await_file_class(const char *path, const char *class)
{
    assert_true(becomes_true(has_class, &(struct wanted_class){ path, class }));
    assert_next_class(path, NULL);
}

bool has_own_class(const char *path)
{
    return getxattr(path, "user.shmapfs.file_class", NULL, 0) > 0;
}

static bool lacks_own_class(void *path)
{
    return !has_own_class(path);
}

void await_no_own_class(const char *path)
{
    assert_true(becomes_true(lacks_own_class, (char *)(uintptr_t)path));
}
