// SPDX-License-Identifier: BSD-2-Clause
#include "lib/sys/mount_holders.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/sys/cleanup.h"
#include "lib/sys/mounts.h"

/* Further mounts are counted, and not told apart: each process in their namespaces counts then. */
#define KNOWN_MAX 64

struct search {
    dev_t device;
    const char *store;
    uint64_t known[KNOWN_MAX]; // the ids of mounts, which are of one namespace each
    struct mount_holders *found;
};

static bool is_wanted(const struct search *search, const struct mounts *mounts)
{
    return strcmp(mounts->type, MOUNTS_TYPE) == 0 &&
           (!search->device || mounts->device == search->device) &&
           (!search->store || strcmp(mounts->source, search->store) == 0);
}

static bool was_counted(const struct search *search, uint64_t id)
{
    for (unsigned i = 0; i < search->found->count && i < KNOWN_MAX; i++) {
        if (search->known[i] == id)
            return true;
    }
    return false;
}

/* Replaces what a process has in its name to look like the sentence around it. */
static void make_plain(char *command)
{
    for (char *c = command; *c; c++) {
        if (!isalnum((unsigned char)*c) && !strchr("-_.:/+@", *c))
            *c = '?';
    }
}

/* Adds a process to the names, or dots where these are full. */
static void add_name(struct mount_holders *found, pid_t pid)
{
    char path[64], command[17] = "";
    char name[64];
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
    file = fopen(path, "re");
    if (file && fgets(command, sizeof(command), file))
        command[strcspn(command, "\n")] = '\0';
    if (file)
        fclose(file);
    make_plain(command);
    snprintf(name, sizeof(name), "%s%d (%s)", *found->names ? ", " : "", (int)pid, command);
    if (strlen(found->names) + strlen(name) + sizeof(", …") <= sizeof(found->names))
        strlcat(found->names, name, sizeof(found->names));
    else if (!strstr(found->names, "…"))
        strlcat(found->names, ", …", sizeof(found->names));
}

/* Looks at the mounts of a process; `name` is that of its directory in /proc. */
static void look_at_process(struct search *search, int proc, const char *name)
{
    CLEANUP_FD int process = openat(proc, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    CLEANUP_MOUNTS struct mounts mounts = mounts_begin_of(process);
    pid_t pid = (pid_t)strtol(name, NULL, 10);
    struct mount_holders *found = search->found;
    bool named = false;

    while (mounts_next(&mounts)) {
        if (!is_wanted(search, &mounts) || was_counted(search, mounts.id))
            continue;
        if (found->count < KNOWN_MAX)
            search->known[found->count] = mounts.id;
        found->count++;
        if (!named)
            add_name(found, pid);
        named = true;
    }
}

void mount_holders_find(dev_t device, const char *store, struct mount_holders *holders)
{
    struct search search = { .device = device, .store = store, .found = holders };
    DIR *processes = opendir("/proc");
    const struct dirent *entry;

    *holders = (struct mount_holders){ .count = 0 };
    while (processes && (entry = readdir(processes))) {
        if (isdigit((unsigned char)*entry->d_name))
            look_at_process(&search, dirfd(processes), entry->d_name);
    }
    if (processes)
        closedir(processes);
}
