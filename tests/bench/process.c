// SPDX-License-Identifier: BSD-2-Clause
#include "process.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// Adds what all lines of the file that begin with the word have as their number.
static int add_numbers(const char *path, const char *word, uint64_t *sum)
{
    FILE *file = fopen(path, "re");
    char line[256];
    uint64_t number;

    if (file == NULL)
        return -errno;
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, word, strlen(word)) == 0 &&
            sscanf(line + strlen(word), "%" SCNu64, &number) == 1)
            *sum += number;
    }
    fclose(file);
    return 0;
}

// Calls for each entry of the directory that has a number for its name.
static int for_each_number(const char *path, int (*call)(const char *entry, void *argument),
                           void *argument)
{
    DIR *directory = opendir(path);
    struct dirent *entry;
    char full[320];
    int error = 0;

    if (directory == NULL)
        return -errno;
    while (error == 0 && (entry = readdir(directory)) != NULL) {
        if (strspn(entry->d_name, "0123456789") != strlen(entry->d_name))
            continue;
        snprintf(full, sizeof(full), "%s/%s", path, entry->d_name);
        error = call(full, argument);
    }
    closedir(directory);
    return error;
}

struct visit {
    int (*call)(pid_t pid, void *argument);
    void *argument;
};

static int visit_process(const char *entry, void *argument)
{
    const struct visit *visit = argument;

    return visit->call((pid_t)atoi(strrchr(entry, '/') + 1), visit->argument);
}

int process_each(int (*call)(pid_t pid, void *argument), void *argument)
{
    return for_each_number("/proc", visit_process, &(struct visit){ call, argument });
}

struct search {
    const char *argument;
    pid_t found; // 0: none yet
};

static int look_at_arguments(pid_t pid, void *argument)
{
    struct search *search = argument;
    char path[64];
    char *word = NULL;
    size_t capacity = 0;

    if (search->found != 0 || pid == getpid())
        return 0;
    snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
    FILE *words = fopen(path, "re");
    while (words != NULL && search->found == 0 && getdelim(&word, &capacity, '\0', words) > 0) {
        if (strcmp(word, search->argument) == 0)
            search->found = pid;
    }
    free(word);
    if (words != NULL)
        fclose(words);
    return 0;
}

pid_t process_with_argument(const char *argument)
{
    struct search search = { .argument = argument };

    process_each(look_at_arguments, &search);
    return search.found;
}

int process_memory(pid_t pid, uint64_t *bytes)
{
    char path[64];
    uint64_t kilobytes = 0;

    snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
    int error = add_numbers(path, "Rss:", &kilobytes);
    *bytes = kilobytes << 10;
    return error;
}

static int count_entry(const char *entry, void *argument)
{
    unsigned *count = argument;

    (void)entry;
    ++*count;
    return 0;
}

int process_descriptors(pid_t pid, unsigned *count)
{
    char path[64];

    *count = 0;
    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    return for_each_number(path, count_entry, count);
}

static int add_switches(const char *entry, void *argument)
{
    char path[400];

    snprintf(path, sizeof(path), "%s/status", entry);
    int error = add_numbers(path, "voluntary_ctxt_switches:", argument);
    return error < 0 ? error : add_numbers(path, "nonvoluntary_ctxt_switches:", argument);
}

int process_switches(pid_t pid, uint64_t *count)
{
    char path[64];

    *count = 0;
    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    return for_each_number(path, add_switches, count);
}

int process_processor_seconds(pid_t pid, double *seconds)
{
    struct timespec had;
    clockid_t clock;
    int error = clock_getcpuclockid(pid, &clock);

    if (error != 0)
        return -error;
    if (clock_gettime(clock, &had) < 0)
        return -errno;
    *seconds = (double)had.tv_sec + (double)had.tv_nsec / 1e9;
    return 0;
}

pid_t process_parent(pid_t pid)
{
    char path[64];
    uint64_t parent = 0;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    return add_numbers(path, "PPid:", &parent) < 0 ? 0 : (pid_t)parent;
}
