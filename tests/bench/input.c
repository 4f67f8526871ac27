// SPDX-License-Identifier: BSD-2-Clause
#include "input.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "program.h"

// Objects and a library, as make is mostly used; without the parts of other systems.
static const char makefile[] =
    "CFLAGS = -O2 -pipe -w -pthread -I. -Iinclude -Ilib -DHAVE_LIBFUSE_PRIVATE_CONFIG_H \\\n"
    "\t-D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DFUSE_USE_VERSION=317 "
    "-DFUSERMOUNT_DIR='\"/usr/bin\"'\n"
    "SOURCES = $(filter-out lib/mount_bsd.c,$(wildcard lib/*.c)) lib/modules/subdir.c\n"
    "OBJECTS = $(SOURCES:.c=.o)\n"
    "\n"
    "libfuse3.a: $(OBJECTS)\n"
    "\t$(AR) rcs $@ $(OBJECTS)\n"
    "$(OBJECTS): $(wildcard include/*.h lib/*.h *.h)\n"
    "clean:\n"
    "\trm -f libfuse3.a $(OBJECTS)\n";

static int write_file(const char *path, const char *contents)
{
    FILE *file = fopen(path, "we");
    int error = file == NULL || fputs(contents, file) < 0 ? -errno : 0;

    if (file != NULL && fclose(file) != 0 && error == 0)
        error = -errno;
    return error;
}

static int join(char path[PATH_MAX], const char *directory, const char *name)
{
    return snprintf(path, PATH_MAX, "%s/%s", directory, name) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

// Where libfuse's source is, and where its configuration.
static int find_project(struct subject *subject, char source[PATH_MAX], char built[PATH_MAX])
{
    glob_t found;
    int error = -ENOENT;

    if (glob(BENCH_BUILD_ROOT "/subprojects/fuse-*/libfuse_config.h", 0, NULL, &found) == 0) {
        snprintf(built, PATH_MAX, "%s", found.gl_pathv[0]);
        *strrchr(built, '/') = '\0';
        error = join(source, BENCH_SOURCE_ROOT "/subprojects", strrchr(built, '/') + 1);
        globfree(&found);
    }
    if (error == 0 && access(source, R_OK) < 0)
        error = -errno;
    return error < 0 ? subject_refuse(subject, error,
                                      "there is no C project to take: libfuse was "
                                      "not built along with this program")
                     : 0;
}

static int add_copy(struct subject *subject, const char *archive, unsigned number,
                    const char *source, const char *built)
{
    char transform[32];

    snprintf(transform, sizeof(transform), "s,^\\.,copy%u,", number);
    const char *const argv[] = { "tar",
                                 "--transform",
                                 transform,
                                 "--owner=0",
                                 "--group=0",
                                 "--sort=name",
                                 "-rf",
                                 archive,
                                 "-C",
                                 source,
                                 ".",
                                 "-C",
                                 built,
                                 "./fuse_config.h",
                                 "./libfuse_config.h",
                                 "-C",
                                 subject->scratch,
                                 "./Makefile",
                                 NULL };
    return program_run(subject, subject->scratch, argv);
}

int input_project(struct subject *subject, char archive[PATH_MAX])
{
    char source[PATH_MAX], built[PATH_MAX], path[PATH_MAX], begun[PATH_MAX];
    int error = join(archive, subject->scratch, "project.tar");

    if (error == 0 && access(archive, R_OK) == 0)
        return 0;
    if (error == 0)
        error = find_project(subject, source, built);
    if (error == 0)
        error = join(path, subject->scratch, "Makefile");
    if (error == 0)
        error = write_file(path, makefile);
    if (error == 0)
        error = join(begun, subject->scratch, "project.tar.begun");
    for (unsigned number = 1; number <= INPUT_COPIES && error == 0; number++)
        error = add_copy(subject, begun, number, source, built);
    return error == 0 && rename(begun, archive) < 0 ? -errno : error;
}

// Nobody's settings: it does not tidy up by itself when it is being timed, and whose repository it
// is does not matter.
static const char git_settings[] = "[safe]\n\tdirectory = *\n"
                                   "[gc]\n\tauto = 0\n"
                                   "[maintenance]\n\tauto = false\n";

int input_repository(struct subject *subject, char repository[PATH_MAX])
{
    char path[PATH_MAX], begun[PATH_MAX];
    int error = join(repository, subject->scratch, "repository.git");

    if (error == 0 && access(repository, R_OK) == 0)
        return 0;
    if (error == 0 && access(BENCH_SOURCE_ROOT "/.git", F_OK) < 0)
        return subject_refuse(subject, -errno,
                              "there is no repository to take: %s was not cloned with Git",
                              BENCH_SOURCE_ROOT);
    if (error == 0)
        error = join(path, subject->scratch, ".gitconfig");
    if (error == 0)
        error = write_file(path, git_settings);
    if (error == 0)
        error = join(begun, subject->scratch, "repository.begun");
    if (error < 0)
        return error;
    const char *const argv[] = { "git", "clone",           "--quiet", "--bare", "--no-local",
                                 "--",  BENCH_SOURCE_ROOT, begun,     NULL };
    error = program_run(subject, subject->scratch, argv);
    return error == 0 && rename(begun, repository) < 0 ? -errno : error;
}
