// SPDX-License-Identifier: BSD-2-Clause
// Reading directories: every entry once, at an offset that stays what it was while others come and
// go.
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

enum { FEW = 1000 };

struct raw_entry {
    uint64_t ino;
    int64_t offset; // of the entry after this one
    uint16_t length;
    uint8_t type;
    char name[];
};

static void make_entry(int number)
{
    char name[32];
    snprintf(name, sizeof(name), "entry-%06d", number);
    assert_ok(mknod(name, S_IFREG | 0644, 0));
}

static void make_entries(int count)
{
    for (int i = 0; i < count; i++)
        make_entry(i);
}

// The number in the name, or -1 for '.' and '..'; any other name fails the case.
static int number_of(const char *name)
{
    int number = -1;
    if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
        assert_int_equal(sscanf(name, "entry-%d", &number), 1);
    return number;
}

static DIR *open_directory(const char *path)
{
    DIR *directory = opendir(path);
    assert_non_null(directory);
    return directory;
}

// Counts what is still to come, by number; counts[0] is for both dots.
static void count_entries(DIR *directory, unsigned char *counts)
{
    struct dirent *entry;
    errno = 0;
    while ((entry = readdir(directory)) != NULL)
        counts[number_of(entry->d_name) + 1]++;
    assert_int_equal(errno, 0);
}

static void assert_each_once(DIR *directory, int count)
{
    unsigned char *counts = calloc((size_t)count + 1, 1);
    assert_non_null(counts);
    count_entries(directory, counts);
    assert_int_equal(counts[0], 2);
    for (int i = 0; i < count; i++)
        if (counts[i + 1] != 1)
            fail_msg("entry %d of %d was seen %d times", i, count, counts[i + 1]);
    free(counts);
}

static void empty_directory(void **state)
{
    (void)state;
    DIR *directory = open_directory(".");
    assert_each_once(directory, 0);
    assert_null(readdir(directory));
    rewinddir(directory);
    assert_each_once(directory, 0);
    assert_ok(closedir(directory));
}

static void dots_are_this_and_the_parent(void **state)
{
    (void)state;
    struct dirent *entry;
    assert_ok(mkdir("directory", 0755));
    DIR *directory = open_directory("directory");
    while ((entry = readdir(directory)) != NULL) {
        assert_int_equal(entry->d_type, DT_DIR);
        const char *path = strcmp(entry->d_name, ".") == 0 ? "directory" : ".";
        assert_int_equal(entry->d_ino, stat_of(path).st_ino);
    }
    assert_ok(closedir(directory));
}

static void make_one_of_each_type(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "socket" };
    put_file("regular", "");
    assert_ok(mkdir("directory", 0755));
    assert_ok(symlink("nowhere", "symlink"));
    assert_ok(mkfifo("fifo", 0644));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_ok(bind(fd, (struct sockaddr *)&address, sizeof(address)));
    assert_ok(close(fd));
    assert_ok(link("regular", "link"));
    put_file("renamed_from", "");
    assert_ok(rename("renamed_from", "renamed"));
}

static void type_and_inode_agree_with_stat(void **state)
{
    (void)state;
    make_one_of_each_type();
    for (int round = 0; round < 2; round++) {
        struct dirent *entry;
        int count = 0;
        DIR *directory = open_directory(".");
        while ((entry = readdir(directory)) != NULL) {
            if (entry->d_name[0] == '.')
                continue;
            struct stat attr = lstat_of(entry->d_name);
            assert_int_equal(entry->d_ino, attr.st_ino);
            assert_int_equal(entry->d_type, IFTODT(attr.st_mode));
            count++;
        }
        assert_int_equal(count, 7);
        assert_ok(closedir(directory));
    }
}

static void rewind_shows_changes(void **state)
{
    (void)state;
    make_entries(FEW);
    DIR *directory = open_directory(".");
    assert_each_once(directory, FEW);
    make_entry(FEW);
    rewinddir(directory);
    assert_each_once(directory, FEW + 1);
    assert_ok(unlink("entry-001000"));
    rewinddir(directory);
    assert_each_once(directory, FEW);
    assert_ok(closedir(directory));
}

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
    (void)state;
    unsigned char before[2 * FEW + 1] = { 0 }, after[2 * FEW + 1] = { 0 };
    make_entries(FEW);
    DIR *directory = open_directory(".");
    for (int i = 0; i < FEW / 2; i++) {
        struct dirent *entry = readdir(directory);
        assert_non_null(entry);
        before[number_of(entry->d_name) + 1]++;
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
        counts[number_of(entry->name) + 1]++;
        offset = entry->offset;
    }
    assert_int_equal(counts[0], 2);
    for (int i = 0; i < FEW; i++)
        assert_int_equal(counts[i + 1], 1);
    int fd = open_file(".", O_RDONLY | O_DIRECTORY);
    assert_errno(syscall(SYS_getdents64, fd, buffer, 8), EINVAL);
    assert_ok(close(fd));
}

