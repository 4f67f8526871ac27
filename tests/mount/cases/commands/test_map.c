// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl map: the pages of files on mounts and elsewhere, and who maps them. */
#include "tests/mount/cases/commands/ls_output.h"
#include "tests/mount/harness/files.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct json_object *map_json(const char *path)
{
    struct program_result result = run_program(shmapctl(), "--json", "map", path, NULL);

    return json_output_of(&result);
}

static bool is_null(struct json_object *object, const char *name)
{
    return json_object_is_type(json_member(object, name), json_type_null);
}

/* Makes a file of 3 * PAGES pages, of which those in the middle have data. */
static void make_file(const char *path)
{
    char *data = calloc(1, (size_t)BYTES);
    int fd = open(path, O_RDWR | O_CREAT, 0600);

    assert_true(fd >= 0 && data);
    memset(data, 'x', (size_t)BYTES);
    assert_int_equal(pwrite(fd, data, (size_t)BYTES, BYTES), BYTES);
    assert_ok(ftruncate(fd, 3 * BYTES));
    assert_ok(fsync(fd));
    assert_ok(close(fd));
    free(data);
}

static void assert_pages(const char *path)
{
    struct json_object *answer = map_json(path), *total = json_member(answer, "total");
    struct json_object *cells = json_member(answer, "cells");

    assert_int_equal(json_number(answer, "size"), 3 * BYTES);
    assert_int_equal(json_number(total, "pages"), 3 * PAGES);
    assert_int_equal(json_number(total, "hole"), 2 * PAGES);
    assert_int_equal(json_number(total, "resident"), PAGES);
    assert_true(is_null(total, "swapped") || json_number(total, "swapped") == 0);
    assert_true(is_null(total, "dirty") || json_number(total, "dirty") == 0);
    assert_int_equal(json_object_array_length(cells), 3 * PAGES);
    for (size_t i = 0; i < 3 * PAGES; i++) {
        struct json_object *cell = json_object_array_get_idx(cells, i);
        assert_int_equal(json_number(cell, "offset"), (int64_t)i * PAGE);
        assert_int_equal(json_number(cell, "resident"), i >= PAGES && i < 2 * PAGES);
        assert_int_equal(json_number(cell, "hole"), i < PAGES || i >= 2 * PAGES);
    }
    json_object_put(answer);
}

static void holes_and_pages_in_memory(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "size=4m,anon=scratch,huge=never");
    make_file("mnt/kept");
    make_file("mnt/scratch/file");
    assert_pages("mnt/kept");
    assert_pages("mnt/scratch/file");
    workspace_unmount(workspace);
    assert_pages("store/kept");
}

/* The file's own attributes do not change, and nothing is brought into memory. */
static void looking_changes_nothing(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "strictatime");
    make_file("mnt/kept");
    struct stat before = stat_of("mnt/kept");
    int fd = open("mnt/kept", O_RDONLY);
    assert_ok(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
    assert_ok(close(fd));
    next_tick();
    struct json_object *answer = map_json("mnt/kept");
    int64_t resident = json_number(json_member(answer, "total"), "resident");
    json_object_put(answer);
    answer = map_json("mnt/kept");
    assert_int_equal(json_number(json_member(answer, "total"), "resident"), resident);
    json_object_put(answer);
    struct stat after = stat_of("mnt/kept");
    assert_int_equal(compare_times(before.st_atim, after.st_atim), 0);
    assert_int_equal(compare_times(before.st_mtim, after.st_mtim), 0);
    workspace_unmount(workspace);
}

static void mappings_have_their_place(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false, "size=4m");
    make_file("mnt/file");
    int fd = open("mnt/file", O_RDWR);
    char *memory = mmap(NULL, (size_t)PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, PAGE);
    assert_true(memory != MAP_FAILED);
    struct json_object *answer = map_json("mnt/file");
    struct json_object *mapping =
        json_find_number(json_member(answer, "mappings"), "pid", getpid());
    assert_non_null(mapping);
    assert_string_equal(json_text(mapping, "sharing"), "shared");
    assert_string_equal(json_text(mapping, "access"), "rw");
    assert_int_equal(json_number(mapping, "offset"), PAGE);
    assert_int_equal(json_number(mapping, "length"), PAGE);
    json_object_put(answer);
    assert_ok(munmap(memory, (size_t)PAGE));
    assert_ok(close(fd));
    workspace_unmount(workspace);
}

struct dirtied {
    volatile char *memory;
    bool is_known; // which pages are dirty
};

/* A sync of something else may have written the page by the time of the look. */
static bool shows_dirty_pages(void *argument)
{
    const struct dirtied *dirtied = argument;

    dirtied->memory[3 * PAGE]++;
    struct json_object *answer = map_json("mnt/kept"), *total = json_member(answer, "total");
    bool is_silent = is_null(total, "dirty");
    int64_t dirty = is_silent ? 0 : json_number(total, "dirty");
    json_object_put(answer);
    // The kernel may keep several pages as one, which is dirty as a whole.
    return dirty <= PAGES && (dirtied->is_known ? dirty > 0 : is_silent || dirty >= 0);
}

/* Where data passes through, single pages are root's to know; elsewhere there is cachestat. */
static void dirty_pages_where_they_can_be_known(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "");
    make_file("mnt/kept");
    int fd = open("mnt/kept", O_RDWR);
    volatile char *memory =
        mmap(NULL, (size_t)BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, BYTES);
    assert_true(memory != MAP_FAILED);
    struct dirtied dirtied = { memory, workspace->passthrough && workspace->root };
    assert_true(becomes_true(shows_dirty_pages, &dirtied));
    assert_ok(munmap((void *)memory, (size_t)BYTES));
    assert_ok(close(fd));
    workspace_unmount(workspace);
}

static void pictures_and_refusals(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false, "size=4m,huge=never");
    make_file("mnt/file");
    struct program_result result = run_program(shmapctl(), "map", "--ascii", "mnt/file", NULL);
    assert_done_or_incomplete(&result);
    assert_non_null(strstr(result.out, "    0B  ..........##########.........."));
    assert_non_null(strstr(result.out, "30 pages: 20 in holes, 10 in memory"));
    result = run_program(shmapctl(), "map", "--svg", "mnt/file", NULL);
    assert_done_or_incomplete(&result);
    assert_non_null(strstr(result.out, "</svg>\n"));
    result = run_program(shmapctl(), "--json", "map", "--svg", "mnt/file", NULL);
    assert_refused(&result, USAGE, "--svg", NULL);
    result = run_program(shmapctl(), "map", "mnt", NULL);
    assert_refused(&result, FAILED, "regular file", NULL);
    result = run_program(shmapctl(), "map", "missing", NULL);
    assert_refused(&result, FAILED, "missing", "No such file", NULL);
    assert_ok(mkfifo("fifo", 0600));
    result = run_program(shmapctl(), "map", "fifo", NULL);
    assert_refused(&result, FAILED, "regular file", NULL);
    put_file("mnt/empty", "");
    result = run_program(shmapctl(), "map", "mnt/empty", NULL);
    assert_done_or_incomplete(&result);
    assert_non_null(strstr(result.out, "0 pages"));
    workspace_unmount(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(holes_and_pages_in_memory),
    cmocka_unit_test(looking_changes_nothing),
    cmocka_unit_test(mappings_have_their_place),
    cmocka_unit_test(dirty_pages_where_they_can_be_known),
    cmocka_unit_test(pictures_and_refusals),
};

WORKSPACE_MAIN("map", cases)
