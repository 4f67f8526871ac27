// SPDX-License-Identifier: BSD-2-Clause
// Permissions of the user's own files, and of other users to enter the mount. Several users are
// test_perm.c.
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

// The errno of opening with the given flags; 0: it works.
static int try_open(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0644);
    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

static void file_modes_bind_all_but_root(void **state)
{
    int denied = fixture_of(state)->root ? 0 : EACCES;
    put_file("file", "contents");
    assert_ok(chmod("file", 0400));
    assert_int_equal(try_open("file", O_RDONLY), 0);
    assert_int_equal(try_open("file", O_WRONLY), denied);
    assert_int_equal(try_open("file", O_RDWR), denied);
    assert_int_equal(truncate("file", 4) == 0 ? 0 : errno, denied);
    assert_ok(chmod("file", 0200));
    assert_int_equal(try_open("file", O_RDONLY), denied);
    assert_int_equal(try_open("file", O_WRONLY), 0);
    // The owner is judged as the owner, although others may.
    assert_ok(chmod("file", 0066));
    assert_int_equal(try_open("file", O_RDONLY), denied);
    assert_int_equal(try_open("file", O_WRONLY), denied);
    assert_ok(chmod("file", 0600));
    assert_int_equal(try_open("file", O_RDWR), 0);
}

// Opens that different modes have allowed share a file.
static void opens_of_two_modes_share_a_file(void **state)
{
    static const struct {
        mode_t mode, later;
        int flags, later_flags;
    } modes[] = {
        { 0400, 0200, O_RDONLY, O_WRONLY },
        { 0200, 0400, O_WRONLY, O_RDONLY },
        { 0600, 0200, O_RDONLY, O_WRONLY },
        { 0600, 0400, O_WRONLY, O_RDONLY },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        char byte = '\0';
        put_file("file", "a");
        assert_ok(chmod("file", modes[i].mode));
        int fd = open_file("file", modes[i].flags);
        assert_ok(chmod("file", modes[i].later));
        int later = open_file("file", modes[i].later_flags);
        assert_int_equal(stat_of("file").st_mode & 07777, modes[i].later);
        bool writes_later = modes[i].later_flags == O_WRONLY;
        assert_int_equal(pwrite(writes_later ? later : fd, "b", 1, 0), 1);
        assert_int_equal(pread(writes_later ? fd : later, &byte, 1, 0), 1);
        assert_int_equal(byte, 'b');
        assert_ok(close(fd) | close(later));
        assert_ok(unlink("file"));
    }
}

static void directory_modes_bind_all_but_root(void **state)
{
    int denied = fixture_of(state)->root ? 0 : EACCES;
    assert_ok(mkdir("directory", 0755));
    put_file("directory/file", "");
    assert_ok(chmod("directory", 0500));
    assert_int_equal(try_open("directory/file", O_RDONLY), 0);
    assert_int_equal(try_open("directory/new", O_WRONLY | O_CREAT), denied);
    assert_int_equal(unlink("directory/file") == 0 ? 0 : errno, denied);
    assert_int_equal(mkdir("directory/sub", 0755) == 0 ? 0 : errno, denied);
    assert_ok(chmod("directory", 0300));
    put_file("directory/file", "");
    assert_int_equal(try_open("directory", O_RDONLY | O_DIRECTORY), denied);
    assert_int_equal(try_open("directory/file", O_RDONLY), 0);
    assert_ok(chmod("directory", 0600));
    assert_int_equal(try_open("directory", O_RDONLY | O_DIRECTORY), 0);
    assert_int_equal(try_open("directory/file", O_RDONLY), denied);
    assert_int_equal(access("directory/nothing", F_OK) == 0 ? 0 : errno,
                     denied == 0 ? ENOENT : EACCES);
    assert_int_equal(chdir("directory") == 0 ? chdir("..") : errno, denied);
    assert_ok(chmod("directory", 0700));
}

