// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "lib/area/area.h"
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
    assert_int_equal(open_store(*state, &first), 0);
    assert_int_equal(open_store(*state, &second), -EBUSY);
    assert_int_equal(store_lock_wait(&second, 1), -EBUSY);
    area_close(&second);
    area_close(&first);
    assert_int_equal(open_store(*state, &first), 0);
    area_close(&first);
}

static void *close_area(void *area)
{
    area_close(area);
    return NULL;
}

static void a_store_that_is_let_go_of_is_waited_for(void **state)
{
    struct area first, second;
    pthread_t thread;
    assert_int_equal(open_store(*state, &first), 0);
    assert_int_equal(open_store(*state, &second), -EBUSY);
    assert_int_equal(pthread_create(&thread, NULL, close_area, &first), 0);
    assert_int_equal(store_lock_wait(&second, 60), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    area_close(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_area_that_is_not_there_is_not_present),
        SCRATCH_TEST(a_store_is_the_directory_it_was_opened_by),
        SCRATCH_TEST(what_cannot_be_a_store_is_explained),
        SCRATCH_TEST(one_daemon_at_a_time_has_a_store),
        SCRATCH_TEST(a_store_that_is_let_go_of_is_waited_for),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