// What rm -r does: removes as it reads on.
static void removing_while_reading(void **state)
{
    (void)state;
    struct dirent *entry;
    int removed = 0;
    make_entries(FEW);
    DIR *directory = open_directory(".");
    while ((entry = readdir(directory)) != NULL) {
        if (number_of(entry->d_name) < 0)
            continue;
        assert_ok(unlinkat(dirfd(directory), entry->d_name, 0));
        removed++;
    }
    assert_int_equal(removed, FEW);
    rewinddir(directory);
    assert_each_once(directory, 0);
    assert_ok(closedir(directory));
}

// Entries that are there all the time are seen once, whatever happens around them.
static int come_and_go(struct coprocess *parent, void *argument)
{
    char name[32], other[32];
    (void)argument;
    for (int i = 0; i < FEW; i++) {
        snprintf(name, sizeof(name), "entry-%06d", FEW + i);
        snprintf(other, sizeof(other), "entry-%06d", 2 * FEW + i);
        coprocess_check(mknod(name, S_IFREG | 0644, 0) == 0);
        coprocess_check(rename(name, other) == 0);
        coprocess_check(i % 2 == 0 || unlink(other) == 0);
    }
    coprocess_check(coprocess_give_turn(parent));
    return 0;
}

static void reading_while_others_change(void **state)
{
    (void)state;
    make_entries(FEW);
    struct coprocess coprocess;
    assert_int_equal(coprocess_start(&coprocess, come_and_go, NULL), 0);
    for (int round = 0; round < 20; round++) {
        unsigned char counts[3 * FEW + 1] = { 0 };
        DIR *directory = open_directory(".");
        count_entries(directory, counts);
        for (int i = 0; i < FEW; i++)
            if (counts[i + 1] != 1)
                fail_msg("entry %d was seen %d times", i, counts[i + 1]);
        assert_ok(closedir(directory));
    }
    assert_true(coprocess_await_turn(&coprocess));
    assert_coprocess_succeeds(&coprocess);
}

static int make_and_remove(struct coprocess *parent, void *argument)
{
    (void)parent;
    (void)argument;
    coprocess_check(mknod("entry-000001", S_IFREG | 0644, 0) == 0);
    coprocess_check(unlink("entry-000000") == 0);
    return 0;
}

// A listing is not answered from a memory of the directory that another process has since changed.
static void fresh_after_another_process_changed(void **state)
{
    (void)state;
    make_entry(0);
    for (int round = 0; round < 2; round++) {
        DIR *directory = open_directory(".");
        assert_each_once(directory, 1);
        assert_ok(closedir(directory));
    }
    assert_int_equal(coprocess_run(make_and_remove, NULL), 0);
    unsigned char counts[3] = { 0 };
    DIR *directory = open_directory(".");
    count_entries(directory, counts);
    assert_ok(closedir(directory));
    assert_int_equal(counts[1], 0);
    assert_int_equal(counts[2], 1);
}

// What a directory is said to hold, listed twice, for the second time may be another way: bit N for
// the entry of number N.
static unsigned listed(const char *path)
{
    unsigned found[2] = { 0, 0 };
    for (int round = 0; round < 2; round++) {
        struct dirent *entry;
        DIR *directory = open_directory(path);
        while ((entry = readdir(directory)) != NULL) {
            int number = number_of(entry->d_name);
            if (number >= 0)
                found[round] |= 1U << number;
        }
        assert_ok(closedir(directory));
    }
    assert_int_equal(found[0], found[1]);
    return found[0];
}

static int create(void)
{
    return mknod("here/entry-000001", S_IFREG | 0644, 0);
}

static int make_directory(void)
{
    return mkdir("here/entry-000002", 0755);
}

static int make_symlink(void)
{
    return symlink("nowhere", "here/entry-000003");
}

static int make_link(void)
{
    return link("here/entry-000001", "here/entry-000004");
}

