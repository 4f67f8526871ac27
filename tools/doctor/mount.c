// SPDX-License-Identifier: BSD-2-Clause
#include "tools/doctor/mount.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "lib/sys/cleanup.h"
#include "tools/scan/process.h"
#include "tools/ui/output.h"

#define USUAL_DESCRIPTORS 10000

int64_t mount_group_limit(const struct shmap_status *status)
{
    // The number may be of another PID namespace, and so of another process here.
    CLEANUP_FD int process = process_open((pid_t)status->pid);
    CLEANUP_FREE char *command = process < 0 ? NULL : process_command(process);

    if (!command || strncmp(command, "shmapfs", strlen("shmapfs")) != 0)
        return UNTOLD;
    return machine_group_limit(process);
}

/* `word` is the mount point as a shell takes it, here and below. */
static void judge_version(const char *word, const struct shmap_status *status,
                          struct findings *findings)
{
    if (strcmp(status->version, SHMAPFS_VERSION) == 0) {
        finding_add(findings, "version", "%s, as this shmapctl", status->version);
        return;
    }
    finding_add(findings, "version", "%s serves, and this is shmapctl %s", status->version,
                SHMAPFS_VERSION);
    finding_mend(findings, VERDICT_BETTER, "shmapctl upgrade %s", word);
}

static void judge_survival(const struct shmap_status *status, struct findings *findings)
{
    if (*status->survival) {
        finding_add(findings, "survival", "would end with its daemon: %s", status->survival);
        finding_mend(findings, VERDICT_BETTER, "unmount it, and mount it %s",
                     strcmp(status->transport, "io_uring") == 0 ? "without io_uring"
                                                                : "with -o keeper");
    } else {
        finding_add(findings, "survival",
                    "survives its daemon; %" PRIu64 " restarts, %" PRIu64 " upgrades",
                    status->restarts, status->upgrades);
        if (status->restarts > 0)
            finding_mend(findings, VERDICT_BETTER, "journalctl --identifier shmapfs");
    }
    if (*status->upgrade_error) {
        finding_add(findings, "upgrade", "the last one was refused: %s", status->upgrade_error);
        finding_mend(findings, VERDICT_WRONG,
                     "install a version that can go on, and then: shmapctl upgrade");
    }
}

/* Means to mend a data path that does not lead through the kernel, by the words of its reason. */
static const char *passthrough_remedy(const char *reason)
{
    static const struct {
        const char *words, *remedy;
    } known[] = {
        { "nopassthrough", "unmount it, and mount it without nopassthrough" },
        { "nobroker", "unmount it, and mount it without nobroker" },
        { "whose socket the mount hides", "unmount it, and mount it on another directory" },
        { "passthrough takes root, or the broker",
          "systemctl enable --now shmapfs-broker.socket, and then mount it anew" },
        { "this kernel has no FUSE passthrough", "boot Linux 6.9 or later" },
        { "the kernel refuses to pass", "use a STORE on ext4, xfs or btrfs" },
        { "broker", "systemctl restart shmapfs-broker.socket, and then mount it anew" },
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strstr(reason, known[i].words))
            return known[i].remedy;
    }
    return "mend what it names, and then mount it anew";
}

static void judge_data_path(const char *subject, const struct shmap_area_status *area,
                            struct findings *findings)
{
    if (!area->present)
        return;
    if (area->passthrough) {
        finding_add(findings, subject, "%s, passthrough%s", area->filesystem,
                    area->brokered ? " by the broker" : "");
    } else {
        finding_add(findings, subject, "%s, through FUSE's page cache: %s", area->filesystem,
                    area->reason);
        finding_mend(findings, VERDICT_BETTER, "%s", passthrough_remedy(area->reason));
    }
    if (*area->lacks) {
        finding_add(findings, subject, "lacks %s", area->lacks);
        finding_mend(findings, VERDICT_BETTER, "boot a later kernel");
    }
}

static unsigned percent_of(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : (unsigned)((double)part * 100 / (double)whole);
}

