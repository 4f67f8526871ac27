// SPDX-License-Identifier: BSD-2-Clause
/*
 * Which of setuid and setgid a change leaves: who changes it × how × the mode. Each cell is tried
 * on a file of the mount and on a twin on the filesystem that the area is of (the store's own, or a
 * tmpfs), and must come out the same. Run as root, who becomes the others.
 */
#include "tests/mount/cases/permissions/privilege_changes.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/sandbox.h"
#include "tests/mount/harness/users.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_PATH = 600 };

/* Files are ALICE's, of the group TEAM. */
struct actor {
    const char *name;
    uid_t uid;
    gid_t gid;
    gid_t group; // one more; 0: none
    bool without_fsetid;
};

static const struct actor actors[] = {
    { "owner in the group", ALICE, TEAM, 0, false },
    { "owner in the group by the way", ALICE, ALICE, TEAM, false },
    { "owner outside the group", ALICE, ALICE, STAFF, false },
    { "member", BOB, TEAM, 0, false },
    { "member by the way", BOB, BOB, TEAM, false },
    { "other", CAROL, CAROL, STAFF, false },
    { "root", 0, 0, 0, false },
    { "root without CAP_FSETID", 0, 0, 0, true },
    { "root in the group, without CAP_FSETID", 0, TEAM, 0, true },
};

static const mode_t modes[] = {
    02700, 02770, 04755, 06644, 06755, 02666, 06777, 02644, 06711, 04666, 02777, 0666,
};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* The outcome of a change. */
struct outcome {
    int error;
    mode_t mode, known;
    uid_t uid;
    gid_t gid;
};

struct attempt {
    const struct actor *actor;
    const struct change *change;
    int fd;
    const char *path;
};

/* Has the effective capabilities of those that the process may have, but for these. */
static void have_all_capabilities_but(uint32_t without)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct sets[2];
    assert_ok(syscall(SYS_capget, &header, sets));
    sets[0].effective = sets[0].permitted & ~without;
    sets[1].effective = sets[1].permitted;
    assert_ok(syscall(SYS_capset, &header, sets));
}

/* Thousands of attempts are made, and so there is no process for each. Filesystems go by the
 * effective identity. Returns an errno. */
static int make_attempt(const struct attempt *attempt)
{
    const struct actor *actor = attempt->actor;
    assert_ok(setgroups(actor->group != 0, &actor->group));
    assert_ok(setegid(actor->gid));
    assert_ok(seteuid(actor->uid));
    if (actor->without_fsetid)
        have_all_capabilities_but(CAP_TO_MASK(CAP_FSETID));
    errno = 0;
    int error = attempt->change->make(attempt->fd, attempt->path) ? 0 : errno;
    assert_ok(seteuid(0));
    have_all_capabilities_but(0);
    assert_ok(setegid(0));
    assert_ok(setgroups(0, NULL));
    return error;
}

/* mknod(2) opens nothing: a file that is or was open for writing may count as being written to. */
static void make_file(const char *path, mode_t mode)
{
    assert_ok(mknod(path, S_IFREG | 0600, 0));
    assert_ok(truncate(path, CHANGED_SIZE));
    assert_ok(chown(path, ALICE, TEAM));
    assert_ok(chmod(path, mode));
    assert_int_equal(stat_of(path).st_mode & 07777, mode);
}

/* The thread that serves the next request has just acted for a member of the group. */
static void be_served_as_member(const char *path)
{
    char other[MOST_PATH];
    snprintf(other, sizeof(other), "%s-other", path);
    setfsgid(TEAM);
    int error = mknod(other, S_IFREG | 0600, 0) == 0 ? 0 : errno;
    setfsgid(0);
    assert_int_equal(error, 0);
    assert_ok(unlink(other));
}

/* Asks for the mode alone, which the kernel knows without asking, and goes by when it executes. */
static mode_t known_mode(const char *path)
{
    struct statx known;
    assert_ok(statx(AT_FDCWD, path, AT_STATX_SYNC_AS_STAT, STATX_MODE, &known));
    return known.stx_mode & 07777;
}

