// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/unit.h"

#include <stdint.h>

#include "lib/area/area.h"
#include "lib/area/inode_number.h"

#define BIT(number) (UINT64_C(1) << (number))

struct number {
    unsigned area;
    uint64_t ino;
};

/* The store, the mount's own RAM area, and the first, second and last of directories. */
static const unsigned AREAS_TRIED[] = { AREA_STORE, AREA_RAM, AREA_OWN, AREA_OWN + 1, AREAS - 1 };

/* Numbers around all borders: tmpfs counts and stays below 2^44. */
static size_t make_numbers(struct number numbers[], size_t room)
{
    static const uint64_t distances[] = { 0, 1, 2, 4711, BIT(20), BIT(31), BIT(31) - 1 };
    const size_t tried = sizeof(AREAS_TRIED) / sizeof(AREAS_TRIED[0]);
    size_t count = 0;

    for (size_t at = 0; at < tried; at++) {
        unsigned area = AREAS_TRIED[at];
        for (unsigned bit = 0; bit < 64; bit++) {
            for (size_t i = 0; i < 2 * sizeof(distances) / sizeof(distances[0]); i++) {
                uint64_t ino = i % 2 ? BIT(bit) - distances[i / 2] : BIT(bit) + distances[i / 2];
                if (ino >= (area == AREA_STORE ? UINT64_MAX - BIT(52) : BIT(44)))
                    continue;
                assert_true(count < room);
                numbers[count++] = (struct number){ area, ino };
            }
        }
    }
    return count;
}

static uint64_t shown(struct number number)
{
    return inode_number_shown(NUMBERING_SHARED, number.area, number.ino);
}

static void no_two_inodes_have_the_same_number(void **state)
{
    static struct number numbers[8192];
    size_t count = make_numbers(numbers, 8192);

    (void)state;
    assert_true(count > 1000);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            bool same = numbers[i].area == numbers[j].area && numbers[i].ino == numbers[j].ino;
            if ((shown(numbers[i]) == shown(numbers[j])) != same)
                fail_msg("%#jx of area %u and %#jx of area %u are shown as %#jx",
                         (uintmax_t)numbers[i].ino, numbers[i].area, (uintmax_t)numbers[j].ino,
                         numbers[j].area, (uintmax_t)shown(numbers[i]));
        }
    }
}

static void small_numbers_have_32_bits(void **state)
{
    static const uint64_t small[] = { 1, 2, 255, 256, 65536, BIT(23) - 1, BIT(30) - 1 };

    (void)state;
    for (size_t i = 0; i < sizeof(small) / sizeof(small[0]); i++) {
        assert_true(inode_number_shown(NUMBERING_SHARED, AREA_STORE, small[i]) == small[i]);
        assert_true(inode_number_shown(NUMBERING_SHARED, AREA_RAM, small[i]) == small[i] + BIT(31));
    }
    for (size_t i = 0; small[i] < BIT(23); i++) {
        assert_true(inode_number_shown(NUMBERING_SHARED, AREA_OWN, small[i]) < BIT(32));
        assert_true(inode_number_shown(NUMBERING_SHARED, AREAS - 1, small[i]) < BIT(32));
    }
}

static void numbers_of_usual_filesystems_are_exact_in_a_double(void **state)
{
    static const uint64_t large[] = { BIT(31), BIT(32) - 1, BIT(32), BIT(52) - 1 };

    (void)state;
    for (size_t i = 0; i < sizeof(large) / sizeof(large[0]); i++) {
        assert_true(inode_number_shown(NUMBERING_SHARED, AREA_STORE, large[i]) < BIT(53));
        assert_true(inode_number_shown(NUMBERING_SHARED, AREA_RAM, large[i] % BIT(44)) < BIT(53));
        assert_true(inode_number_shown(NUMBERING_SHARED, AREAS - 1, large[i] % BIT(44)) < BIT(53));
    }
}

static void a_mount_of_an_earlier_version_keeps_its_numbers(void **state)
{
    (void)state;
    assert_true(inode_number_shown(NUMBERING_WIDE, AREA_RAM, 4711) == 4711 + BIT(52));
    assert_true(inode_number_shown(NUMBERING_WIDE, AREA_RAM, BIT(40)) == BIT(40) + BIT(52));
    assert_true(inode_number_shown(NUMBERING_WIDE, AREA_STORE, BIT(31)) == BIT(31));
    assert_true(inode_number_shown(NUMBERING_WIDE, AREA_STORE, BIT(60)) == BIT(60));
    assert_true(inode_number_shown(NUMBERING_NARROW, AREA_RAM, BIT(31) - 1) == BIT(32) - 1);
    assert_true(inode_number_shown(NUMBERING_NARROW, AREA_RAM, BIT(31)) == BIT(31) + BIT(52));
    // Directories have areas of their own after the upgrade.
    assert_true(inode_number_shown(NUMBERING_WIDE, AREA_OWN, 1) > BIT(52) + BIT(44));
    assert_true(inode_number_shown(NUMBERING_NARROW, AREA_OWN, 1) > BIT(52) + BIT(44));
    // The mount's memory has a 0 there.
    assert_int_equal(NUMBERING_WIDE, 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(no_two_inodes_have_the_same_number),
    cmocka_unit_test(small_numbers_have_32_bits),
    cmocka_unit_test(numbers_of_usual_filesystems_are_exact_in_a_double),
    cmocka_unit_test(a_mount_of_an_earlier_version_keeps_its_numbers),
};

int main(void)
{
    return cmocka_run_group_tests_name("inode_number", tests, NULL, NULL);
}
