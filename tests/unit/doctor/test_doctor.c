// SPDX-License-Identifier: BSD-2-Clause
/* The findings of doctor on machines, mounts and stores that are made up. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/doctor/mount.h"
#include "tools/doctor/store.h"

static struct machine good_machine(void)
{
    return (struct machine){
        .release = "6.18.1",
        .major = 6,
        .minor = 18,
        .root = true,
        .fusermount = true,
        .uring = "N",
        .background = 1000,
        .descriptors = INT64_MAX,
        .locked = INT64_MAX,
        .watches = 65536,
        .instances = 128,
        .leases = 1,
        .memory = INT64_C(8) << 30,
        .group = UNTOLD,
        .shmem_huge = "never",
        .governor = "haltpoll",
        .virtual = true,
        .halt_poll = 200000,
        .clock = "tsc",
        .clocks = "tsc hpet",
        .synchronised = true,
        .broker_error = ENOENT,
    };
}

/* Returns the worst line about a subject; NULL: there is none. */
static const struct finding *worst_of(const struct findings *findings, const char *subject)
{
    const struct finding *worst = NULL;

    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->all[i];

        if (strcmp(finding->subject, subject) == 0 && (!worst || finding->verdict > worst->verdict))
            worst = finding;
    }
    return worst;
}

static void assert_finding(struct findings *findings, const char *subject, enum verdict verdict,
                           const char *remedy)
{
    const struct finding *finding = worst_of(findings, subject);

    assert_non_null(finding);
    assert_int_equal(finding->verdict, verdict);
    if (remedy)
        assert_non_null(strstr(finding->remedy, remedy));
    else
        assert_null(finding->remedy);
    assert_int_equal(findings_worst(findings), verdict);
    findings_free(findings);
}

static struct findings judged(const struct machine *machine)
{
    struct findings findings = { 0 };

    machine_judge(machine, &findings);
    return findings;
}

/* Judges a good machine that has one thing changed. */
#define ASSERT_MACHINE(change, subject, verdict, remedy)  \
    do {                                                  \
        struct machine machine = good_machine();          \
        machine.change;                                   \
        struct findings found = judged(&machine);         \
        assert_finding(&found, subject, verdict, remedy); \
    } while (0)

static void a_good_machine_is_fine(void **state)
{
    (void)state;
    ASSERT_MACHINE(minor = 18, "kernel", VERDICT_FINE, NULL);
    ASSERT_MACHINE(uring[0] = 'Y', "io_uring", VERDICT_FINE, NULL);
    ASSERT_MACHINE(synchronised = false, "clock", VERDICT_FINE, NULL);
    ASSERT_MACHINE(group = INT64_C(4) << 30, "cgroup", VERDICT_FINE, NULL);
    struct machine bare = good_machine();
    bare.halt_poll = UNTOLD;
    bare.virtual = false;
    struct findings findings = judged(&bare);
    assert_finding(&findings, "haltpoll", VERDICT_FINE, NULL);
    ASSERT_MACHINE(clocks[0] = '\0', "clock", VERDICT_FINE, NULL);
}

static void what_a_machine_lacks_is_named(void **state)
{
    (void)state;
    ASSERT_MACHINE(major = 5, "kernel", VERDICT_WRONG, "6.9");
    ASSERT_MACHINE(minor = 8, "kernel", VERDICT_BETTER, "6.9");
    ASSERT_MACHINE(minor = 12, "kernel", VERDICT_BETTER, "6.14");
    ASSERT_MACHINE(fuse_error = ENOENT, "fuse", VERDICT_WRONG, "modprobe fuse");
    ASSERT_MACHINE(fuse_error = EACCES, "fuse", VERDICT_WRONG, "chmod");
    ASSERT_MACHINE(background = 12, "fuse", VERDICT_BETTER, "max_user_bgreq");
    ASSERT_MACHINE(descriptors = 1024, "descriptors", VERDICT_BETTER, "ulimit -Hn");
    ASSERT_MACHINE(watches = 10, "inotify", VERDICT_BETTER, "max_user_watches");
    ASSERT_MACHINE(instances = 10, "inotify", VERDICT_BETTER, "max_user_instances");
    ASSERT_MACHINE(leases = 0, "leases", VERDICT_BETTER, "fs.leases-enable=1");
    ASSERT_MACHINE(shmem_huge[0] = '\0', "huge pages", VERDICT_FINE, NULL);
    ASSERT_MACHINE(halt_poll = 0, "haltpoll", VERDICT_BETTER, "guest_halt_poll_ns");
    ASSERT_MACHINE(governor[0] = 'm', "haltpoll", VERDICT_BETTER, "current_governor");
    ASSERT_MACHINE(clock[0] = 'x', "clock", VERDICT_BETTER, "echo tsc");
    ASSERT_MACHINE(halt_poll = UNTOLD, "haltpoll", VERDICT_BETTER, "modprobe cpuidle_haltpoll");
    ASSERT_MACHINE(group = INT64_C(1) << 30, "cgroup", VERDICT_BETTER, "-o size=768m");
}

