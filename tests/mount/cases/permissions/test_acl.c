// SPDX-License-Identifier: BSD-2-Clause
// POSIX ACLs, as the extended attributes that they are to the kernel. Run as root, who becomes
// several users.
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/users.h"

#include <endian.h>
#include <fcntl.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdio.h>
#include <sys/xattr.h>
#include <unistd.h>

#define ACCESS_ACL  "system.posix_acl_access"
#define DEFAULT_ACL "system.posix_acl_default"

enum { MAX_ENTRIES = 8 };

struct acl {
    struct posix_acl_xattr_header header;
    struct posix_acl_xattr_entry entries[MAX_ENTRIES];
};

struct entry {
    uint16_t tag, rights;
    uint32_t id;
};

static size_t build(struct acl *acl, const struct entry *entries, size_t count)
{
    acl->header.a_version = htole32(POSIX_ACL_XATTR_VERSION);
    for (size_t i = 0; i < count; i++)
        acl->entries[i] =
            (struct posix_acl_xattr_entry){ htole16(entries[i].tag), htole16(entries[i].rights),
                                            htole32(entries[i].id) };
    return sizeof(acl->header) + count * sizeof(acl->entries[0]);
}

#define NONE ACL_UNDEFINED_ID

static int set_acl(const char *path, const char *name, const struct entry *entries, size_t count)
{
    struct acl acl;
    return setxattr(path, name, &acl, build(&acl, entries, count), 0);
}
#define SET_ACL(path, name, entries) \
    set_acl(path, name, entries, sizeof(entries) / sizeof((entries)[0]))

static void assert_acl(const char *path, const char *name, const struct entry *entries,
                       size_t count)
{
    struct acl wanted = { 0 }, found = { 0 };
    size_t size = build(&wanted, entries, count);
    ssize_t length = getxattr(path, name, &found, sizeof(found));
    if (length < 0)
        fail_msg("%s of %s: %s", name, path, strerror(errno));
    assert_int_equal(length, size);
    assert_memory_equal(&found, &wanted, size);
}
#define ASSERT_ACL(path, name, entries) \
    assert_acl(path, name, entries, sizeof(entries) / sizeof((entries)[0]))

// u::rw u:BOB:rw g::- g:TEAM:r m::rw o::-
static const struct entry for_bob_and_team[] = {
    { ACL_USER_OBJ, 6, NONE }, { ACL_USER, 6, BOB },  { ACL_GROUP_OBJ, 0, NONE },
    { ACL_GROUP, 4, TEAM },    { ACL_MASK, 6, NONE }, { ACL_OTHER, 0, NONE },
};

static void prepare_files(void)
{
    prepare_file("file", ALICE, ALICE, 0600);
}

static void access_acl_grants(void **state)
{
    (void)state;
    prepare_files();
    assert_int_equal(as(BOB, read_file, "file"), EACCES);
    assert_ok(SET_ACL("file", ACCESS_ACL, for_bob_and_team));
    ASSERT_ACL("file", ACCESS_ACL, for_bob_and_team);
    assert_int_equal(as(ALICE, write_file, "file"), 0);
    assert_int_equal(as(BOB, write_file, "file"), 0);
    assert_int_equal(as(CAROL, read_file, "file"), EACCES);
    assert_int_equal(as_member(CAROL, TEAM, read_file, "file"), 0);
    assert_int_equal(as_member(CAROL, TEAM, write_file, "file"), EACCES);
    // In the mode, the group's bits are the mask.
    assert_int_equal(stat_of("file").st_mode & 07777, 0660);
}

static void mask_limits(void **state)
{
    (void)state;
    prepare_files();
    assert_ok(SET_ACL("file", ACCESS_ACL, for_bob_and_team));
    assert_ok(chmod("file", 0640));
    assert_int_equal(as(BOB, read_file, "file"), 0);
    assert_int_equal(as(BOB, write_file, "file"), EACCES);
    struct entry masked[6];
    memcpy(masked, for_bob_and_team, sizeof(masked));
    masked[4].rights = 4;
    ASSERT_ACL("file", ACCESS_ACL, masked);
    assert_ok(chmod("file", 0600));
    assert_int_equal(as(BOB, read_file, "file"), EACCES);
    assert_int_equal(as_member(CAROL, TEAM, read_file, "file"), EACCES);
    assert_ok(chmod("file", 0660));
    assert_int_equal(as(BOB, write_file, "file"), 0);
}

