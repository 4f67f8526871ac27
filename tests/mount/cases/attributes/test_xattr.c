// SPDX-License-Identifier: BSD-2-Clause
// Extended attributes: every namespace, every errno. ACLs are test_acl.c.
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/kernel.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

static bool in_list(const char *list, ssize_t length, const char *name)
{
    for (const char *at = list; at < list + length; at += strlen(at) + 1)
        if (strcmp(at, name) == 0)
            return true;
    return false;
}

static bool is_listed(const char *path, const char *name)
{
    char list[65536];
    ssize_t length = llistxattr(path, list, sizeof(list));
    assert_ok(length);
    return in_list(list, length, name);
}

static void assert_value(const char *path, const char *name, const char *value)
{
    char found[1024];
    ssize_t length = lgetxattr(path, name, found, sizeof(found));
    assert_ok(length);
    assert_int_equal(length, strlen(value));
    assert_memory_equal(found, value, strlen(value));
}

static int set_value(const char *path, const char *name, const char *value)
{
    return lsetxattr(path, name, value, strlen(value), 0);
}

static void set_get_list_remove(void **state)
{
    (void)state;
    char found[16];
    need_user_attributes(".");
    put_file("file", "");
    assert_ok(set_value("file", "user.one", "first"));
    assert_ok(set_value("file", "user.two", ""));
    assert_value("file", "user.one", "first");
    assert_value("file", "user.two", "");
    assert_true(is_listed("file", "user.one") && is_listed("file", "user.two"));
    assert_ok(set_value("file", "user.one", "replaced"));
    assert_value("file", "user.one", "replaced");

    assert_int_equal(getxattr("file", "user.one", NULL, 0), 8);
    assert_errno(getxattr("file", "user.one", found, 7), ERANGE);
    assert_int_equal(getxattr("file", "user.one", found, 8), 8);
    assert_errno(getxattr("file", "user.none", found, 8), ENODATA);
    ssize_t size = listxattr("file", NULL, 0);
    assert_true(size >= 18);
    assert_errno(listxattr("file", found, 3), ERANGE);

    assert_ok(removexattr("file", "user.one"));
    assert_errno(getxattr("file", "user.one", found, 8), ENODATA);
    assert_errno(removexattr("file", "user.one"), ENODATA);
    assert_false(is_listed("file", "user.one"));
    assert_true(is_listed("file", "user.two"));
    assert_errno(getxattr("nothing", "user.one", found, 8), ENOENT);
}

static void create_and_replace_flags(void **state)
{
    (void)state;
    need_user_attributes(".");
    put_file("file", "");
    assert_errno(setxattr("file", "user.name", "a", 1, XATTR_REPLACE), ENODATA);
    assert_false(is_listed("file", "user.name"));
    assert_ok(setxattr("file", "user.name", "b", 1, XATTR_CREATE));
    assert_errno(setxattr("file", "user.name", "c", 1, XATTR_CREATE), EEXIST);
    assert_value("file", "user.name", "b");
    assert_ok(setxattr("file", "user.name", "d", 1, XATTR_REPLACE));
    assert_value("file", "user.name", "d");
    assert_errno(setxattr("file", "user.name", "e", 1, 4), EINVAL);
}

static void names_at_their_limits(void **state)
{
    (void)state;
    char name[300] = "user.", found[8];
    memset(name + 5, 'n', 294);
    need_user_attributes(".");
    put_file("file", "");
    name[255] = '\0';
    assert_ok(set_value("file", name, "long"));
    assert_value("file", name, "long");
    assert_true(is_listed("file", name));
    name[255] = 'n';
    name[256] = '\0';
    assert_errno(set_value("file", name, "x"), ERANGE);
    assert_errno(getxattr("file", name, found, sizeof(found)), ERANGE);
    assert_errno(set_value("file", "", "x"), ERANGE);
    assert_errno(set_value("file", "user.", "x"), EINVAL);
    assert_errno(set_value("file", "nonamespace", "x"), EOPNOTSUPP);
    assert_errno(set_value("file", "strange.name", "x"), EOPNOTSUPP);
    assert_errno(getxattr("file", "strange.name", found, sizeof(found)), EOPNOTSUPP);
    assert_errno(removexattr("file", "strange.name"), EOPNOTSUPP);
    assert_ok(set_value("file", "user.\xff\x01 =\n", "any byte"));
    assert_value("file", "user.\xff\x01 =\n", "any byte");
}

