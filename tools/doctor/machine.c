// SPDX-License-Identifier: BSD-2-Clause
#include "tools/doctor/machine.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "lib/broker/protocol.h"
#include "lib/process/user_namespace.h"
#include "lib/sys/cleanup.h"
#include "tools/scan/process.h"

/* Reads the first line of a file. Returns whether there is one; otherwise the text is empty. */
static bool read_line_of(const char *path, char *line, size_t size)
{
    FILE *file = fopen(path, "re");
    bool done = file && fgets(line, (int)size, file);

    if (file)
        fclose(file);
    if (!done)
        line[0] = '\0';
    line[strcspn(line, "\n")] = '\0';
    return done;
}

static int64_t read_number_of(const char *path)
{
    char line[64], *end;
    long long number;

    if (!read_line_of(path, line, sizeof(line)))
        return UNTOLD;
    number = strtoll(line, &end, 10);
    return end == line ? UNTOLD : number;
}

/* Reads the word that a file shows in brackets, among those that could be. */
static void read_chosen(const char *path, char *word, size_t size)
{
    char line[256];
    const char *begin = read_line_of(path, line, sizeof(line)) ? strchr(line, '[') : NULL;

    word[0] = '\0';
    if (begin)
        snprintf(word, size, "%.*s", (int)strcspn(begin + 1, "]"), begin + 1);
}

static void read_kernel(struct machine *machine)
{
    struct utsname name;

    if (uname(&name) != 0)
        return;
    snprintf(machine->release, sizeof(machine->release), "%s", name.release);
    snprintf(machine->architecture, sizeof(machine->architecture), "%s", name.machine);
    sscanf(name.release, "%u.%u", &machine->major, &machine->minor);
}

static bool is_namespaced(void)
{
    unsigned long long inside, outside, count;
    FILE *map = fopen("/proc/self/uid_map", "re");
    bool whole = map && fscanf(map, "%llu %llu %llu", &inside, &outside, &count) == 3 &&
                 inside == 0 && outside == 0 && count == UINT32_MAX;

    if (map)
        fclose(map);
    return !whole;
}

static bool has_admin(void)
{
    FILE *status = fopen("/proc/self/status", "re");
    unsigned long long effective = 0;
    char line[256];

    while (status && fgets(line, sizeof(line), status)) {
        if (sscanf(line, "CapEff: %llx", &effective) == 1)
            break;
    }
    if (status)
        fclose(status);
    return (effective >> CAP_SYS_ADMIN & 1) != 0;
}

/* Looks for the program that mounts for users: it is root's, and becomes root. */
static bool has_fusermount(void)
{
    static const char *const places[] = { "/usr/bin/fusermount3", "/bin/fusermount3",
                                          "/usr/local/bin/fusermount3" };
    struct stat st;

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (stat(places[i], &st) == 0 && (st.st_mode & S_ISUID) && st.st_uid == 0)
            return true;
    }
    return false;
}

static void read_privileges(struct machine *machine)
{
    const char *setting = user_namespace_missing_setting();
    CLEANUP_FD int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);

    machine->fuse_error = fuse < 0 ? errno : 0;
    machine->namespaced = is_namespaced();
    machine->root = !machine->namespaced && has_admin();
    machine->fusermount = has_fusermount();
    snprintf(machine->namespaces, sizeof(machine->namespaces), "%s", setting ? setting : "");
}

static int64_t hard_limit(int resource)
{
    struct rlimit limit;

    if (getrlimit(resource, &limit) != 0)
        return UNTOLD;
    return limit.rlim_max > INT64_MAX ? INT64_MAX : (int64_t)limit.rlim_max;
}

static void read_memory(struct machine *machine)
{
    FILE *info = fopen("/proc/meminfo", "re");
    long long kib;
    char line[128];

    machine->memory = machine->swap = UNTOLD;
    while (info && fgets(line, sizeof(line), info)) {
        if (sscanf(line, "MemTotal: %lld", &kib) == 1)
            machine->memory = kib * 1024;
        else if (sscanf(line, "SwapTotal: %lld", &kib) == 1)
            machine->swap = kib * 1024;
    }
    if (info)
        fclose(info);
}

