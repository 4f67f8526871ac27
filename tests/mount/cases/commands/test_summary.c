// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl summary and warmup: how much there is below a directory, and having it in memory. */
#include "tests/mount/cases/commands/ls_output.h"
#include "tests/mount/harness/files.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct json_object *summary_json(const char *path, const char *count)
{
    struct program_result result =
        run_program(shmapctl(), "--json", "summary", "--count", count, path, NULL);

    return json_output_of(&result);
}

/* Makes a file of a size with one page of data at its beginning. */
static void make_file(const char *path, int64_t size)
{
    char *data = malloc((size_t)PAGE);
    int fd = open(path, O_RDWR | O_CREAT, 0600);

    assert_true(fd >= 0 && data);
    memset(data, 'x', (size_t)PAGE);
    assert_int_equal(write(fd, data, (size_t)PAGE), PAGE);
    assert_ok(ftruncate(fd, size));
    assert_ok(fsync(fd));
    assert_ok(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
    assert_ok(close(fd));
    free(data);
}

static void make_tree(void)
{
    assert_ok(mkdir("mnt/plain", 0755));
    make_file("mnt/plain/one", 10 * PAGE);
    make_file("mnt/plain/two", PAGE);
    make_file("mnt/scratch/three", 5 * PAGE);
    assert_ok(link("mnt/plain/one", "mnt/again"));
    assert_ok(symlink("plain/one", "mnt/link"));
}

static void sums_by_class_and_the_largest(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "size=4m,anon=scratch,huge=never");
    make_tree();
    struct json_object *answer = summary_json("mnt", "2");
    // One object by two names is two files and takes its room once.
    assert_int_equal(json_number(answer, "files"), 4);
    assert_int_equal(json_number(answer, "size"), 16 * PAGE);
    assert_true(json_number(answer, "allocated") < 16 * PAGE);
    assert_int_equal(json_number(answer, "directories"), 2);
    assert_int_equal(json_number(answer, "others"), 1);
    struct json_object *classes = json_member(answer, "classes");
    struct json_object *anon = json_find(classes, "class", "anon");
    assert_int_equal(json_number(anon, "files"), 1);
    assert_int_equal(json_number(anon, "size"), 5 * PAGE);
    assert_int_equal(json_number(anon, "allocated"), PAGE);
    assert_int_equal(json_number(json_find(classes, "class", "persist"), "size"), 11 * PAGE);
    struct json_object *largest = json_member(answer, "largest");
    assert_int_equal(json_object_array_length(largest), 2);
    assert_int_equal(json_number(json_object_array_get_idx(largest, 0), "size"), 10 * PAGE);
    assert_string_equal(json_text(json_object_array_get_idx(largest, 1), "path"), "scratch/three");
    assert_string_equal(json_text(json_object_array_get_idx(largest, 1), "class"), "anon");
    json_object_put(answer);
    struct program_result result = run_program(shmapctl(), "summary", "mnt/", NULL);
    assert_done(&result);
    assert_non_null(strstr(result.out, "scratch/three\n"));
    workspace_unmount(workspace);
    // Elsewhere there are no classes.
    answer = summary_json("store", "0");
    assert_int_equal(json_object_array_length(json_member(answer, "classes")), 0);
    assert_int_equal(json_object_array_length(json_member(answer, "largest")), 0);
    json_object_put(answer);
}

static int64_t resident_pages(const char *path)
{
    struct program_result result = run_program(shmapctl(), "--json", "map", path, NULL);
    struct json_object *answer = json_output_of(&result);
    int64_t resident = json_number(json_member(answer, "total"), "resident");

    json_object_put(answer);
    return resident;
}

static void files_are_brought_into_memory(void **state)
{
    struct workspace *workspace = workspace_of(state);

    assert_ok(mkdir("store/directory", 0755));
    make_file("store/directory/one", 10 * PAGE);
    make_file("store/two", PAGE);
    workspace_mount(workspace, true, "size=4m,anon=scratch,strictatime,huge=never");
    make_file("mnt/scratch/three", 5 * PAGE);
    struct stat before = stat_of("mnt/directory/one");
    struct program_result result = run_program(shmapctl(), "warmup", "mnt", NULL);
    assert_done(&result);
    assert_string_equal(result.out, "");
    assert_int_equal(resident_pages("mnt/directory/one"), 1);
    assert_int_equal(resident_pages("mnt/two"), 1);
    // Holes stay holes, and reading ahead is no access.
    assert_int_equal(stat_of("mnt/scratch/three").st_blocks, PAGE / 512);
    assert_int_equal(compare_times(before.st_atim, stat_of("mnt/directory/one").st_atim), 0);
    result = run_program(shmapctl(), "--json", "warmup", "mnt/directory", "mnt/two", NULL);
    struct json_object *answer = json_output_of(&result);
    assert_int_equal(json_number(answer, "files"), 2);
    assert_int_equal(json_number(answer, "bytes"), 2 * PAGE);
    json_object_put(answer);
    workspace_unmount(workspace);
}

static void what_cannot_be_done(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false, "");
    put_file("mnt/file", "contents");
    assert_ok(mkfifo("mnt/fifo", 0600));
    struct program_result result = run_program(shmapctl(), "summary", "mnt/file", NULL);
    assert_refused(&result, FAILED, "mnt/file", "not a directory", NULL);
    result = run_program(shmapctl(), "summary", "missing", NULL);
    assert_refused(&result, FAILED, "missing", "No such file", NULL);
    result = run_program(shmapctl(), "summary", "--count", "many", "mnt", NULL);
    assert_refused(&result, USAGE, "many", "number of files", NULL);
    result = run_program(shmapctl(), "summary", "--count", "-1", "mnt", NULL);
    assert_refused(&result, USAGE, "-1", NULL);
    result = run_program(shmapctl(), "warmup", "missing", "mnt/file", NULL);
    assert_refused(&result, FAILED, "missing", "No such file", NULL);
    result = run_program(shmapctl(), "warmup", "mnt/fifo", NULL);
    assert_refused(&result, FAILED, "mnt/fifo", "neither a regular file", NULL);
    // Below a directory it is passed over.
    result = run_program(shmapctl(), "warmup", "mnt", NULL);
    assert_done(&result);
    workspace_unmount(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(sums_by_class_and_the_largest),
    cmocka_unit_test(files_are_brought_into_memory),
    cmocka_unit_test(what_cannot_be_done),
};

WORKSPACE_MAIN("summary", cases)
