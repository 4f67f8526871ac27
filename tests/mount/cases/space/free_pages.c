// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/cases/space/free_pages.h"

#include "tests/mount/harness/coprocess.h"
#include "tests/mount/workspace/workspace.h"

#include <sys/statvfs.h>

enum { PAGE = 4096 };

fsblkcnt_t free_pages(void)
{
    struct statvfs vfs;

    assert_ok(statvfs("mnt", &vfs));
    assert_int_equal(vfs.f_frsize, PAGE);
    return vfs.f_bfree;
}

static bool pages_are_free(void *argument)
{
    return free_pages() == *(fsblkcnt_t *)argument;
}

bool pages_become_free(fsblkcnt_t wanted)
{
    return becomes_true(pages_are_free, &wanted);
}
