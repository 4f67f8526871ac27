// SPDX-License-Identifier: BSD-2-Clause
/* Files that go with their last user. */
#include "tests/mount/cases/classes/last_close.h"

#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/sandbox.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

/* The body of a process that uses the file until its next turn. */
static int use_file(struct coprocess *parent, void *argument)
{
    const struct way_to_use *way = argument;

    coprocess_check(way->begin());
    coprocess_check(coprocess_give_turn(parent) && coprocess_await_turn(parent));
    return 0;
}

static void assert_keeps(const struct way_to_use *way, bool killed)
{
    struct way_to_use copy = *way;
    struct coprocess user;

    assert_int_equal(coprocess_start(&user, use_file, &copy), 0);
    if (!coprocess_await_turn(&user))
        fail_msg("no process uses the file by %s", way->name);
    assert_stays(USED_FILE);
    if (killed) {
        assert_ok(kill(user.pid, SIGKILL));
        assert_int_equal(coprocess_end(&user), 128 + SIGKILL);
    } else {
        assert_true(coprocess_give_turn(&user));
        assert_coprocess_succeeds(&user);
    }
    assert_goes(USED_FILE);
}

static void each_kind_of_user_keeps_a_file(void **state)
{
    struct workspace *workspace = workspace_of(state);

    need_user_attributes("/dev/shm");
    workspace_mount(workspace, false, "size=4m,lifetime=last-close");
    for (size_t i = 0; i < WAYS_COUNT; i++) {
        const struct way_to_use *way = &WAYS_TO_USE[i];

        if (way->can && !way->can(workspace))
            continue;
        assert_keeps(way, false);
        assert_keeps(way, true);
    }
    workspace_unmount(workspace);
}

/* Another user's files are no different: a lease on those takes a capability. */
static void files_of_others_go(void **state)
{
    struct workspace *workspace = workspace_of(state);
    int fd;

    need_user_attributes("/dev/shm");
    workspace_mount(workspace, false, "size=4m,lifetime=last-close");
    fd = open_used_file();
    assert_true(fd >= 0);
    assert_ok(fchown(fd, NOBODY, NOBODY));
    assert_ok(fchmod(fd, 0));
    assert_stays(USED_FILE);
    assert_ok(close(fd));
    assert_goes(USED_FILE);
    workspace_unmount(workspace);
}

/* sem_open(3) makes a file, links it to the name that it is to have, and removes the first one. */
static void a_file_with_several_names(void **state)
{
    struct workspace *workspace = workspace_of(state);
    int fd;

    need_user_attributes("/dev/shm");
    workspace_mount(workspace, false, "size=4m,lifetime=last-close");
    assert_ok(mkdir("mnt/dir", 0700));
    fd = open_file(USED_FILE, O_RDWR | O_CREAT);
    assert_ok(link(USED_FILE, "mnt/dir/link"));
    assert_ok(unlink(USED_FILE));
    assert_stays("mnt/dir/link");
    assert_ok(close(fd));
    assert_goes("mnt/dir/link");
    // It stays while it has several; the older is the one that is left.
    fd = open_file(USED_FILE, O_RDWR | O_CREAT);
    assert_ok(link(USED_FILE, "mnt/dir/link"));
    assert_ok(close(fd));
    assert_stays(USED_FILE);
    assert_stays("mnt/dir/link");
    assert_ok(unlink("mnt/dir/link"));
    assert_goes(USED_FILE);
    assert_ok(rmdir("mnt/dir"));
    workspace_unmount(workspace);
}

static void names_change_as_usual(void **state)
{
    struct workspace *workspace = workspace_of(state);
    int fd;

    need_user_attributes("/dev/shm");
    workspace_mount(workspace, false, "size=4m,lifetime=last-close");
    fd = open_file(USED_FILE, O_RDWR | O_CREAT);
    assert_ok(mkdir("mnt/dir", 0700));
    assert_ok(rename(USED_FILE, "mnt/dir/renamed"));
    assert_stays("mnt/dir/renamed");
    assert_ok(close(fd));
    assert_goes("mnt/dir/renamed");
    put_file("mnt/dir/inherited", "x");
    assert_goes("mnt/dir/inherited");
    fd = open_file(USED_FILE, O_RDWR | O_CREAT);
    assert_ok(unlink(USED_FILE));
    assert_ok(close(fd));
    assert_ok(rmdir("mnt/dir"));
    workspace_unmount(workspace);
}