static void judge_room(const char *word, const struct shmap_status *status, int64_t group,
                       const struct machine *machine, struct findings *findings)
{
    const struct shmap_area_status *area = &status->ram_area;
    unsigned used = percent_of(area->used, area->size);
    unsigned inodes = percent_of(area->inodes_used, area->inodes);
    int64_t memory = machine->memory > 0 && machine->swap > 0 ? machine->memory + machine->swap
                                                              : machine->memory;

    if (!area->present)
        return;
    finding_add(findings, "room", "%s of %s in RAM, %u %% of its inodes", humanize(area->used).text,
                humanize(area->size).text, inodes);
    if (used >= 90)
        finding_mend(findings, used >= 99 ? VERDICT_WRONG : VERDICT_BETTER,
                     "shmapctl resize %s %" PRIu64 "m", word, (2 * area->size >> 20) + 1);
    else if (inodes >= 90)
        finding_mend(findings, inodes >= 99 ? VERDICT_WRONG : VERDICT_BETTER,
                     "mount -o remount,nr_inodes=%" PRIu64 " %s", 2 * area->inodes, word);
    if (group != UNTOLD && area->size > (uint64_t)group) {
        finding_add(findings, "cgroup",
                    "its daemon's control group has a limit of %s, less than the RAM area",
                    humanize((uint64_t)group).text);
        finding_mend(findings, VERDICT_BETTER, "shmapctl resize %s %" PRId64, word, group / 4 * 3);
    }
    if (memory > 0 && area->size > (uint64_t)memory) {
        finding_add(findings, "memory", "the RAM area may take more than the %s that there is",
                    humanize((uint64_t)memory).text);
        finding_mend(findings, VERDICT_BETTER, "shmapctl resize %s 50%%", word);
    }
}

static void judge_huge_pages(const char *word, const struct shmap_status *status,
                             struct findings *findings)
{
    if (!status->ram_area.present)
        return;
    finding_add(findings, "huge pages", "huge=%s is in force", status->huge);
    if (strcmp(status->huge, "never") != 0)
        return;
    if (strstr(status->options, "huge=never"))
        finding_mend(findings, VERDICT_BETTER, "mount -o remount,huge=within_size %s", word);
    else
        finding_mend(findings, VERDICT_BETTER,
                     "boot a kernel with CONFIG_TRANSPARENT_HUGEPAGE: this one refused");
}

static void judge_descriptors(const struct shmap_status *status, struct findings *findings)
{
    finding_add(findings, "descriptors", "%" PRIu64 " of %" PRIu64 " for %" PRIu64 " nodes",
                status->descriptors, status->descriptors_max, status->nodes);
    if (status->descriptors_max < USUAL_DESCRIPTORS && !strstr(status->options, "descriptors="))
        finding_mend(findings, VERDICT_BETTER,
                     "ulimit -Hn 1048576, and then mount it anew: the limit of open files is low");
    else if (status->nodes > status->descriptors_max &&
             percent_of(status->descriptors, status->descriptors_max) >= 95)
        finding_mend(findings, VERDICT_BETTER, "mount it with -o descriptors=%" PRIu64,
                     2 * status->descriptors_max);
}

void mount_judge(const char *path, const struct shmap_status *status, int64_t group,
                 const struct machine *machine, struct findings *findings)
{
    CLEANUP_FREE char *word = shell_word(path);

    findings->place = path;
    judge_version(word, status, findings);
    judge_survival(status, findings);
    judge_data_path("store", &status->store_area, findings);
    judge_data_path("RAM area", &status->ram_area, findings);
    judge_room(word, status, group, machine, findings);
    judge_huge_pages(word, status, findings);
    judge_descriptors(status, findings);
    findings->place = NULL;
}

void mount_judge_silent(const char *path, int error, struct findings *findings)
{
    CLEANUP_FREE char *word = shell_word(path);

    findings->place = path;
    switch (-error) {
    case ENOTCONN:
        finding_add(findings, "daemon", "dead: everything here fails");
        finding_mend(findings, VERDICT_WRONG, "umount %s", word);
        break;
    case ETIMEDOUT:
        finding_add(findings, "daemon", "does not answer");
        finding_mend(findings, VERDICT_WRONG, "journalctl --identifier shmapfs");
        break;
    case EPROTO:
        finding_add(findings, "version", "of a version that this shmapctl does not understand");
        finding_mend(findings, VERDICT_WRONG, "install the shmapctl of the version that serves");
        break;
    default:
        finding_add(findings, "daemon", "out of reach: %s", strerror(-error));
        break;
    }
    findings->place = NULL;
}
