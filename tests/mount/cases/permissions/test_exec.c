// SPDX-License-Identifier: BSD-2-Clause
// Programs and shared libraries that are run from the mount.
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/harness.h"
#include "tests/mount/harness/kernel.h"
#include "tests/mount/harness/mapping.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void copy_file(const char *from, const char *to, mode_t mode)
{
    char bytes[65536];
    ssize_t count;

    int source = open_file(from, O_RDONLY);
    int target = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    assert_ok(target);
    while ((count = read(source, bytes, sizeof(bytes))) > 0)
        assert_int_equal(write(target, bytes, (size_t)count), count);
    assert_int_equal(count, 0);
    assert_ok(close(source));
    assert_ok(close(target));
}

struct program {
    const char *path;
};

static int execute(struct coprocess *parent, void *argument)
{
    const struct program *program = argument;

    (void)parent;
    execl(program->path, "program", NULL);
    return errno;
}

/* Runs a program; its exit status, or the errno of execve. */
static int run(const char *path)
{
    struct program program = { path };
    return coprocess_run(execute, &program);
}

static void binary_runs(void **state)
{
    (void)state;
    copy_file("/bin/true", "yes", 0755);
    copy_file("/bin/false", "no", 0755);
    assert_int_equal(run("./yes"), 0);
    assert_int_equal(run("./no"), 1);
    assert_ok(rename("yes", "no"));
    assert_int_equal(run("./no"), 0);
}

static void script_runs(void **state)
{
    (void)state;
    put_file("script", "#!/bin/sh\nexit 42\n");
    assert_int_equal(run("./script"), EACCES);
    assert_ok(chmod("script", 0755));
    assert_int_equal(run("./script"), 42);
}

static void no_binary_without_permission_or_format(void **state)
{
    (void)state;
    copy_file("/bin/true", "program", 0644);
    assert_int_equal(run("program"), EACCES);
    assert_ok(chmod("program", 0755));
    assert_int_equal(run("program"), 0);
    assert_ok(truncate("program", 0));
    assert_int_equal(run("program"), ENOEXEC);
}

static void binary_open_for_writing_does_not_run(void **state)
{
    (void)state;
    copy_file("/bin/true", "program", 0755);
    int fd = open_file("program", O_WRONLY);
    assert_int_equal(run("program"), ETXTBSY);
    assert_ok(close(fd));
    assert_int_equal(run("program"), 0);
}

static void binary_mapped_for_writing_does_not_run(void **state)
{
    const struct fixture *fixture = fixture_of(state);

    copy_file("/bin/true", "program", 0755);
    int fd = open_file("program", O_RDWR);
    char *mapping = map_fd(fd, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED);
    // Linux 6.11 lets it run.
    int result = run("program");
    assert_true(result == 0 || result == ETXTBSY);
    assert_ok(close(fd));
    // Over io_uring the daemon cannot see what is on its way, and lets it run.
    if (!fixture->cached && is_over_uring())
        result = 0;
    assert_int_equal(run("program"), result);
    assert_int_equal(run("program"), result);
    char byte = mapping[1];
    *(volatile char *)&mapping[1] = byte;
    assert_int_equal(run("program"), result);
    // One that cannot be written to does not count.
    int reader = open_file("program", O_RDONLY);
    char *second = map_fd(reader, page_size(), PROT_READ, MAP_SHARED);
    unmap(mapping, page_size());
    assert_int_equal(run("program"), 0);
    unmap(second, page_size());
    assert_ok(close(reader));
    assert_int_equal(run("program"), 0);
}

/* A file that was closed before is closed, also where the daemon hears of it later. */
static void binary_runs_once_it_is_written(void **state)
{
    enum { PROGRAMS = 60 };

    (void)state;
    for (int i = 0; i < PROGRAMS; i++) {
        copy_file("/bin/true", "program", 0755);
        int fd = open_file("program", O_RDWR);
        char *mapping = map_fd(fd, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED);
        assert_ok(ftruncate(fd, fstat_of(fd).st_size));
        if (i % 2)
            assert_ok(close(fd));
        unmap(mapping, page_size());
        if (i % 2 == 0)
            assert_ok(close(fd));
        assert_int_equal(run("program"), 0);
        assert_ok(unlink("program"));
    }
}

struct cat {
    int input[2];
    int output[2];
};

static int run_cat(struct coprocess *parent, void *argument)
{
    const struct cat *cat = argument;

    (void)parent;
    coprocess_check(dup2(cat->input[0], 0) == 0);
    coprocess_check(dup2(cat->output[1], 1) == 1);
    execl("./cat", "cat", NULL);
    return errno;
}

static void cat_echoes(const struct cat *cat)
{
    char byte = 0;

    assert_int_equal(write(cat->input[1], "c", 1), 1);
    assert_int_equal(read(cat->output[0], &byte, 1), 1);
    assert_int_equal(byte, 'c');
}

