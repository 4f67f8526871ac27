// SPDX-License-Identifier: BSD-2-Clause
// Inode numbers: the same whoever asks, no two the same, and few enough for programs with 32 bits.
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/mapping.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES = 200 };

static void make_files(const char *directory)
{
    char path[PATH_MAX + 16];

    for (int i = 0; i < FILES; i++) {
        snprintf(path, sizeof(path), "%s/%03d", directory, i);
        put_file(path, "");
    }
}

/* Collects the numbers that a listing has, where stat and statx have the same. */
static size_t collect(const char *directory, uint64_t numbers[FILES])
{
    DIR *stream = opendir(directory);
    struct dirent *entry;
    size_t count = 0;

    assert_non_null(stream);
    while ((entry = readdir(stream)) != NULL) {
        struct stat st;
        struct statx stx;
        if (entry->d_name[0] == '.')
            continue;
        assert_ok(fstatat(dirfd(stream), entry->d_name, &st, AT_SYMLINK_NOFOLLOW));
        assert_ok(statx(dirfd(stream), entry->d_name, AT_SYMLINK_NOFOLLOW, STATX_INO, &stx));
        assert_true(st.st_ino == entry->d_ino);
        assert_true(stx.stx_ino == entry->d_ino);
        assert_true(count < FILES);
        numbers[count++] = entry->d_ino;
    }
    assert_ok(closedir(stream));
    return count;
}

static int compare(const void *a, const void *b)
{
    uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;

    return first < second ? -1 : first > second;
}

static void remove_files(const char *directory)
{
    char path[PATH_MAX + 16];

    for (int i = 0; i < FILES; i++) {
        snprintf(path, sizeof(path), "%s/%03d", directory, i);
        assert_ok(unlink(path));
    }
    assert_ok(rmdir(directory));
}

static void no_two_files_have_the_same_and_all_have_32_bits(void **state)
{
    const struct fixture *fixture = fixture_of(state);
    uint64_t numbers[2 * FILES];
    char other[PATH_MAX];
    size_t count = FILES;

    assert_ok(mkdir("here", 0755));
    make_files("here");
    assert_int_equal(collect("here", numbers), FILES);
    if (fixture->store != NULL) {
        snprintf(other, sizeof(other), "%s/%s/there", fixture->mnt,
                 fixture->area == AREA_PERSIST ? "anon" : "persist");
        assert_ok(mkdir(other, 0755));
        make_files(other);
        count += collect(other, numbers + FILES);
        remove_files(other);
        assert_int_equal(count, 2 * FILES);
    }
    qsort(numbers, count, sizeof(numbers[0]), compare);
    for (size_t i = 1; i < count; i++)
        assert_true(numbers[i - 1] < numbers[i]);
    // A filesystem on which tests are run has so few files.
    assert_true(numbers[count - 1] <= UINT32_MAX);
    assert_true(stat_of(".").st_ino <= UINT32_MAX);
}

/* /proc/PID/maps has the number, for which shmapctl who looks. */
static void mappings_show_the_number(void **state)
{
    char line[PATH_MAX + 256];
    unsigned long long number = 0;
    struct stat st;

    (void)state;
    put_file("mapped", "contents");
    int fd = open_file("mapped", O_RDWR);
    void *memory = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(memory != MAP_FAILED);
    FILE *maps = fopen("/proc/self/maps", "re");
    assert_non_null(maps);
    while (number == 0 && fgets(line, sizeof(line), maps))
        if (strstr(line, "/mapped\n"))
            assert_int_equal(sscanf(line, "%*s %*s %*s %*s %llu", &number), 1);
    assert_ok(fclose(maps));
    st = fstat_of(fd);
    assert_true(number == st.st_ino);
    assert_ok(munmap(memory, 8));
    assert_ok(close(fd));
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(no_two_files_have_the_same_and_all_have_32_bits),
    cmocka_unit_test(mappings_show_the_number),
};

HARNESS_MAIN("inode_number", cases)