static void removed_acl_grants_nothing(void **state)
{
    (void)state;
    prepare_files();
    assert_ok(SET_ACL("file", ACCESS_ACL, for_bob_and_team));
    assert_int_equal(as(BOB, read_file, "file"), 0);
    assert_ok(removexattr("file", ACCESS_ACL));
    assert_int_equal(as(BOB, read_file, "file"), EACCES);
    assert_errno(getxattr("file", ACCESS_ACL, NULL, 0), ENODATA);
}

// An ACL that says what a mode can say is the mode, and no attribute.
static void minimal_acl_becomes_the_mode(void **state)
{
    static const struct entry minimal[] = {
        { ACL_USER_OBJ, 7, NONE },
        { ACL_GROUP_OBJ, 5, NONE },
        { ACL_OTHER, 1, NONE },
    };
    (void)state;
    prepare_files();
    assert_ok(SET_ACL("file", ACCESS_ACL, for_bob_and_team));
    assert_ok(SET_ACL("file", ACCESS_ACL, minimal));
    assert_errno(getxattr("file", ACCESS_ACL, NULL, 0), ENODATA);
    assert_int_equal(stat_of("file").st_mode & 07777, 0751);
    assert_int_equal(as(BOB, read_file, "file"), EACCES);
}

static int set_acl_for_bob(void *path)
{
    return SET_ACL(path, ACCESS_ACL, for_bob_and_team) < 0 ? errno : 0;
}

static void only_the_owner_sets_acls(void **state)
{
    (void)state;
    prepare_files();
    assert_ok(chmod("file", 0666));
    assert_int_equal(as(BOB, set_acl_for_bob, "file"), EPERM);
    assert_errno(getxattr("file", ACCESS_ACL, NULL, 0), ENODATA);
    assert_int_equal(as(ALICE, set_acl_for_bob, "file"), 0);
    ASSERT_ACL("file", ACCESS_ACL, for_bob_and_team);
}

static void senseless_acls_are_refused(void **state)
{
    static const struct entry no_mask[] = {
        { ACL_USER_OBJ, 6, NONE },
        { ACL_USER, 6, BOB },
        { ACL_GROUP_OBJ, 0, NONE },
        { ACL_OTHER, 0, NONE },
    };
    static const struct entry no_owner[] = { { ACL_GROUP_OBJ, 0, NONE }, { ACL_OTHER, 0, NONE } };
    (void)state;
    prepare_files();
    assert_errno(SET_ACL("file", ACCESS_ACL, no_mask), EINVAL);
    assert_errno(SET_ACL("file", ACCESS_ACL, no_owner), EINVAL);
    assert_errno(setxattr("file", ACCESS_ACL, "nonsense", 8, 0), EOPNOTSUPP);
    assert_errno(SET_ACL("file", DEFAULT_ACL, for_bob_and_team), EACCES);
    assert_int_equal(stat_of("file").st_mode & 07777, 0600);
}

// u::rwx u:BOB:rwx g::r-x m::rwx o::-
static const struct entry inherited[] = {
    { ACL_USER_OBJ, 7, NONE }, { ACL_USER, 7, BOB },   { ACL_GROUP_OBJ, 5, NONE },
    { ACL_MASK, 7, NONE },     { ACL_OTHER, 0, NONE },
};

static void prepare_default(void)
{
    assert_ok(mkdir("directory", 0755));
    assert_ok(chmod("directory", 0777));
    assert_ok(SET_ACL("directory", DEFAULT_ACL, inherited));
    ASSERT_ACL("directory", DEFAULT_ACL, inherited);
}