static struct outcome try_change(const char *path, const struct actor *actor,
                                 const struct change *change, mode_t mode)
{
    make_file(path, mode);
    int fd = change->by_descriptor ? open(path, O_RDWR | O_CLOEXEC) : -1;
    struct attempt attempt = { actor, change, fd, path };
    be_served_as_member(path);
    int error = make_attempt(&attempt);
    if (fd >= 0)
        assert_ok(close(fd));
    mode_t known = known_mode(path);
    struct stat attr = stat_of(path);
    assert_ok(unlink(path));
    return (struct outcome){ error, attr.st_mode & 07777, known, attr.st_uid, attr.st_gid };
}

/* A directory on the area's own filesystem. */
static void make_twin(const struct fixture *fixture, char *twin, size_t size)
{
    snprintf(twin, size, "%s/../twin", fixture->mnt);
    if (mkdir(twin, 0755) == 0 && fixture->memory)
        assert_ok(mount("tmpfs", twin, "tmpfs", 0, "mode=0755"));
}

static unsigned compare(const char *here_path, const char *native_path, const struct actor *actor,
                        const struct change *change, mode_t mode)
{
    struct outcome native = try_change(native_path, actor, change, mode);
    struct outcome here = try_change(here_path, actor, change, mode);
    if (native.error == here.error && native.mode == here.mode && here.known == here.mode &&
        native.uid == here.uid && native.gid == here.gid)
        return 0;
    print_error("%s, %s, mode %04o: %04o (known: %04o) %u:%u (%s), natively %04o %u:%u (%s)\n",
                actor->name, change->name, mode, here.mode, here.known, here.uid, here.gid,
                strerror(here.error), native.mode, native.uid, native.gid, strerror(native.error));
    return 1;
}

static void put_source_of(const char *path)
{
    char source[MOST_PATH];
    snprintf(source, sizeof(source), "%s-source", path);
    put_file(source, "source");
}

static void changes_by(void **state, const struct actor *actor)
{
    char twin[MOST_PATH - 100], native[MOST_PATH - 50], here[32];
    unsigned different = 0;
    make_twin(fixture_of(state), twin, sizeof(twin));
    snprintf(here, sizeof(here), "file-%zu", (size_t)(actor - actors));
    snprintf(native, sizeof(native), "%s/%s", twin, here);
    put_source_of(here);
    put_source_of(native);
    for (const struct change *change = privilege_changes; change->name != NULL; change++)
        for (size_t i = 0; i < LENGTH(modes); i++)
            different += compare(here, native, actor, change, modes[i]);
    assert_int_equal(different, 0);
}

static void owner_in_the_group(void **state)
{
    changes_by(state, &actors[0]);
    changes_by(state, &actors[1]);
}

static void owner_outside_the_group(void **state)
{
    changes_by(state, &actors[2]);
}

static void member_of_the_group(void **state)
{
    changes_by(state, &actors[3]);
    changes_by(state, &actors[4]);
}

static void other_user(void **state)
{
    changes_by(state, &actors[5]);
}

static void root(void **state)
{
    changes_by(state, &actors[6]);
}

static void root_without_fsetid(void **state)
{
    changes_by(state, &actors[7]);
    changes_by(state, &actors[8]);
}

// Several threads serve them, one after the other in the name of different users.
static void all_at_once(void **state)
{
    pid_t children[LENGTH(actors)];
    char twin[MOST_PATH - 100];
    make_twin(fixture_of(state), twin, sizeof(twin));
    for (size_t i = 0; i < LENGTH(actors); i++) {
        fflush(NULL);
        children[i] = fork();
        assert_ok(children[i]);
        if (children[i] == 0) {
            // A failed assertion ends the child, too (harness.c).
            changes_by(state, &actors[i]);
            _exit(EXIT_SUCCESS);
        }
    }
    int status, failed = 0;
    for (size_t i = 0; i < LENGTH(actors); i++) {
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        failed += status != 0;
    }
    assert_int_equal(failed, 0);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(owner_in_the_group),
    cmocka_unit_test(owner_outside_the_group),
    cmocka_unit_test(member_of_the_group),
    cmocka_unit_test(other_user),
    cmocka_unit_test(root),
    cmocka_unit_test(root_without_fsetid),
    cmocka_unit_test(all_at_once),
};

HARNESS_MAIN("setgid", cases)
