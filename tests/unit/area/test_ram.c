// SPDX-License-Identifier: BSD-2-Clause
/* The RAM area: a real tmpfs, which works without privilege as well where user namespaces do. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/area/area.h"

#define PAGE  4096
#define LIMIT (1024 * PAGE)

static struct ram_options defaults(void)
{
    return (struct ram_options){
        .size = LIMIT, .huge = "never", .mode = 0755, .uid = (uid_t)-1, .gid = (gid_t)-1
    };
}

/* There is no RAM area to test where a user may not make user namespaces. */
static struct area open_ram(const struct ram_options *options)
{
    struct area area;
    struct complaint complaint = { "" };
    int error = ram_open(options, &area, &complaint);
    if (error != 0 && geteuid() != 0 && getenv("SHMAPFS_NO_SKIP") == NULL) {
        skip_because(complaint.text);
    }
    if (error != 0)
        fail_msg("%d: %s", error, complaint.text);
    return area;
}

static int make_file(const struct area *area, const char *name)
{
    int fd = openat(area->root, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    return fd;
}

static void it_is_an_empty_tmpfs_in_no_mount_table(void **state)
{
    (void)state;
    struct ram_options options = defaults();
    struct area area = open_ram(&options);
    assert_string_equal(area.filesystem, "tmpfs");
    struct stat st;
    assert_int_equal(fstat(area.root, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0755);
    assert_true(st.st_dev == area.device);
    assert_int_equal(st.st_nlink, 2);

    char number[32], line[4096];
    snprintf(number, sizeof(number), " %u:%u ", major(area.device), minor(area.device));
    FILE *table = fopen("/proc/self/mountinfo", "re");
    assert_non_null(table);
    while (fgets(line, sizeof(line), table) != NULL)
        assert_null(strstr(line, number));
    fclose(table);
    area_close(&area);
}

static void it_is_full_at_exactly_its_limit(void **state)
{
    (void)state;
    struct ram_options options = defaults();
    struct area area = open_ram(&options);
    int fd = make_file(&area, "file");
    assert_int_equal(posix_fallocate(fd, 0, LIMIT), 0);
    assert_int_equal(pwrite(fd, "x", 1, LIMIT), -1);
    assert_int_equal(errno, ENOSPC);

    struct shmap_area_status status = { 0 };
    assert_int_equal(area_status(&area, &status), 0);
    assert_int_equal(status.size, LIMIT);
    assert_int_equal(status.used, LIMIT);
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(area_status(&area, &status), 0);
    assert_int_equal(status.used, 0);
    close(fd);
    area_close(&area);
}

static void the_number_of_its_files_has_a_limit(void **state)
{
    (void)state;
    struct ram_options options = defaults();
    options.inodes = 3; /* with its top directory */
    struct area area = open_ram(&options);
    close(make_file(&area, "a"));
    close(make_file(&area, "b"));
    assert_int_equal(openat(area.root, "c", O_RDWR | O_CREAT | O_CLOEXEC, 0600), -1);
    assert_int_equal(errno, ENOSPC);
    struct shmap_area_status status = { 0 };
    assert_int_equal(area_status(&area, &status), 0);
    assert_int_equal(status.inodes, 3);
    assert_int_equal(status.inodes_used, 3);
    area_close(&area);
}

static uint64_t inodes_of(const struct area *area)
{
    struct shmap_area_status status = { 0 };
    assert_int_equal(area_status(area, &status), 0);
    return status.inodes;
}

static void the_number_of_its_files_follows_from_its_size(void **state)
{
    (void)state;
    struct ram_options options = defaults();
    options.size = 2048 * PAGE;
    struct area area = open_ram(&options);
    assert_int_equal(inodes_of(&area), 2048);
    assert_int_equal(ram_resize(&area, 4096 * PAGE), 0);
    assert_int_equal(inodes_of(&area), 4096);
    assert_int_equal(ram_resize(&area, 2048 * PAGE), 0);
    assert_int_equal(inodes_of(&area), 4096);
    assert_int_equal(ram_resize(&area, 8192 * PAGE), 0);
    assert_int_equal(inodes_of(&area), 8192);
    area_close(&area);

    options.size = PAGE;
    area = open_ram(&options);
    assert_int_equal(inodes_of(&area), 1024);
    area_close(&area);
}

static void a_number_of_files_that_was_asked_for_stays(void **state)
{
    (void)state;
    struct ram_options options = defaults();
    options.inodes = 100;
    struct area area = open_ram(&options);
    assert_int_equal(ram_resize(&area, 2 * LIMIT), 0);
    assert_int_equal(inodes_of(&area), 100);
    area_close(&area);
    options.inodes = 100000;
    area = open_ram(&options);
    assert_int_equal(inodes_of(&area), 100000);
    assert_int_equal(ram_resize(&area, 2 * LIMIT), 0);
    assert_int_equal(inodes_of(&area), 100000);
    area_close(&area);
}

static void it_grows_and_shrinks_but_not_below_what_is_used(void **state)
{
    (void)state;
    struct ram_options options = defaults();
    struct area area = open_ram(&options);
    int fd = make_file(&area, "file");
    assert_int_equal(posix_fallocate(fd, 0, LIMIT), 0);
    assert_int_equal(ram_resize(&area, LIMIT - PAGE), -EINVAL);
    assert_int_equal(ram_resize(&area, 2 * LIMIT), 0);
    assert_int_equal(posix_fallocate(fd, 0, 2 * LIMIT), 0);
    assert_int_equal(pwrite(fd, "x", 1, 2 * LIMIT), -1);
    assert_int_equal(ftruncate(fd, PAGE), 0);
    assert_int_equal(ram_resize(&area, PAGE), 0);
    assert_int_equal(pwrite(fd, "x", 1, PAGE), -1);
    assert_int_equal(errno, ENOSPC);
    close(fd);
    area_close(&area);
}

static void huge_pages_that_the_kernel_refuses_become_never(void **state)
{
    (void)state;
    struct ram_options options = defaults();
    options.huge = "no such word";
    struct area area = open_ram(&options);
    assert_string_equal(area.huge, "never");
    area_close(&area);
    options.huge = "never";
    area = open_ram(&options);
    assert_string_equal(area.huge, "never");
    area_close(&area);
}

static void two_areas_have_nothing_in_common(void **state)
{
    (void)state;
    struct ram_options options = defaults();
    struct area first = open_ram(&options), second = open_ram(&options);
    close(make_file(&first, "file"));
    assert_int_equal(faccessat(second.root, "file", F_OK, 0), -1);
    assert_true(first.device != second.device);
    area_close(&first);
    area_close(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_an_empty_tmpfs_in_no_mount_table),
        cmocka_unit_test(it_is_full_at_exactly_its_limit),
        cmocka_unit_test(the_number_of_its_files_has_a_limit),
        cmocka_unit_test(the_number_of_its_files_follows_from_its_size),
        cmocka_unit_test(a_number_of_files_that_was_asked_for_stays),
        cmocka_unit_test(it_grows_and_shrinks_but_not_below_what_is_used),
        cmocka_unit_test(huge_pages_that_the_kernel_refuses_become_never),
        cmocka_unit_test(two_areas_have_nothing_in_common),
    };
    return cmocka_run_group_tests_name("ram", tests, NULL, NULL);
}