static int rename_within(void)
{
    return rename("here/entry-000004", "here/entry-000005");
}

static int rename_away(void)
{
    return rename("here/entry-000005", "other/entry-000006");
}

static int exchange_both(void)
{
    return renameat2(AT_FDCWD, "here/entry-000003", AT_FDCWD, "other/entry-000006",
                     RENAME_EXCHANGE);
}

static int rename_over(void)
{
    return rename("other/entry-000006", "here/entry-000001");
}

static int link_unnamed(void)
{
    char path[64];
    int fd = open("here", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644);
    if (fd < 0)
        return -1;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int result = linkat(AT_FDCWD, path, AT_FDCWD, "here/entry-000007", AT_SYMLINK_FOLLOW);
    return close(fd) == 0 ? result : -1;
}

static int remove_file(void)
{
    return unlink("here/entry-000001");
}

static int remove_directory(void)
{
    return rmdir("here/entry-000002");
}

static const struct change {
    const char *what;
    int (*make)(void);
    unsigned here, other; // what the two directories hold then
} changes[] = {
    { "create", create, 0x02, 0 },
    { "mkdir", make_directory, 0x06, 0 },
    { "symlink", make_symlink, 0x0e, 0 },
    { "link", make_link, 0x1e, 0 },
    { "rename within", rename_within, 0x2e, 0 },
    { "rename away", rename_away, 0x0e, 0x40 },
    { "exchange", exchange_both, 0x0e, 0x40 },
    { "rename over", rename_over, 0x0e, 0 },
    { "link of a file without a name", link_unnamed, 0x8e, 0 },
    { "unlink", remove_file, 0x8c, 0 },
    { "rmdir", remove_directory, 0x88, 0 },
};

static int change_in_peer(struct coprocess *parent, void *argument)
{
    const struct change *change = argument;
    (void)parent;
    coprocess_check(change->make() == 0);
    return 0;
}

static void make_each_change(bool in_peer)
{
    assert_ok(mkdir("here", 0755));
    assert_ok(mkdir("other", 0755));
    DIR *kept = open_directory("here");
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct change change = changes[i];
        listed("here");
        listed("other");
        if (in_peer)
            assert_int_equal(coprocess_run(change_in_peer, &change), 0);
        else
            assert_ok(change.make());
        if (listed("here") != change.here || listed("other") != change.other)
            fail_msg("after %s: %x and %x", change.what, listed("here"), listed("other"));
        // A directory that has been open all the time, from its beginning.
        unsigned found = 0;
        struct dirent *entry;
        rewinddir(kept);
        while ((entry = readdir(kept)) != NULL)
            if (number_of(entry->d_name) >= 0)
                found |= 1U << number_of(entry->d_name);
        assert_int_equal(found, change.here);
    }
    assert_ok(closedir(kept));
}

static void every_change_is_seen_at_once(void **state)
{
    (void)state;
    make_each_change(false);
}

static void every_change_by_another_is_seen_at_once(void **state)
{
    (void)state;
    make_each_change(true);
}

// A program that renames what it lists comes to an end, although each name that it makes is new.
static void renaming_while_reading(void **state)
{
    (void)state;
    _Alignas(8) char buffer[512];
    char to[32];
    long length;
    int names = 0;
    make_entries(FEW);
    int fd = open_file(".", O_RDONLY | O_DIRECTORY);
    while ((length = syscall(SYS_getdents64, fd, buffer, sizeof(buffer))) > 0) {
        for (long at = 0; at < length;) {
            const struct raw_entry *entry = (const struct raw_entry *)(buffer + at);
            at += entry->length;
            if (number_of(entry->name) < 0)
                continue;
            snprintf(to, sizeof(to), "entry-%06d", FEW + names);
            assert_ok(renameat(fd, entry->name, fd, to));
            // Names that are in no order may come again under a new one, and again, but not for ever.
            assert_in_range(++names, 1, 20 * FEW);
        }
    }
    assert_ok(length);
    assert_true(names >= FEW);
    assert_ok(close(fd));
    DIR *directory = open_directory(".");
    int left = 0;
    struct dirent *entry;
    while ((entry = readdir(directory)) != NULL)
        left += number_of(entry->d_name) >= 0;
    assert_int_equal(left, FEW);
    assert_ok(closedir(directory));
}

