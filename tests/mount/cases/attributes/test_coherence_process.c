// SPDX-License-Identifier: BSD-2-Clause
/* A process sees what another one changes at once, and in the order in which it happened. */
#include "tests/mount/cases/attributes/store_attributes.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { SIZE = 64 << 10 };

static int write_through_mapping(struct coprocess *parent, void *argument)
{
    (void)argument;
    char *mapped = map_path("file", SIZE);
    coprocess_check(mapped != NULL);
    while (coprocess_give_turn(parent) && coprocess_await_turn(parent)) {
        mapped[0]++;
        coprocess_check(msync(mapped, SIZE, MS_SYNC) == 0);
    }
    return 0;
}

static void mapped_write_of_another_process_is_seen(void **state)
{
    struct coprocess coprocess;
    assert_ok(close(new_file("file", SIZE)));
    assert_int_equal(coprocess_start(&coprocess, write_through_mapping, NULL), 0);
    assert_true(coprocess_await_turn(&coprocess));
    for (int i = 0; i < 10; i++) {
        struct stat before = stat_of("file");
        next_tick();
        assert_true(coprocess_give_turn(&coprocess));
        assert_true(coprocess_await_turn(&coprocess));
        assert_mapped_write_seen(fixture_of(state), before.st_mtim);
        assert_same_in_store(state, "file");
    }
    assert_coprocess_succeeds(&coprocess);
    assert_same_in_store(state, "file");
}

static int change_in_turns(struct coprocess *parent, void *argument)
{
    (void)argument;
    int fd = open("file", O_RDWR | O_CLOEXEC);
    coprocess_check(fd >= 0);
    coprocess_check(coprocess_give_turn(parent) && coprocess_await_turn(parent));
    coprocess_check(pwrite(fd, "longer than it was", 18, 0) == 18);
    coprocess_check(coprocess_give_turn(parent) && coprocess_await_turn(parent));
    coprocess_check(ftruncate(fd, 5) == 0);
    coprocess_check(coprocess_give_turn(parent) && coprocess_await_turn(parent));
    coprocess_check(fallocate(fd, 0, 0, 9999) == 0);
    coprocess_check(coprocess_give_turn(parent) && coprocess_await_turn(parent));
    coprocess_check(truncate("file", 100) == 0);
    coprocess_check(coprocess_give_turn(parent) && coprocess_await_turn(parent));
    coprocess_check(close(open("file", O_WRONLY | O_TRUNC | O_CLOEXEC)) == 0);
    coprocess_check(coprocess_give_turn(parent));
    return 0;
}

static void size_set_by_another_process_is_seen(void **state)
{
    static const off_t sizes[] = { 18, 5, 9999, 100, 0 };
    struct coprocess coprocess;
    put_file("file", "short");
    int fd = open_file("file", O_RDONLY);
    assert_int_equal(coprocess_start(&coprocess, change_in_turns, NULL), 0);
    assert_true(coprocess_await_turn(&coprocess));
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct stat before = stat_of("file");
        assert_int_equal(compare_times(fstat_of(fd).st_mtim, before.st_mtim), 0);
        next_tick();
        assert_true(coprocess_give_turn(&coprocess));
        assert_true(coprocess_await_turn(&coprocess));
        assert_int_equal(stat_of("file").st_size, sizes[i]);
        assert_int_equal(fstat_of(fd).st_size, sizes[i]);
        assert_int_equal(lseek(fd, 0, SEEK_END), sizes[i]);
        assert_later(stat_of("file").st_mtim, before.st_mtim);
    }
    assert_coprocess_succeeds(&coprocess);
    assert_ok(close(fd));
    assert_same_in_store(state, "file");
}

static int run_change(struct coprocess *parent, void *argument)
{
    int (*const *change)(void) = argument;
    (void)parent;
    coprocess_check((*change)() == 0);
    return 0;
}

static int by_chmod(void)
{
    return chmod("file", 0604);
}

static int by_link(void)
{
    return link("file", "second");
}

static int by_unlink(void)
{
    return unlink("second");
}

