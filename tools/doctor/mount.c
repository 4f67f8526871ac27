// SPDX-License-Identifier: BSD-2-Clause
#include "tools/doctor/mount.h"

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
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

/* Writes a list of options without one of them, and with more behind. */
static void write_options(FILE *out, const char *options, const char *dropped, const char *added)
{
    const char *comma = "";

    for (const char *at = options; *at; at += strspn(at, ",")) {
        size_t length = strcspn(at, ",");

        if (length != strlen(dropped) || strncmp(at, dropped, length) != 0) {
            fprintf(out, "%s%.*s", comma, (int)length, at);
            comma = ",";
        }
        at += length;
    }
    if (*added)
        fprintf(out, "%s%s", comma, added);
}

/* Returns the commands that mount it anew. For free(). */
static char *mount_anew(const char *word, const struct shmap_status *status, const char *dropped,
                        const char *added)
{
    CLEANUP_FREE char *store = *status->store ? shell_word(status->store) : NULL;
    CLEANUP_FREE char *options = NULL, *quoted = NULL;
    char *commands = NULL;
    size_t length;
    FILE *out = open_memstream(&options, &length);

    if (!out)
        err(EXIT_FAILURE, NULL);
    write_options(out, status->options, dropped, added);
    if (fclose(out) != 0)
        err(EXIT_FAILURE, NULL);
    quoted = shell_word(options);
    if (asprintf(&commands, "umount %s && shmapfs %s%s%s%s%s", word, store ? store : "",
                 store ? " " : "", word, *options ? " -o " : "", *options ? quoted : "") < 0)
        err(EXIT_FAILURE, NULL);
    return commands;
}

static void judge_survival(const char *word, const struct shmap_status *status,
                           struct findings *findings)
{
    if (*status->survival) {
        bool uring = strcmp(status->transport, "io_uring") == 0;
        CLEANUP_FREE char *anew =
            mount_anew(word, status, uring ? "io_uring" : "nokeeper", uring ? "" : "keeper");

        finding_add(findings, "survival", "would end with its daemon: %s", status->survival);
        finding_mend(findings, VERDICT_BETTER, "%s", anew);
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
                     "install a version that can go on, and then: shmapctl upgrade %s", word);
    }
}

/* A means to mend a data path that does not lead through the kernel, by words of its reason. */
struct passthrough_remedy {
    const char *words;
    const char *first;   // what to do, or to do before it is mounted anew
    const char *dropped; // the option to mount it without; NULL: it is not mounted anew
};

static const struct passthrough_remedy *passthrough_remedy(const char *reason)
{
    static const struct passthrough_remedy known[] = {
        { "nopassthrough", "", "nopassthrough" },
        { "nobroker", "", "nobroker" },
        { "whose socket the mount hides", "unmount it, and mount it on another directory", NULL },
        { "passthrough takes root, or the broker",
          "systemctl enable --now shmapfs-broker.socket && ", "" },
        { "this kernel has no FUSE passthrough", "boot Linux 6.9 or later", NULL },
        { "the kernel refuses to pass", "use a STORE on ext4, xfs or btrfs", NULL },
        { "broker", "systemctl restart shmapfs-broker.socket && ", "" },
        { "", "mend what it names, and then: ", "" },
    };
    size_t at = 0;

    while (!strstr(reason, known[at].words))
        at++;
    return &known[at];
}

static void mend_data_path(const char *word, const struct shmap_status *status, const char *reason,
                           struct findings *findings)
{
    const struct passthrough_remedy *remedy = passthrough_remedy(reason);
    CLEANUP_FREE char *anew =
        remedy->dropped ? mount_anew(word, status, remedy->dropped, "") : NULL;

    finding_mend(findings, VERDICT_BETTER, "%s%s", remedy->first, anew ? anew : "");
}

static void judge_data_path(const char *word, const struct shmap_status *status,
                            const char *subject, const struct shmap_area_status *area,
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
        mend_data_path(word, status, area->reason, findings);
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

/* `group` is the limit of the daemon's control group in bytes. */
static void judge_group(const char *word, const struct shmap_status *status, uint64_t group,
                        struct findings *findings)
{
    const struct shmap_area_status *area = &status->ram_area;
    uint64_t room = group / 8 * 7; // the daemon makes nothing more when that is taken

    if (!area->passthrough && area->used > room) {
        finding_add(findings, "cgroup",
                    "its daemon's control group has a limit of %s, and the RAM area takes %s of it",
                    humanize(group).text, humanize(area->used).text);
        finding_mend(findings, VERDICT_WRONG,
                     "systemctl set-property \"$(ps -o unit= -p %" PRIu64 ")\" MemoryMax=%" PRIu64,
                     status->pid, 2 * area->size);
    } else if (area->size > room) {
        finding_add(findings, "cgroup",
                    "its daemon's control group has a limit of %s, %s the RAM area",
                    humanize(group).text, area->size > group ? "less than" : "hardly more than");
        finding_mend(findings, VERDICT_BETTER, "shmapctl resize %s %" PRIu64, word, group / 4 * 3);
    }
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
    if (group != UNTOLD)
        judge_group(word, status, (uint64_t)group, findings);
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

/* The options in force always have the number, given or not: a low one that the machine's limit
 * explains is taken for its doing. */
static void judge_descriptors(const char *word, const struct shmap_status *status,
                              const struct machine *machine, struct findings *findings)
{
    bool limited = machine->descriptors != UNTOLD && machine->descriptors / 2 < USUAL_DESCRIPTORS;
    CLEANUP_FREE char *anew = NULL;
    char before[40], after[40] = "";

    finding_add(findings, "descriptors", "%" PRIu64 " of %" PRIu64 " for %" PRIu64 " nodes",
                status->descriptors, status->descriptors_max, status->nodes);
    snprintf(before, sizeof(before), "descriptors=%" PRIu64, status->descriptors_max);
    if (status->descriptors_max < USUAL_DESCRIPTORS && limited) {
        anew = mount_anew(word, status, before, after);
        finding_mend(findings, VERDICT_BETTER, "ulimit -Hn 1048576 && %s", anew);
    } else if (status->nodes > status->descriptors_max &&
               percent_of(status->descriptors, status->descriptors_max) >= 95) {
        snprintf(after, sizeof(after), "descriptors=%" PRIu64, 2 * status->descriptors_max);
        anew = mount_anew(word, status, before, after);
        finding_mend(findings, VERDICT_BETTER, "%s", anew);
    }
}

/* Times of files and the order of what hosts did follow from all their clocks. */
static void judge_hosts(const struct shmap_status *status, const struct machine *machine,
                        struct findings *findings)
{
    if (!status->shared)
        return;
    finding_add(findings, "clock", "%s",
                machine->synchronised
                    ? "synchronised, as the hosts that share it need"
                    : "not synchronised: other hosts that share it see wrong times of files");
    if (!machine->synchronised)
        finding_mend(findings, status->hosts > 1 ? VERDICT_WRONG : VERDICT_BETTER,
                     "timedatectl set-ntp true");
}

void mount_judge(const char *path, const struct shmap_status *status, int64_t group,
                 const struct machine *machine, struct findings *findings)
{
    CLEANUP_FREE char *word = shell_word(path);

    findings->place = path;
    judge_version(word, status, findings);
    judge_survival(word, status, findings);
    judge_data_path(word, status, "store", &status->store_area, findings);
    judge_data_path(word, status, "RAM area", &status->ram_area, findings);
    judge_room(word, status, group, machine, findings);
    judge_huge_pages(word, status, findings);
    judge_descriptors(word, status, machine, findings);
    judge_hosts(status, machine, findings);
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