/* Debian's 6.12 has listings in RAM without requests, and is not told otherwise. */
static void versions_are_told_as_they_are(void **state)
{
    (void)state;
    struct machine machine = good_machine();
    machine.minor = 12;
    struct findings findings = judged(&machine);
    const struct finding *kernel = worst_of(&findings, "kernel");
    assert_non_null(strstr(kernel->text, "io_uring"));
    assert_non_null(strstr(kernel->text, "but not on Debian's 6.12"));
    // The daemon may have been built with another.
    assert_non_null(strstr(worst_of(&findings, "libfuse")->text, "this shmapctl was built with"));
    findings_free(&findings);
}

static void a_user_needs_the_broker(void **state)
{
    (void)state;
    ASSERT_MACHINE(root = false, "broker", VERDICT_BETTER, "systemctl enable");
    struct machine user = good_machine();
    user.root = false;
    user.broker_error = EACCES;
    struct findings findings = judged(&user);
    assert_finding(&findings, "broker", VERDICT_BETTER, "usermod");
    user.broker_error = 0;
    findings = judged(&user);
    assert_finding(&findings, "broker", VERDICT_FINE, NULL);
    user.fusermount = false;
    findings = judged(&user);
    assert_finding(&findings, "fusermount3", VERDICT_WRONG, "fuse3");
    user.fusermount = true;
    strcpy(user.namespaces, "user.max_user_namespaces=10000");
    findings = judged(&user);
    assert_finding(&findings, "namespaces", VERDICT_WRONG, "sysctl -w user.max_user");
}

static struct shmap_status good_status(void)
{
    return (struct shmap_status){
        .version = SHMAPFS_VERSION,
        .huge = "within_size",
        .transport = "fuse",
        .descriptors_max = 10000,
        .store_area = { .present = true, .passthrough = true, .filesystem = "ext4" },
        .ram_area = { .present = true,
                      .size = 100 << 20,
                      .used = 1 << 20,
                      .inodes = 1000,
                      .inodes_used = 1,
                      .passthrough = true,
                      .filesystem = "tmpfs" },
    };
}

static struct findings judged_mount(const struct shmap_status *status, int64_t group)
{
    const struct machine machine = good_machine();
    struct findings findings = { 0 };

    mount_judge("/a b", status, group, &machine, &findings);
    for (size_t i = 0; i < findings.count; i++)
        assert_string_equal(findings.all[i].place, "/a b");
    return findings;
}

#define ASSERT_MOUNT(change, subject, verdict, remedy)         \
    do {                                                       \
        struct shmap_status status = good_status();            \
        status.change;                                         \
        struct findings found = judged_mount(&status, UNTOLD); \
        assert_finding(&found, subject, verdict, remedy);      \
    } while (0)