static void values_of_every_size(void **state)
{
    (void)state;
    static const size_t sizes[] = { 0, 1, 2, 100, 255, 256, 1000, 3000 };
    char *value = malloc(XATTR_SIZE_MAX + 1), *found = malloc(XATTR_SIZE_MAX);
    assert_true(value != NULL && found != NULL);
    for (size_t i = 0; i <= XATTR_SIZE_MAX; i++)
        value[i] = (char)(i * 7);
    need_user_attributes(".");
    put_file("file", "");
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        assert_ok(setxattr("file", "user.value", value, sizes[i], 0));
        assert_int_equal(getxattr("file", "user.value", NULL, 0), sizes[i]);
        assert_int_equal(getxattr("file", "user.value", found, XATTR_SIZE_MAX), sizes[i]);
        assert_memory_equal(found, value, sizes[i]);
    }
    assert_errno(setxattr("file", "user.value", value, XATTR_SIZE_MAX + 1, 0), E2BIG);
    // The filesystem decides about sizes in between; it takes the value whole or says that there is
    // no room.
    if (setxattr("file", "user.value", value, XATTR_SIZE_MAX, 0) == 0) {
        assert_int_equal(getxattr("file", "user.value", found, XATTR_SIZE_MAX), XATTR_SIZE_MAX);
        assert_memory_equal(found, value, XATTR_SIZE_MAX);
    } else {
        assert_int_equal(errno, ENOSPC);
        assert_int_equal(getxattr("file", "user.value", found, XATTR_SIZE_MAX), 3000);
    }
    free(value);
    free(found);
}

static void many_attributes(void **state)
{
    (void)state;
    enum { COUNT = 40 };
    char name[32], list[4096];
    need_user_attributes(".");
    put_file("file", "");
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof(name), "user.name%02d", i);
        assert_ok(set_value("file", name, name));
    }
    ssize_t length = listxattr("file", list, sizeof(list));
    assert_ok(length);
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof(name), "user.name%02d", i);
        assert_true(in_list(list, length, name));
        assert_value("file", name, name);
        assert_ok(removexattr("file", name));
    }
    assert_false(is_listed("file", "user.name00"));
}

static void attributes_belong_to_the_inode(void **state)
{
    (void)state;
    need_user_attributes(".");
    put_file("file", "");
    assert_ok(set_value("file", "user.name", "value"));
    assert_ok(link("file", "link"));
    assert_value("link", "user.name", "value");
    assert_ok(rename("file", "moved"));
    assert_value("moved", "user.name", "value");
    put_file("moved", "new contents");
    assert_value("moved", "user.name", "value");
    put_file("file", "");
    assert_errno(getxattr("file", "user.name", NULL, 0), ENODATA);
    int fd = open_file("moved", O_RDONLY);
    assert_ok(fsetxattr(fd, "user.by_fd", "1", 1, 0));
    assert_value("link", "user.by_fd", "1");
    assert_ok(fremovexattr(fd, "user.by_fd"));
    assert_ok(close(fd));
    assert_false(is_listed("link", "user.by_fd"));
    assert_ok(mkdir("directory", 0755));
    assert_ok(set_value("directory", "user.name", "of a directory"));
    assert_value("directory", "user.name", "of a directory");
}

static int replace_value(struct coprocess *parent, void *argument)
{
    (void)parent;
    (void)argument;
    coprocess_check(setxattr("file", "user.name", "second value", 12, 0) == 0);
    return 0;
}

static void change_by_another_process_is_seen(void **state)
{
    (void)state;
    need_user_attributes(".");
    put_file("file", "");
    assert_ok(set_value("file", "user.name", "first"));
    assert_value("file", "user.name", "first");
    assert_int_equal(coprocess_run(replace_value, NULL), 0);
    assert_value("file", "user.name", "second value");
}