// The default ACL decides in place of the umask.
static int make_one_of_each(void *argument)
{
    (void)argument;
    umask(077);
    int nameless = open("directory", O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", nameless);
    if (create_file((char *)"directory/file") != 0 || mkdir("directory/sub", 0777) < 0 ||
        mkfifo("directory/fifo", 0666) < 0 || mknod("directory/node", S_IFREG | 0666, 0) < 0 ||
        symlink("x", "directory/link") < 0 || nameless < 0 ||
        linkat(AT_FDCWD, path, AT_FDCWD, "directory/tmpfile", AT_SYMLINK_FOLLOW) < 0)
        return errno;
    return 0;
}

static void default_acl_is_inherited(void **state)
{
    static const struct entry on_files[] = {
        { ACL_USER_OBJ, 6, NONE }, { ACL_USER, 7, BOB },   { ACL_GROUP_OBJ, 5, NONE },
        { ACL_MASK, 6, NONE },     { ACL_OTHER, 0, NONE },
    };
    static const char *const files[] = { "directory/file", "directory/fifo", "directory/node",
                                         "directory/tmpfile" };
    (void)state;
    prepare_default();
    assert_int_equal(as(ALICE, make_one_of_each, NULL), 0);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        ASSERT_ACL(files[i], ACCESS_ACL, on_files);
        assert_int_equal(stat_of(files[i]).st_mode & 07777, 0660);
        assert_int_equal(stat_of(files[i]).st_uid, ALICE);
    }
    ASSERT_ACL("directory/sub", ACCESS_ACL, inherited);
    ASSERT_ACL("directory/sub", DEFAULT_ACL, inherited);
    assert_int_equal(stat_of("directory/sub").st_mode & 07777, 0770);
    assert_int_equal(as(BOB, write_file, "directory/file"), 0);
    assert_int_equal(as(CAROL, read_file, "directory/file"), EACCES);
}

// The directory itself is judged by its access ACL alone.
static void default_acl_grants_nothing_itself(void **state)
{
    (void)state;
    prepare_default();
    assert_ok(chmod("directory", 0700));
    put_file("directory/file", "");
    assert_int_equal(as(BOB, read_file, "directory"), EACCES);
    assert_errno(getxattr("directory", ACCESS_ACL, NULL, 0), ENODATA);
}

static int make_with_mode(void *path)
{
    umask(0);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0604);
    return fd < 0 ? errno : close(fd);
}

// The mode that is asked for limits what is inherited.
static void mode_limits_the_inherited(void **state)
{
    static const struct entry limited[] = {
        { ACL_USER_OBJ, 6, NONE }, { ACL_USER, 7, BOB },   { ACL_GROUP_OBJ, 5, NONE },
        { ACL_MASK, 0, NONE },     { ACL_OTHER, 0, NONE },
    };
    (void)state;
    prepare_default();
    assert_int_equal(as(ALICE, make_with_mode, "directory/file"), 0);
    ASSERT_ACL("directory/file", ACCESS_ACL, limited);
    assert_int_equal(stat_of("directory/file").st_mode & 07777, 0600);
    assert_int_equal(as(BOB, read_file, "directory/file"), EACCES);
}

static void removed_default_acl_leaves_the_umask(void **state)
{
    (void)state;
    prepare_default();
    assert_ok(removexattr("directory", DEFAULT_ACL));
    assert_int_equal(as(ALICE, make_one_of_each, NULL), 0);
    assert_int_equal(stat_of("directory/file").st_mode & 07777, 0600);
    assert_int_equal(stat_of("directory/sub").st_mode & 07777, 0700);
    assert_errno(getxattr("directory/file", ACCESS_ACL, NULL, 0), ENODATA);
    assert_errno(getxattr("directory/sub", DEFAULT_ACL, NULL, 0), ENODATA);
}

static int grant_and_revoke(void *argument)
{
    bool grant = *(bool *)argument;
    struct entry entries[6];
    memcpy(entries, for_bob_and_team, sizeof(entries));
    entries[1].rights = grant ? 6 : 0;
    return SET_ACL("file", ACCESS_ACL, entries) < 0 ? errno : 0;
}