static void what_a_mount_lacks_is_named(void **state)
{
    (void)state;
    ASSERT_MOUNT(pid = 1, "survival", VERDICT_FINE, NULL);
    ASSERT_MOUNT(version[0] = '9', "version", VERDICT_BETTER, "shmapctl upgrade '/a b'");
    ASSERT_MOUNT(survival[0] = 'x', "survival", VERDICT_BETTER,
                 "umount '/a b' && shmapfs '/a b' -o keeper");
    ASSERT_MOUNT(restarts = 1, "survival", VERDICT_BETTER, "journalctl");
    ASSERT_MOUNT(upgrade_error[0] = 'x', "upgrade", VERDICT_WRONG, "shmapctl upgrade '/a b'");
    ASSERT_MOUNT(ram_area.used = 95 << 20, "room", VERDICT_BETTER, "shmapctl resize '/a b' 201m");
    ASSERT_MOUNT(ram_area.used = 100 << 20, "room", VERDICT_WRONG, "shmapctl resize");
    ASSERT_MOUNT(ram_area.inodes_used = 1000, "room", VERDICT_WRONG, "nr_inodes=2000");
    ASSERT_MOUNT(ram_area.size = UINT64_C(9) << 30, "memory", VERDICT_BETTER, "50%");
    ASSERT_MOUNT(ram_area.lacks[0] = 'x', "RAM area", VERDICT_BETTER, "later kernel");
    struct shmap_status status = good_status();
    struct findings findings = judged_mount(&status, 50 << 20);
    assert_finding(&findings, "cgroup", VERDICT_BETTER, "shmapctl resize '/a b' 39321600");
    findings = judged_mount(&status, 110 << 20);
    assert_finding(&findings, "cgroup", VERDICT_BETTER, "shmapctl resize '/a b' 86507520");
    status.ram_area.used = 48 << 20;
    findings = judged_mount(&status, 50 << 20);
    assert_finding(&findings, "cgroup", VERDICT_BETTER, "shmapctl resize");
    strcpy(status.huge, "never");
    strcpy(status.options, "size=1m,huge=never");
    findings = judged_mount(&status, UNTOLD);
    assert_finding(&findings, "huge pages", VERDICT_BETTER, "huge=within_size '/a b'");
    strcpy(status.options, "size=1m,huge=always");
    findings = judged_mount(&status, UNTOLD);
    assert_finding(&findings, "huge pages", VERDICT_BETTER, "boot a kernel");
}

static void a_full_control_group_is_wrong(void **state)
{
    (void)state;
    struct shmap_status status = good_status();
    status.pid = 12;
    status.ram_area.used = 48 << 20;
    status.ram_area.passthrough = false;
    struct findings findings = judged_mount(&status, 50 << 20);
    assert_finding(&findings, "cgroup", VERDICT_WRONG,
                   "systemctl set-property \"$(ps -o unit= -p 12)\" MemoryMax=209715200");
}

static void a_mount_is_made_anew_with_its_options(void **state)
{
    (void)state;
    struct shmap_status status = good_status();
    strcpy(status.store, "/my store");
    strcpy(status.options, "size=1m,nokeeper,anon=a b");
    strcpy(status.survival, "nokeeper was given");
    struct findings findings = judged_mount(&status, UNTOLD);
    assert_finding(&findings, "survival", VERDICT_BETTER,
                   "umount '/a b' && shmapfs '/my store' '/a b' -o 'size=1m,anon=a b,keeper'");
    *status.survival = '\0';
    strcpy(status.options, "descriptors=100");
    status.descriptors = status.descriptors_max = 100;
    status.nodes = 200;
    findings = judged_mount(&status, UNTOLD);
    assert_finding(&findings, "descriptors", VERDICT_BETTER, "'/a b' -o descriptors=200");
}

/* The mount tells its number as an option, whether it was given or not. */
static void a_low_limit_of_descriptors_is_told(void **state)
{
    (void)state;
    struct machine machine = good_machine();
    struct shmap_status status = good_status();
    struct findings findings = { 0 };

    status.descriptors_max = 100;
    strcpy(status.options, "descriptors=100,size=1m");
    mount_judge("/a", &status, UNTOLD, &machine, &findings);
    assert_finding(&findings, "descriptors", VERDICT_FINE, NULL);
    machine.descriptors = 1024;
    mount_judge("/a", &status, UNTOLD, &machine, &findings);
    assert_finding(&findings, "descriptors", VERDICT_BETTER,
                   "ulimit -Hn 1048576 && umount /a && shmapfs /a -o size=1m");
}

/* The clock matters to hosts that share a store, and to no other mount. */
static void hosts_need_clocks(void **state)
{
    (void)state;
    struct machine machine = good_machine();
    struct shmap_status status = good_status();
    struct findings findings = { 0 };

    machine.synchronised = false;
    mount_judge("/a", &status, UNTOLD, &machine, &findings);
    assert_null(worst_of(&findings, "clock"));
    findings_free(&findings);
    status.shared = true;
    mount_judge("/a", &status, UNTOLD, &machine, &findings);
    assert_finding(&findings, "clock", VERDICT_BETTER, "timedatectl set-ntp true");
    status.hosts = 2;
    mount_judge("/a", &status, UNTOLD, &machine, &findings);
    assert_finding(&findings, "clock", VERDICT_WRONG, "timedatectl set-ntp true");
    machine.synchronised = true;
    mount_judge("/a", &status, UNTOLD, &machine, &findings);
    assert_finding(&findings, "clock", VERDICT_FINE, NULL);
}