static void access_tells_what_open_would(void **state)
{
    int denied = fixture_of(state)->root ? 0 : EACCES;
    put_file("file", "");
    for (mode_t mode = 0; mode <= 0700; mode += 0100) {
        assert_ok(chmod("file", mode));
        assert_ok(access("file", F_OK));
        assert_int_equal(access("file", R_OK) == 0 ? 0 : errno, mode & 0400 ? 0 : denied);
        assert_int_equal(access("file", W_OK) == 0 ? 0 : errno, mode & 0200 ? 0 : denied);
        // Even root executes only what somebody may execute.
        assert_int_equal(access("file", X_OK) == 0 ? 0 : errno, mode & 0100 ? 0 : EACCES);
        assert_int_equal(faccessat(AT_FDCWD, "file", R_OK, AT_EACCESS) == 0 ? 0 : errno,
                         mode & 0400 ? 0 : denied);
    }
}

// A descriptor keeps the rights that it was opened with.
static void open_file_outlasts_its_mode(void **state)
{
    char text[16] = "";
    put_file("file", "contents");
    int fd = open_file("file", O_RDWR);
    assert_ok(chmod("file", 0));
    if (fixture_of(state)->root)
        assert_ok(chown("file", 1000, 1000));
    assert_int_equal(pwrite(fd, "CONTENTS", 8, 0), 8);
    assert_int_equal(pread(fd, text, sizeof(text), 0), 8);
    assert_string_equal(text, "CONTENTS");
    assert_ok(ftruncate(fd, 10000));
    char *mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(mapped, MAP_FAILED);
    mapped[8] = '!';
    assert_ok(msync(mapped, 4096, MS_SYNC));
    assert_ok(munmap(mapped, 4096));
    assert_ok(fallocate(fd, 0, 0, 20000));
    assert_ok(fsync(fd));
    assert_ok(close(fd));
    assert_ok(chmod("file", 0600));
    assert_int_equal(stat_of("file").st_size, 20000);
    fd = open_file("file", O_RDONLY);
    assert_int_equal(read(fd, text, 9), 9);
    assert_memory_equal(text, "CONTENTS!", 9);
    assert_ok(close(fd));
}

// The same with a mapping: what was written through it is kept although the file could not be
// opened any more.
static void mapping_outlasts_the_mode(void **state)
{
    (void)state;
    put_file("file", "contents");
    int fd = open_file("file", O_RDWR);
    char *mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(mapped, MAP_FAILED);
    assert_ok(close(fd));
    assert_ok(chmod("file", 0));
    memcpy(mapped, "CONTENTS", 8);
    assert_ok(msync(mapped, 4096, MS_SYNC));
    memcpy(mapped, "Contents", 8);
    assert_ok(munmap(mapped, 4096));
    assert_ok(chmod("file", 0400));
    assert_content("file", "Contents");
}

static void copy_program(const char *from, const char *to)
{
    char buffer[65536];
    ssize_t length;
    int in = open_file(from, O_RDONLY), out = new_file(to, 0);
    while ((length = read(in, buffer, sizeof(buffer))) > 0)
        assert_int_equal(write(out, buffer, (size_t)length), length);
    assert_ok(fchmod(out, 0755));
    assert_ok(close(in));
    assert_ok(close(out));
}

static int execute(struct coprocess *parent, void *argument)
{
    (void)parent;
    execl(argument, argument, NULL);
    return errno;
}

static void execution_goes_by_the_mode(void **state)
{
    copy_program("/bin/true", "program");
    put_file("script", "#!/bin/sh\nexit 3\n");
    assert_ok(chmod("script", 0755));
    assert_int_equal(coprocess_run(execute, (char *)"./program"), 0);
    assert_int_equal(coprocess_run(execute, (char *)"./script"), 3);
    // Not even readable: a user's daemon can open it no more than the user can.
    const struct fixture *fixture = fixture_of(state);
    assert_ok(chmod("program", 0111));
    assert_int_equal(coprocess_run(execute, (char *)"./program"),
                     fixture->area == AREA_NATIVE || fixture->root ? 0 : EACCES);
    assert_ok(chmod("program", 0644));
    assert_ok(chmod("script", 0644));
    assert_int_equal(coprocess_run(execute, (char *)"./program"), EACCES);
    assert_int_equal(coprocess_run(execute, (char *)"./script"), EACCES);
    assert_ok(mkdir("directory", 0755));
    assert_int_equal(coprocess_run(execute, (char *)"./directory"), EACCES);
}