// user.* is for regular files and directories, whatever the others' modes say.
static void user_namespace_elsewhere_is_refused(void **state)
{
    (void)state;
    assert_ok(symlink("nowhere", "symlink"));
    assert_ok(mkfifo("fifo", 0666));
    static const char *const paths[] = { "symlink", "fifo" };
    for (int i = 0; i < 2; i++) {
        assert_errno(set_value(paths[i], "user.name", "value"), EPERM);
        assert_errno(lgetxattr(paths[i], "user.name", NULL, 0), ENODATA);
        assert_errno(lremovexattr(paths[i], "user.name"), EPERM);
        assert_false(is_listed(paths[i], "user.name"));
    }
}

static int look_for_trusted(void *argument)
{
    char list[4096];
    ssize_t length = listxattr(argument, list, sizeof(list));
    if (length < 0 || in_list(list, length, "trusted.secret") ||
        !in_list(list, length, "user.open"))
        return 1;
    if (getxattr(argument, "trusted.secret", list, sizeof(list)) != -1 || errno != ENODATA)
        return 2;
    if (setxattr(argument, "trusted.secret", "x", 1, 0) != -1 || errno != EPERM)
        return 3;
    return removexattr(argument, "trusted.secret") == -1 && errno == EPERM ? 0 : 4;
}

static void trusted_namespace(void **state)
{
    need_user_attributes(".");
    put_file("file", "");
    assert_ok(chmod("file", 0666));
    assert_ok(set_value("file", "user.open", "x"));
    if (!fixture_of(state)->root) {
        assert_int_equal(look_for_trusted((char *)"file"), 0);
        return;
    }
    assert_ok(set_value("file", "trusted.secret", "hidden"));
    assert_value("file", "trusted.secret", "hidden");
    assert_true(is_listed("file", "trusted.secret"));
    assert_int_equal(harness_as(1000, 1000, 0, NULL, look_for_trusted, (char *)"file"), 0);
    assert_ok(removexattr("file", "trusted.secret"));
    assert_false(is_listed("file", "trusted.secret"));

    assert_ok(symlink("nowhere", "symlink"));
    assert_ok(mkfifo("fifo", 0600));
    assert_ok(set_value("symlink", "trusted.name", "of a symlink"));
    assert_ok(set_value("fifo", "trusted.name", "of a fifo"));
    assert_value("symlink", "trusted.name", "of a symlink");
    assert_value("fifo", "trusted.name", "of a fifo");
    assert_true(is_listed("symlink", "trusted.name"));
    assert_ok(lremovexattr("symlink", "trusted.name"));
    assert_errno(lgetxattr("symlink", "trusted.name", NULL, 0), ENODATA);
}

/* Gives the effective capability CAP_SYS_ADMIN up, or keeps that one alone as another user. */
static int set_capabilities(uint32_t first_half)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct half[2] = { { .effective = first_half,
                                                .permitted = first_half } };

    return (int)syscall(SYS_capset, &header, half);
}

static int list_trusted(void *argument)
{
    char list[4096];
    ssize_t length = listxattr(argument, list, sizeof(list));

    return length < 0 ? -1 : in_list(list, length, "trusted.secret");
}

static int list_trusted_without_capability(void *argument)
{
    return set_capabilities(1U << CAP_FOWNER) == 0 ? list_trusted(argument) : -1;
}

static int list_trusted_as_another(void *argument)
{
    return prctl(PR_SET_KEEPCAPS, 1) == 0 && setresuid(1000, 1000, 1000) == 0 &&
                   set_capabilities(1U << CAP_SYS_ADMIN) == 0
               ? list_trusted(argument)
               : -1;
}

/* It is the capability that shows them, whoever has it. */
static void trusted_names_are_for_a_capability(void **state)
{
    if (!fixture_of(state)->root)
        return;
    put_file("file", "");
    assert_ok(set_value("file", "trusted.secret", "hidden"));
    assert_int_equal(harness_as(0, 0, 0, NULL, list_trusted, (char *)"file"), 1);
    assert_int_equal(harness_as(0, 0, 0, NULL, list_trusted_without_capability, (char *)"file"), 0);
    assert_int_equal(harness_as(0, 0, 0, NULL, list_trusted_as_another, (char *)"file"), 1);
}

static int set_security(void *argument)
{
    return lsetxattr(argument, "security.test", "x", 1, 0) < 0 ? errno : 0;
}

static int read_security(void *argument)
{
    char found[8];
    return lgetxattr(argument, "security.test", found, sizeof(found)) == 5 ? 0 : errno;
}

