// SPDX-License-Identifier: BSD-2-Clause
// mmap and its relatives on an object; page faults at its edges are in test_fault.c.
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/harness.h"
#include "tests/mount/harness/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define GIB ((off_t)1 << 30)

static int answer_in_mapping(struct coprocess *parent, void *argument)
{
    size_t length = *(size_t *)argument;

    coprocess_check(coprocess_await_turn(parent));
    char *mapping = map_path("file", length);
    coprocess_check(mapping != NULL);
    coprocess_check(strcmp(mapping, "question") == 0);
    strcpy(mapping + length / 2, "answer");
    coprocess_check(coprocess_give_turn(parent));
    coprocess_check(coprocess_await_turn(parent));
    coprocess_check(strcmp(mapping, "second question") == 0);
    return 0;
}

static void shared_between_processes_that_opened_separately(void **state)
{
    size_t length = 8 * page_size();
    struct coprocess coprocess;

    (void)state;
    assert_int_equal(coprocess_start(&coprocess, answer_in_mapping, &length), 0);
    int fd = new_file("file", (off_t)length);
    char *mapping = map_shared(fd, length);
    strcpy(mapping, "question");
    assert_true(coprocess_give_turn(&coprocess));
    assert_true(coprocess_await_turn(&coprocess));
    assert_string_equal(mapping + length / 2, "answer");
    strcpy(mapping, "second question");
    assert_true(coprocess_give_turn(&coprocess));
    assert_coprocess_succeeds(&coprocess);
    unmap(mapping, length);
    assert_ok(close(fd));
}