static int by_rename(void)
{
    return rename("file", "elsewhere") < 0 ? -1 : rename("elsewhere", "file");
}

static int by_setxattr(void)
{
    if (!has_user_attributes("file"))
        return chmod("file", stat_of("file").st_mode & 07777);
    return setxattr("file", "user.name", "value", 5, 0);
}

static int by_utimens(void)
{
    const struct timespec times[2] = { { 1000, 1 }, { 2000, 2 } };
    return utimensat(AT_FDCWD, "file", times, 0);
}

static int by_chown(void)
{
    return geteuid() == 0 ? chown("file", 1000, 1000) : chown("file", geteuid(), getegid());
}

// Each change is made by another process, and looked for through a path and a descriptor that have
// just been looked at.
static void change_by_another_process_is_seen(void **state)
{
    static int (*const changes[])(void) = { by_chmod,    by_link,    by_unlink, by_rename,
                                            by_setxattr, by_utimens, by_chown };
    put_file("file", "contents");
    int fd = open_file("file", O_RDONLY);
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct stat before = stat_of("file");
        assert_int_equal(compare_times(fstat_of(fd).st_ctim, before.st_ctim), 0);
        next_tick();
        assert_int_equal(coprocess_run(run_change, (void *)(uintptr_t)&changes[i]), 0);
        struct stat by_path = stat_of("file"), by_fd = fstat_of(fd);
        if (compare_times(by_path.st_ctim, before.st_ctim) <= 0)
            fail_msg("change %zu is not seen", i);
        assert_int_equal(compare_times(by_path.st_ctim, by_fd.st_ctim), 0);
        assert_int_equal(by_path.st_mode, changes[i] == by_chmod ? S_IFREG | 0604 : before.st_mode);
        assert_int_equal(by_path.st_nlink, changes[i] == by_link ? 2 : 1);
        assert_int_equal(by_fd.st_nlink, by_path.st_nlink);
        assert_same_in_store(state, "file");
    }
    assert_int_equal(stat_of("file").st_mtim.tv_sec, 2000);
    assert_int_equal(stat_of("file").st_uid, fixture_of(state)->root ? 1000 : geteuid());
    assert_ok(close(fd));
}

static int change_directory_contents(struct coprocess *parent, void *argument)
{
    (void)parent;
    (void)argument;
    coprocess_check(mkdir("directory/sub", 0755) == 0);
    return 0;
}

static void directory_changed_by_another_process_is_seen(void **state)
{
    assert_ok(mkdir("directory", 0755));
    struct stat before = stat_of("directory");
    assert_false(exists("directory/sub"));
    next_tick();
    assert_int_equal(coprocess_run(change_directory_contents, NULL), 0);
    assert_true(exists("directory/sub"));
    assert_later(stat_of("directory").st_mtim, before.st_mtim);
    assert_int_equal(stat_of("directory").st_nlink, 3);
    assert_same_in_store(state, "directory");
}

// make relies on this: of two files, the one that was written last is the newer one, whichever way
// it was written.
static void order_of_changes_is_order_of_times(void **state)
{
    (void)state;
    put_file("source", "source");
    next_tick();
    put_file("target", "target");
    assert_later(stat_of("target").st_mtim, stat_of("source").st_mtim);
    next_tick();
    int fd = open_file("source", O_WRONLY);
    assert_int_equal(pwrite(fd, "SOURCE", 6, 0), 6);
    assert_later(stat_of("source").st_mtim, stat_of("target").st_mtim);
    assert_ok(close(fd));
    assert_later(stat_of("source").st_mtim, stat_of("target").st_mtim);
    next_tick();
    assert_ok(close(open_file("target", O_WRONLY | O_TRUNC)));
    assert_later(stat_of("target").st_mtim, stat_of("source").st_mtim);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(mapped_write_of_another_process_is_seen),
    cmocka_unit_test(size_set_by_another_process_is_seen),
    cmocka_unit_test(change_by_another_process_is_seen),
    cmocka_unit_test(directory_changed_by_another_process_is_seen),
    cmocka_unit_test(order_of_changes_is_order_of_times),
};

HARNESS_MAIN("coherence_process", cases)
