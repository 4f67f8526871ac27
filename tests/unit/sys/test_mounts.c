// SPDX-License-Identifier: BSD-2-Clause
/* Finding mounts, in a mount namespace of its own. Nobody serves the mounts there. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "lib/sys/mounts.h"
#include "tests/unit/child.h"
#include "tests/unit/scratch.h"

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    EXPECT(fd >= 0);
    EXPECT(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

/* A namespace to mount in, which a user gets with a user namespace around it. */
static void enter_namespace(void)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();
    char map[64];
    if (unshare(CLONE_NEWNS | (uid == 0 ? 0 : CLONE_NEWUSER)) != 0)
        _exit(CHILD_CANNOT);
    if (uid != 0) {
        write_file("/proc/self/setgroups", "deny");
        snprintf(map, sizeof(map), "%u %u 1", uid, uid);
        write_file("/proc/self/uid_map", map);
        snprintf(map, sizeof(map), "%u %u 1", gid, gid);
        write_file("/proc/self/gid_map", map);
    }
    EXPECT(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
}

static const char *make_mountpoint(const char *scratch, const char *name, char path[static 4200])
{
    snprintf(path, 4200, "%s/%s", scratch, name);
    EXPECT(mkdir(path, 0755) == 0);
    return path;
}

static void mount_unserved(const char *source, const char *type, const char *mountpoint)
{
    char options[128];
    int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (device < 0)
        _exit(CHILD_CANNOT);
    snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=%u,group_id=%u", device,
             geteuid(), getegid());
    EXPECT(mount(source, mountpoint, type, MS_NOSUID | MS_NODEV, options) == 0);
}

static void check_finding(void *scratch)
{
    char plain[4200], odd[4200], other[4200], found[4200];
    enter_namespace();
    make_mountpoint(scratch, "plain", plain);
    make_mountpoint(scratch, "odd \t\n\\040#", odd);
    make_mountpoint(scratch, "other", other);
    mount_unserved("/stores/plain", MOUNTS_TYPE, plain);
    mount_unserved("/stores/odd \t\n\\040#", MOUNTS_TYPE, odd);
    mount_unserved("/stores/other", "fuse.somethingelse", other);

    EXPECT(mounts_find_store("/stores/plain", found, sizeof(found)) && strcmp(found, plain) == 0);
    EXPECT(mounts_find_store("/stores/odd \t\n\\040#", found, sizeof(found)));
    EXPECT(strcmp(found, odd) == 0);
    EXPECT(!mounts_find_store("/stores/other", found, sizeof(found)));
    EXPECT(!mounts_find_store("/stores", found, sizeof(found)));
    EXPECT(!mounts_find_store("/stores/plain/", found, sizeof(found)));
    EXPECT(mounts_at(plain) && mounts_at(odd));
    EXPECT(!mounts_at(other) && !mounts_at(scratch) && !mounts_at("/"));

    EXPECT(mount("cover", plain, "tmpfs", 0, NULL) == 0);
    EXPECT(!mounts_at(plain) && mounts_find_store("/stores/plain", found, sizeof(found)));
    EXPECT(umount2(plain, MNT_DETACH) == 0);
    EXPECT(mounts_at(plain));

    EXPECT(umount2(plain, MNT_DETACH) == 0);
    EXPECT(!mounts_at(plain) && !mounts_find_store("/stores/plain", found, sizeof(found)));
}

static void mounts_are_found_by_store_and_by_place(void **state)
{
    if (run_in_child(check_finding, *state) != CHILD_CANNOT)
        return;
    assert_null(getenv("SHMAPFS_NO_SKIP"));
    skip_because("no root, and no user namespaces");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(mounts_are_found_by_store_and_by_place),
    };
    return cmocka_run_group_tests_name("mounts", tests, NULL, NULL);
}
