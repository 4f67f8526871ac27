// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/cases/classes/skeleton.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/xattr.h>

int keep_skeleton(const char *path, bool keep)
{
    return setxattr(path, "user.shmapfs.skeleton", keep ? "1" : "0", 1, 0);
}

char *skeleton_of(const char *path)
{
    struct program_result result = run_program(
        "sh", "-c", "cd \"$0\" && find . -type d -printf '%P %m %U %G\\n' | sort", path, NULL);

    assert_done(&result);
    return strdup(result.out);
}

void assert_skeleton(const char *path, const char *skeleton)
{
    char *found = skeleton_of(path);

    assert_string_equal(found, skeleton);
    free(found);
}

void assert_mirrored(const char *name)
{
    char mounted[64], stored[64];

    snprintf(mounted, sizeof(mounted), "mnt/%s", name);
    snprintf(stored, sizeof(stored), "store/%s", name);
    char *skeleton = skeleton_of(mounted);
    assert_skeleton(stored, skeleton);
    free(skeleton);
}
