// SPDX-License-Identifier: BSD-2-Clause
/* In whose name things happen. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/stat.h>

#include "lib/process/cred.h"
#include "tests/unit/child.h"
#include "tests/unit/scratch.h"

#define CALLER_UID 12345
#define CALLER_GID 23456

static int open_public_dir(const char *path)
{
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    EXPECT(dir >= 0);
    EXPECT(fchmod(dir, 0777) == 0);
    return dir;
}

static struct stat make_file(int dir, const char *name, mode_t mode)
{
    struct stat st;
    int fd = openat(dir, name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, mode);
    EXPECT(fd >= 0);
    EXPECT(fchmod(fd, mode) == 0);
    EXPECT(write(fd, "x", 1) == 1);
    EXPECT(fstat(fd, &st) == 0);
    close(fd);
    return st;
}

static void check_owners(void *path)
{
    int dir = open_public_dir(path);
    struct cred cred;
    EXPECT(cred_check(&cred, &(struct complaint){ "" }) == 0);
    EXPECT(cred_init(&cred, false) == 0);
    EXPECT(cred.privileged == (geteuid() == 0));

    cred_become(&cred, CALLER_UID, CALLER_GID);
    struct stat st = make_file(dir, "callers", 0600);
    EXPECT(st.st_uid == (cred.privileged ? CALLER_UID : geteuid()));
    EXPECT(st.st_gid == (cred.privileged ? CALLER_GID : getegid()));
    cred_return(&cred);
    st = make_file(dir, "nobodys", 0600);
    EXPECT(st.st_uid == (cred.privileged ? cred.idle_uid : geteuid()));
    EXPECT(!cred.privileged || (st.st_uid != 0 && st.st_gid != 0 && st.st_uid != CALLER_UID));

    /* at rest, too, it can open everybody's files and look into their directories */
    int fd = openat(dir, "callers", O_RDWR | O_CLOEXEC);
    EXPECT(fd >= 0);
    close(fd);
}

static void check_setid_bits(void *path)
{
    int dir = open_public_dir(path);
    struct cred cred;
    EXPECT(cred_check(&cred, &(struct complaint){ "" }) == 0);
    EXPECT(cred_init(&cred, false) == 0);
    EXPECT((make_file(dir, "dropped", 04755).st_mode & 07000) == 0);
    {
        KEEP_SETID(&cred, true);
        struct stat st = make_file(dir, "kept", 04755);
        EXPECT((st.st_mode & 07000) == (cred.privileged ? 04000 : 0));
    }
    {
        KEEP_SETID(&cred, false);
        EXPECT((make_file(dir, "not wanted", 04755).st_mode & 07000) == 0);
    }
    EXPECT((make_file(dir, "dropped again", 04755).st_mode & 07000) == 0);
}

static void check_reserves(void *path)
{
    (void)path;
    struct cred cred;
    EXPECT(cred_check(&cred, &(struct complaint){ "" }) == 0);
    EXPECT(cred_init(&cred, false) == 0);
    cred_become(&cred, 0, 0); /* not even for root */
    FILE *status = fopen("/proc/self/status", "re");
    EXPECT(status != NULL);
    char line[256];
    unsigned long long effective = ~0ULL;
    while (fgets(line, sizeof(line), status) != NULL)
        sscanf(line, "CapEff: %llx", &effective);
    fclose(status);
    EXPECT((effective & 1ULL << CAP_SYS_RESOURCE) == 0);
}

static void what_is_made_belongs_to_the_caller(void **state)
{
    assert_int_equal(run_in_child(check_owners, *state), 0);
}

static void a_write_clears_setid_bits_unless_they_are_kept(void **state)
{
    assert_int_equal(run_in_child(check_setid_bits, *state), 0);
}

static void reserves_and_quotas_are_out_of_reach(void **state)
{
    assert_int_equal(run_in_child(check_reserves, *state), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(what_is_made_belongs_to_the_caller),
        SCRATCH_TEST(a_write_clears_setid_bits_unless_they_are_kept),
        SCRATCH_TEST(reserves_and_quotas_are_out_of_reach),
    };
    return cmocka_run_group_tests_name("cred", tests, NULL, NULL);
}