/* Returns the least limit between a directory of control groups and the top of their hierarchy. */
static int64_t least_limit(char *directory, size_t top, const char *file)
{
    int64_t least = UNTOLD;
    char path[PATH_MAX + 64];

    for (char *slash; strlen(directory) > top; *slash = '\0') {
        int64_t limit;

        snprintf(path, sizeof(path), "%s/%s", directory, file);
        limit = read_number_of(path);
        // Version 1 says "no limit" by a number that is close to the highest one.
        if (limit >= 0 && limit < INT64_MAX / 2 && (least == UNTOLD || limit < least))
            least = limit;
        slash = strrchr(directory, '/');
        if (!slash)
            break;
    }
    return least;
}

int64_t machine_group_limit(int process)
{
    static const struct {
        const char *controllers, *top, *file;
    } hierarchies[] = { { "", "/sys/fs/cgroup", "memory.max" },
                        { "memory", "/sys/fs/cgroup/memory", "memory.limit_in_bytes" } };
    FILE *groups = process_file(process, "cgroup");
    char line[PATH_MAX + 64], directory[PATH_MAX];
    int64_t least = UNTOLD;

    while (groups && fgets(line, sizeof(line), groups)) {
        char *rest = line, *controllers;

        line[strcspn(line, "\n")] = '\0';
        strsep(&rest, ":");
        controllers = strsep(&rest, ":");
        for (size_t i = 0; rest && i < 2; i++) {
            int64_t limit;

            if (strcmp(controllers, hierarchies[i].controllers) != 0)
                continue;
            snprintf(directory, sizeof(directory), "%s%s", hierarchies[i].top, rest);
            limit = least_limit(directory, strlen(hierarchies[i].top), hierarchies[i].file);
            if (limit != UNTOLD && (least == UNTOLD || limit < least))
                least = limit;
        }
    }
    if (groups)
        fclose(groups);
    return least;
}

/* Architectures other than x86 do not say so there, and count as machines of their own. */
static bool has_hypervisor(void)
{
    FILE *processors = fopen("/proc/cpuinfo", "re");
    char line[4096];
    bool found = false;

    while (!found && processors && fgets(line, sizeof(line), processors))
        found = strncmp(line, "flags", strlen("flags")) == 0 && strstr(line, " hypervisor");
    if (processors)
        fclose(processors);
    return found;
}

static void read_clock(struct machine *machine)
{
    static const char directory[] = "/sys/devices/system/clocksource/clocksource0";
    struct timex times = { 0 };
    char path[128];

    snprintf(path, sizeof(path), "%s/current_clocksource", directory);
    read_line_of(path, machine->clock, sizeof(machine->clock));
    snprintf(path, sizeof(path), "%s/available_clocksource", directory);
    read_line_of(path, machine->clocks, sizeof(machine->clocks));
    machine->synchronised = adjtimex(&times) != TIME_ERROR && !(times.status & STA_UNSYNC);
}

static int connect_to_broker(void)
{
    const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = BROKER_SOCKET };
    CLEANUP_FD int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return errno;
    // One that has no place for another caller now is there.
    return connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 || errno == EAGAIN
               ? 0
               : errno;
}

void machine_read(struct machine *machine)
{
    CLEANUP_FD int self = process_open(getpid());

    *machine = (struct machine){ .broker_error = connect_to_broker() };
    read_kernel(machine);
    read_privileges(machine);
    read_line_of("/sys/module/fuse/parameters/enable_uring", machine->uring,
                 sizeof(machine->uring));
    machine->background = read_number_of("/sys/module/fuse/parameters/max_user_bgreq");
    machine->descriptors = hard_limit(RLIMIT_NOFILE);
    machine->locked = hard_limit(RLIMIT_MEMLOCK);
    machine->watches = read_number_of("/proc/sys/fs/inotify/max_user_watches");
    machine->instances = read_number_of("/proc/sys/fs/inotify/max_user_instances");
    machine->leases = read_number_of("/proc/sys/fs/leases-enable");
    read_memory(machine);
    machine->group = self >= 0 ? machine_group_limit(self) : UNTOLD;
    read_chosen("/sys/kernel/mm/transparent_hugepage/shmem_enabled", machine->shmem_huge,
                sizeof(machine->shmem_huge));
    read_line_of("/sys/devices/system/cpu/cpuidle/current_governor", machine->governor,
                 sizeof(machine->governor));
    machine->virtual = has_hypervisor();
    machine->halt_poll = read_number_of("/sys/module/haltpoll/parameters/guest_halt_poll_ns");
    read_clock(machine);
}