// A program that is being executed cannot be written, and one that is being written cannot be
// executed.
static void running_program_is_busy(void **state)
{
    (void)state;
    char byte;
    int input[2], output[2], status;
    copy_program("/bin/cat", "program");
    int writer = open_file("program", O_WRONLY);
    assert_int_equal(coprocess_run(execute, (char *)"./program"), ETXTBSY);
    assert_ok(close(writer));

    assert_ok(pipe2(input, O_CLOEXEC) | pipe2(output, O_CLOEXEC));
    pid_t pid = fork();
    if (pid == 0) {
        if (dup2(input[0], 0) == 0 && dup2(output[1], 1) == 1)
            execl("./program", "cat", NULL);
        _exit(127);
    }
    assert_ok(close(input[0]) | close(output[1]));
    assert_int_equal(write(input[1], "x", 1), 1);
    assert_int_equal(read(output[0], &byte, 1), 1); // so it runs
    assert_int_equal(try_open("program", O_WRONLY), ETXTBSY);
    assert_int_equal(truncate("program", 0) == 0 ? 0 : errno, ETXTBSY);
    assert_ok(close(input[1]) | close(output[0]));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(try_open("program", O_WRONLY), 0);
}

static void umask_is_that_of_the_caller(void **state)
{
    static const mode_t masks[] = { 0, 022, 027, 077, 0777 };
    (void)state;
    for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
        mode_t before = umask(masks[i]);
        int fd = open("file", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        int nameless = open(".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
        int made = mkdir("directory", 0777) | mkfifo("fifo", 0666) |
                   mknod("node", S_IFREG | 0666, 0) | symlink("x", "link");
        umask(before);
        assert_int_equal(made, 0);
        assert_int_equal(fstat_of(fd).st_mode & 07777, 0666 & ~masks[i]);
        assert_int_equal(fstat_of(nameless).st_mode & 07777, 0666 & ~masks[i]);
        assert_int_equal(stat_of("directory").st_mode & 07777, 0777 & ~masks[i]);
        assert_int_equal(stat_of("fifo").st_mode & 07777, 0666 & ~masks[i]);
        assert_int_equal(stat_of("node").st_mode & 07777, 0666 & ~masks[i]);
        assert_int_equal(lstat_of("link").st_mode & 07777, 0777);
        assert_ok(close(fd));
        assert_ok(close(nameless));
        assert_ok(unlink("file") | unlink("fifo") | unlink("node") | unlink("link"));
        assert_ok(rmdir("directory"));
    }
}

static int enter(void *path)
{
    struct stat attr;
    if (stat(path, &attr) < 0 || chdir(path) < 0)
        return errno;
    return try_open(path, O_RDONLY | O_DIRECTORY);
}

// A mount that root made is everybody's; a user's is the user's alone, and not even root's.
static void who_may_enter(void **state)
{
    const struct fixture *fixture = fixture_of(state);
    bool everybody = fixture->area == AREA_NATIVE || fixture->root;
    static const uid_t others[] = { 0, 1, 1000 };
    if (fixture->outsider < 0)
        harness_skip_case("only root can become somebody else");
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        int result =
            harness_outside(fixture, others[i], others[i], enter, (char *)(uintptr_t)fixture->base);
        assert_int_equal(result, everybody ? 0 : EACCES);
    }
    assert_int_equal(
        harness_outside(fixture, geteuid(), getegid(), enter, (char *)(uintptr_t)fixture->base), 0);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(file_modes_bind_all_but_root),
    cmocka_unit_test(opens_of_two_modes_share_a_file),
    cmocka_unit_test(directory_modes_bind_all_but_root),
    cmocka_unit_test(access_tells_what_open_would),
    cmocka_unit_test(open_file_outlasts_its_mode),
    cmocka_unit_test(mapping_outlasts_the_mode),
    cmocka_unit_test(execution_goes_by_the_mode),
    cmocka_unit_test(running_program_is_busy),
    cmocka_unit_test(umask_is_that_of_the_caller),
    cmocka_unit_test(who_may_enter),
};

HARNESS_MAIN("access", cases)
