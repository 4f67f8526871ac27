// SPDX-License-Identifier: BSD-2-Clause
#include "program.h"

#include <stdio.h>
#include <stdlib.h>

#include "command.h"

int program_ask(struct subject *subject, const char *directory, const char *const argv[],
                char *answer, size_t size)
{
    char home[PATH_MAX], path[PATH_MAX];
    const char *known_path = getenv("PATH");
    const char *const environment[] = {
        home, path, "LC_ALL=C", "GIT_CONFIG_NOSYSTEM=1", "CCACHE_DISABLE=1", NULL
    };
    const struct command command = { argv, directory, environment, answer, size };

    snprintf(home, sizeof(home), "HOME=%s", subject->scratch);
    snprintf(path, sizeof(path), "PATH=%s", known_path != NULL ? known_path : "/usr/bin:/bin");
    return command_run(&command, subject->reason);
}

int program_run(struct subject *subject, const char *directory, const char *const argv[])
{
    return program_ask(subject, directory, argv, NULL, 0);
}

int program_time(struct subject *subject, const char *directory, const char *const argv[],
                 double *seconds)
{
    double start = work_clock();
    int error = program_run(subject, directory, argv);

    *seconds = work_clock() - start;
    return error;
}
