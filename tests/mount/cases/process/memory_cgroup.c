// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/cases/process/memory_cgroup.h"

#include "tests/mount/harness/files.h"
#include "tests/mount/harness/harness.h"
#include "tests/mount/keeper/process.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define HIERARCHY "cgroups"

static bool write_text(const char *directory, const char *name, const char *text)
{
    char path[PATH_MAX + 128];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        close(fd);
    return written;
}

/* Mounts the hierarchy that has the memory; returns its version, or 0. */
static int mount_hierarchy(void)
{
    if (mkdir(HIERARCHY, 0755) == 0 && mount("none", HIERARCHY, "cgroup2", 0, NULL) == 0) {
        if (write_text(HIERARCHY, "cgroup.subtree_control", "+memory"))
            return 2;
        umount2(HIERARCHY, MNT_DETACH);
    }
    return mount("none", HIERARCHY, "cgroup", 0, "memory") == 0 ? 1 : 0;
}

void memory_cgroup_make(struct memory_cgroup *cgroup, int64_t limit)
{
    int version = mount_hierarchy();
    char here[PATH_MAX], bytes[32];

    if (!version)
        harness_skip_case("this kernel has no control groups for memory, or lets nobody make them");
    assert_non_null(getcwd(here, sizeof(here)));
    snprintf(cgroup->directory, sizeof(cgroup->directory), "%s/" HIERARCHY "/shmapfs-test-XXXXXX",
             here);
    assert_non_null(mkdtemp(cgroup->directory));
    snprintf(cgroup->processes, sizeof(cgroup->processes), "%s/cgroup.procs", cgroup->directory);
    snprintf(bytes, sizeof(bytes), "%lld", (long long)limit);
    assert_true(write_text(cgroup->directory, version == 1 ? "memory.limit_in_bytes" : "memory.max",
                           bytes));
    write_text(cgroup->directory, "memory.swap.max", "0");
}

static bool is_removed(void *directory)
{
    return rmdir(directory) == 0;
}

void memory_cgroup_remove(const struct memory_cgroup *cgroup)
{
    char directory[sizeof(cgroup->directory)];

    // Processes may leave it a moment after their end (Linux 6.19).
    memcpy(directory, cgroup->directory, sizeof(directory));
    await_true(is_removed, directory, "a control group without processes");
    assert_ok(umount2(HIERARCHY, MNT_DETACH));
    assert_ok(rmdir(HIERARCHY));
}
