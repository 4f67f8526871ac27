// SPDX-License-Identifier: BSD-2-Clause
/* The calls on paths, where there is no mount: nothing is believed, and nothing is left behind. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <sys/xattr.h>

#include "lib/api/shmap.h"
#include "tests/unit/scratch.h"

/* A directory that claims to be ours, as a store's class root does. */
static int make_claimant(void **state)
{
    if (make_scratch(state) != 0)
        return -1;
    return setxattr(*state, SHMAP_XATTR_CLASS, "anon", 4, 0) == 0 || errno == EOPNOTSUPP ? 0 : -1;
}

static void a_path_that_is_not_there(void **state)
{
    (void)state;
    enum shmap_class class;
    struct shmap_status status;
    assert_int_equal(shmap_class_get("/proc/self/no-such-file", &class), -ENOENT);
    assert_int_equal(shmap_class_set("/proc/self/no-such-file", SHMAP_ANON), -ENOENT);
    assert_int_equal(shmap_status_get("/proc/self/no-such-file", &status), -ENOENT);
    assert_int_equal(shmap_resize("/proc/self/no-such-file", "1m"), -ENOENT);
    assert_int_equal(shmap_options_change("/proc/self/no-such-file", "size=1m", false), -ENOENT);
    assert_int_equal(shmap_upgrade("/proc/self/no-such-file", NULL), -ENOENT);
    uint64_t reserved;
    assert_int_equal(shmap_reserve_set("/proc/self/no-such-file", 1), -ENOENT);
    assert_int_equal(shmap_reserve_get("/proc/self/no-such-file", &reserved), -ENOENT);
    assert_int_equal(shmap_class_get("", &class), -ENOENT);
    assert_int_equal(shmap_class_get("/proc/self/comm/x", &class), -ENOTDIR);
}

static void an_attribute_elsewhere_is_not_believed(void **state)
{
    enum shmap_class class;
    struct shmap_status status;
    assert_int_equal(shmap_class_get(*state, &class), -ENODATA);
    assert_int_equal(shmap_status_get(*state, &status), -ENODATA);
}

static void no_attribute_is_set_elsewhere(void **state)
{
    assert_int_equal(shmap_class_set(*state, SHMAP_PERSIST), -ENODATA);
    assert_int_equal(shmap_resize(*state, "1m"), -ENODATA);
    assert_int_equal(shmap_reserve_set(*state, 4096), -ENODATA);
    assert_int_equal(shmap_reserve_set(*state, 0), -ENODATA);
    assert_int_equal(shmap_options_change(*state, "size=1m", false), -ENODATA);
    assert_int_equal(shmap_upgrade(*state, NULL), -ENODATA);
    assert_int_equal(shmap_upgrade(*state, "/bin/true"), -ENODATA);

    char word[16];
    ssize_t length = getxattr(*state, SHMAP_XATTR_CLASS, word, sizeof(word));
    if (length >= 0) {
        assert_int_equal(length, 4);
        assert_memory_equal(word, "anon", 4);
    }
    assert_int_equal(getxattr(*state, SHMAP_XATTR_SIZE, NULL, 0), -1);
    assert_int_equal(getxattr(*state, SHMAP_XATTR_UPGRADE, NULL, 0), -1);
    assert_int_equal(shmap_class_set("/proc/self/comm", SHMAP_ANON), -ENODATA);
}

static void a_relative_binary_is_refused(void **state)
{
    (void)state;
    assert_int_equal(shmap_upgrade("/", "shmapfs"), -EINVAL);
    assert_int_equal(shmap_upgrade("/", ""), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_that_is_not_there),
        cmocka_unit_test(a_relative_binary_is_refused),
        cmocka_unit_test_setup_teardown(an_attribute_elsewhere_is_not_believed, make_claimant,
                                        remove_scratch),
        cmocka_unit_test_setup_teardown(no_attribute_is_set_elsewhere, make_claimant,
                                        remove_scratch),
    };
    return cmocka_run_group_tests_name("shmap", tests, NULL, NULL);
}
