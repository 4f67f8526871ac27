// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/keeper/upgrade.h"

#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/keeper.h"

#include <sys/mman.h>
#include <sys/xattr.h>

pid_t start_upgradable(const struct workspace *workspace)
{
    return keeper_start(workspace, &(struct keeper_settings){ .with_store = true });
}

struct shmap_status shmap_status_of(const struct workspace *workspace)
{
    struct shmap_status status;

    assert_int_equal(shmap_status_get(workspace->mnt, &status), 0);
    return status;
}

const char *upgrade_attribute(const struct workspace *workspace)
{
    return workspace->root ? SHMAP_XATTR_UPGRADE_TRUSTED : SHMAP_XATTR_UPGRADE;
}

int upgrade_mount(const struct workspace *workspace, const char *binary)
{
    return setxattr(workspace->mnt, upgrade_attribute(workspace), binary, strlen(binary), 0);
}

void assert_version(const struct workspace *workspace, const char *version)
{
    struct shmap_status status = shmap_status_of(workspace);

    assert_string_equal(status.version, version);
}

void copy_program(const char *from, const char *to)
{
    struct program_result result = run_program("cp", from, to, NULL);

    assert_done(&result);
}

void put_script(const char *path, const char *text)
{
    put_file(path, text);
    assert_ok(chmod(path, 0755));
}