static void private_mapping_does_not_leak(void **state)
{
    size_t page = page_size();
    char bytes[8];

    (void)state;
    int fd = new_file("file", (off_t)page);
    assert_int_equal(pwrite(fd, "shared", 7, 0), 7);
    char *own = map_fd(fd, page, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    char *shared = map_shared(fd, page);
    assert_string_equal(own, "shared");
    strcpy(own, "mine");
    assert_string_equal(shared, "shared");
    assert_int_equal(pread(fd, bytes, 7, 0), 7);
    assert_string_equal(bytes, "shared");
    strcpy(shared, "newer");
    assert_string_equal(own, "mine");
    assert_ok(msync(own, page, MS_SYNC));
    unmap(own, page);
    assert_string_equal(shared, "newer");
    unmap(shared, page);
    assert_ok(close(fd));
}

static int write_and_read_by_call(struct coprocess *parent, void *argument)
{
    char bytes[16] = "";
    int fd = open("file", O_RDWR);

    (void)argument;
    coprocess_check(fd != -1);
    coprocess_check(pread(fd, bytes, sizeof(bytes), 4000) == sizeof(bytes));
    coprocess_check(strcmp(bytes, "by a map") == 0);
    coprocess_check(pwrite(fd, "by write", 9, 4100) == 9);
    coprocess_check(coprocess_give_turn(parent));
    return 0;
}

static void mapped_writes_are_read_and_writes_are_mapped(void **state)
{
    size_t length = 2 * page_size();
    struct coprocess coprocess;

    (void)state;
    int fd = new_file("file", (off_t)length);
    char *mapping = map_shared(fd, length);
    strcpy(mapping + 4000, "by a map");
    assert_int_equal(coprocess_start(&coprocess, write_and_read_by_call, NULL), 0);
    assert_true(coprocess_await_turn(&coprocess));
    assert_string_equal(mapping + 4100, "by write");
    assert_string_equal(mapping + 4000, "by a map");
    assert_coprocess_succeeds(&coprocess);
    unmap(mapping, length);
    assert_ok(close(fd));
}

static int read_by_second_name(struct coprocess *parent, void *argument)
{
    (void)parent;
    (void)argument;
    char *mapping = map_path("second", page_size());
    coprocess_check(mapping != NULL);
    coprocess_check(strcmp(mapping, "one object") == 0);
    strcpy(mapping, "one and the same");
    return 0;
}

static void names_of_one_object_share_its_pages(void **state)
{
    size_t page = page_size();

    (void)state;
    int fd = new_file("first", (off_t)page);
    char *mapping = map_shared(fd, page);
    strcpy(mapping, "one object");
    assert_ok(link("first", "second"));
    assert_ok(rename("first", "renamed"));
    assert_int_equal(coprocess_run(read_by_second_name, NULL), 0);
    assert_string_equal(mapping, "one and the same");
    unmap(mapping, page);
    assert_ok(close(fd));
}

/* Opens, maps, closes, unlinks, and leaves a child behind that has nothing but the inherited
 * mapping. */
static int leave_an_heir(struct coprocess *parent, void *argument)
{
    size_t page = page_size();
    char *mapping = map_path("file", page);

    (void)argument;
    coprocess_check(mapping != NULL);
    strcpy(mapping, "inherited");
    coprocess_check(unlink("file") == 0);
    pid_t heir = fork();
    coprocess_check(heir != -1);
    if (heir > 0)
        return 0;
    coprocess_check(coprocess_await_turn(parent));
    coprocess_check(strcmp(mapping, "inherited") == 0);
    mapping[page - 1] = 'x';
    coprocess_check(msync(mapping, page, MS_SYNC) == 0);
    coprocess_check(mapping[page - 1] == 'x');
    coprocess_check(coprocess_give_turn(parent));
    return 0;
}

static void mapping_outlives_close_unlink_and_opener(void **state)
{
    struct coprocess coprocess;
    int status;

    (void)state;
    assert_ok(close(new_file("file", (off_t)page_size())));
    assert_int_equal(coprocess_start(&coprocess, leave_an_heir, NULL), 0);
    assert_int_equal(waitpid(coprocess.pid, &status, 0), coprocess.pid);
    assert_int_equal(status, 0);
    assert_errno(access("file", F_OK), ENOENT);
    assert_true(coprocess_give_turn(&coprocess));
    assert_true(coprocess_await_turn(&coprocess));
    assert_ok(close(coprocess.in));
    assert_ok(close(coprocess.out));
}

static void unlinked_mapping_is_apart_from_its_successor(void **state)
{
    size_t page = page_size();

    (void)state;
    assert_ok(close(new_file("file", (off_t)page)));
    char *old = map_path("file", page);
    assert_non_null(old);
    strcpy(old, "old");
    assert_ok(unlink("file"));
    assert_ok(close(new_file("file", (off_t)page)));
    char *new = map_path("file", page);
    assert_non_null(new);
    assert_true(all_bytes(new, page, 0));
    strcpy(new, "new");
    assert_string_equal(old, "old");
    unmap(old, page);
    unmap(new, page);
}

static const off_t sparse_places[] = { 0,       1 * GIB + 12345, 4 * GIB - 1,
                                       4 * GIB, 6 * GIB + 4095,  8 * GIB - 1 };
enum { SPARSE_PLACES = sizeof(sparse_places) / sizeof(sparse_places[0]) };

static int find_in_sparse(struct coprocess *parent, void *argument)
{
    int fd = open("file", O_RDONLY);

    (void)parent;
    (void)argument;
    coprocess_check(fd != -1);
    for (int i = 0; i < SPARSE_PLACES; i++) {
        char byte;
        coprocess_check(pread(fd, &byte, 1, sparse_places[i]) == 1);
        coprocess_check(byte == (char)('a' + i));
    }
    return 0;
}

static void sparse_file_of_8_gib(void **state)
{
    struct stat stat;

    (void)state;
    int fd = new_file("file", 8 * GIB);
    char *mapping =
        map_fd(fd, (size_t)(8 * GIB), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE);
    for (int i = 0; i < SPARSE_PLACES; i++)
        mapping[sparse_places[i]] = (char)('a' + i);
    assert_int_equal(coprocess_run(find_in_sparse, NULL), 0);
    assert_int_equal(mapping[2 * GIB], 0);
    assert_ok(fstat(fd, &stat));
    assert_int_equal(stat.st_size, 8 * GIB);
    // There is at most one huge page for each place.
    assert_in_range(stat.st_blocks, 0, 8 * (2 << 20) / 512);
    unmap(mapping, (size_t)(8 * GIB));
    assert_ok(ftruncate(fd, 0));
    assert_ok(close(fd));
}

static void refused_mappings(void **state)
{
    size_t page = page_size();
    const int write = PROT_READ | PROT_WRITE;

    (void)state;
    int fd = new_file("file", (off_t)(4 * page));
    assert_errno(mmap(NULL, page, write, MAP_SHARED, fd, 1), EINVAL);
    assert_errno(mmap(NULL, page, write, MAP_SHARED, fd, (off_t)page / 2), EINVAL);
    assert_errno(mmap(NULL, 0, write, MAP_SHARED, fd, 0), EINVAL);
    assert_errno(mmap(NULL, page, write, 0, fd, 0), EINVAL);
    int directory = open_file(".", O_RDONLY | O_DIRECTORY);
    assert_errno(mmap(NULL, page, PROT_READ, MAP_SHARED, directory, 0), ENODEV);
    int path = open_file("file", O_PATH);
    assert_errno(mmap(NULL, page, PROT_READ, MAP_SHARED, path, 0), EBADF);
    assert_ok(close(path));
    assert_ok(close(directory));
    assert_ok(close(fd));
}

static void protection_follows_the_open_mode(void **state)
{
    size_t page = page_size();
    const int write = PROT_READ | PROT_WRITE;

    (void)state;
    int fd = new_file("file", (off_t)page);
    assert_int_equal(pwrite(fd, "contents", 9, 0), 9);
    int reader = open_file("file", O_RDONLY);
    int writer = open_file("file", O_WRONLY);
    assert_errno(mmap(NULL, page, write, MAP_SHARED, reader, 0), EACCES);
    assert_errno(mmap(NULL, page, PROT_WRITE, MAP_SHARED, reader, 0), EACCES);
    assert_errno(mmap(NULL, page, write, MAP_SHARED, writer, 0), EACCES);
    assert_errno(mmap(NULL, page, PROT_READ, MAP_SHARED, writer, 0), EACCES);
    assert_errno(mmap(NULL, page, PROT_READ, MAP_PRIVATE, writer, 0), EACCES);
    char *readable = map_fd(reader, page, PROT_READ, MAP_SHARED);
    assert_string_equal(readable, "contents");
    assert_errno(mprotect(readable, page, write), EACCES);
    char *own = map_fd(reader, page, write, MAP_PRIVATE);
    own[0] = 'C';
    assert_string_equal(readable, "contents");
    char *shared = map_fd(fd, page, PROT_READ, MAP_SHARED);
    assert_ok(mprotect(shared, page, write));
    shared[0] = 'K';
    assert_string_equal(readable, "Kontents");
    assert_ok(mprotect(shared, page, PROT_NONE));
    assert_int_equal(touch_signal(shared, false), SIGSEGV);
    assert_int_equal(touch_signal(readable, true), SIGSEGV);
    unmap(readable, page);
    unmap(own, page);
    unmap(shared, page);
    assert_ok(close(fd));
    assert_ok(close(reader));
    assert_ok(close(writer));
}

static void append_descriptor_maps_shared(void **state)
{
    size_t page = page_size();

    (void)state;
    assert_ok(close(new_file("file", (off_t)page)));
    int fd = open_file("file", O_RDWR | O_APPEND);
    char *mapping = map_shared(fd, page);
    strcpy(mapping, "mapped");
    assert_int_equal(write(fd, "appended", 8), 8);
    assert_int_equal(size_of(fd), page + 8);
    assert_string_equal(mapping, "mapped");
    unmap(mapping, page);
    assert_ok(close(fd));
}

static void mremap_grows_moves_and_shrinks(void **state)
{
    size_t page = page_size();

    (void)state;
    int fd = new_file("file", (off_t)(16 * page));
    char *other = map_shared(fd, 16 * page);
    char *mapping = map_shared(fd, 2 * page);
    strcpy(mapping + page, "kept");
    mapping = mremap(mapping, 2 * page, 16 * page, MREMAP_MAYMOVE);
    assert_ok(mapping);
    assert_string_equal(mapping + page, "kept");
    strcpy(mapping + 15 * page, "grown");
    assert_string_equal(other + 15 * page, "grown");
    char *place = mmap(NULL, 16 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ok(place);
    mapping = mremap(mapping, 16 * page, 16 * page, MREMAP_MAYMOVE | MREMAP_FIXED, place);
    assert_ptr_equal(mapping, place);
    strcpy(other, "after the move");
    assert_string_equal(mapping, "after the move");
    assert_ptr_equal(mremap(mapping, 16 * page, page, 0), mapping);
    assert_int_equal(touch_signal(mapping + page, false), SIGSEGV);
    unmap(mapping, page);
    unmap(other, 16 * page);
    assert_ok(close(fd));
}

static void pages_in_any_order(void **state)
{
    size_t page = page_size();

    (void)state;
    int fd = new_file("file", (off_t)(8 * page));
    char *area = map_shared(fd, 8 * page);
    for (int i = 0; i < 8; i++)
        area[(size_t)i * page] = (char)('0' + i);
    for (int i = 0; i < 8; i++)
        assert_ptr_equal(mmap(area + (size_t)i * page, page, PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_FIXED, fd, (off_t)((size_t)(7 - i) * page)),
                         area + (size_t)i * page);
    for (int i = 0; i < 8; i++)
        assert_int_equal(area[(size_t)i * page], '7' - i);
    unmap(area, 8 * page);
    assert_ok(close(fd));
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(shared_between_processes_that_opened_separately),
    cmocka_unit_test(private_mapping_does_not_leak),
    cmocka_unit_test(mapped_writes_are_read_and_writes_are_mapped),
    cmocka_unit_test(names_of_one_object_share_its_pages),
    cmocka_unit_test(mapping_outlives_close_unlink_and_opener),
    cmocka_unit_test(unlinked_mapping_is_apart_from_its_successor),
    cmocka_unit_test(sparse_file_of_8_gib),
    cmocka_unit_test(refused_mappings),
    cmocka_unit_test(protection_follows_the_open_mode),
    cmocka_unit_test(append_descriptor_maps_shared),
    cmocka_unit_test(mremap_grows_moves_and_shrinks),
    cmocka_unit_test(pages_in_any_order),
};

HARNESS_MAIN("mmap", cases)
