// SPDX-License-Identifier: BSD-2-Clause
/*
 * A process that changes a program's contents does not inherit its setuid bit, its setgid bit, or
 * its capabilities. Cases run as the owner: `nobody` on a user's mount, a user called OWNER on
 * root's.
 */
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { OWNER = 1000 };

static bool by_write(int fd)
{
    return write(fd, "x", 1) == 1;
}

static bool by_pwrite(int fd)
{
    return pwrite(fd, "x", 1, 10) == 1;
}

static bool by_pwritev(int fd)
{
    struct iovec parts[2] = { { (char *)"x", 1 }, { (char *)"y", 1 } };
    return pwritev(fd, parts, 2, 5) == 2;
}

static bool by_append(int fd)
{
    return lseek(fd, 0, SEEK_END) >= 0 && write(fd, "at the end", 10) == 10;
}

static bool by_ftruncate(int fd)
{
    return ftruncate(fd, 3) == 0;
}

static bool by_truncate(int fd)
{
    (void)fd;
    return truncate("program", 3) == 0;
}

static bool by_open_truncate(int fd)
{
    (void)fd;
    int other = open("program", O_WRONLY | O_TRUNC | O_CLOEXEC);
    return other >= 0 && close(other) == 0;
}

static bool by_fallocate(int fd)
{
    return fallocate(fd, 0, 0, 100000) == 0;
}

static bool by_punch_hole(int fd)
{
    return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) == 0;
}

static bool by_copy_file_range(int fd)
{
    int from = open("source", O_RDONLY | O_CLOEXEC);
    loff_t to = 0;
    return from >= 0 && copy_file_range(from, NULL, fd, &to, 6, 0) == 6 && close(from) == 0;
}

static bool by_sendfile(int fd)
{
    int from = open("source", O_RDONLY | O_CLOEXEC);
    return from >= 0 && sendfile(fd, from, NULL, 6) == 6 && close(from) == 0;
}

static bool by_splice(int fd)
{
    int ends[2];
    return pipe2(ends, O_CLOEXEC) == 0 && write(ends[1], "x", 1) == 1 &&
           splice(ends[0], NULL, fd, NULL, 1, 0) == 1 && close(ends[0]) == 0 && close(ends[1]) == 0;
}

static bool by_chown(int fd)
{
    return fchown(fd, (uid_t)-1, getegid()) == 0;
}

/* To nobody else; that counts, too. */
static bool by_empty_chown(int fd)
{
    return fchown(fd, (uid_t)-1, (gid_t)-1) == 0;
}

static const struct change {
    const char *name;
    bool (*make)(int fd);
} changes[] = {
    { "write", by_write },
    { "pwrite", by_pwrite },
    { "pwritev", by_pwritev },
    { "append", by_append },
    { "ftruncate", by_ftruncate },
    { "truncate", by_truncate },
    { "open with O_TRUNC", by_open_truncate },
    { "fallocate", by_fallocate },
    { "punch hole", by_punch_hole },
    { "copy_file_range", by_copy_file_range },
    { "sendfile", by_sendfile },
    { "splice", by_splice },
    { "chown", by_chown },
    { "chown to -1, -1", by_empty_chown },
};

enum { CHANGES = sizeof(changes) / sizeof(changes[0]) };

static int make_change(void *argument)
{
    const struct change *change = argument;
    int fd = open("program", O_RDWR | O_CLOEXEC);
    return fd >= 0 && change->make(fd) && close(fd) == 0 ? 0 : errno;
}

static int make_change_as_peer(struct coprocess *parent, void *argument)
{
    (void)parent;
    return make_change(argument);
}

static int as_owner(const struct fixture *fixture, const struct change *change)
{
    void *argument = (void *)(uintptr_t)change;
    return fixture->root ? harness_as(OWNER, OWNER, 0, NULL, make_change, argument)
                         : coprocess_run(make_change_as_peer, argument);
}

static void make_program(const struct fixture *fixture, mode_t mode)
{
    unlink("program");
    put_file("program", "contents of a program");
    if (fixture->root)
        assert_ok(chown("program", OWNER, OWNER));
    assert_ok(chmod("program", mode));
    assert_int_equal(stat_of("program").st_mode & 07777, mode);
}

static void make_source(void)
{
    put_file("source", "source");
}

