// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/cases/contents/disk.h"

#include "tests/mount/harness/mapping.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define SBIN "PATH=/usr/sbin:/sbin:/usr/bin:/bin"

/* After that long a case hangs; one that fails thaws the disk with its end. */
enum { THAW_MS = 5 * WAIT_SECONDS * 1000 };

static void path_of(const struct workspace *workspace, const char *name, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/disk/%s", workspace->dir, name);
}

static void mount_image(const struct workspace *workspace, const char *image, const char *options)
{
    char all[256];

    if (access("/dev/loop-control", F_OK) == -1)
        harness_skip_case("no loop devices here");
    snprintf(all, sizeof(all), "loop%s%s", options[0] == '\0' ? "" : ",", options);
    struct program_result result =
        run_program("env", SBIN, "mount", "-o", all, image, workspace->store, NULL);
    if (result.status != 0 && strstr(options, "quota")) {
        char directory[PATH_MAX];

        path_of(workspace, "", directory);
        assert_ok(umount2(directory, MNT_DETACH));
        harness_skip_case("this kernel has no quotas of ext4");
    }
    assert_done(&result);
    // The way that ext4 comes: only lost+found is in it, and root alone may write.
    char found[PATH_MAX + 16];
    snprintf(found, sizeof(found), "%s/lost+found", workspace->store);
    assert_ok(rmdir(found));
    assert_ok(chmod(workspace->store, 01777));
}

void disk_make(const struct workspace *workspace, unsigned mebibytes, const char *mkfs_options,
               const char *mount_options)
{
    char image[PATH_MAX], directory[PATH_MAX], size[32];

    path_of(workspace, "", directory);
    path_of(workspace, "image", image);
    assert_ok(mkdir(directory, 0755));
    snprintf(size, sizeof(size), "size=%um", mebibytes + 1);
    struct program_result result =
        run_program("mount", "-t", "tmpfs", "-o", size, "disk", directory, NULL);
    assert_done(&result);
    int fd = new_file(image, (off_t)mebibytes << 20);
    assert_ok(close(fd));
    // Written as a whole now: later, only what is made by files touches new blocks of the image.
    result = run_program("env", SBIN, "mkfs.ext4", "-q", "-F", "-b", "4096", "-E",
                         "lazy_itable_init=0,lazy_journal_init=0,nodiscard",
                         mkfs_options[0] == '\0' ? image : mkfs_options,
                         mkfs_options[0] == '\0' ? NULL : image, NULL);
    if (result.status != 0)
        fail_msg("mkfs.ext4: %s", result.err);
    mount_image(workspace, image, mount_options);
}

void disk_break(const struct workspace *workspace)
{
    char path[PATH_MAX];
    char block[4096] = "";
    ssize_t written;

    path_of(workspace, "filler", path);
    int fd = new_file(path, 0);
    while ((written = write(fd, block, sizeof(block))) > 0)
        ;
    assert_int_equal(errno, ENOSPC);
    assert_ok(close(fd));
}

void disk_repair(const struct workspace *workspace)
{
    char path[PATH_MAX];

    path_of(workspace, "filler", path);
    assert_ok(unlink(path));
}

static int thaw_in_the_end(struct coprocess *parent, void *unused)
{
    struct pollfd event = { .fd = parent->in, .events = POLLIN };
    int disk = open("store", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    (void)unused;
    coprocess_check(disk != -1 && ioctl(disk, FIFREEZE, 0) == 0);
    coprocess_check(coprocess_give_turn(parent));
    poll(&event, 1, THAW_MS);
    coprocess_check(ioctl(disk, FITHAW, 0) == 0);
    return 0;
}

void disk_freeze(struct coprocess *thawer)
{
    assert_int_equal(coprocess_start(thawer, thaw_in_the_end, NULL), 0);
    assert_true(coprocess_await_turn(thawer));
}

void disk_thaw(struct coprocess *thawer)
{
    assert_true(coprocess_give_turn(thawer));
    assert_coprocess_succeeds(thawer);
}

static bool is_unmounted(void *directory)
{
    return umount2(directory, 0) == 0;
}

/* The kernel may close the last files of a mount that has ended a moment later. */
static bool is_left_by_all(void *store)
{
    struct program_result result = run_program("umount", store, NULL);

    if (result.status != 0 && strstr(result.err, "busy") == NULL)
        fail_msg("%s", result.err);
    return result.status == 0;
}

void disk_remove(const struct workspace *workspace)
{
    char directory[PATH_MAX];

    path_of(workspace, "", directory);
    assert_true(becomes_true(is_left_by_all, (char *)(uintptr_t)workspace->store));
    // The kernel lets go of the last mount of a disk, and with it of the disk's file, a moment after
    // the end of the process that had it.
    assert_true(becomes_true(is_unmounted, directory));
}
