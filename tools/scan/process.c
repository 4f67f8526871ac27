// SPDX-License-Identifier: BSD-2-Clause
#include "tools/scan/process.h"

#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COMM_MAX 15 /* bytes of a name that the kernel keeps */

FILE *process_file(int dir, const char *name)
{
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
    if (file == NULL && fd >= 0)
        close(fd);
    return file;
}

/* A file of /proc up to a separator; NULL: there is nothing. For free(). */
static char *read_until(FILE *file, int separator)
{
    char *text = NULL;
    size_t room = 0;
    ssize_t length = file != NULL ? getdelim(&text, &room, separator, file) : -1;
    if (length < 0) {
        free(text);
        return NULL;
    }
    if (length > 0 && text[length - 1] == separator)
        text[length - 1] = '\0';
    return text;
}

/* Of the first two words of the command line, where a script's name is the second, the one that a
 * cut name is the beginning of. NULL: none. For free(). */
static char *whole_name(int dir, const char *cut)
{
    FILE *words = process_file(dir, "cmdline");
    char *found = NULL;
    for (int i = 0; i < 2 && found == NULL; i++) {
        char *word = read_until(words, '\0');
        const char *slash = word != NULL ? strrchr(word, '/') : NULL;
        const char *name = slash != NULL ? slash + 1 : word;
        if (name != NULL && strncmp(name, cut, strlen(cut)) == 0)
            found = strdup(name);
        free(word);
    }
    if (words != NULL)
        fclose(words);
    return found;
}

char *process_command(int dir)
{
    FILE *comm = process_file(dir, "comm");
    char *name = read_until(comm, '\0'); /* whatever is in it, the last byte ends the line */
    if (comm != NULL)
        fclose(comm);
    if (name != NULL && *name != '\0')
        name[strlen(name) - 1] = '\0';
    char *whole = name != NULL && strlen(name) == COMM_MAX ? whole_name(dir, name) : NULL;
    if (whole != NULL) {
        free(name);
        return whole;
    }
    if (name == NULL)
        name = strdup("");
    if (name == NULL)
        err(EXIT_FAILURE, NULL);
    return name;
}

struct process_facts process_facts(int dir)
{
    struct process_facts facts = { 0 };
    FILE *status = process_file(dir, "status");
    char line[256];
    while (status != NULL && fgets(line, sizeof(line), status) != NULL) {
        sscanf(line, "Uid: %*u %u", &facts.uid);
        if (strncmp(line, "VmSize:", 7) == 0)
            facts.has_memory = true;
    }
    if (status != NULL)
        fclose(status);
    return facts;
}
