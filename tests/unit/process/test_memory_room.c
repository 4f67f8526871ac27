// SPDX-License-Identifier: BSD-2-Clause
/* How much memory there is to take: control groups and a machine that are plain files. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "lib/process/memory_room.h"
#include "tests/unit/scratch.h"

#define MIB (INT64_C(1) << 20)

static const char PLENTY[] = "MemTotal: 8388608 kB\nMemAvailable: 8388608 kB\nSwapFree: 0 kB\n";

static const char *path_of(const char *directory, const char *name)
{
    static char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static void put(const char *directory, const char *name, const char *text)
{
    FILE *file = fopen(path_of(directory, name), "we");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void put_number(const char *directory, const char *name, int64_t number)
{
    char text[32];
    snprintf(text, sizeof(text), "%lld\n", (long long)number);
    put(directory, name, text);
}

static void make_group(const char *directory, const char *max, int64_t current)
{
    put(directory, "memory.max", max);
    put(directory, "memory.high", "max\n");
    put(directory, "memory.swap.max", "max\n");
    put_number(directory, "memory.current", current);
    put(directory, "memory.stat", "anon 1\ninactive_anon 0\ninactive_file 0\nactive_file 0\n");
}

static int64_t room_at(int version, const char *top, const char *directory)
{
    struct memory_group group;
    char meminfo[PATH_MAX];
    memory_group_at(&group, version, directory, strlen(top));
    snprintf(meminfo, sizeof(meminfo), "%s/meminfo", top);
    return memory_room(&group, meminfo);
}

static void without_limits_the_machine_is_the_limit(void **state)
{
    const char *top = *state;
    put(top, "meminfo", PLENTY);
    make_group(top, "max\n", 5000 * MIB);
    assert_in_range(room_at(2, top, top), 7000 * MIB, 8192 * MIB);
    put(top, "meminfo", "MemTotal: 8388608 kB\nMemFree: 1 kB\nMemAvailable: 65536 kB\n");
    assert_true(room_at(2, top, top) < 0);
    /* what can be swapped out is room */
    put(top, "meminfo", "MemTotal: 8388608 kB\nMemAvailable: 65536 kB\nSwapFree: 4194304 kB\n");
    assert_in_range(room_at(2, top, top), 3000 * MIB, 4200 * MIB);
}

static void the_nearest_limit_of_all_groups_around_counts(void **state)
{
    const char *top = *state;
    char inner[PATH_MAX];
    put(top, "meminfo", PLENTY);
    snprintf(inner, sizeof(inner), "%s/inner", top);
    assert_int_equal(mkdir(inner, 0700), 0);
    make_group(top, "104857600\n", 40 * MIB);
    make_group(inner, "max\n", 10 * MIB);
    assert_in_range(room_at(2, top, inner), 40 * MIB, 56 * MIB);
    put_number(inner, "memory.max", 50 * MIB);
    assert_in_range(room_at(2, top, inner), 30 * MIB, 36 * MIB);
    put_number(inner, "memory.high", 30 * MIB);
    assert_in_range(room_at(2, top, inner), 14 * MIB, 16 * MIB);
    put_number(top, "memory.current", 98 * MIB);
    assert_true(room_at(2, top, inner) <= 0);
}

static void what_the_kernel_can_free_is_room(void **state)
{
    const char *top = *state;
    put(top, "meminfo", PLENTY);
    make_group(top, "104857600\n", 100 * MIB);
    assert_true(room_at(2, top, top) < 0);
    put(top, "memory.stat", "anon 1\ninactive_file 31457280\nactive_file 20971520\n"
                            "slab_reclaimable 41943040\n");
    assert_in_range(room_at(2, top, top), 50 * MIB, 70 * MIB);
    /* memory without a file is room as far as it finds swap */
    put(top, "memory.stat", "inactive_anon 83886080\nactive_anon 0\n");
    assert_true(room_at(2, top, top) < 0);
    put(top, "meminfo", "MemTotal: 8388608 kB\nMemAvailable: 8388608 kB\nSwapFree: 1048576 kB\n");
    assert_in_range(room_at(2, top, top), 60 * MIB, 80 * MIB);
    put_number(top, "memory.swap.max", 32 * MIB);
    put_number(top, "memory.swap.current", 32 * MIB);
    assert_true(room_at(2, top, top) < 0);
}

static void version_1_has_other_names(void **state)
{
    const char *top = *state;
    put(top, "meminfo", PLENTY);
    put_number(top, "memory.limit_in_bytes", INT64_C(0x7ffffffffffff000));
    put_number(top, "memory.usage_in_bytes", 90 * MIB);
    assert_true(room_at(1, top, top) > 1000 * MIB);
    put_number(top, "memory.limit_in_bytes", 100 * MIB);
    put(top, "memory.stat", "cache 1\ninactive_file 0\ntotal_inactive_file 0\n");
    assert_true(room_at(1, top, top) < 0);
    put(top, "memory.stat", "cache 1\ntotal_inactive_file 20971520\ntotal_active_file 0\n");
    assert_in_range(room_at(1, top, top), 10 * MIB, 20 * MIB);
}

static void what_cannot_be_read_is_no_limit(void **state)
{
    const char *top = *state;
    assert_true(room_at(2, top, top) == INT64_MAX);
    assert_true(room_at(1, top, "/nowhere/at/all") == INT64_MAX);
    struct memory_group group;
    memory_group_find(&group);
    assert_true(memory_room(&group, "/proc/meminfo") > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(without_limits_the_machine_is_the_limit),
        SCRATCH_TEST(the_nearest_limit_of_all_groups_around_counts),
        SCRATCH_TEST(what_the_kernel_can_free_is_room),
        SCRATCH_TEST(version_1_has_other_names),
        SCRATCH_TEST(what_cannot_be_read_is_no_limit),
    };
    return cmocka_run_group_tests_name("memory_room", tests, NULL, NULL);
}
