// SPDX-License-Identifier: BSD-2-Clause
/* A change of a directory shows in the next listing, whoever makes it. */
#include "tests/mount/cases/directories/entries.h"
#include "tests/mount/harness/coprocess.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

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

static int change_in_coprocess(struct coprocess *parent, void *argument)
{
    const struct change *change = argument;
    (void)parent;
    coprocess_check(change->make() == 0);
    return 0;
}

static void make_each_change(bool in_coprocess)
{
    assert_ok(mkdir("here", 0755));
    assert_ok(mkdir("other", 0755));
    DIR *kept = open_directory("here");
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct change change = changes[i];
        listed_entries("here");
        listed_entries("other");
        if (in_coprocess)
            assert_int_equal(coprocess_run(change_in_coprocess, &change), 0);
        else
            assert_ok(change.make());
        if (listed_entries("here") != change.here || listed_entries("other") != change.other)
            fail_msg("after %s: %x and %x", change.what, listed_entries("here"),
                     listed_entries("other"));
        // A directory that has been open all the time, from its beginning.
        unsigned found = 0;
        struct dirent *entry;
        rewinddir(kept);
        while ((entry = readdir(kept)) != NULL)
            if (entry_number(entry->d_name) >= 0)
                found |= 1U << entry_number(entry->d_name);
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

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(fresh_after_another_process_changed),
    cmocka_unit_test(every_change_is_seen_at_once),
    cmocka_unit_test(every_change_by_another_is_seen_at_once),
};

HARNESS_MAIN("readdir_change", cases)
