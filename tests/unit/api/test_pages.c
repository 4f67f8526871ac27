// SPDX-License-Identifier: BSD-2-Clause
/* The count of a file's pages, and the text that tells it. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/api/pages.h"
#include "tests/unit/scratch.h"

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static void pages_that_were_written_are_resident(void **state)
{
    struct shmap_pages pages;
    int fd = memfd_create("pages", MFD_CLOEXEC);
    (void)state;

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)(100 * page_size())), 0);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pwrite(fd, "x", 1, (off_t)(2 * i * page_size())), 1);
    int error = pages_count(fd, &pages);
    close(fd);
    if (error == -ENODATA)
        skip_because("this kernel has no cachestat(2) (Linux 6.5 has)");
    assert_int_equal(error, 0);
    assert_int_equal(pages.resident, 3);
    // The pages are in RAM, where they belong.
    assert_int_equal(pages.dirty, 0);
    assert_int_equal(pages.swapped, 0);
}

static void what_cannot_be_counted_is_an_error(void **state)
{
    struct shmap_pages pages;
    (void)state;

    int fd = open("/", O_PATH | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_true(pages_count(fd, &pages) < 0);
    close(fd);
    assert_true(pages_count(-1, &pages) < 0);
}

static void a_count_survives_its_text(void **state)
{
    const struct shmap_pages pages = { .resident = 12, .dirty = UINT64_MAX, .swapped = 3 };
    (void)state;

    for (int passthrough = 0; passthrough < 2; passthrough++) {
        struct shmap_pages back;
        bool passed;
        char *text = pages_to_text(&pages, passthrough);
        assert_non_null(text);
        assert_int_equal(pages_from_text(text, &back, &passed), 0);
        assert_memory_equal(&pages, &back, sizeof(pages));
        assert_int_equal(passed, passthrough);
        free(text);
    }
}

static void later_words_are_passed_over(void **state)
{
    struct shmap_pages pages;
    bool passthrough;
    (void)state;

    assert_int_equal(
        pages_from_text("resident=1 dirty=2 swapped=3 passthrough=1 huge=4", &pages, &passthrough),
        0);
    assert_int_equal(pages.swapped, 3);
}

static void other_texts_are_refused(void **state)
{
    static const char *const texts[] = { "",
                                         "resident",
                                         "resident=1",
                                         "resident=x dirty=2 swapped=3 passthrough=1",
                                         "resident=1 dirty=2 swapped=3",
                                         "dirty=2 resident=1 swapped=3 passthrough=1" };
    struct shmap_pages pages;
    bool passthrough;
    (void)state;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(pages_from_text(texts[i], &pages, &passthrough), -EPROTO);
}

static void elsewhere_nothing_is_believed(void **state)
{
    struct shmap_pages pages;

    assert_int_equal(shmap_pages_get("/proc/self/no-such-file", &pages), -ENOENT);
    assert_int_equal(shmap_pages_get("/proc/self/comm", &pages), -ENODATA);
    assert_int_equal(shmap_pages_get(*state, &pages), -ENODATA);
    assert_int_equal(shmap_pages_get_unchecked("/proc/self/no-such-file", &pages), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_that_were_written_are_resident),
        cmocka_unit_test(what_cannot_be_counted_is_an_error),
        cmocka_unit_test(a_count_survives_its_text),
        cmocka_unit_test(later_words_are_passed_over),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test_setup_teardown(elsewhere_nothing_is_believed, make_scratch,
                                        remove_scratch),
    };
    return cmocka_run_group_tests_name("pages", tests, NULL, NULL);
}
