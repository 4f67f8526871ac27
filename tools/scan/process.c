// SPDX-License-Identifier: BSD-2-Clause
#include "tools/scan/process.h"

#include <err.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COMM_MAX 15 // bytes of a name that the kernel keeps

int process_open(pid_t pid)
{
    char path[32];

    snprintf(path, sizeof(path), "/proc/%d", (int)pid);
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

FILE *process_file(int dir, const char *name)
{
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");

    if (!file && fd >= 0)
        close(fd);
    return file;
}

DIR *process_entries(int dir, const char *name)
{
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);

    if (!stream && fd >= 0)
        close(fd);
    return stream;
}

/* Reads a file of /proc up to a separator; NULL: there is nothing. For free(). */
static char *read_until(FILE *file, int separator)
{
    char *text = NULL;
    size_t room = 0;
    ssize_t length = file ? getdelim(&text, &room, separator, file) : -1;

    if (length < 0) {
        free(text);
        return NULL;
    }
    if (length > 0 && text[length - 1] == separator)
        text[length - 1] = '\0';
    return text;
}

/* Finds the whole of a name that was cut off: one of the first two words of the command line, of
 * which the second is a script's name. NULL: neither begins so. For free(). */
static char *whole_name(int dir, const char *cut)
{
    FILE *words = process_file(dir, "cmdline");
    char *found = NULL;

    for (int i = 0; i < 2 && !found; i++) {
        char *word = read_until(words, '\0');
        const char *slash = word ? strrchr(word, '/') : NULL;
        const char *name = slash ? slash + 1 : word;

        if (name && strncmp(name, cut, strlen(cut)) == 0)
            found = strdup(name);
        free(word);
    }
    if (words)
        fclose(words);
    return found;
}

char *process_command(int dir)
{
    FILE *comm = process_file(dir, "comm");
    char *name = read_until(comm, '\0'); // it can hold newlines; the last one ends it
    char *whole;

    if (comm)
        fclose(comm);
    if (name && *name)
        name[strlen(name) - 1] = '\0';
    whole = name && strlen(name) == COMM_MAX ? whole_name(dir, name) : NULL;
    if (whole) {
        free(name);
        return whole;
    }
    if (!name)
        name = strdup("");
    if (!name)
        err(EXIT_FAILURE, NULL);
    return name;
}

char *process_command_line(int dir)
{
    FILE *words = process_file(dir, "cmdline");
    char line[4096];
    size_t length = words ? fread(line, 1, sizeof(line), words) : 0;
    char *copy;

    if (words)
        fclose(words);
    // The last of the ends is the line's.
    for (size_t i = 0; i + 1 < length; i++) {
        if (line[i] == '\0')
            line[i] = ' ';
    }
    copy = strndup(line, length);
    if (!copy)
        err(EXIT_FAILURE, NULL);
    return copy;
}

char *process_user_name(uid_t uid)
{
    const struct passwd *known = getpwuid(uid);
    char *name = NULL;

    if (known)
        name = strdup(known->pw_name);
    else if (asprintf(&name, "%u", uid) < 0)
        name = NULL;
    if (!name)
        err(EXIT_FAILURE, NULL);
    return name;
}

struct process_info process_read_info(int dir)
{
    struct process_info info = { 0 };
    FILE *status = process_file(dir, "status");
    char line[256];

    while (status && fgets(line, sizeof(line), status)) {
        sscanf(line, "PPid: %d", &info.parent);
        sscanf(line, "Uid: %*u %u", &info.uid);
        if (strncmp(line, "VmSize:", strlen("VmSize:")) == 0)
            info.has_memory = true;
    }
    if (status)
        fclose(status);
    return info;
}