// The kernel remembers ACLs: what another process changed must not be judged by the old one.
static void change_by_another_process_counts_at_once(void **state)
{
    (void)state;
    prepare_files();
    for (int i = 0; i < 5; i++) {
        bool grant = true;
        assert_int_equal(as(BOB, write_file, "file"), EACCES);
        assert_int_equal(harness_as(ALICE, ALICE, 0, NULL, grant_and_revoke, &grant), 0);
        assert_int_equal(as(BOB, write_file, "file"), 0);
        grant = false;
        assert_int_equal(harness_as(ALICE, ALICE, 0, NULL, grant_and_revoke, &grant), 0);
    }
}

static int set_minimal_acl(void *path)
{
    static const struct entry minimal[] = {
        { ACL_USER_OBJ, 7, NONE },
        { ACL_GROUP_OBJ, 5, NONE },
        { ACL_OTHER, 0, NONE },
    };
    return SET_ACL(path, ACCESS_ACL, minimal) < 0 ? errno : 0;
}

// An ACL is a change of the mode, and setgid is for those who are in the group: see chmod(2).
static void acl_of_an_owner_outside_the_group_clears_setgid(void **state)
{
    static user_action *const actions[] = { set_acl_for_bob, set_minimal_acl };
    static const mode_t modes[] = { 0660, 0750 };
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        prepare_file("file", ALICE, TEAM, 02644);
        assert_int_equal(as(ALICE, actions[i], "file"), 0);
        assert_int_equal(stat_of("file").st_mode & 07777, modes[i]);
        assert_ok(chmod("file", 02644));
        assert_int_equal(as_member(ALICE, TEAM, actions[i], "file"), 0);
        assert_int_equal(stat_of("file").st_mode & 07777, 02000 | modes[i]);
        assert_ok(chmod("file", 02644));
        assert_int_equal(actions[i]((char *)"file"), 0);
        assert_int_equal(stat_of("file").st_mode & 07777, 02000 | modes[i]);
        assert_ok(unlink("file"));
    }
}

static bool lists(const char *path, const char *name)
{
    char list[1024];
    ssize_t length = listxattr(path, list, sizeof(list));
    assert_ok(length);
    for (const char *at = list; at < list + length; at += strlen(at) + 1)
        if (strcmp(at, name) == 0)
            return true;
    return false;
}

static void acls_are_listed_and_kept(void **state)
{
    (void)state;
    prepare_files();
    prepare_default();
    assert_false(lists("file", ACCESS_ACL));
    assert_ok(SET_ACL("file", ACCESS_ACL, for_bob_and_team));
    assert_true(lists("file", ACCESS_ACL));
    assert_true(lists("directory", DEFAULT_ACL));
    assert_ok(rename("file", "directory/moved"));
    ASSERT_ACL("directory/moved", ACCESS_ACL, for_bob_and_team);
    assert_ok(chown("directory/moved", CAROL, CAROL));
    ASSERT_ACL("directory/moved", ACCESS_ACL, for_bob_and_team);
    assert_int_equal(as(CAROL, write_file, "directory/moved"), 0);
    assert_int_equal(as(ALICE, read_file, "directory/moved"), EACCES);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(access_acl_grants),
    cmocka_unit_test(mask_limits),
    cmocka_unit_test(removed_acl_grants_nothing),
    cmocka_unit_test(minimal_acl_becomes_the_mode),
    cmocka_unit_test(only_the_owner_sets_acls),
    cmocka_unit_test(senseless_acls_are_refused),
    cmocka_unit_test(default_acl_is_inherited),
    cmocka_unit_test(default_acl_grants_nothing_itself),
    cmocka_unit_test(mode_limits_the_inherited),
    cmocka_unit_test(removed_default_acl_leaves_the_umask),
    cmocka_unit_test(change_by_another_process_counts_at_once),
    cmocka_unit_test(acl_of_an_owner_outside_the_group_clears_setgid),
    cmocka_unit_test(acls_are_listed_and_kept),
};

HARNESS_MAIN("acl", cases)
