// SPDX-License-Identifier: BSD-2-Clause
/* A program that can be told, one line at a time, what to load and what to open. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void report(const char *error)
{
    printf("%s\n", error == NULL ? "ok" : error);
}

static void answer(void)
{
    int (*function)(void) = (int (*)(void))dlsym(RTLD_DEFAULT, "answer");

    if (function == NULL)
        puts("ok none");
    else
        printf("ok %d\n", function());
}

static void obey(const char *order, const char *path, int *held)
{
    if (strcmp(order, "load") == 0) {
        report(dlopen(path, RTLD_NOW | RTLD_GLOBAL) == NULL ? dlerror() : NULL);
    } else if (strcmp(order, "answer") == 0) {
        answer();
    } else if (strcmp(order, "hold") == 0) {
        *held = open(path, O_WRONLY | O_CLOEXEC);
        report(*held < 0 ? strerror(errno) : NULL);
    } else if (strcmp(order, "release") == 0) {
        report(close(*held) != 0 ? strerror(errno) : NULL);
    } else if (strcmp(order, "truncate") == 0) {
        report(truncate(path, 0) != 0 ? strerror(errno) : NULL);
    } else {
        report("unknown order");
    }
}

int main(void)
{
    char line[512];
    int held = -1;

    while (fgets(line, sizeof(line), stdin) != NULL) {
        char order[16] = "", path[256] = "";
        sscanf(line, "%15s %255s", order, path);
        obey(order, path, &held);
        fflush(stdout);
    }
    return EXIT_SUCCESS;
}