/* Before Linux 6.10 the kernel lets an owner set it, where BPF counts as a security module. */
static void assert_refused_to_owner(int error)
{
    assert_true(error == EPERM || (error == 0 && !kernel_is_at_least(6, 10)));
}

static void security_namespace(void **state)
{
    put_file("file", "");
    if (!fixture_of(state)->root) {
        assert_refused_to_owner(set_security((char *)"file"));
        return;
    }
    assert_ok(chown("file", 1000, 1000));
    assert_ok(set_value("file", "security.test", "label"));
    assert_value("file", "security.test", "label");
    assert_true(is_listed("file", "security.test"));
    assert_int_equal(harness_as(1000, 1000, 0, NULL, read_security, (char *)"file"), 0);
    assert_refused_to_owner(harness_as(1000, 1000, 0, NULL, set_security, (char *)"file"));
    assert_ok(removexattr("file", "security.test"));
    assert_errno(getxattr("file", "security.test", NULL, 0), ENODATA);

    // File capabilities: kept as they are given, and refused when they are none.
    const struct vfs_cap_data caps = { .magic_etc = VFS_CAP_REVISION_2,
                                       .data[0].permitted = 1 << CAP_NET_RAW };
    struct vfs_cap_data found;
    assert_ok(setxattr("file", "security.capability", &caps, XATTR_CAPS_SZ_2, 0));
    assert_int_equal(getxattr("file", "security.capability", &found, sizeof(found)),
                     XATTR_CAPS_SZ_2);
    assert_memory_equal(&found, &caps, sizeof(caps));
    assert_errno(set_value("file", "security.capability", "nonsense"), EINVAL);
}

static int set_user_attribute(void *argument)
{
    return setxattr(argument, "user.name", "x", 1, 0) < 0 ? errno : 0;
}

static int read_user_attribute(void *argument)
{
    return getxattr(argument, "user.name", NULL, 0) < 0 ? errno : 0;
}

static void user_namespace_goes_by_the_mode(void **state)
{
    need_user_attributes(".");
    put_file("file", "");
    assert_ok(set_value("file", "user.name", "value"));
    if (!fixture_of(state)->root) {
        assert_ok(chmod("file", 0400));
        assert_int_equal(set_user_attribute((char *)"file"), EACCES);
        assert_int_equal(read_user_attribute((char *)"file"), 0);
        assert_ok(chmod("file", 0200));
        assert_int_equal(set_user_attribute((char *)"file"), 0);
        assert_int_equal(read_user_attribute((char *)"file"), EACCES);
        return;
    }
    assert_int_equal(harness_as(1000, 1000, 0, NULL, set_user_attribute, (char *)"file"), EACCES);
    assert_int_equal(harness_as(1000, 1000, 0, NULL, read_user_attribute, (char *)"file"), 0);
    assert_ok(chmod("file", 0600));
    assert_int_equal(harness_as(1000, 1000, 0, NULL, read_user_attribute, (char *)"file"), EACCES);
    // In a sticky directory's own attributes everybody could meddle otherwise.
    assert_ok(mkdir("sticky", 0777));
    assert_ok(chmod("sticky", 01777));
    assert_int_equal(harness_as(1000, 1000, 0, NULL, set_user_attribute, (char *)"sticky"), EPERM);
    assert_ok(chmod("sticky", 0777));
    assert_int_equal(harness_as(1000, 1000, 0, NULL, set_user_attribute, (char *)"sticky"), 0);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(set_get_list_remove),
    cmocka_unit_test(create_and_replace_flags),
    cmocka_unit_test(names_at_their_limits),
    cmocka_unit_test(values_of_every_size),
    cmocka_unit_test(many_attributes),
    cmocka_unit_test(attributes_belong_to_the_inode),
    cmocka_unit_test(change_by_another_process_is_seen),
    cmocka_unit_test(user_namespace_elsewhere_is_refused),
    cmocka_unit_test(trusted_namespace),
    cmocka_unit_test(trusted_names_are_for_a_capability),
    cmocka_unit_test(security_namespace),
    cmocka_unit_test(user_namespace_goes_by_the_mode),
};

HARNESS_MAIN("xattr", cases)