static void change_by_owner_clears_setuid_and_setgid(void **state)
{
    static const mode_t modes[] = { 06755, 04755, 02755, 04644, 06711 };
    make_source();
    for (size_t i = 0; i < CHANGES; i++)
        for (size_t j = 0; j < sizeof(modes) / sizeof(modes[0]); j++) {
            make_program(fixture_of(state), modes[j]);
            assert_int_equal(as_owner(fixture_of(state), &changes[i]), 0);
            mode_t mode = stat_of("program").st_mode & 07777;
            // fchown to the own group drops setuid where execution is not even allowed; setgid
            // needs it.
            if (mode != (modes[j] & 0777))
                fail_msg("%s leaves mode %04o as %04o", changes[i].name, modes[j], mode);
        }
}

// Each write on a descriptor that stays open clears them again, not only the first.
static int write_after_chmod(struct coprocess *parent, void *argument)
{
    (void)argument;
    int fd = open("program", O_RDWR | O_CLOEXEC);
    coprocess_check(fd >= 0);
    for (int i = 0; i < 5; i++) {
        struct stat attr;
        coprocess_check(pwrite(fd, "x", 1, i) == 1);
        coprocess_check(fstat(fd, &attr) == 0 && (attr.st_mode & 07777) == 0755);
        coprocess_check(coprocess_give_turn(parent) && coprocess_await_turn(parent));
    }
    return 0;
}

static int write_after_chmod_as_owner(void *argument)
{
    return write_after_chmod(argument, NULL);
}

static int owner_with_turns(struct coprocess *parent, void *argument)
{
    const struct fixture *fixture = argument;
    return fixture->root ? harness_as(OWNER, OWNER, 0, NULL, write_after_chmod_as_owner, parent)
                         : write_after_chmod(parent, NULL);
}

static void bits_set_while_open_are_cleared_too(void **state)
{
    struct coprocess coprocess;
    make_program(fixture_of(state), 0755);
    assert_int_equal(coprocess_start(&coprocess, owner_with_turns, fixture_of(state)), 0);
    for (int i = 0; i < 5; i++) {
        assert_true(coprocess_await_turn(&coprocess));
        assert_int_equal(stat_of("program").st_mode & 07777, 0755);
        assert_ok(chmod("program", 06755));
        assert_int_equal(stat_of("program").st_mode & 07777, 06755);
        if (i < 4)
            assert_true(coprocess_give_turn(&coprocess));
    }
    assert_true(coprocess_give_turn(&coprocess));
    assert_coprocess_succeeds(&coprocess);
}

// setgid without group execution is a mark of its own kind, and stays with an owner who is in the
// group.
static void setgid_without_execution_stays(void **state)
{
    const struct fixture *fixture = fixture_of(state);
    make_source();
    for (size_t i = 0; i < CHANGES; i++) {
        make_program(fixture, 02644);
        assert_int_equal(as_owner(fixture, &changes[i]), 0);
        mode_t mode = stat_of("program").st_mode & 07777;
        if (mode != 02644)
            fail_msg("%s leaves mode 2644 as %04o", changes[i].name, mode);
    }
}

static void change_clears_file_capabilities(void **state)
{
    const struct vfs_cap_data caps = { .magic_etc = VFS_CAP_REVISION_2,
                                       .data[0].permitted = 1 << CAP_NET_RAW };
    make_source();
    for (size_t i = 0; i < CHANGES; i++) {
        make_program(fixture_of(state), 0755);
        int result = setxattr("program", "security.capability", &caps, XATTR_CAPS_SZ_2, 0);
        if (!fixture_of(state)->root) {
            assert_int_equal(result, -1);
            assert_int_equal(errno, EPERM);
            return;
        }
        assert_ok(result);
        assert_int_equal(as_owner(fixture_of(state), &changes[i]), 0);
        if (getxattr("program", "security.capability", NULL, 0) != -1)
            fail_msg("%s leaves the file its capabilities", changes[i].name);
        assert_int_equal(errno, ENODATA);
    }
}

// No call tells the kernel of a write through a mapping, so natively the bits stay. A user's daemon
// loses them when it writes.
static void write_through_a_mapping(void **state)
{
    make_program(fixture_of(state), 0755);
    int fd = open_file("program", O_RDWR);
    char *mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(mapped, MAP_FAILED);
    assert_ok(chmod("program", 06755));
    mapped[0] = 'C';
    assert_ok(msync(mapped, 4096, MS_SYNC));
    assert_ok(munmap(mapped, 4096));
    assert_ok(close(fd));
    mode_t mode = stat_of("program").st_mode & 07777;
    const struct fixture *fixture = fixture_of(state);
    bool may_go = fixture->area != AREA_NATIVE && !fixture->root;
    assert_true(mode == 06755 || (may_go && mode == 0755));
    assert_content("program", "Contents of a program");
}