static void the_attribute_takes_lifetimes_alone(void **state)
{
    static const char *const wrong[] = { "",
                                         "forever",
                                         "last-close,",
                                         "last-close,linger=",
                                         "last-close,linger=-1",
                                         "last-close,linger=86401",
                                         "last-close,linger=5s" };
    struct workspace *workspace = workspace_of(state);

    need_user_attributes("/dev/shm");
    workspace_mount(workspace, false, "size=4m");
    put_file(USED_FILE, "x");
    assert_lifetime("mnt", "mount");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_set_lifetime("mnt", wrong[i], EINVAL);
    assert_lifetime("mnt", "mount");
    assert_set_lifetime(USED_FILE, "last-close", ENOTDIR);
    assert_set_lifetime("mnt", "last-close,linger=86400", 0);
    assert_lifetime("mnt", "last-close,linger=86400");
    put_file("mnt/lingers", "x");
    assert_lifetime("mnt/lingers", "last-close,linger=86400");
    assert_set_lifetime("mnt", "last-close", 0);
    assert_stays("mnt/lingers");
    assert_true(exists(USED_FILE));
    assert_ok(removexattr("mnt", LIFETIME));
    put_file("mnt/other", "x");
    assert_lifetime("mnt/other", "mount");
    workspace_unmount(workspace);
}

