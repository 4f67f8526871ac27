// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "lib/area/store_lock.h"
#include "tests/unit/scratch.h"

static const struct area_atime as_it_is = { 0 };

static int open_store(const char *path, struct area *area)
{
    struct complaint complaint = { "" };
    return store_open(path, false, &as_it_is, area, &complaint);
}

static void assert_refused(const char *path, int expected, const char *word)
{
    struct area area = AREA_NONE;
    struct complaint complaint = { "" };
    int error = store_open(path, false, &as_it_is, &area, &complaint);
    assert_int_equal(error, expected);
    if (strstr(complaint.text, path) == NULL || strstr(complaint.text, word) == NULL)
        fail_msg("'%s' has no '%s' or '%s'", complaint.text, path, word);
    assert_int_equal(area.root, -1);
}

static void an_area_that_is_not_there_is_not_present(void **state)
{
    (void)state;
    struct area area = AREA_NONE;
    struct shmap_area_status status = { .present = true };
    assert_int_equal(area_status(&area, &status), 0);
    assert_false(status.present);
    area_close(&area);
}

static void a_store_is_the_directory_it_was_opened_by(void **state)
{
    struct area area;
    struct stat by_path, by_area;
    assert_int_equal(open_store(*state, &area), 0);
    assert_int_equal(stat(*state, &by_path), 0);
    assert_int_equal(fstat(area.root, &by_area), 0);
    assert_true(by_path.st_ino == by_area.st_ino && by_path.st_dev == by_area.st_dev);
    assert_true(area.device == by_path.st_dev);
    int fd = openat(area.root, "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);

    struct shmap_area_status status = { 0 };
    assert_int_equal(area_status(&area, &status), 0);
    assert_true(status.present && status.size > 0 && status.used <= status.size);
    assert_true(status.filesystem[0] != '\0');
    area_close(&area);
    assert_int_equal(area.root, -1);
}

static void what_cannot_be_a_store_is_explained(void **state)
{
    char path[4200];
    snprintf(path, sizeof(path), "%s/missing", (char *)*state);
    assert_refused(path, -ENOENT, "does not exist");
    snprintf(path, sizeof(path), "%s/file", (char *)*state);
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    assert_refused(path, -ENOTDIR, "not a directory");
    assert_refused("/proc/self/fdinfo", geteuid() == 0 ? -EOPNOTSUPP : -EACCES,
                   geteuid() == 0 ? "extended attributes" : "cannot be written");
}

static void one_daemon_at_a_time_has_a_store(void **state)
{
    struct area first, second;
    struct store_lock lock, other;
    assert_int_equal(open_store(*state, &first), 0);
    assert_int_equal(open_store(*state, &second), 0);
    assert_int_equal(store_lock_take(&first, STORE_LOCK_MAKE, &lock), 0);
    assert_true(lock.fd >= 0 && lock.made);
    assert_int_equal(store_lock_take(&second, STORE_LOCK_MAKE, &other), -EBUSY);
    assert_int_equal(store_lock_wait(&second, STORE_LOCK_MAKE, 1, &other), -EBUSY);
    assert_int_equal(other.fd, -1);
    close(lock.fd);
    area_close(&first);
    assert_int_equal(store_lock_take(&second, STORE_LOCK_MAKE, &other), 0);
    assert_false(other.made);
    close(other.fd);
    area_close(&second);
}

static void several_share_a_store_and_others_do_not(void **state)
{
    struct area stores[3];
    struct store_lock locks[3];
    struct stat st;
    for (size_t i = 0; i < COUNT(stores); i++)
        assert_int_equal(open_store(*state, &stores[i]), 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(
            store_lock_take(&stores[i], STORE_LOCK_MAKE | STORE_LOCK_SHARED, &locks[i]), 0);
    assert_int_equal(store_lock_take(&stores[2], STORE_LOCK_MAKE, &locks[2]), -EBUSY);
    // The mount that has made the lock fails; the other one goes on with it.
    store_lock_drop(&stores[0], &locks[0]);
    assert_int_equal(fstatat(stores[1].root, STORE_PRIVATE "/lock", &st, 0), 0);
    assert_int_equal(store_lock_take(&stores[2], STORE_LOCK_MAKE, &locks[2]), -EBUSY);
    area_close(&stores[0]);
    close(locks[1].fd);
    area_close(&stores[1]);
    assert_int_equal(store_lock_take(&stores[2], STORE_LOCK_MAKE, &locks[2]), 0);
    assert_int_equal(open_store(*state, &stores[0]), 0);
    assert_int_equal(store_lock_take(&stores[0], STORE_LOCK_SHARED, &locks[0]), -EBUSY);
    area_close(&stores[0]);
    close(locks[2].fd);
    area_close(&stores[2]);
}

struct holder {
    struct area area;
    struct store_lock lock;
};

static void *let_go(void *argument)
{
    struct holder *holder = argument;
    close(holder->lock.fd);
    area_close(&holder->area);
    return NULL;
}

static void a_store_that_is_let_go_of_is_waited_for(void **state)
{
    struct holder first;
    struct area second;
    struct store_lock lock;
    pthread_t thread;
    assert_int_equal(open_store(*state, &first.area), 0);
    assert_int_equal(open_store(*state, &second), 0);
    assert_int_equal(store_lock_take(&first.area, STORE_LOCK_MAKE, &first.lock), 0);
    assert_int_equal(store_lock_take(&second, STORE_LOCK_MAKE, &lock), -EBUSY);
    assert_int_equal(pthread_create(&thread, NULL, let_go, &first), 0);
    assert_int_equal(store_lock_wait(&second, STORE_LOCK_MAKE, 60, &lock), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    close(lock.fd);
    area_close(&second);
}

static void a_lock_that_is_dropped_leaves_nothing(void **state)
{
    struct area area;
    struct store_lock lock;
    assert_int_equal(open_store(*state, &area), 0);
    assert_int_equal(store_lock_take(&area, STORE_LOCK_MAKE, &lock), 0);
    struct stat st;
    assert_int_equal(fstatat(area.root, STORE_PRIVATE, &st, 0), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    store_lock_drop(&area, &lock);
    assert_int_equal(fstatat(area.root, STORE_PRIVATE, &st, 0), -1);
    // Nothing is made for those who only read.
    assert_int_equal(store_lock_take(&area, 0, &lock), 0);
    assert_int_equal(fstatat(area.root, STORE_PRIVATE, &st, 0), -1);
    store_lock_drop(&area, &lock);
    area_close(&area);
}

/* A lock through another open file of the store's directory. */
static int lock_directory(const char *path, int operation)
{
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(dir >= 0);
    assert_int_equal(flock(dir, operation), 0);
    return dir;
}

static void the_lock_of_a_stranger_does_not_count(void **state)
{
    struct area area;
    struct store_lock lock;
    int dir = lock_directory(*state, LOCK_SH);
    assert_int_equal(open_store(*state, &area), 0);
    // This program is none that mounts.
    assert_int_equal(store_lock_take(&area, STORE_LOCK_MAKE, &lock), 0);
    store_lock_drop(&area, &lock);
    assert_int_equal(store_lock_take(&area, 0, &lock), 0);
    store_lock_drop(&area, &lock);
    area_close(&area);
    close(dir);
}

static void what_is_in_the_way_of_the_lock(void **state)
{
    struct area area;
    struct store_lock lock;
    struct stat st;
    assert_int_equal(open_store(*state, &area), 0);
    assert_int_equal(symlinkat("elsewhere", area.root, STORE_PRIVATE), 0);
    // Where it must stay, the directory's own lock does, and counts whoever has it.
    assert_int_equal(store_lock_take(&area, STORE_LOCK_MAKE, &lock), 0);
    assert_true(lock.fd < 0 && lock.foreign);
    store_lock_drop(&area, &lock);
    area_close(&area);
    int dir = lock_directory(*state, LOCK_SH);
    assert_int_equal(open_store(*state, &area), 0);
    assert_int_equal(store_lock_take(&area, STORE_LOCK_MAKE, &lock), -EBUSY);
    assert_int_equal(fstatat(area.root, STORE_PRIVATE, &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_true(S_ISLNK(st.st_mode));
    // Root gives it another name.
    assert_int_equal(store_lock_take(&area, STORE_LOCK_MAKE | STORE_LOCK_PRIVILEGED, &lock), 0);
    assert_true(lock.fd >= 0);
    assert_int_equal(fstatat(area.root, STORE_PRIVATE, &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_true(S_ISDIR(st.st_mode));
    assert_int_equal(fstatat(area.root, STORE_PRIVATE ".0", &st, AT_SYMLINK_NOFOLLOW), 0);
    store_lock_drop(&area, &lock);
    area_close(&area);
    close(dir);
}

static void a_store_is_told_by_its_root_and_its_lock(void **state)
{
    struct store_identity before, after;
    struct store_lock lock = STORE_LOCK_NONE;
    struct area area;
    assert_int_equal(open_store(*state, &area), 0);
    store_identity_read(&area, &before);
    assert_int_equal(store_lock_take(&area, STORE_LOCK_MAKE, &lock), 0);
    store_identity_read(&area, &before);
    assert_true(store_identity_tells(&before) && before.lock_ino != 0);
    area_close(&area);

    assert_int_equal(open_store(*state, &area), 0);
    store_identity_read(&area, &after);
    assert_memory_equal(&before, &after, sizeof(before));
    // A copy of it has another lock file.
    assert_int_equal(renameat(area.root, STORE_PRIVATE "/lock", area.root, "old"), 0);
    int fd = openat(area.root, STORE_PRIVATE "/lock", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    store_identity_read(&area, &after);
    assert_memory_not_equal(&before, &after, sizeof(before));
    close(fd);
    close(lock.fd);
    area_close(&area);

    before = (struct store_identity){ .ino = 1 };
    assert_false(store_identity_tells(&before));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_area_that_is_not_there_is_not_present),
        SCRATCH_TEST(a_store_is_the_directory_it_was_opened_by),
        SCRATCH_TEST(what_cannot_be_a_store_is_explained),
        SCRATCH_TEST(one_daemon_at_a_time_has_a_store),
        SCRATCH_TEST(several_share_a_store_and_others_do_not),
        SCRATCH_TEST(a_store_that_is_let_go_of_is_waited_for),
        SCRATCH_TEST(a_lock_that_is_dropped_leaves_nothing),
        SCRATCH_TEST(the_lock_of_a_stranger_does_not_count),
        SCRATCH_TEST(what_is_in_the_way_of_the_lock),
        SCRATCH_TEST(a_store_is_told_by_its_root_and_its_lock),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
