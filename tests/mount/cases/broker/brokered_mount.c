// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/cases/broker/brokered_mount.h"

#include "tests/mount/keeper/process.h"

#include "lib/api/shmap.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

struct program_result run_as(uid_t uid, const char *program, ...)
{
    char ruid[32], rgid[32];
    char *words[32] = { (char *)(uintptr_t) "setpriv", ruid, rgid,
                        (char *)(uintptr_t) "--clear-groups", (char *)(uintptr_t)program };
    size_t count = 5;
    va_list rest;

    snprintf(ruid, sizeof(ruid), "--reuid=%u", uid);
    snprintf(rgid, sizeof(rgid), "--regid=%u", uid);
    va_start(rest, program);
    while (count < 31 && (words[count] = va_arg(rest, char *)) != NULL)
        count++;
    va_end(rest);
    return run_program_words(words);
}

void assert_mounted(const struct program_result *result)
{
    if (strstr(result->err, "broker.sock) does not answer: Connection timed out;") == NULL)
        assert_done(result);
    assert_int_equal(result->status, 0);
}

void mount_as_nobody(const struct workspace *workspace, bool with_store, const char *options)
{
    struct program_result result;

    assert_ok(chown(workspace->mnt, NOBODY, NOBODY));
    if (chown(workspace->store, NOBODY, NOBODY) == -1)
        assert_int_equal(errno, ENOENT);
    if (with_store)
        result = run_as(NOBODY, shmapfs(), workspace->store, workspace->mnt, "-o", options, NULL);
    else
        result = run_as(NOBODY, shmapfs(), workspace->mnt, "-o", options, NULL);
    assert_mounted(&result);
}

void unmount_as_nobody(const struct workspace *workspace)
{
    struct program_result result = run_as(NOBODY, "fusermount3", "-u", workspace->mnt, NULL);

    assert_done(&result);
}

static int ask_status(void *path)
{
    struct shmap_status status;

    if (shmap_status_get(path, &status) != 0)
        return 2;
    return status.ram_area.passthrough && status.ram_area.brokered ? 1 : 0;
}

bool is_brokered(const struct workspace *workspace)
{
    int answer = as(NOBODY, ask_status, workspace->mnt);

    assert_true(answer == 0 || answer == 1);
    return answer == 1;
}

void assert_says(const struct workspace *workspace, const char *words)
{
    struct program_result result = run_as(NOBODY, shmapctl(), "status", workspace->mnt, NULL);

    assert_done(&result);
    if (strstr(result.out, words) == NULL)
        fail_msg("not «%s», but:\n%s", words, result.out);
}

/* Makes a file, and finds that two mappings and a read see the same. */
int use_file(void *path)
{
    char byte;
    int fd = open(path, O_RDWR | O_CREAT, 0600);

    if (fd < 0 || ftruncate(fd, 8192) != 0)
        return errno;
    char *one = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *two = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (one == MAP_FAILED || two == MAP_FAILED)
        return errno;
    one[5000] = 'm';
    bool same = two[5000] == 'm' && pread(fd, &byte, 1, 5000) == 1 && byte == 'm' &&
                pwrite(fd, "w", 1, 1) == 1 && one[1] == 'w';
    close(fd);
    return same ? 0 : 255;
}

/* 0: an open file is not passed through; 1: it is. */
int ask_path(void *path)
{
    char text[256] = "";
    int fd = open(path, O_RDONLY | O_CREAT, 0600);

    if (fd < 0 || getxattr(path, SHMAP_XATTR_PAGES, text, sizeof(text) - 1) < 0)
        return 100 + errno;
    close(fd);
    return strstr(text, "passthrough=1") != NULL;
}

bool is_passed_through(void *path)
{
    return as(NOBODY, ask_path, path) == 1;
}

void assert_passed_through(const char *path)
{
    await_true(is_passed_through, (char *)(uintptr_t)path, path);
}

void use_files(const char *word, int count)
{
    char path[64];

    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof(path), "mnt/%s%d", word, i);
        int result = as(NOBODY, use_file, path);
        if (result != 0)
            fail_msg("%s: %d", path, result);
    }
}

static int read_pid(void *path)
{
    struct shmap_status status;

    if (shmap_status_get(path, &status) != 0)
        return 1;
    FILE *out = fopen("pids", "we");
    if (out == NULL)
        return 2;
    fprintf(out, "%d %d %d\n", (int)status.pid, (int)status.keeper, (int)status.restarts);
    return fclose(out) == 0 ? 0 : 3;
}

struct served served_by(const struct workspace *workspace)
{
    struct served served;

    FILE *file = fopen("pids", "we");
    assert_non_null(file);
    fclose(file);
    assert_ok(chown("pids", NOBODY, NOBODY));
    assert_int_equal(as(NOBODY, read_pid, workspace->mnt), 0);
    file = fopen("pids", "re");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%d %d %d", &served.worker, &served.keeper, &served.restarts), 3);
    fclose(file);
    return served;
}