static void a_store_keeps_the_lifetime_of_a_class_root(void **state)
{
    struct workspace *workspace = workspace_of(state);

    need_user_attributes("/dev/shm");
    workspace_mount(workspace, true, "size=4m,anon=a,lifetime=last-close,linger=7");
    assert_lifetime("mnt/a", "last-close,linger=7");
    assert_set_lifetime("mnt", "last-close", EINVAL);
    workspace_unmount(workspace);
    workspace_mount(workspace, true, "size=4m");
    assert_lifetime("mnt/a", "last-close,linger=7");
    assert_set_lifetime("mnt/a", "last-close", 0);
    put_file("mnt/a/file", "x");
    assert_goes("mnt/a/file");
    workspace_unmount(workspace);
    workspace_mount(workspace, true, "size=4m,anon=a,lifetime=mount");
    assert_lifetime("mnt/a", "mount");
    workspace_unmount(workspace);
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void a_linger_runs_out(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char *mapping;
    double before;
    int fd;

    need_user_attributes("/dev/shm");
    workspace_mount(workspace, false, "size=4m,lifetime=last-close");
    assert_ok(mkdir("mnt/dir", 0755));
    assert_set_lifetime("mnt/dir", "last-close,linger=1", 0);
    fd = new_file("mnt/dir/mapped", (off_t)page_size());
    mapping = map_shared(fd, page_size());
    assert_ok(close(fd));
    before = seconds();
    put_file("mnt/dir/closed", "contents");
    assert_goes("mnt/dir/closed");
    assert_true(seconds() - before >= 1);
    // The last use counts, and not the last close.
    assert_true(exists("mnt/dir/mapped"));
    before = seconds();
    unmap(mapping, page_size());
    assert_goes("mnt/dir/mapped");
    assert_true(seconds() - before >= 1);
    workspace_unmount(workspace);
}

/* A file that is opened again while it lingers is the same, and lingers anew. */
static void a_file_that_lingers_is_found_again(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct stat before;
    int fd;

    need_user_attributes("/dev/shm");
    workspace_mount(workspace, false, "size=4m");
    assert_ok(mkdir("mnt/dir", 0755));
    assert_set_lifetime("mnt/dir", "last-close,linger=3600", 0);
    assert_set_lifetime("mnt", "last-close", 0);
    put_file("mnt/dir/file", "contents");
    before = stat_of("mnt/dir/file");
    for (int i = 0; i < 100; i++) {
        fd = open_file("mnt/dir/file", O_RDONLY);
        assert_int_equal(fstat_of(fd).st_ino, before.st_ino);
        assert_ok(close(fd));
    }
    assert_stays("mnt/dir/file");
    assert_content("mnt/dir/file", "contents");
    workspace_unmount(workspace);
}

static bool holds_few_descriptors(void *workspace)
{
    return read_status_number(workspace, "descriptors") < 50;
}

static void files_that_linger_pin_no_descriptors(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char path[32];

    need_user_attributes("/dev/shm");
    workspace_mount(workspace, false, "size=8m,descriptors=16");
    assert_ok(mkdir("mnt/dir", 0755));
    assert_set_lifetime("mnt/dir", "last-close,linger=3600", 0);
    for (int i = 0; i < 300; i++) {
        snprintf(path, sizeof(path), "mnt/dir/%d", i);
        put_file(path, "x");
    }
    assert_true(becomes_true(holds_few_descriptors, workspace));
    assert_content("mnt/dir/0", "x");
    workspace_unmount(workspace);
}

static void a_lifetime_ends_with_the_class(void **state)
{
    struct workspace *workspace = workspace_of(state);

    need_user_attributes("/dev/shm");
    workspace_mount(workspace, true, "size=4m,anon=a,lifetime=last-close");
    assert_ok(setxattr("mnt/a", "user.shmapfs.class", "persist", 7, 0));
    assert_int_equal(getxattr("mnt/a", LIFETIME, NULL, 0), -1);
    assert_int_equal(errno, ENODATA);
    put_file("mnt/a/file", "x");
    assert_ok(unlink("mnt/a/file"));
    assert_ok(setxattr("mnt/a", "user.shmapfs.class", "anon", 4, 0));
    assert_lifetime("mnt/a", "mount");
    workspace_unmount(workspace);
}

static void assert_mount_refused(const struct workspace *workspace, bool with_store,
                                 const char *options, const char *words)
{
    struct program_result result = workspace_try_mount(workspace, with_store, options);

    assert_refused(&result, 2, words, NULL);
    assert_false(workspace_is_mounted(workspace->mnt));
}

static void bad_mount_options_are_refused(void **state)
{
    struct workspace *workspace = workspace_of(state);

    assert_mount_refused(workspace, false, "lifetime=never", "last-close or mount");
    assert_mount_refused(workspace, false, "lifetime=", "last-close or mount");
    assert_mount_refused(workspace, false, "lifetime=last-close,linger=-1", "from 0 to 86400");
    assert_mount_refused(workspace, false, "lifetime=last-close,linger=86401", "from 0 to 86400");
    assert_mount_refused(workspace, false, "lifetime=last-close,linger=18446744073709551617",
                         "from 0 to 86400");
    assert_mount_refused(workspace, false, "lifetime=last-close,linger=1s", "from 0 to 86400");
    assert_mount_refused(workspace, false, "linger=1", "lifetime=last-close");
    assert_mount_refused(workspace, false, "lifetime=mount,linger=1", "lifetime=last-close");
    assert_mount_refused(workspace, true, "lifetime=last-close", "anon=");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(each_kind_of_user_keeps_a_file),
        cmocka_unit_test(a_file_with_several_names),
        cmocka_unit_test(names_change_as_usual),
        cmocka_unit_test(a_linger_runs_out),
        cmocka_unit_test(a_file_that_lingers_is_found_again),
        cmocka_unit_test(files_that_linger_pin_no_descriptors),
        cmocka_unit_test(the_attribute_takes_lifetimes_alone),
        cmocka_unit_test(a_store_keeps_the_lifetime_of_a_class_root),
        cmocka_unit_test(a_lifetime_ends_with_the_class),
        cmocka_unit_test(bad_mount_options_are_refused),
        cmocka_unit_test(files_of_others_go),
    };

    return workspace_main(argc, argv, "last_close", cases, CASE_COUNT(argc, argv, cases, 1));
}
