// SPDX-License-Identifier: BSD-2-Clause
/* The judgement of a machine. All of it follows from struct machine. A line that nothing
 * can be done about is fine: the text says what it means. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "tools/doctor/machine.h"
#include "tools/ui/output.h"

#define WANTED_DESCRIPTORS INT64_C(20000) // the daemon keeps 10000 files at hand with half of them
#define WANTED_LOCKED      (INT64_C(8) << 20)
#define WANTED_BACKGROUND  64
#define WANTED_WATCHES     8192
#define WANTED_INSTANCES   128

#define SHMEM_HUGE "/sys/kernel/mm/transparent_hugepage/shmem_enabled"
#define HALT_POLL  "/sys/module/haltpoll/parameters/guest_halt_poll_ns"
#define GOVERNOR   "/sys/devices/system/cpu/cpuidle/current_governor"
#define CLOCK      "/sys/devices/system/clocksource/clocksource0/current_clocksource"

static bool is_older(const struct machine *machine, unsigned major, unsigned minor)
{
    return machine->major < major || (machine->major == major && machine->minor < minor);
}

static void judge_kernel(const struct machine *machine, struct findings *findings)
{
    static const struct {
        unsigned minor; // of Linux 6
        enum verdict verdict;
        const char *lack;
    } lacks[] = {
        { 1, VERDICT_WRONG, "shmapfs is tested from 6.1 on" },
        { 9, VERDICT_BETTER, "no passthrough, data goes through FUSE's page cache" },
        { 12, VERDICT_BETTER, "no files that go with their last user where data passes through" },
        { 14, VERDICT_BETTER,
          "no io_uring, and listings in RAM may cost a request each, but not on Debian's 6.12" },
        { 16, VERDICT_BETTER, "no broker for users' mounts" },
    };

    for (size_t i = 0; i < sizeof(lacks) / sizeof(lacks[0]); i++) {
        if (!is_older(machine, 6, lacks[i].minor))
            continue;
        finding_add(findings, "kernel", "Linux %s, %s: %s", machine->release, machine->architecture,
                    lacks[i].lack);
        finding_mend(findings, lacks[i].verdict, "boot Linux 6.%u or later",
                     lacks[i].minor < 9 ? 9 : lacks[i].minor);
        return;
    }
    finding_add(findings, "kernel", "Linux %s, %s", machine->release, machine->architecture);
}

static void judge_fuse(const struct machine *machine, struct findings *findings)
{
    if (machine->fuse_error == 0) {
        finding_add(findings, "fuse", "/dev/fuse can be opened");
    } else if (machine->fuse_error == ENOENT || machine->fuse_error == ENODEV ||
               machine->fuse_error == ENXIO) {
        finding_add(findings, "fuse", "there is no /dev/fuse: nothing can be mounted");
        finding_mend(findings, VERDICT_WRONG, "modprobe fuse");
    } else {
        finding_add(findings, "fuse", "/dev/fuse cannot be opened: %s",
                    strerror(machine->fuse_error));
        finding_mend(findings, VERDICT_WRONG, "chmod 666 /dev/fuse");
    }
    if (machine->background >= 0 && machine->background < WANTED_BACKGROUND) {
        finding_add(findings, "fuse", "max_user_bgreq is %" PRId64 ": users' mounts read slowly",
                    machine->background);
        finding_mend(findings, VERDICT_BETTER, "echo %d > /sys/module/fuse/parameters/%s",
                     WANTED_BACKGROUND, "max_user_bgreq");
    }
    if (*machine->uring)
        finding_add(findings, "io_uring", "%s",
                    *machine->uring == 'Y' || *machine->uring == '1'
                        ? "allowed; a mount that uses it does not survive its daemon"
                        : "not allowed (enable_uring), and not needed: a mount that uses it does "
                          "not survive its daemon");
    finding_add(findings, "libfuse",
                "%s is what this shmapctl was built with; shmapfs --version tells of the daemon's",
                SHMAPFS_LIBFUSE);
}

static void judge_privileges(const struct machine *machine, struct findings *findings)
{
    if (machine->root) {
        finding_add(findings, "privileges", "mounts of root, with passthrough");
    } else if (machine->namespaced) {
        finding_add(findings, "privileges",
                    "in a user namespace: mounts serve it alone, and data passes through by the "
                    "broker alone");
    } else {
        finding_add(findings, "privileges",
                    "mounts of a user: data passes through by the broker alone");
        if (!machine->fusermount) {
            finding_add(findings, "fusermount3",
                        "not there, or not setuid root: users cannot mount");
            finding_mend(findings, VERDICT_WRONG, "apt install fuse3");
        }
    }
    if (!machine->root && *machine->namespaces) {
        finding_add(findings, "namespaces",
                    "users may have none, which shmapctl run and a mount's RAM area take");
        finding_mend(findings, VERDICT_WRONG, "sysctl -w %s", machine->namespaces);
    }
}

static void judge_broker(const struct machine *machine, struct findings *findings)
{
    if (machine->broker_error == 0) {
        finding_add(findings, "broker", "there, and takes callers");
    } else if (machine->root) {
        finding_add(findings, "broker", "not enabled; root needs none");
    } else if (is_older(machine, 6, 16)) {
        finding_add(findings, "broker", "the kernel is too old for it");
    } else if (machine->broker_error == EACCES || machine->broker_error == EPERM) {
        finding_add(findings, "broker", "there, but not for this user");
        finding_mend(findings, VERDICT_BETTER, "usermod --append --groups shmapfs USER");
    } else {
        finding_add(findings, "broker", "not enabled: data goes through FUSE's page cache");
        finding_mend(findings, VERDICT_BETTER, "systemctl enable --now shmapfs-broker.socket");
    }
}

static void judge_descriptors(const struct machine *machine, struct findings *findings)
{
    if (machine->descriptors == UNTOLD)
        return;
    finding_add(findings, "descriptors",
                machine->descriptors == INT64_MAX ? "a process may have any number"
                                                  : "a process may have %" PRId64,
                machine->descriptors);
    if (machine->descriptors < WANTED_DESCRIPTORS)
        finding_mend(findings, VERDICT_BETTER, "ulimit -Hn 1048576");
}

static void judge_locked(const struct machine *machine, struct findings *findings)
{
    if (machine->locked == UNTOLD)
        return;
    finding_add(findings, "memlock", "%s may be locked in memory",
                machine->locked == INT64_MAX ? "any amount"
                                             : humanize((uint64_t)machine->locked).text);
    // Root's daemon is bound by no limit.
    if (machine->locked < WANTED_LOCKED && !machine->root)
        finding_mend(findings, VERDICT_BETTER, "ulimit -Hl %" PRId64, WANTED_LOCKED / 1024);
}

static void judge_inotify(const struct machine *machine, struct findings *findings)
{
    if (machine->watches == UNTOLD || machine->instances == UNTOLD)
        return;
    finding_add(findings, "inotify", "%" PRId64 " watches and %" PRId64 " instances for each user",
                machine->watches, machine->instances);
    if (machine->watches < WANTED_WATCHES)
        finding_mend(findings, VERDICT_BETTER, "sysctl -w fs.inotify.max_user_watches=65536");
    else if (machine->instances < WANTED_INSTANCES)
        finding_mend(findings, VERDICT_BETTER, "sysctl -w fs.inotify.max_user_instances=512");
}

static void judge_leases(const struct machine *machine, struct findings *findings)
{
    if (machine->leases == UNTOLD)
        return;
    finding_add(findings, "leases",
                machine->leases ? "enabled" : "disabled: no file can go with its last user");
    if (!machine->leases)
        finding_mend(findings, VERDICT_BETTER, "sysctl -w fs.leases-enable=1");
}

static void judge_memory(const struct machine *machine, struct findings *findings)
{
    if (machine->memory == UNTOLD)
        return;
    finding_add(findings, "memory", "%s%s%s", humanize((uint64_t)machine->memory).text,
                machine->swap > 0 ? " and swap of " : ", no swap",
                machine->swap > 0 ? humanize((uint64_t)machine->swap).text : "");
    if (machine->group == UNTOLD || machine->group >= machine->memory)
        return;
    finding_add(findings, "cgroup",
                "the control group of this process has a limit of %s: files in RAM that are "
                "written from here count in it",
                humanize((uint64_t)machine->group).text);
    // A RAM area whose size nobody gives may take half of the memory.
    if (machine->group < machine->memory / 2)
        finding_mend(findings, VERDICT_BETTER, "shmapfs -o size=%" PRId64 "m MOUNTPOINT",
                     (machine->group / 4 * 3) >> 20);
}

static void judge_huge(const struct machine *machine, struct findings *findings)
{
    if (!*machine->shmem_huge) {
        finding_add(findings, "huge pages", "the kernel has none for shared memory");
    } else if (strcmp(machine->shmem_huge, "deny") == 0) {
        finding_add(findings, "huge pages", "denied: huge= of mounts has no effect");
        finding_mend(findings, VERDICT_BETTER, "echo never > " SHMEM_HUGE);
    } else {
        finding_add(findings, "huge pages", "as huge= of each mount says%s",
                    strcmp(machine->shmem_huge, "force") == 0 ? ", and forced for all" : "");
    }
}

static void judge_halt_poll(const struct machine *machine, struct findings *findings)
{
    if (machine->halt_poll == UNTOLD && machine->virtual) {
        finding_add(
            findings, "haltpoll",
            "not loaded: idle processors sleep at once, a request takes half as long again");
        finding_mend(findings, VERDICT_BETTER, "modprobe cpuidle_haltpoll");
    } else if (machine->halt_poll == UNTOLD) {
        finding_add(findings, "haltpoll", "not loaded: this is no virtual machine");
    } else if (machine->halt_poll == 0) {
        finding_add(findings, "haltpoll",
                    "idle processors sleep at once: a request takes half as long again");
        finding_mend(findings, VERDICT_BETTER, "echo 200000 > " HALT_POLL);
    } else if (strcmp(machine->governor, "haltpoll") != 0) {
        finding_add(findings, "haltpoll", "not in use: idle processors follow %s",
                    *machine->governor ? machine->governor : "no governor");
        finding_mend(findings, VERDICT_BETTER, "echo haltpoll > " GOVERNOR);
    } else {
        finding_add(findings, "haltpoll",
                    "idle processors look for %" PRId64 " ns before they sleep",
                    machine->halt_poll);
    }
}

static bool has_clock(const struct machine *machine, const char *name)
{
    size_t length = strlen(name);

    for (const char *at = machine->clocks; (at = strstr(at, name)); at += length) {
        if ((at == machine->clocks || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
            return true;
    }
    return false;
}

static void judge_clock(const struct machine *machine, struct findings *findings)
{
    static const char *const quick[] = { "tsc", "kvm-clock", "hyperv_clocksource_tsc_page",
                                         "arch_sys_counter" };

    finding_add(findings, "clock", "%s, %s", *machine->clock ? machine->clock : "unknown",
                machine->synchronised ? "synchronised"
                                      : "not synchronised, which matters to shared mounts alone");
    for (size_t i = 0; i < sizeof(quick) / sizeof(quick[0]); i++) {
        if (strcmp(machine->clock, quick[i]) == 0 || !*machine->clock)
            return;
    }
    for (size_t i = 0; i < sizeof(quick) / sizeof(quick[0]); i++) {
        if (has_clock(machine, quick[i])) {
            finding_mend(findings, VERDICT_BETTER, "echo %s > " CLOCK, quick[i]);
            return;
        }
    }
}

void machine_judge(const struct machine *machine, struct findings *findings)
{
    judge_kernel(machine, findings);
    judge_fuse(machine, findings);
    judge_privileges(machine, findings);
    judge_broker(machine, findings);
    judge_descriptors(machine, findings);
    judge_locked(machine, findings);
    judge_inotify(machine, findings);
    judge_leases(machine, findings);
    judge_memory(machine, findings);
    judge_huge(machine, findings);
    judge_halt_poll(machine, findings);
    judge_clock(machine, findings);
}