/* A copy of cat that runs, and has answered. */
static void start_cat(struct cat *cat, struct coprocess *coprocess)
{
    copy_file("/bin/cat", "cat", 0755);
    assert_ok(pipe2(cat->input, O_CLOEXEC));
    assert_ok(pipe2(cat->output, O_CLOEXEC));
    assert_int_equal(coprocess_start(coprocess, run_cat, cat), 0);
    assert_ok(close(cat->input[0]));
    assert_ok(close(cat->output[1]));
    cat_echoes(cat);
}

static void end_cat(const struct cat *cat, struct coprocess *coprocess)
{
    assert_ok(close(cat->input[1]));
    assert_coprocess_succeeds(coprocess);
    assert_ok(close(cat->output[0]));
}

static void running_binary_is_not_written(void **state)
{
    struct cat cat;
    struct coprocess coprocess;

    (void)state;
    start_cat(&cat, &coprocess);
    assert_errno(open("cat", O_WRONLY), ETXTBSY);
    assert_errno(open("cat", O_RDWR), ETXTBSY);
    assert_errno(open("cat", O_WRONLY | O_TRUNC), ETXTBSY);
    assert_errno(truncate("cat", 0), ETXTBSY);
    assert_ok(close(open_file("cat", O_RDONLY)));
    cat_echoes(&cat);
    end_cat(&cat, &coprocess);
    assert_ok(close(open_file("cat", O_WRONLY)));
}

static void running_binary_outlives_its_name(void **state)
{
    struct cat cat;
    struct coprocess coprocess;

    (void)state;
    start_cat(&cat, &coprocess);
    copy_file("/bin/true", "other", 0755);
    assert_ok(rename("other", "cat"));
    cat_echoes(&cat);
    assert_int_equal(run("./cat"), 0);
    assert_ok(unlink("cat"));
    cat_echoes(&cat);
    end_cat(&cat, &coprocess);
}

static void unlinked_binary_runs_by_descriptor(void **state)
{
    char path[64];

    (void)state;
    copy_file("/bin/true", "program", 0755);
    int fd = open_file("program", O_RDONLY);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    assert_int_equal(run(path), 0);
    assert_ok(unlink("program"));
    assert_int_equal(run(path), 0);
    assert_int_equal(run("./program"), ENOENT);
    assert_ok(close(fd));
}

static bool maps_name(const char *path)
{
    char line[PATH_MAX + 128];
    bool found = false;

    FILE *maps = fopen("/proc/self/maps", "re");
    assert_non_null(maps);
    while (!found && fgets(line, sizeof(line), maps))
        found = strstr(line, path) != NULL;
    fclose(maps);
    return found;
}

static void library_is_loaded(void **state)
{
    char path[PATH_MAX];
    struct link_map *map;

    void *library = dlopen("libm.so.6", RTLD_NOW | RTLD_LOCAL);
    assert_non_null(library);
    assert_int_equal(dlinfo(library, RTLD_DI_LINKMAP, &map), 0);
    copy_file(map->l_name, "library.so", 0644);
    snprintf(path, sizeof(path), "%s/library.so", fixture_of(state)->dir);
    void *copy = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (copy == NULL)
        fail_msg("%s", dlerror());
    union {
        void *symbol;
        double (*call)(double, double);
    } modulo = { .symbol = dlsym(copy, "fmod") };
    assert_non_null(modulo.symbol);
    assert_ptr_not_equal(modulo.symbol, dlsym(library, "fmod"));
    assert_true(modulo.call(27.0, 4.0) == 3.0);
    assert_true(maps_name(path));
    assert_ok(unlink("library.so"));
    assert_true(modulo.call(9.0, 4.0) == 1.0);
    assert_int_equal(dlclose(copy), 0);
    assert_int_equal(dlclose(library), 0);
}

static void executable_protection_is_granted(void **state)
{
    size_t page = page_size();

    (void)state;
    int fd = new_file("file", (off_t)page);
    assert_int_equal(pwrite(fd, "code", 5, 0), 5);
    int reader = open_file("file", O_RDONLY);
    char *mapping = map_fd(reader, page, PROT_READ | PROT_EXEC, MAP_SHARED);
    assert_string_equal(mapping, "code");
    unmap(mapping, page);
    mapping = map_fd(reader, page, PROT_READ, MAP_PRIVATE);
    assert_ok(mprotect(mapping, page, PROT_READ | PROT_EXEC));
    unmap(mapping, page);
    assert_ok(close(reader));
    assert_ok(close(fd));
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(binary_runs),
    cmocka_unit_test(script_runs),
    cmocka_unit_test(no_binary_without_permission_or_format),
    cmocka_unit_test(binary_open_for_writing_does_not_run),
    cmocka_unit_test(binary_mapped_for_writing_does_not_run),
    cmocka_unit_test(binary_runs_once_it_is_written),
    cmocka_unit_test(running_binary_is_not_written),
    cmocka_unit_test(running_binary_outlives_its_name),
    cmocka_unit_test(unlinked_binary_runs_by_descriptor),
    cmocka_unit_test(library_is_loaded),
    cmocka_unit_test(executable_protection_is_granted),
};

HARNESS_MAIN("exec", cases)