// An open directory can be synced, whether it was listed, and whether it is still there.
static void syncing_a_directory(void **state)
{
    (void)state;
    assert_ok(mkdir("directory", 0755));
    int fd = open_file("directory", O_RDONLY | O_DIRECTORY);
    put_file("directory/entry-000000", "");
    assert_ok(fsync(fd));
    assert_ok(fdatasync(fd));
    assert_int_equal(listed("directory"), 1);
    assert_ok(unlink("directory/entry-000000"));
    assert_ok(rmdir("directory"));
    assert_ok(fsync(fd));
    _Alignas(8) char buffer[512];
    assert_errno(syscall(SYS_getdents64, fd, buffer, sizeof(buffer)), ENOENT);
    assert_ok(close(fd));
}

// Who has a directory open goes on although nobody may read it any more.
static void reading_on_without_permission(void **state)
{
    (void)state;
    unsigned char counts[FEW + 1] = { 0 };
    struct dirent *entry;
    assert_ok(mkdir("directory", 0755));
    assert_ok(chdir("directory"));
    make_entries(FEW);
    assert_ok(chdir(".."));
    DIR *directory = open_directory("directory");
    assert_non_null(entry = readdir(directory));
    counts[number_of(entry->d_name) + 1]++;
    assert_ok(chmod("directory", 0));
    count_entries(directory, counts);
    assert_int_equal(counts[0], 2);
    for (int i = 0; i < FEW; i++)
        assert_int_equal(counts[i + 1], 1);
    rewinddir(directory);
    assert_each_once(directory, FEW);
    assert_ok(chmod("directory", 0755));
    assert_ok(closedir(directory));
}

static void entries_with_longest_names(void **state)
{
    (void)state;
    enum { COUNT = 300 };
    char name[256], seen[COUNT] = { 0 };
    struct dirent *entry;
    for (int i = 0; i < COUNT; i++) {
        memset(name, '\xff', 255);
        snprintf(name + 251, 5, "%04d", i);
        assert_ok(mknod(name, S_IFREG | 0644, 0));
    }
    DIR *directory = open_directory(".");
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        assert_int_equal(strlen(entry->d_name), 255);
        seen[atoi(entry->d_name + 251)]++;
    }
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(seen[i], 1);
    assert_ok(closedir(directory));
}

/*
 * How the data gets to programs has nothing to do with directories, and both RAM areas are one to
 * them: the full number, which takes its time, is for one kind of mount on each area.
 */
static int many_entries(const struct fixture *fixture)
{
    bool full = fixture->root && fixture->passthrough && fixture->area != AREA_ANON;
    return full ? 100000 : 5000;
}

static void hundred_thousand_entries(void **state)
{
    int many = many_entries(fixture_of(state));
    make_entries(many);
    DIR *directory = open_directory(".");
    assert_each_once(directory, many);
    // A second reader in the middle of it, and the first again from the start.
    DIR *other = open_directory(".");
    for (int i = 0; i < many / 2; i++)
        assert_non_null(readdir(other));
    long middle = telldir(other);
    rewinddir(directory);
    assert_each_once(directory, many);
    unsigned char *counts = calloc((size_t)many + 1, 1);
    assert_non_null(counts);
    seekdir(other, middle);
    count_entries(other, counts);
    int left = 0;
    for (int i = 0; i <= many; i++)
        left += counts[i];
    assert_int_equal(left, many + 2 - many / 2);
    free(counts);
    assert_ok(closedir(other));
    assert_ok(closedir(directory));
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(empty_directory),
    cmocka_unit_test(dots_are_this_and_the_parent),
    cmocka_unit_test(type_and_inode_agree_with_stat),
    cmocka_unit_test(rewind_shows_changes),
    cmocka_unit_test(seek_returns_to_each_entry),
    cmocka_unit_test(positions_survive_changes),
    cmocka_unit_test(raw_offsets),
    cmocka_unit_test(removing_while_reading),
    cmocka_unit_test(reading_while_others_change),
    cmocka_unit_test(fresh_after_another_process_changed),
    cmocka_unit_test(every_change_is_seen_at_once),
    cmocka_unit_test(every_change_by_another_is_seen_at_once),
    cmocka_unit_test(renaming_while_reading),
    cmocka_unit_test(syncing_a_directory),
    cmocka_unit_test(reading_on_without_permission),
    cmocka_unit_test(entries_with_longest_names),
    cmocka_unit_test(hundred_thousand_entries),
};

HARNESS_MAIN("readdir", cases)