// Root keeps them, but for a new owner or group.
static void change_by_root(void **state)
{
    const struct fixture *fixture = fixture_of(state);
    if (!fixture->root)
        return;
    make_source();
    for (size_t i = 0; i < CHANGES; i++) {
        make_program(fixture, 06755);
        assert_int_equal(make_change((void *)(uintptr_t)&changes[i]), 0);
        mode_t mode = stat_of("program").st_mode & 07777;
        bool chowns = changes[i].make == by_chown || changes[i].make == by_empty_chown;
        if (mode != (chowns ? 0755 : 06755))
            fail_msg("%s by root leaves mode 6755 as %04o", changes[i].name, mode);
    }
}

static int chown_to_nobody_else(void *argument)
{
    (void)argument;
    return chown("program", (uid_t)-1, (gid_t)-1) == 0 ? 0 : errno;
}

static void stranger_takes_none_away(void **state)
{
    const struct fixture *fixture = fixture_of(state);
    if (!fixture->root)
        return;
    // mknod opens nothing, not even for a moment.
    assert_ok(mknod("program", S_IFREG | 0600, 0));
    assert_ok(chown("program", OWNER, OWNER));
    assert_ok(chmod("program", 06755));
    assert_int_equal(harness_as(OWNER + 1, OWNER + 1, 0, NULL, chown_to_nobody_else, NULL), EPERM);
    assert_int_equal(stat_of("program").st_mode & 07777, 06755);
}

// While somebody has the file open for writing, FUSE does not tell the call from
// what comes before a write. Where the daemon does not see the write, it must be taken for one.
static void stranger_beside_a_writer(void **state)
{
    const struct fixture *fixture = fixture_of(state);
    if (!fixture->root)
        return;
    make_program(fixture, 06755);
    int fd = open_file("program", O_RDWR);
    int error = harness_as(OWNER + 1, OWNER + 1, 0, NULL, chown_to_nobody_else, NULL);
    mode_t mode = stat_of("program").st_mode & 07777;
    assert_int_equal(error, fixture->area == AREA_NATIVE ? EPERM : 0);
    assert_int_equal(mode, fixture->area == AREA_NATIVE || fixture->cached ? 06755 : 0755);
    assert_ok(close(fd));
}

static void stranger_may_write(void **state)
{
    const struct fixture *fixture = fixture_of(state);
    if (!fixture->root)
        return;
    make_source();
    for (size_t i = 0; i < CHANGES; i++) {
        if (changes[i].make == by_chown || changes[i].make == by_empty_chown)
            continue;
        make_program(fixture, 06777);
        assert_int_equal(
            harness_as(OWNER + 1, OWNER + 1, 0, NULL, make_change, (void *)(uintptr_t)&changes[i]),
            0);
        mode_t mode = stat_of("program").st_mode & 07777;
        if (mode != 0777)
            fail_msg("%s by a stranger leaves mode 6777 as %04o", changes[i].name, mode);
    }
}

static void directories_keep_theirs(void **state)
{
    const struct fixture *fixture = fixture_of(state);
    assert_ok(mkdir("directory", 0755));
    assert_ok(chmod("directory", 06755));
    put_file("directory/file", "");
    assert_int_equal(stat_of("directory").st_mode & 07777, 06755);
    assert_ok(chown("directory", (uid_t)-1, fixture->root ? OWNER : getegid()));
    assert_int_equal(stat_of("directory").st_mode & 07777, 06755);
    assert_ok(unlink("directory/file"));
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(change_by_owner_clears_setuid_and_setgid),
    cmocka_unit_test(bits_set_while_open_are_cleared_too),
    cmocka_unit_test(setgid_without_execution_stays),
    cmocka_unit_test(change_clears_file_capabilities),
    cmocka_unit_test(write_through_a_mapping),
    cmocka_unit_test(change_by_root),
    cmocka_unit_test(stranger_takes_none_away),
    cmocka_unit_test(stranger_beside_a_writer),
    cmocka_unit_test(stranger_may_write),
    cmocka_unit_test(directories_keep_theirs),
};

HARNESS_MAIN("killpriv", cases)
