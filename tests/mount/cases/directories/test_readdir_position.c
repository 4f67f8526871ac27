// SPDX-License-Identifier: BSD-2-Clause
/* Positions in a directory: an entry keeps its offset while others come and go. */
#include "tests/mount/cases/directories/entries.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/kernel.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static void seek_returns_to_each_entry(void **state)
{
    (void)state;
    long positions[FEW + 2];
    char names[FEW + 2][32];
    make_entries(FEW);
    DIR *directory = open_directory(".");
    for (int i = 0; i < FEW + 2; i++) {
        positions[i] = telldir(directory);
        struct dirent *entry = readdir(directory);
        assert_non_null(entry);
        snprintf(names[i], sizeof(names[i]), "%.31s", entry->d_name);
    }
    // In no order at all: 997 is prime and visits all.
    for (int i = 0, at = 0; i < FEW + 2; i++, at = (at + 997) % (FEW + 2)) {
        seekdir(directory, positions[at]);
        struct dirent *entry = readdir(directory);
        assert_non_null(entry);
        assert_string_equal(entry->d_name, names[at]);
    }
    assert_ok(closedir(directory));
}

// A position goes on being the same place although entries before and after it vanish and others
// appear.
static void positions_survive_changes(void **state)
{
    if (fixture_of(state)->memory && !kernel_is_at_least(6, 6))
        harness_skip_case("this kernel's tmpfs counts positions (Linux 6.6 keeps them)");
    unsigned char before[2 * FEW + 1] = { 0 }, after[2 * FEW + 1] = { 0 };
    make_entries(FEW);
    DIR *directory = open_directory(".");
    for (int i = 0; i < FEW / 2; i++) {
        struct dirent *entry = readdir(directory);
        assert_non_null(entry);
        before[entry_number(entry->d_name) + 1]++;
    }
    long position = telldir(directory);

    // Half of those that were seen go, and new ones come, in this and in another reader's sight.
    char name[32];
    for (int i = 0; i < FEW; i += 2) {
        snprintf(name, sizeof(name), "entry-%06d", i);
        if (before[i + 1])
            assert_ok(unlink(name));
    }
    for (int i = FEW; i < 2 * FEW; i++)
        make_entry(i);
    DIR *other = open_directory(".");
    while (readdir(other) != NULL)
        continue;
    assert_ok(closedir(other));

    seekdir(directory, position);
    count_entries(directory, after);
    for (int i = 0; i < FEW; i++)
        if (before[i + 1] + after[i + 1] != 1)
            fail_msg("entry %d was seen %d times before and %d times after the seek", i,
                     before[i + 1], after[i + 1]);
    for (int i = FEW; i < 2 * FEW; i++)
        assert_true(after[i + 1] <= 1);
    assert_ok(closedir(directory));
}

// One entry at a time by getdents64 with a small buffer and lseek to where the last one said the
// next is.
static void raw_offsets(void **state)
{
    (void)state;
    unsigned char counts[FEW + 1] = { 0 };
    _Alignas(8) char buffer[64];
    make_entries(FEW);
    int64_t offset = 0;
    for (;;) {
        int fd = open_file(".", O_RDONLY | O_DIRECTORY);
        assert_int_equal(lseek(fd, offset, SEEK_SET), offset);
        long length = syscall(SYS_getdents64, fd, buffer, sizeof(buffer));
        assert_ok(length);
        assert_ok(close(fd));
        if (length == 0)
            break;
        const struct raw_entry *entry = (const struct raw_entry *)buffer;
        counts[entry_number(entry->name) + 1]++;
        offset = entry->offset;
    }
    assert_int_equal(counts[0], 2);
    for (int i = 0; i < FEW; i++)
        assert_int_equal(counts[i + 1], 1);
    int fd = open_file(".", O_RDONLY | O_DIRECTORY);
    assert_errno(syscall(SYS_getdents64, fd, buffer, 8), EINVAL);
    assert_ok(close(fd));
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(seek_returns_to_each_entry),
    cmocka_unit_test(positions_survive_changes),
    cmocka_unit_test(raw_offsets),
};

HARNESS_MAIN("readdir_position", cases)