static void each_reason_has_a_remedy(void **state)
{
    static const char *const pairs[][2] = {
        { "nopassthrough was given", "shmapfs '/a b' -o timeout=0" },
        { "passthrough takes root, and nobroker was given",
          "shmapfs '/a b' -o nopassthrough,timeout=0" },
        { "passthrough takes root, or the broker",
          "systemctl enable --now shmapfs-broker.socket && umount '/a b' && shmapfs" },
        { "this kernel has no FUSE passthrough (Linux 6.9 has it)", "boot Linux 6.9" },
        { "the kernel refuses to pass overlay through: no", "ext4, xfs or btrfs" },
        { "something else", "and then: umount '/a b'" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(pairs); i++) {
        struct shmap_status status = good_status();
        status.store_area.passthrough = false;
        strcpy(status.store_area.reason, pairs[i][0]);
        strcpy(status.options, strstr(pairs[i][0], "nobroker") ? "nobroker,nopassthrough,timeout=0"
                                                               : "nopassthrough,timeout=0");
        struct findings findings = judged_mount(&status, UNTOLD);
        assert_finding(&findings, "store", VERDICT_BETTER, pairs[i][1]);
    }
}

static void a_silent_mount_is_wrong(void **state)
{
    struct findings findings = { 0 };

    (void)state;
    mount_judge_silent("/a'b", -ENOTCONN, &findings);
    assert_finding(&findings, "daemon", VERDICT_WRONG, "umount '/a'\\''b'");
    mount_judge_silent("/a", -ETIMEDOUT, &findings);
    assert_finding(&findings, "daemon", VERDICT_WRONG, "journalctl");
    mount_judge_silent("/a", -EACCES, &findings);
    assert_finding(&findings, "daemon", VERDICT_FINE, NULL);
}

#define ASSERT_STORE(change, subject, verdict, remedy)    \
    do {                                                  \
        struct store store = { .filesystem = "ext4",      \
                               .attributes = true,        \
                               .writable = true,          \
                               .free = 50,                \
                               .free_inodes = 50 };       \
        struct findings found = { 0 };                    \
        store.change;                                     \
        store_judge("/s", &store, &found);                \
        assert_finding(&found, subject, verdict, remedy); \
    } while (0)

static void what_a_store_lacks_is_named(void **state)
{
    (void)state;
    ASSERT_STORE(reflink = ABILITY_YES, "reflink", VERDICT_FINE, NULL);
    ASSERT_STORE(attributes = false, "filesystem", VERDICT_WRONG, "attributes");
    ASSERT_STORE(writable = false, "filesystem", VERDICT_BETTER, "-o ro");
    ASSERT_STORE(read_only = true, "filesystem", VERDICT_BETTER, "mount -o remount,rw");
    ASSERT_STORE(network = true, "filesystem", VERDICT_BETTER, "of this machine");
    ASSERT_STORE(stacked = true, "filesystem", VERDICT_BETTER, "below");
    ASSERT_STORE(free = 4, "room", VERDICT_BETTER, "shmapctl summary /s");
    ASSERT_STORE(free_inodes = 0, "room", VERDICT_WRONG, "enlarge");
    ASSERT_STORE(ahead = 100, "clock", VERDICT_WRONG, "timedatectl");
}

/* Looking at the machine of the test changes nothing and finds a kernel. */
static void this_machine_is_read(void **state)
{
    struct machine machine;
    struct store store;

    (void)state;
    machine_read(&machine);
    assert_true(machine.major >= 5);
    assert_true(machine.memory > 0);
    assert_int_equal(store_read("/nonexistent", &store), -ENOENT);
    assert_int_equal(store_read("/dev/null", &store), -ENOTDIR);
    assert_int_equal(store_read(".", &store), 0);
    assert_true(*store.filesystem != '\0');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_machine_is_fine),
        cmocka_unit_test(what_a_machine_lacks_is_named),
        cmocka_unit_test(versions_are_told_as_they_are),
        cmocka_unit_test(a_user_needs_the_broker),
        cmocka_unit_test(what_a_mount_lacks_is_named),
        cmocka_unit_test(a_full_control_group_is_wrong),
        cmocka_unit_test(a_mount_is_made_anew_with_its_options),
        cmocka_unit_test(a_low_limit_of_descriptors_is_told),
        cmocka_unit_test(hosts_need_clocks),
        cmocka_unit_test(each_reason_has_a_remedy),
        cmocka_unit_test(a_silent_mount_is_wrong),
        cmocka_unit_test(what_a_store_lacks_is_named),
        cmocka_unit_test(this_machine_is_read),
    };
    return cmocka_run_group_tests_name("doctor", tests, NULL, NULL);
}
