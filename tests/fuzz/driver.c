// SPDX-License-Identifier: BSD-2-Clause
/* Calls a fuzz target with each file of the directories named, and reports in TAP. The last name
 * printed is that of the file that a target aborted on. */
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

#define INPUT_MAX (1 << 20)

static int is_input(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void run_file(int dir, const char *name)
{
    uint8_t *data = malloc(INPUT_MAX);
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd >= 0 && data != NULL ? read(fd, data, INPUT_MAX) : -1;
    if (size < 0)
        err(1, "%s", name);
    close(fd);
    // Of the right size, so that what is read beyond it shows.
    uint8_t *exact = malloc(size > 0 ? (size_t)size : 1);
    if (exact == NULL)
        err(1, "%s", name);
    memcpy(exact, data, (size_t)size);
    free(data);
    LLVMFuzzerTestOneInput(exact, (size_t)size);
    free(exact);
}

int main(int argc, char **argv)
{
    int done = 0;
    for (int i = 1; i < argc; i++) {
        struct dirent **entries;
        int dir = open(argv[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int count = scandir(argv[i], &entries, is_input, alphasort);
        if (dir < 0 || count < 0)
            err(1, "%s", argv[i]);
        for (int at = 0; at < count; at++) {
            printf("# %s\n", entries[at]->d_name);
            fflush(stdout);
            run_file(dir, entries[at]->d_name);
            printf("ok %d - %s\n", ++done, entries[at]->d_name);
            free(entries[at]);
        }
        free(entries);
        close(dir);
    }
    printf("1..%d\n", done);
    return done > 0 ? 0 : 1;
}
