// SPDX-License-Identifier: BSD-2-Clause
// stat, and the calls that change what it tells. Times are test_times.c.
#include "tests/mount/harness/files.h"

#include <fcntl.h>
#include <unistd.h>

static void chmod_sets_every_bit(void **state)
{
    (void)state;
    put_file("file", "");
    assert_ok(mkdir("directory", 0755));
    for (mode_t mode = 0; mode <= 07777; mode += 0111) {
        assert_ok(chmod("file", mode & 07777));
        assert_int_equal(stat_of("file").st_mode, S_IFREG | (mode & 07777));
    }
    assert_ok(chmod("file", 07777));
    assert_int_equal(stat_of("file").st_mode, S_IFREG | 07777);
    assert_ok(chmod("directory", 07700));
    assert_int_equal(stat_of("directory").st_mode, S_IFDIR | 07700);
    int fd = open_file("file", O_RDONLY);
    assert_ok(fchmod(fd, 0640));
    assert_int_equal(fstat_of(fd).st_mode, S_IFREG | 0640);
    assert_int_equal(stat_of("file").st_mode, S_IFREG | 0640);
    assert_ok(close(fd));
    assert_errno(chmod("nothing", 0600), ENOENT);
}

static void chown_gives_away(void **state)
{
    put_file("file", "");
    if (!fixture_of(state)->root) {
        assert_errno(chown("file", 0, (gid_t)-1), EPERM);
        assert_errno(chown("file", (uid_t)-1, 0), EPERM);
        assert_ok(chown("file", geteuid(), getegid()));
        return;
    }
    assert_ok(chown("file", 1000, 2000));
    assert_int_equal(stat_of("file").st_uid, 1000);
    assert_int_equal(stat_of("file").st_gid, 2000);
    assert_ok(chown("file", (uid_t)-1, 3000));
    assert_ok(chown("file", 4000, (gid_t)-1));
    assert_int_equal(stat_of("file").st_uid, 4000);
    assert_int_equal(stat_of("file").st_gid, 3000);

    assert_ok(symlink("file", "link"));
    assert_ok(lchown("link", 5000, 6000));
    assert_int_equal(lstat_of("link").st_uid, 5000);
    assert_int_equal(lstat_of("link").st_gid, 6000);
    assert_int_equal(stat_of("link").st_uid, 4000);
    int fd = open_file("file", O_RDONLY);
    assert_ok(fchown(fd, 7000, 8000));
    assert_int_equal(fstat_of(fd).st_uid, 7000);
    assert_int_equal(stat_of("file").st_gid, 8000);
    assert_ok(close(fd));
    // The largest identity that is one.
    assert_ok(chown("file", 4294967294u, 4294967294u));
    assert_int_equal(stat_of("file").st_uid, 4294967294u);
}

static void statx_agrees_with_stat(void **state)
{
    (void)state;
    put_file("file", "12345");
    for (int round = 0; round < 3; round++) {
        static const int flags[] = { AT_STATX_SYNC_AS_STAT, AT_STATX_FORCE_SYNC,
                                     AT_STATX_DONT_SYNC };
        struct statx x;
        struct stat s = stat_of("file");
        assert_ok(statx(AT_FDCWD, "file", flags[round], STATX_BASIC_STATS, &x));
        assert_int_equal(x.stx_mask & STATX_BASIC_STATS, STATX_BASIC_STATS);
        assert_int_equal(x.stx_ino, s.st_ino);
        assert_int_equal(x.stx_mode, s.st_mode);
        assert_int_equal(x.stx_nlink, s.st_nlink);
        assert_int_equal(x.stx_uid, s.st_uid);
        assert_int_equal(x.stx_gid, s.st_gid);
        assert_int_equal(x.stx_size, s.st_size);
        assert_int_equal(x.stx_blocks, s.st_blocks);
        assert_int_equal(x.stx_mtime.tv_nsec, s.st_mtim.tv_nsec);
        assert_int_equal(x.stx_ctime.tv_nsec, s.st_ctim.tv_nsec);
    }
}

static void blocks_are_those_in_use(void **state)
{
    (void)state;
    static char block[1 << 20];
    int fd = new_file("file", 0);
    assert_int_equal(fstat_of(fd).st_blocks, 0);
    assert_ok(ftruncate(fd, 1 << 30));
    assert_true(fstat_of(fd).st_blocks * 512 <= 65536);
    memset(block, 'b', sizeof(block));
    assert_int_equal(pwrite(fd, block, sizeof(block), 64 << 20), sizeof(block));
    assert_ok(fsync(fd));
    blkcnt_t blocks = fstat_of(fd).st_blocks;
    assert_true(blocks * 512 >= (blkcnt_t)sizeof(block) && blocks * 512 < 4 << 20);
    assert_int_equal(stat_of("file").st_blocks, blocks);
    assert_true(stat_of("file").st_blksize >= 512);
    assert_ok(ftruncate(fd, 0));
    assert_true(fstat_of(fd).st_blocks * 512 <= 65536);
    assert_ok(close(fd));
}

static void truncate_shrinks_and_grows(void **state)
{
    (void)state;
    char text[16];
    static const char zeros[4096] = { 0 };
    char found[4096];
    put_file("file", "contents");
    assert_ok(truncate("file", 4));
    assert_content("file", "cont");
    assert_ok(truncate("file", 10000));
    assert_int_equal(stat_of("file").st_size, 10000);
    int fd = open_file("file", O_RDWR);
    assert_int_equal(pread(fd, text, 4, 0), 4);
    assert_memory_equal(text, "cont", 4);
    assert_int_equal(pread(fd, found, sizeof(found), 4), sizeof(found));
    assert_memory_equal(found, zeros, sizeof(found));
    assert_ok(ftruncate(fd, 2));
    assert_int_equal(pread(fd, found, sizeof(found), 0), 2);
    assert_ok(ftruncate(fd, 5));
    assert_int_equal(pread(fd, found, sizeof(found), 0), 5);
    assert_memory_equal(found, "co\0\0", 5);
    assert_ok(close(fd));
}

static void truncate_refuses(void **state)
{
    (void)state;
    put_file("file", "contents");
    assert_ok(mkdir("directory", 0755));
    assert_errno(truncate("directory", 0), EISDIR);
    assert_errno(truncate("file", -1), EINVAL);
    assert_errno(truncate("nothing", 0), ENOENT);
    int fd = open_file("file", O_RDONLY);
    assert_errno(ftruncate(fd, 0), EINVAL);
    assert_ok(close(fd));
    assert_ok(mkfifo("fifo", 0600));
    assert_errno(truncate("fifo", 0), EINVAL);
    assert_content("file", "contents");
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(chmod_sets_every_bit),       cmocka_unit_test(chown_gives_away),
    cmocka_unit_test(statx_agrees_with_stat),     cmocka_unit_test(blocks_are_those_in_use),
    cmocka_unit_test(truncate_shrinks_and_grows), cmocka_unit_test(truncate_refuses),
};

HARNESS_MAIN("attr", cases)
